"""What the embedded set-up remembers between commands: its addresses, its login and the process that serves it."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import psutil

USER = "admin"
# As airflow.cfg names them.
USERS = (USER, "operator", "uploader")


@dataclass(frozen=True, slots=True)
class Serving:
    """A running set-up: the supervisor's process and the addresses of its services."""

    pid: int
    started: float
    port: int
    ledger_url: str

    @property
    def url(self) -> str:
        """Base URL of the UI and the REST API."""
        return f"http://localhost:{self.port}"

    def alive(self) -> bool:
        """Whether the supervisor still runs; a process that only has its old number does not count."""
        try:
            process = psutil.Process(self.pid)
            return bool(process.create_time() == self.started and process.status() != psutil.STATUS_ZOMBIE)
        except psutil.NoSuchProcess:
            return False


@dataclass(frozen=True, slots=True)
class StateFolder:
    """The folder of an embedded set-up."""

    home: Path

    @property
    def postgres(self) -> Path:
        """The database server's files."""
        return self.home / "postgres"

    @property
    def airflow(self) -> Path:
        """Airflow's home: logs and generated passwords."""
        return self.home / "airflow"

    @property
    def logs(self) -> Path:
        """One log file per service."""
        return self.home / "logs"

    @property
    def demo(self) -> Path:
        """The simulated survey of the demo."""
        return self.home / "demo"

    def serving(self) -> Serving | None:
        """The running set-up, if there is one."""
        try:
            serving = Serving(**json.loads(self._serving.read_text()))
        except (FileNotFoundError, json.JSONDecodeError):
            return None
        return serving if serving.alive() else None

    def announce(self, port: int, ledger_url: str) -> None:
        """Record that this process serves the set-up."""
        process = psutil.Process()
        serving = Serving(process.pid, process.create_time(), port, ledger_url)
        partial = self._serving.with_suffix(".part")
        partial.write_text(json.dumps(asdict(serving)))
        partial.replace(self._serving)

    def withdraw(self) -> None:
        """Forget the serving process."""
        self._serving.unlink(missing_ok=True)

    def sessions(self) -> set[int]:
        """The sessions that a supervisor started and did not end, because it was killed.

        A number counts only while it names a session that it could mean: one whose leader is as old as the record
        says, or gone, for then nobody else can have got the number.
        """
        try:
            records = json.loads(self._sessions.read_text())
        except (FileNotFoundError, json.JSONDecodeError):
            return set()
        return {leader for leader, started in records if _created(leader) in {None, started}}

    def remember_sessions(self, leaders: Iterable[int]) -> None:
        """Record the sessions of the services that run now."""
        records = [(leader, created) for leader in leaders if (created := _created(leader)) is not None]
        partial = self._sessions.with_suffix(".part")
        partial.write_text(json.dumps(records))
        partial.replace(self._sessions)

    def password(self, user: str = USER) -> str:
        """The password of a user of the UI, made once."""
        known = json.loads(self.passwords.read_text()) if self.passwords.exists() else {}
        if missing := [name for name in USERS if name not in known]:
            known |= {name: secrets.token_urlsafe(9) for name in missing}
            self._write_secret(self.passwords, json.dumps(known))
        return str(known[user])

    def jwt_secret(self) -> str:
        """The key with which Airflow's services sign their tokens, made once."""
        path = self.home / "jwt_secret"
        if not path.exists():
            self._write_secret(path, secrets.token_hex(32))
        return path.read_text()

    @property
    def passwords(self) -> Path:
        """The password file of Airflow's simple auth manager."""
        return self.home / "passwords.json"

    @property
    def _sessions(self) -> Path:
        return self.home / "sessions.json"

    @property
    def _serving(self) -> Path:
        return self.home / "serving.json"

    def _write_secret(self, path: Path, content: str) -> None:
        self.home.mkdir(parents=True, exist_ok=True)
        path.touch(mode=0o600)
        path.write_text(content)


def _created(pid: int) -> float | None:
    try:
        return float(psutil.Process(pid).create_time())
    except psutil.NoSuchProcess:
        return None
