"""The ledger's database: there, as new as this program, and open to this login."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager

import psycopg
from psycopg import sql

from aerodag import ledger
from aerodag.doctor.examination import Visit
from aerodag.doctor.verdict import Verdict, failed, ok, skipped, warning
from aerodag.ledger.database import SQL_DIR, query_files

_LEAST_VERSION = 15
_MIGRATE = "Run `aerodag migrate --url URL` with the URL of the login that owns the database."
_PARAMETER = re.compile(r"%\((\w+)\)s")
_LONG_SECONDS = 0.5
_NAMED = 3


def reachable(visit: Visit) -> Verdict:
    """Whether the server answers, how fast, and whether it is new enough."""
    if visit.open_ledger is None:
        return skipped(
            "No ledger is named, and no embedded set-up serves one.", "Run `make up`, or set AERODAG_DATABASE_URL."
        )
    try:
        with visit.open_ledger() as conn:
            started = time.monotonic()
            conn.execute("select 1")
            seconds = time.monotonic() - started
            return _answered(conn.info, seconds)
    except psycopg.OperationalError as error:
        return failed(
            f"The ledger's database does not answer: {' '.join(str(error).split())}.",
            "Start PostgreSQL, or correct AERODAG_DATABASE_URL or the connection aerodag.",
        )


def schema(visit: Visit) -> Verdict:
    """Whether the newest migration is applied, and no newer one than this program knows."""
    there = {path.name.partition("_")[0] for path in (SQL_DIR / "migrations").glob("*.sql")}
    newest = max(there)
    try:
        with _ledger(visit) as conn:
            applied = {row[0] for row in conn.execute(ledger.query("applied_migrations"))}
    except psycopg.errors.InsufficientPrivilege:
        return skipped(
            f"This login may not read which of the {len(there)} migrations are applied; ledger.rights tells more.",
            "Let it, as the owner: grant select on public.schema_migrations to aerodag_worker",
        )
    except psycopg.errors.UndefinedTable:
        return failed("The database holds no ledger yet.", _MIGRATE, pending=len(there))
    pending, unknown = sorted(there - applied), sorted(applied - there)
    if pending:
        return failed(f"{len(pending)} of {len(there)} migrations are not applied: {', '.join(pending)}.", _MIGRATE)
    if unknown:
        return warning(
            f"The ledger is newer than this program, which ends at {newest}: {', '.join(unknown)}.",
            "Install the version of aerodag that migrated it.",
        )
    return ok(f"All {len(there)} migrations are applied, up to {newest}.", newest=newest)


def rights(visit: Visit) -> Verdict:
    """Whether the login may run each statement of the program, and whether a row can really be written.

    ``explain`` looks for tables, columns and rights as the statement itself would, and changes nothing.
    """
    with _ledger(visit) as conn:
        refused = dict(_refused(conn))
        if refused:
            return _not_entitled(conn.info.user, refused)
        try:
            with conn.transaction(force_rollback=True):
                ledger.add_event(conn, kind="doctor", message="taken back")
        except psycopg.Error as error:
            return failed(
                f"Login {conn.info.user} cannot write: {_words(error)}.",
                "Name a server that is no replica, and a login that is a member of aerodag_worker.",
            )
        count = len(_statements())
        told = f"Login {conn.info.user} may run all {count} statements, and a row could be written."
        return ok(told, statements=count)


@contextmanager
def _ledger(visit: Visit) -> Iterator[psycopg.Connection]:
    if visit.open_ledger is None:
        raise LookupError("no ledger")
    with visit.open_ledger() as conn:
        yield conn


def _answered(info: psycopg.ConnectionInfo, seconds: float) -> Verdict:
    version = f"{info.server_version // 10000}.{info.server_version % 10000}"
    told = (
        f"PostgreSQL {version} answers {info.user} on {info.host}, database {info.dbname}, in {seconds * 1000:.1f} ms"
    )
    numbers = {"server_version": version, "seconds": round(seconds, 5)}
    if info.server_version // 10000 < _LEAST_VERSION:
        return failed(
            f"{told}; {_LEAST_VERSION} or newer is needed.", "Use a newer PostgreSQL for the ledger.", **numbers
        )
    if seconds > _LONG_SECONDS:
        return warning(f"{told}, which is slow.", "Look at the network and the load between here and it.", **numbers)
    return ok(f"{told}.", **numbers)


def _statements() -> list[str]:
    return sorted(query_files().keys() - {"applied_migrations"})


def _refused(conn: psycopg.Connection) -> Iterator[tuple[str, psycopg.Error]]:
    # A parameter that the server has to find the type of would be an error that says nothing.
    cursor = psycopg.ClientCursor(conn)
    for name in _statements():
        statement = ledger.query(name)
        nothing = dict.fromkeys(_PARAMETER.findall(statement.as_string(conn)))
        try:
            cursor.execute(sql.SQL("explain ") + statement, nothing)
        except psycopg.ProgrammingError as error:
            yield name, error


def _not_entitled(user: str, refused: dict[str, psycopg.Error]) -> Verdict:
    denied = [name for name, error in refused.items() if isinstance(error, psycopg.errors.InsufficientPrivilege)]
    first = next(iter(refused.values()))
    names = ", ".join(list(refused)[:_NAMED]) + (", ..." if len(refused) > _NAMED else "")
    return failed(
        f"Login {user} cannot run {len(refused)} of {len(_statements())} statements ({names}): {_words(first)}.",
        f'grant aerodag_worker to "{user}"' if denied else _MIGRATE,
        refused=sorted(refused),
    )


def _words(error: psycopg.Error) -> str:
    return (error.diag.message_primary or " ".join(str(error).split())).rstrip(".")
