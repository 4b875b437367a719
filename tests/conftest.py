"""A real PostgreSQL for the tests: the embedded one, or the server that AERODAG_TEST_DATABASE_URL names."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote, urlencode
from uuid import uuid4

import psycopg
import pytest
import structlog
from hypothesis import HealthCheck, settings
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict

from aerodag import ledger
from aerodag.ledger.migrate import migrate
from aerodag.local.postgres import embedded_server
from servers.docker_engine import Engine, running_engine

# A busy machine is slow now and then; that is no failure of a parser.
settings.register_profile("aerodag", deadline=None)
settings.register_profile("fuzz", deadline=None, max_examples=100_000, suppress_health_check=list(HealthCheck))
settings.load_profile(os.environ.get("AERODAG_TEST_PROFILE", "aerodag"))


@pytest.fixture(autouse=True)
def _own_log_output() -> Iterator[None]:
    """What a test of the command line does to the log's output ends with it."""
    yield
    structlog.reset_defaults()


@dataclass(frozen=True, slots=True)
class Login:
    """A database user of the tests."""

    name: str
    password: str


@dataclass(frozen=True, slots=True)
class LedgerDatabase:
    """A fresh, migrated database: ``admin_url`` as its owner, ``url_as`` as somebody else."""

    admin_url: str

    def url_as(self, login: Login) -> str:
        return url_of(self.admin_url, user=login.name, password=login.password)


def url_of(url: str, **changes: str) -> str:
    """``url`` with another user, password or dbname, in URL form."""
    parts = {name: str(value) for name, value in conninfo_to_dict(url).items() if value is not None} | changes
    login = quote(parts.pop("user"), safe="")
    if password := parts.pop("password", ""):
        login += f":{quote(password, safe='')}"
    database, host, port = parts.pop("dbname", ""), parts.pop("host", ""), parts.pop("port", "")
    if host.startswith("/"):
        parts |= {"host": host} | ({"port": port} if port else {})
        host = port = ""
    return f"postgresql://{login}@{host}{':' if port else ''}{port}/{database}?{urlencode(parts)}".rstrip("?")


@pytest.fixture(scope="session")
def server_url() -> Iterator[str]:
    """URL of a superuser on a PostgreSQL server that the tests may use as they like."""
    if given := os.environ.get("AERODAG_TEST_DATABASE_URL"):
        yield given
        return
    directory = Path(tempfile.mkdtemp(prefix="aerodag-postgres-"))
    server = embedded_server(directory)
    try:
        url = server.get_uri()
        with psycopg.connect(url, autocommit=True) as admin:
            for setting in ("fsync", "full_page_writes", "synchronous_commit"):
                admin.execute(sql.SQL("alter system set {} = off").format(sql.Identifier(setting)))
            admin.execute("select pg_reload_conf()")
        yield url
    finally:
        server.cleanup()
        shutil.rmtree(directory)


@pytest.fixture(scope="session")
def ledger_template(server_url: str) -> Iterator[str]:
    """Name of a migrated database that others are copied from."""
    name = f"aerodag_template_{uuid4().hex[:12]}"
    migrate(url_of(server_url, dbname=name))
    yield name
    _drop_database(server_url, name)


@pytest.fixture(scope="session")
def worker_login(server_url: str, ledger_template: str) -> Iterator[Login]:
    """A plain member of aerodag_worker, as Airflow's login is."""
    with _login(server_url, "worker", "aerodag_worker") as login:
        yield login


@pytest.fixture
def ledger_database(server_url: str, ledger_template: str) -> Iterator[LedgerDatabase]:
    """A fresh copy of the migrated database, dropped after the test."""
    name = f"aerodag_test_{uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(
            sql.SQL("create database {} template {}").format(sql.Identifier(name), sql.Identifier(ledger_template))
        )
    yield LedgerDatabase(url_of(server_url, dbname=name))
    _drop_database(server_url, name)


@pytest.fixture
def database_url(ledger_database: LedgerDatabase, worker_login: Login) -> str:
    """URL of a fresh, migrated database for a plain member of aerodag_worker."""
    return ledger_database.url_as(worker_login)


@pytest.fixture
def ledger_connection(database_url: str) -> Iterator[psycopg.Connection]:
    """A connection of a plain member of aerodag_worker to a fresh, migrated database."""
    with ledger.connect(database_url) as connection:
        yield connection


@pytest.fixture
def url_of_new_login(server_url: str, ledger_database: LedgerDatabase) -> Iterator[Callable[[str, str | None], str]]:
    """Makes a login that is a member of the given role (or of none); returns its URL to the fresh database."""
    with ExitStack() as logins:
        yield lambda name, role: ledger_database.url_as(logins.enter_context(_login(server_url, name, role)))


@pytest.fixture(scope="session")
def docker_engine() -> Iterator[Engine]:
    """A real Docker engine that has the images of ODM's double."""
    with running_engine() as engine:
        yield engine


@contextmanager
def _login(server_url: str, name: str, role: str | None) -> Iterator[Login]:
    # Logins belong to the whole server, hence the unique names.
    login = Login(f"aerodag_test_{name}_{uuid4().hex[:8]}", uuid4().hex)
    user = sql.Identifier(login.name)
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("create role {} login password {}").format(user, sql.Literal(login.password)))
        if role:
            admin.execute(sql.SQL("grant {} to {}").format(sql.Identifier(role), user))
        yield login
        admin.execute(sql.SQL("drop role {}").format(user))


def _drop_database(server_url: str, name: str) -> None:
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("drop database if exists {} with (force)").format(sql.Identifier(name)))
