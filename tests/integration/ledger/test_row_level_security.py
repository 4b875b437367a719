"""Row level security, with real logins: who sees what, and who may write."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime

import psycopg
import pytest
from psycopg import errors, sql

from aerodag import ledger
from aerodag.findings import Finding, Severity

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
ACCESSES = ("public", "private", "viewonly")
# Each table with the expression that leads from a row to its dataset.
BY_DATASET = {
    "aerodag.dataset": "id",
    "aerodag.image": "dataset_id",
    "aerodag.rtk_file": "dataset_id",
    "aerodag.run": "dataset_id",
    "aerodag.artifact": "dataset_id",
    "aerodag.event": "dataset_id",
    "aerodag.vegetation_index": "dataset_id",
    "aerodag.current_product": "dataset_id",
    "v2_raw_images": "dataset_id",
    "v2_statuses": "dataset_id",
    "v2_orthos": "dataset_id",
    "v2_cogs": "dataset_id",
    "v2_thumbnails": "dataset_id",
    "v2_metadata": "dataset_id",
    "v2_processing_overview": "dataset_id",
}
BY_RUN = ("aerodag.step", "aerodag.finding", "aerodag.engine_stage", "aerodag.stress_cell")
TABLES = {  # with a column that could be changed
    "aerodag.dataset": "access",
    "aerodag.image": "status",
    "aerodag.rtk_file": "kind",
    "aerodag.run": "state",
    "aerodag.step": "host",
    "aerodag.finding": "code",
    "aerodag.engine_stage": "percent",
    "aerodag.artifact": "uri",
    "aerodag.event": "kind",
    "aerodag.vegetation_index": "note",
    "aerodag.stress_cell": "severity",
    "aerodag.outbox": "state",
    "aerodag.subscription": "active",
}


@dataclass(frozen=True)
class Society:
    """Connections of the four kinds of people, and the datasets by (owner, access)."""

    worker: psycopg.Connection
    anna: psycopg.Connection
    bo: psycopg.Connection
    stranger: psycopg.Connection
    datasets: dict[tuple[str, str], int]
    runs: dict[int, int]

    def owned_or_public(self, owner: str) -> set[int]:
        return {number for (name, access), number in self.datasets.items() if name == owner or access == "public"}


@pytest.fixture
def society(
    ledger_connection: psycopg.Connection, url_of_new_login: Callable[[str, str | None], str]
) -> Iterator[Society]:
    with ExitStack() as stack:
        anna, bo, stranger = [
            stack.enter_context(ledger.connect(url_of_new_login(name, role)))
            for name, role in (("anna", "aerodag_reader"), ("bo", "aerodag_reader"), ("stranger", None))
        ]
        datasets: dict[tuple[str, str], int] = {}
        runs: dict[int, int] = {}
        for owner, connection in (("anna", anna), ("bo", bo)):
            for access in ACCESSES:
                dataset_id, run_id = fill(ledger_connection, connection.info.user, access, len(datasets))
                datasets[owner, access] = dataset_id
                runs[dataset_id] = run_id
        yield Society(ledger_connection, anna, bo, stranger, datasets, runs)


def fill(conn: psycopg.Connection, owner: str, access: str, number: int) -> tuple[int, int]:
    """One dataset with a row in every table."""
    dataset_id = ledger.register(
        conn,
        name=f"{number}.zip",
        owner=owner,
        source_uri=f"file:///{number}.zip",
        content_sha256=f"{number:064x}",
        size_bytes=1,
        upload_type="raw_images_zip",
        description=ledger.Description(access=access),
    ).dataset.id
    ledger.move_raw(conn, dataset_id=dataset_id, raw_uri=f"file:///raw_images/{number}.zip")
    ledger.replace_images(conn, dataset_id=dataset_id, images=[ledger.ImageRecord(zip_path="a.jpg", exif={"a": 1})])
    ledger.replace_rtk_files(
        conn, dataset_id=dataset_id, files=[ledger.RtkFile(zip_path="a.mrk", kind="mrk", size_bytes=1)]
    )
    run_id = ledger.open_run(
        conn,
        dataset_id=dataset_id,
        dag_run_id=f"run {number}",
        task_types=["cog"],
        preset="fast",
        engine="auto",
        options={},
        priority=2,
    ).id
    ledger.step_started(
        conn, dag_run_id=f"run {number}", name="cog", map_index=-1, try_number=1, host="w", started_at=NOW
    )
    ledger.replace_findings(conn, run_id=run_id, step="odm", findings=[Finding(Severity.INFO, "a.b", "A.")])
    ledger.record_stage(conn, run_id=run_id, stage="opensfm", percent=1, started_at=NOW)
    for kind in ("orthophoto", "cog", "thumbnail", "metadata"):
        ledger.record_artifact(conn, run_id=run_id, kind=kind, uri=f"file:///{kind}", bytes=1)
    cell = ledger.StressCell(name="ndvi", row=0, col=0, mean=0.5, valid_share=1.0, severity=0.1, footprint={})
    ledger.replace_indices(
        conn, run_id=run_id, indices=[ledger.VegetationIndex(name="ndvi", mean=0.5, count=9)], cells=[cell]
    )
    ledger.subscribe(conn, channel="webhook", address="https://b.c", events=["a"], secret="whsec_c2VjcmV0")
    ledger.add_event(conn, kind="a", message="A.", run_id=run_id)
    return dataset_id, run_id


def seen(conn: psycopg.Connection, table: str, column: str) -> set[int]:
    statement = sql.SQL("select {} from {}").format(sql.Identifier(column), sql.SQL(table))
    return {row[0] for row in conn.execute(statement)}


def test_who_sees_which_dataset(society: Society) -> None:
    assert len(society.owned_or_public("bo")) == 4
    for table, column in BY_DATASET.items():
        assert seen(society.worker, table, column) == set(society.datasets.values()), table
        assert seen(society.anna, table, column) == society.owned_or_public("anna"), table
        assert seen(society.bo, table, column) == society.owned_or_public("bo"), table


def test_who_sees_what_belongs_to_a_run(society: Society) -> None:
    for table in BY_RUN:
        assert seen(society.worker, table, "run_id") == set(society.runs.values()), table
        for name, conn in (("anna", society.anna), ("bo", society.bo)):
            visible = {society.runs[number] for number in society.owned_or_public(name)}
            assert seen(conn, table, "run_id") == visible, table


def test_nobody_but_the_worker_sees_addresses(society: Society) -> None:
    taken = ledger.take_notifications(society.worker, limit=99, max_attempts=1)
    assert len(taken) == 6
    assert {one.secret for one in taken} == {"whsec_c2VjcmV0"}
    for table in ("aerodag.outbox", "aerodag.subscription"):
        with pytest.raises(errors.InsufficientPrivilege):
            society.anna.execute(sql.SQL("select * from {}").format(sql.SQL(table)))


def test_an_event_of_no_dataset_is_for_the_worker(society: Society) -> None:
    ledger.add_event(society.worker, kind="housekeeping", message="Disk 75 % full.")
    query = "select count(*) from aerodag.event where kind = 'housekeeping'"
    assert society.worker.execute(query).fetchone() == (1,)
    assert society.anna.execute(query).fetchone() == (0,)


def test_a_stranger_sees_nothing(society: Society) -> None:
    for relation in (*TABLES, *(name for name in BY_DATASET if name.startswith("v2_"))):
        with pytest.raises(errors.InsufficientPrivilege):
            society.stranger.execute(sql.SQL("select * from {}").format(sql.SQL(relation)))


def test_a_reader_writes_nothing(society: Society) -> None:
    statements = ("insert into {0} default values", "delete from {0}", "update {0} set {1} = {1}", "truncate {0}")
    for table, column in TABLES.items():
        for statement in statements:
            with pytest.raises(errors.InsufficientPrivilege):
                society.anna.execute(sql.SQL(statement).format(sql.SQL(table), sql.Identifier(column)))


def test_a_reader_cannot_register_or_open(society: Society) -> None:
    with pytest.raises(errors.InsufficientPrivilege):
        fill(society.anna, "anna", "public", 99)
    with pytest.raises(errors.InsufficientPrivilege):
        society.anna.execute("create table public.mine (id int)")
    with pytest.raises(errors.InsufficientPrivilege):
        society.anna.execute("alter table aerodag.dataset disable row level security")


def test_a_change_of_access_shows_at_once(society: Society) -> None:
    private = society.datasets["bo", "private"]
    assert private not in seen(society.anna, "v2_statuses", "dataset_id")
    society.worker.execute("update aerodag.dataset set access = 'public' where id = %s", [private])
    assert private in seen(society.anna, "v2_statuses", "dataset_id")
    society.worker.execute("update aerodag.dataset set access = 'viewonly' where id = %s", [private])
    assert private not in seen(society.anna, "v2_statuses", "dataset_id")


def test_a_view_cannot_be_talked_into_telling(society: Society) -> None:
    """A function of the reader's own must not be called with rows that it may not see."""
    society.anna.execute(
        """
        create function pg_temp.peek(text) returns boolean language plpgsql cost 0.0000001 as
        $$ begin raise exception 'peeked at %', $1; end $$
        """
    )
    secret = society.worker.execute(
        "select name from aerodag.dataset where id = %s", [society.datasets["bo", "private"]]
    ).fetchone()
    assert secret
    with pytest.raises(errors.RaiseException) as caught:
        society.anna.execute("select * from v2_processing_overview where pg_temp.peek(file_name)")
    assert secret[0] not in str(caught.value)
    rows = society.anna.execute(
        "select 1 from v2_processing_overview where file_name = %s and pg_temp.peek(file_name)", secret
    ).fetchall()
    assert rows == []
