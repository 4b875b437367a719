"""The totals that the database keeps as runs end."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
from psycopg import errors
from psycopg.sql import SQL, Identifier

from aerodag import ledger
from cases.ledger import OUT_OF_MEMORY
from cases.monitoring import LiveFlow, dataset

BEFORE_ENGINE = ("stage", "validate", "extract_metadata", "assess_images", "preflight", "plan_engine")
AFTER_ENGINE = ("publish_ortho", "cog", "promote", "finish")
GPUS = {"gpu": {"granted": True, "devices": [{"name": "L4"}, {"name": "L4"}]}}


@pytest.fixture
def flow(ledger_connection: psycopg.Connection) -> LiveFlow:
    return LiveFlow(ledger_connection, dataset(ledger_connection, 1))


def endings(conn: psycopg.Connection) -> dict[tuple[str, str], tuple[int, int, float]]:
    rows = conn.execute("select state, code, runs, images, round(gpu_seconds::numeric, 1) from aerodag.ending_total")
    return {(state, code): (runs, images, float(gpu)) for state, code, runs, images, gpu in rows}


def times(conn: psycopg.Connection, kind: str, name: str, outcome: str = "") -> dict[float, int]:
    rows = conn.execute(
        "select bound, times from aerodag.duration_total where kind = %s and name = %s and outcome = %s order by bound",
        [kind, name, outcome],
    )
    return dict(rows.fetchall())


def test_a_run_that_succeeds(flow: LiveFlow) -> None:
    flow.open()
    flow.play(*BEFORE_ENGINE)
    flow.plan(**GPUS)
    flow.job(seconds=1000)
    flow.engine(images=42)
    now = datetime.now(UTC)
    stages = [
        {"stage": "opensfm", "percent": 40.0, "started_at": str(now), "finished_at": str(now + timedelta(minutes=7))},
        {"stage": "odm_dem", "percent": 90.0, "started_at": str(now), "finished_at": None},
    ]
    ledger.save_stages(flow.conn, run_id=flow.run.id, stages=stages)
    assert endings(flow.conn) == {}
    flow.play(*AFTER_ENGINE, "cleanup")
    assert flow.run.state == "succeeded"
    assert endings(flow.conn) == {("succeeded", ""): (1, 42, 2000.0)}
    cog = times(flow.conn, "step", "cog", "succeeded")
    assert (cog[15], cog[60], cog[float("inf")]) == (0, 1, 1)
    run = times(flow.conn, "run", "standard", "succeeded")  # 22 minutes
    assert (run[900], run[1800], run[float("inf")]) == (0, 1, 1)
    opensfm = times(flow.conn, "stage", "opensfm")
    assert (opensfm[300], opensfm[900]) == (0, 1)
    assert times(flow.conn, "stage", "odm_dem") == {}
    assert times(flow.conn, "step", "cleanup", "succeeded") == {}


def test_a_run_that_fails_and_is_resumed_counts_twice_and_its_steps_once(flow: LiveFlow) -> None:
    flow.open()
    flow.play("stage")
    flow.start("odm")
    flow.end("odm", "retrying", OUT_OF_MEMORY)
    flow.start("odm")
    flow.end("odm", "failed", OUT_OF_MEMORY)
    assert endings(flow.conn) == {("failed", "odm.out_of_memory"): (1, 0, 0.0)}
    flow.resume()
    flow.engine(images=3)
    flow.play("finish")
    assert endings(flow.conn) == {("failed", "odm.out_of_memory"): (1, 0, 0.0), ("succeeded", ""): (1, 3, 0.0)}
    for name, outcome in (("stage", "succeeded"), ("odm", "retrying"), ("odm", "failed"), ("odm", "succeeded")):
        assert times(flow.conn, "step", name, outcome)[float("inf")] == 1, (name, outcome)


def test_a_gpu_that_failed_was_given_until_then(flow: LiveFlow) -> None:
    flow.open()
    flow.play("plan_engine")
    flow.job(seconds=50, failure_code="engine.gpu_failed")
    flow.job(seconds=500, attempt=2)
    flow.plan(gpu={"granted": False})
    flow.play("odm", "finish")
    assert endings(flow.conn) == {("succeeded", ""): (1, 0, 50.0)}


@pytest.mark.parametrize("metrics", [{"images": "many"}, {"images": None}, {"images": {"a": 1}}, {"images": [1]}, {}])
@pytest.mark.parametrize("plan", [{"gpu": {"granted": True, "devices": "all"}}, {"gpu": 7}, {"gpu": {"granted": "x"}}])
def test_no_odd_document_keeps_a_run_from_ending(flow: LiveFlow, metrics: dict, plan: dict) -> None:
    flow.open()
    flow.play("plan_engine")
    flow.plan(**plan)
    flow.job(seconds=10)
    flow.engine(**metrics)
    flow.play("finish")
    assert flow.run.state == "succeeded"
    assert endings(flow.conn)["succeeded", ""][:2] == (1, 0)


def test_what_was_closed_and_what_a_clock_says_wrong(flow: LiveFlow) -> None:
    flow.open()
    flow.begun -= timedelta(days=400)  # of a worker's clock
    flow.play("stage")
    ledger.close_run(flow.conn, dag_run_id=flow.dag_run_id, state="cancelled")
    assert endings(flow.conn) == {("cancelled", ""): (1, 0, 0.0)}
    assert times(flow.conn, "step", "stage", "succeeded")[60] == 1
    assert times(flow.conn, "run", "standard", "cancelled")[1] == 1


def test_runs_that_end_at_once(ledger_connection: psycopg.Connection, database_url: str) -> None:
    numbers = [dataset(ledger_connection, number) for number in range(1, 25)]

    def take(number: int) -> None:
        with ledger.connect(database_url) as conn:
            flow = LiveFlow(conn, number, dag_run_id=f"run {number}")
            flow.open()
            flow.play("stage")
            flow.engine(images=2)
            # Both kinds of total in one transaction.
            with conn.transaction():
                ledger.record_artifact(conn, run_id=flow.run.id, kind="cog", name="", uri=f"file:///{number}", bytes=1)
                flow.play("finish")

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(take, numbers))
    assert endings(ledger_connection) == {("succeeded", ""): (24, 48, 0.0)}
    assert times(ledger_connection, "step", "stage", "succeeded")[60] == 24


def test_who_may_see_them(flow: LiveFlow, url_of_new_login: Callable[[str, str | None], str]) -> None:
    flow.open()
    flow.play("finish")
    reader = ledger.connect(url_of_new_login("anna", "aerodag_reader"))
    for table in (Identifier("aerodag", "ending_total"), Identifier("aerodag", "duration_total")):
        with pytest.raises(errors.InsufficientPrivilege):
            flow.conn.execute(SQL("delete from {}").format(table))
        with pytest.raises(errors.InsufficientPrivilege):
            reader.execute(SQL("select * from {}").format(table))
    reader.close()
