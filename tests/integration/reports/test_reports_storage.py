"""Storage by class: totals that the database keeps while products are recorded, promoted and removed."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import psycopg
import pytest

from aerodag import ledger
from cases.ledger import Flow

COUNTED = """
select kind, name, is_current, count(*), sum(bytes)
from aerodag.artifact
where removed_at is null
group by kind, name, is_current
union all
select upload_type, case when raw_uri is null then 'incoming' else 'raw_images' end, true, count(*), sum(size_bytes)
from aerodag.dataset
group by 1, 2
order by kind, name, is_current
"""
KEPT = "select * from aerodag.storage_total where files <> 0 order by kind, name, is_current"
PRODUCTS = ("orthophoto", "cog", "thumbnail", "metadata", "preflight")


def lines(conn: psycopg.Connection) -> dict[tuple[str, str, str], tuple[int, int]]:
    records = ledger.make_report(conn, "storage_by_class").records
    return {(row["class"], row["kind"], row["version"]): (row["files"], row["bytes"]) for row in records}


def make(flow: Flow, *kinds: str, size: int, name: str = "") -> None:
    for kind in kinds:
        ledger.record_artifact(flow.conn, run_id=flow.run.id, kind=kind, name=name, uri=f"file:///{kind}", bytes=size)


def test_classes_and_versions(flow: Flow) -> None:
    flow.open()
    make(flow, *PRODUCTS, size=100)
    make(flow, "cog", name="archive", size=700)
    assert lines(flow.conn) == {
        ("archive", "orthophoto", "current"): (1, 100),
        ("archive", "cog", "current"): (1, 700),
        ("cogs", "cog", "current"): (1, 100),
        ("thumbnails", "thumbnail", "current"): (1, 100),
        ("metadata", "metadata", "current"): (1, 100),
        ("reports", "preflight", "current"): (1, 100),
        ("raw_images", "raw_images_zip", "current"): (1, 1),
    }
    make(flow, "cog", size=50)  # made again, smaller
    assert lines(flow.conn)["cogs", "cog", "current"] == (1, 50)
    ledger.close_run(flow.conn, dag_run_id=flow.dag_run_id, state="succeeded")
    again = Flow(flow.conn, flow.dataset_id, dag_run_id="again")
    again.open()
    make(again, "cog", size=60)
    assert lines(flow.conn)["cogs", "cog", "old"] == (1, 60)  # not valid yet
    ledger.promote(flow.conn, run_id=again.run.id)
    assert lines(flow.conn)["cogs", "cog", "current"] == (1, 60)
    assert lines(flow.conn)["cogs", "cog", "old"] == (1, 50)
    flow.conn.execute("update aerodag.artifact set removed_at = now() where kind = 'cog' and not is_current")
    assert ("cogs", "cog", "old") not in lines(flow.conn)
    assert flow.conn.execute(KEPT).fetchall() == flow.conn.execute(COUNTED).fetchall()


def test_a_file_recorded_twice_counts_once(flow: Flow) -> None:
    flow.open()
    make(flow, "orthophoto", size=100)
    record = {"run_id": flow.run.id, "kind": "standardised", "uri": "file:///orthophoto", "bytes": 100}
    ledger.record_artifact(flow.conn, **record, details={"reasons": []})
    assert ("archive", "standardised", "current") not in lines(flow.conn)
    ledger.record_artifact(flow.conn, **record, details={"reasons": ["not uint8"]})
    assert lines(flow.conn)["archive", "standardised", "current"] == (1, 100)


def test_a_transaction_that_is_taken_back_counts_for_nothing(flow: Flow) -> None:
    flow.open()
    make(flow, "cog", size=100)
    with flow.conn.transaction(force_rollback=True):
        make(flow, "cog", "thumbnail", size=7)
    assert lines(flow.conn)["cogs", "cog", "current"] == (1, 100)
    assert ("thumbnails", "thumbnail", "current") not in lines(flow.conn)


def test_uploads_by_place(flow: Flow) -> None:
    assert lines(flow.conn) == {("raw_images", "raw_images_zip", "current"): (1, 1)}
    ledger.quarantine(flow.conn, dataset_id=flow.dataset_id, raw_uri="file:///quarantine/1.zip")
    assert lines(flow.conn) == {("quarantine", "raw_images_zip", "current"): (1, 1)}
    ledger.archive_dataset(flow.conn, dataset_id=flow.dataset_id)
    assert lines(flow.conn) == {("quarantine", "raw_images_zip", "old"): (1, 1)}


@pytest.mark.parametrize("order", [PRODUCTS, tuple(reversed(PRODUCTS))])
def test_many_writers_at_once(flow: Flow, database_url: str, order: tuple[str, ...]) -> None:
    """Each writes the same kinds in one transaction, half of them the other way round: none waits for ever."""

    def work(number: int) -> None:
        with ledger.connect(database_url) as conn:
            dataset = ledger.register(
                conn,
                name="flight.zip",
                owner="anna",
                source_uri="file:///flight.zip",
                content_sha256=f"{number + 1:064x}",
                size_bytes=1,
                upload_type="raw_images_zip",
            ).dataset
            own = Flow(conn, dataset.id, dag_run_id=f"run {number}")
            own.open()
            for _ in range(5):
                with conn.transaction():
                    make(own, *(order if number % 2 else reversed(order)), size=number)
                    ledger.promote(conn, run_id=own.run.id)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(work, range(8)))
    assert flow.conn.execute(KEPT).fetchall() == flow.conn.execute(COUNTED).fetchall()
    assert lines(flow.conn)["cogs", "cog", "current"] == (8, sum(range(8)))
