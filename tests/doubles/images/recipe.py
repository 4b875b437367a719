"""Makes the base images on a Docker engine, from Debian's packages in the way this machine gets them."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

_HERE = Path(__file__).parent
_DOCKER = shutil.which("docker") or "docker"
DEBIAN = "debian:bookworm-slim"
# As Dockerfile and docker-compose.yaml name them.
IMAGES = {
    "python": "python:3.11.13-slim-bookworm",
    "postgres": "postgres:17.6-bookworm",
    "redis": "redis:7.4.5-bookworm",
    "caddy": "caddy:2.10.0-alpine",
    "prometheus": "prom/prometheus:v2.55.1",
    "alertmanager": "prom/alertmanager:v0.27.0",
    "blackbox": "prom/blackbox-exporter:v0.25.0",
}


def missing() -> str | None:
    """Why the images cannot be made here; None if they can."""
    programs = [program for program in ("debootstrap", "docker") if shutil.which(program) is None]
    return f"apt-get install {' '.join(programs)}" if programs else None


def build(docker_host: str, *names: str) -> None:
    """Put the named images on the engine; those that it has already are left alone."""
    if not _has(docker_host, DEBIAN):
        with tempfile.TemporaryFile() as tree:
            subprocess.run([_HERE / "debian.sh"], check=True, stdout=tree)
            tree.seek(0)
            _docker(docker_host, "import", "--change", 'CMD ["bash"]', "-", DEBIAN, stdin=tree)
    for name in names:
        if not _has(docker_host, IMAGES[name]):
            file = _HERE / f"{name}.Dockerfile"
            # The engine of the tests has no network of its own.
            _docker(docker_host, "build", "--network", "host", "--tag", IMAGES[name], "--file", file, _HERE)


def _has(docker_host: str, image: str) -> bool:
    command = [_DOCKER, "image", "inspect", image]
    return subprocess.run(command, env=_environment(docker_host), capture_output=True, check=False).returncode == 0


def _docker(docker_host: str, *arguments: str | Path, stdin: object = None) -> None:
    done = subprocess.run(
        [_DOCKER, *map(str, arguments)],
        env=_environment(docker_host),
        stdin=stdin,  # type: ignore[arg-type]
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"docker {arguments[0]}: {done.stdout[-3000:]}\n{done.stderr[-3000:]}")


def _environment(docker_host: str) -> dict[str, str]:
    return {**os.environ, "DOCKER_HOST": docker_host, "DOCKER_BUILDKIT": "0"}
