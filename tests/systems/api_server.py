"""Airflow's API server alone, with a ledger and logins of every role: what the web room needs, in half a minute."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any

import httpx
import psutil
import psycopg

from aerodag import ledger
from aerodag.local.postgres import LEDGER_DATABASE, EmbeddedPostgres, start_postgres
from aerodag.local.services import airflow_environment
from aerodag.local.state import StateFolder
from aerodag.settings import Settings
from aerodag.storage import Storage
from servers.ports import free_port

ROOT = Path(__file__).parents[2]
PASSWORD = "correct horse"
# By Airflow's names of the roles; anna and carl are two of the same kind.
USERS = {"anna": "viewer", "carl": "viewer", "ursula": "user", "olga": "op", "ada": "admin"}
_START_SECONDS = 240


@dataclass
class ApiServer:
    """A running API server with its ledger and storage; tests may kill it and start it again."""

    home: Path
    url: str
    postgres: EmbeddedPostgres
    environment: Mapping[str, str]
    process: subprocess.Popen[bytes] | None = None
    _logins: dict[str, str] = field(default_factory=dict)

    @property
    def log(self) -> Path:
        return StateFolder(self.home).logs / "api-server.log"

    def start(self) -> None:
        """Starts it and waits until it answers."""
        with self.log.open("ab") as log:
            self.process = _run(["-m", "airflow", "api-server"], self.environment, log)
        _wait(self, self.process)

    def kill(self) -> None:
        """As a power cut does, its workers too."""
        assert self.process is not None
        family = [*psutil.Process(self.process.pid).children(recursive=True), self.process]
        for process in family:
            process.kill()
        self.process.wait(60)

    @cached_property
    def conn(self) -> psycopg.Connection:
        """The ledger, as the pipeline's login."""
        return ledger.connect(self.postgres.ledger_url)

    @property
    def admin_url(self) -> str:
        """The ledger for its owner."""
        return self.postgres.admin_url(LEDGER_DATABASE)

    @property
    def storage(self) -> Storage:
        return Storage(self.home / "data")

    def token(self, user: str) -> str:
        if user not in self._logins:
            answer = httpx.post(f"{self.url}/auth/token", json={"username": user, "password": PASSWORD}, timeout=60)
            assert answer.status_code == 201, answer.text
            self._logins[user] = answer.json()["access_token"]
        return self._logins[user]

    def client(self, user: str | None = None) -> httpx.Client:
        """A client with a user's bearer token, or a stranger's without."""
        headers = {"Authorization": f"Bearer {self.token(user)}"} if user else {}
        return httpx.Client(base_url=f"{self.url}/aerodag", headers=headers, timeout=60)

    def browser(self, user: str) -> httpx.Client:
        """A client with the cookie that a browser has, and nothing else."""
        return httpx.Client(base_url=f"{self.url}/aerodag", cookies={"_token": self.token(user)}, timeout=60)

    def get(self, user: str | None, path: str, **given: Any) -> httpx.Response:
        with self.client(user) as client:
            return client.get(path, **given)


@contextmanager
def api_server(
    home: Path, settings: Mapping[str, str] | None = None, users: Mapping[str, str] = MappingProxyType(USERS)
) -> Iterator[ApiServer]:
    """An API server of its own below ``home``; the settings are environment variables."""
    state = StateFolder(home)
    state.logs.mkdir(parents=True, exist_ok=True)
    Storage(home / "data").create()
    postgres = start_postgres(state.postgres)
    try:
        port = free_port()
        environment = airflow_environment(state, postgres, Settings(home=home), port) | dict(settings or {})
        environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] = ",".join(
            f"{who}:{role}" for who, role in users.items()
        )
        state.passwords.write_text(json.dumps(dict.fromkeys(users, PASSWORD)))
        server = ApiServer(home, f"http://localhost:{port}", postgres, environment)
        with server.log.open("ab") as log:
            _run(["-m", "aerodag.airflow.bootstrap"], environment, log).wait(_START_SECONDS)
        try:
            server.start()
            yield server
            server.conn.close()
        finally:
            if server.process is not None:
                server.process.terminate()
                server.process.wait(60)
    finally:
        postgres.stop()


def _run(arguments: list[str], environment: Mapping[str, str], log: Any) -> subprocess.Popen[bytes]:
    command = [sys.executable, *arguments]
    return subprocess.Popen(command, env=os.environ | dict(environment), cwd=ROOT, stdout=log, stderr=log)


def _wait(server: ApiServer, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while True:
        assert process.poll() is None, server.log.read_text()[-4_000:]
        assert time.monotonic() < deadline, server.log.read_text()[-4_000:]
        try:
            if httpx.get(f"{server.url}/api/v2/version", timeout=5).status_code == 200:
                return
        except httpx.HTTPError:
            time.sleep(0.3)
