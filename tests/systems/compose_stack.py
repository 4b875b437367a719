"""The stack of docker-compose.yaml, booted on a Docker engine of the tests from base images made here."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import requests

from doubles.images import recipe as images
from doubles.odm import recipe as odm
from servers.docker_engine import OwnEngine, own_engine
from servers.ports import free_port

ROOT = Path(__file__).parents[2]
_GIT = shutil.which("git") or "git"
AUTHORITY = "/var/lib/caddy/data/caddy/pki/authorities/local/root.crt"
# Base images and packages are fetched while they are built; the engine of the tests has no network of its own for that.
_OVERRIDE = "services:\n" + "".join(
    f"  {name}: {{build: {{network: host}}}}\n" for name in ("migrate", "sftp", "uploads", "proxy")
)


class Stack:
    """A copy of the project with its ``.env``, and the stack that it starts."""

    def __init__(self, folder: Path, engine: OwnEngine, compose: Path) -> None:
        self.folder, self.engine = folder, engine
        self.data = folder / "data"
        self._compose = compose
        self._environment = {
            **{name: value for name, value in os.environ.items() if not name.startswith(("AERODAG_", "AIRFLOW"))},
            "DOCKER_HOST": engine.endpoint.url,
            "DOCKER_BUILDKIT": "0",
            "COMPOSE": str(compose),
        }

    def prepare(self, **settings: str) -> None:
        """The files of the project, and the settings as `make env` writes them, with free ports."""
        copy_project(self.folder)
        (self.folder / "docker-compose.override.yaml").write_text(_OVERRIDE)
        self.run("deploy/env.sh", DATA_ROOT=str(self.data), DOCKER_SOCKET=f"{self.engine.folder}/docker.sock")
        https = free_port()
        self.edit(
            ".env",
            AERODAG_HTTP_PORT=free_port(),
            AERODAG_HTTPS_PORT=https,
            AERODAG_SFTP_PORT=free_port(),
            AERODAG_URL=f"https://localhost:{https}",
            AERODAG_BIND="127.0.0.1",
            ODM_IMAGE=odm.IMAGE,
        )
        self.edit("aerodag.env", **settings)

    def edit(self, file: str, **values: object) -> None:
        """Set lines of ``.env`` or ``aerodag.env``, as an operator does."""
        path = self.folder / file
        kept = [line for line in path.read_text().splitlines() if line.partition("=")[0] not in values]
        path.write_text("\n".join([*kept, *(f"{name}={value}" for name, value in values.items())]) + "\n")

    def value(self, name: str) -> str:
        lines = (self.folder / ".env").read_text().splitlines()
        return next(line.partition("=")[2] for line in lines if line.startswith(f"{name}="))

    @property
    def url(self) -> str:
        return self.value("AERODAG_URL")

    @property
    def authority(self) -> Path:
        """The certificate of the authority that the proxy made for itself."""
        path = self.folder / "authority.crt"
        path.write_text(self.compose("exec", "-T", "proxy", "cat", AUTHORITY))
        return path

    def compose(self, *arguments: str) -> str:
        return self.run(str(self._compose), *arguments)

    def run(self, *command: str, **environment: str) -> str:
        """What a command of an operator prints, in the folder of the project; fails the test with all that it said."""
        done = subprocess.run(
            command,
            cwd=self.folder,
            env=self._environment | environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            pytest.fail(
                f"{' '.join(command)}: exit code {done.returncode}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
            )
        return done.stdout

    def sql(self, database: str, query: str) -> str:
        """One answer of a database, as its superuser sees it."""
        psql = (
            "psql",
            "--username",
            "postgres",
            "--dbname",
            database,
            "--tuples-only",
            "--no-align",
            "--command",
            query,
        )
        return self.compose("exec", "-T", "postgres", *psql).strip()

    def states(self) -> dict[str, tuple[str, str]]:
        """State and health of each container, by service."""
        rows = [json.loads(line) for line in self.compose("ps", "--all", "--format", "json").splitlines()]
        return {row["Service"]: (row["State"], row["Health"]) for row in rows}

    def login(self, user: str = "admin", password: str | None = None) -> requests.Session:
        """A session that has logged in as a frontend does."""
        session = requests.Session()
        session.trust_env = False  # REQUESTS_CA_BUNDLE would come before the stack's own authority
        session.verify = str(self.authority)
        body = {"username": user, "password": password or self.value("AERODAG_ADMIN_PASSWORD")}
        answer = session.post(f"{self.url}/auth/token", json=body, timeout=30)
        answer.raise_for_status()
        session.headers["Authorization"] = f"Bearer {answer.json()['access_token']}"
        return session

    def process(self, source: str, **conf: object) -> dict[str, Any]:
        """Trigger a run by REST and follow it, with the client of the documentation; returns its last status."""
        options = [f"{name}={json.dumps(value)}" for name, value in conf.items()]
        client = [sys.executable, str(ROOT / "docs" / "client.py")]
        self.run(
            *client, self.url, "admin", self.value("AERODAG_ADMIN_PASSWORD"), source, *options,
            REQUESTS_CA_BUNDLE=str(self.authority),
        )  # fmt: skip
        answer = self.login().get(f"{self.url}/aerodag/api/runs/{Path(source).stem}", timeout=30)
        answer.raise_for_status()
        return dict(answer.json())

    def upload(self, file: Path, name: str) -> None:
        """Bring a file to the service `uploads` by SFTP, as a person with a key does."""
        key = self.folder / "person"
        if not key.exists():
            self.run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key))
            with (self.folder / "secrets" / "upload_keys").open("a") as keys:
                keys.write(key.with_suffix(".pub").read_text())
        port = self.value("AERODAG_SFTP_PORT")
        known = self.folder / "known_hosts"
        known.write_text(f"[localhost]:{port} {self.value('UPLOADS_HOST_KEY')}\n")
        folder = str(Path(name).parent)
        batch = self.folder / "batch"
        batch.write_text(f"-mkdir {folder}\nput {file} {name}.part\nrename {name}.part {name}\n")
        self.run(
            "sftp", "-q", "-b", str(batch), "-P", port, "-i", str(key), "-o", "IdentitiesOnly=yes",
            "-o", "StrictHostKeyChecking=yes", "-o", f"UserKnownHostsFile={known}", "aerodag@localhost:/srv/files",
        )  # fmt: skip


def copy_project(folder: Path) -> None:
    """What git knows of the project, or would."""
    listed = subprocess.run(
        [_GIT, "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    for name in listed.stdout.decode().split("\0"):
        if name and (source := ROOT / name).is_file() and not name.startswith(("tests/", "docs/")):
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(source, folder / name)


def compose_v2(folder: Path) -> Path:
    """Docker Compose v2; skips where it is not here and not to be had."""
    done = subprocess.run(
        [ROOT / "tests" / "doubles" / "images" / "compose.sh", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no Docker Compose v2: {done.stderr.strip()[-300:]}")
    return Path(done.stdout.strip())


@contextmanager
def running_stack(folder: Path, **settings: str) -> Iterator[Stack]:
    """The stack, built and up; ``settings`` are lines of ``aerodag.env``."""
    if reason := images.missing():
        pytest.skip(f"base images cannot be made here: {reason}")
    compose = compose_v2(folder)
    with own_engine() as engine:
        images.build(engine.endpoint.url, *images.IMAGES)
        stack = Stack(folder / "project", engine, compose)
        stack.folder.mkdir()
        stack.prepare(**settings)
        stack.compose("build")
        try:
            stack.compose("up", "--detach", "--wait")
            yield stack
        finally:
            stack.compose("--profile", "*", "down", "--volumes", "--timeout", "5")
