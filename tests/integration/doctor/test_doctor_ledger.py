"""What the checks say of a real ledger, whole and broken."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from functools import partial

import psycopg
import pytest

from aerodag import doctor, ledger
from aerodag.doctor import Check, Report, Status, Visit
from aerodag.settings import Settings
from conftest import LedgerDatabase, url_of

CHECKS = [check for check in doctor.CHECKS if check.name.startswith("ledger.")]


def look(url: str | None) -> Report:
    return doctor.examine(CHECKS, Visit(Settings(), partial(ledger.connect, url) if url else None))


@pytest.fixture
def admin(ledger_database: LedgerDatabase) -> Iterator[psycopg.Connection]:
    with ledger.connect(ledger_database.admin_url) as conn:
        yield conn


def test_a_whole_ledger(database_url: str, admin: psycopg.Connection) -> None:
    admin.execute("grant select on public.schema_migrations to aerodag_worker")

    report = look(database_url)

    assert [verdict.status for verdict in report.values()] == [Status.OK] * 3, report
    assert report["ledger.rights"].numbers["statements"] > 50
    assert admin.execute("select count(*) from aerodag.event").fetchone() == (0,)


def test_a_login_that_may_not_read_the_migrations(database_url: str, admin: psycopg.Connection) -> None:
    admin.execute("revoke all on public.schema_migrations from aerodag_worker")

    report = look(database_url)

    assert report["ledger.schema"].status is Status.SKIPPED
    assert "grant select on public.schema_migrations" in report["ledger.schema"].advice
    assert report["ledger.rights"].status is Status.OK


def test_migrations_that_are_missing_or_unknown(ledger_database: LedgerDatabase, admin: psycopg.Connection) -> None:
    admin.execute("insert into public.schema_migrations values ('99990101000000')")
    newer = look(ledger_database.admin_url)["ledger.schema"]
    admin.execute("delete from public.schema_migrations where version >= (select max(version) from "
                  "public.schema_migrations where version < '9999')")  # fmt: skip
    older = look(ledger_database.admin_url)["ledger.schema"]

    assert (newer.status, older.status) == (Status.WARNING, Status.FAILED)
    assert "99990101000000" in newer.message
    assert older.message.startswith("1 of ")
    assert "aerodag migrate" in older.advice


def test_a_schema_without_what_the_program_needs(database_url: str, admin: psycopg.Connection) -> None:
    admin.execute("alter table aerodag.run rename column gpu to graphics")

    verdict = look(database_url)["ledger.rights"]

    assert verdict.status is Status.FAILED
    assert "gpu" in verdict.message
    assert "aerodag migrate" in verdict.advice


@pytest.mark.parametrize("role", ["aerodag_reader", None])
def test_a_login_without_rights(url_of_new_login: Callable[[str, str | None], str], role: str | None) -> None:
    verdict = look(url_of_new_login("doctor", role))["ledger.rights"]

    assert verdict.status is Status.FAILED
    assert "permission denied" in verdict.message
    assert verdict.advice.startswith('grant aerodag_worker to "')


def test_a_replica_is_not_written(database_url: str, admin: psycopg.Connection) -> None:
    admin.execute(f'alter database "{admin.info.dbname}" set default_transaction_read_only = on')

    verdict = look(database_url)["ledger.rights"]

    assert verdict.status is Status.FAILED
    assert "read-only" in verdict.message


def test_an_empty_database(ledger_database: LedgerDatabase) -> None:
    report = look(url_of(ledger_database.admin_url, dbname="postgres"))

    assert [verdict.status for verdict in report.values()] == [Status.OK, Status.FAILED, Status.FAILED]
    for name in ("ledger.schema", "ledger.rights"):
        assert "aerodag migrate" in report[name].advice


def test_no_answer_and_no_ledger(ledger_database: LedgerDatabase) -> None:
    wrong = look(url_of(ledger_database.admin_url, dbname="nowhere"))
    none = look(None)

    assert [verdict.status for verdict in wrong.values()] == [Status.FAILED, Status.SKIPPED, Status.SKIPPED]
    assert "nowhere" in wrong["ledger.reachable"].message
    assert "AERODAG_DATABASE_URL" in wrong["ledger.reachable"].advice
    assert {verdict.status for verdict in none.values()} == {Status.SKIPPED}


def test_a_connection_that_is_missing_comes_first(database_url: str) -> None:
    missing = Check("ledger.connection", lambda _: doctor.failed("There is none.", "Make one."))
    visit = Visit(Settings(), partial(ledger.connect, database_url))

    report = doctor.examine([missing, *CHECKS], visit)

    assert {verdict.message for verdict in list(report.values())[1:]} == {
        "Not looked at, because ledger.connection failed."
    }
