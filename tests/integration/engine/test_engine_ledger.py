"""Engine jobs and stages in the ledger: what is written once, what never falls, and what goes with a new start."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from aerodag import ledger
from cases.ledger import START, Flow

DEADLINE = datetime(2026, 11, 22, 6, tzinfo=UTC)


@pytest.fixture
def run(flow: Flow) -> ledger.Run:
    return flow.open()


def open_job(conn: psycopg.Connection, run: ledger.Run, attempt: int = 1, **different: Any) -> ledger.EngineJob:
    details = {"engine": "odm", "job": f"c{attempt}", "name": f"aerodag-t{attempt}", "deadline": DEADLINE}
    return ledger.open_job(conn, run_id=run.id, attempt=attempt, **details | different)


def job(conn: psycopg.Connection, name: str = "c1") -> ledger.EngineJob:
    found = ledger.find_job(conn, engine="odm", job=name)
    assert found is not None
    return found


def test_a_job_is_opened_once(flow: Flow, run: ledger.Run) -> None:
    opened = open_job(flow.conn, run, rerun_from="odm_dem")
    assert (opened.lines_shown, opened.watched_at, opened.rerun_from) == (0, None, "odm_dem")
    again = open_job(flow.conn, run, 2, job="c1", deadline=DEADLINE + timedelta(days=1))
    assert again == opened
    assert ledger.find_job(flow.conn, engine="nodeodm", job="c1") is None
    assert ledger.last_job(flow.conn, run_id=run.id) == opened
    assert ledger.last_job(flow.conn, run_id=run.id + 1) is None


def test_one_try_has_one_job(flow: Flow, run: ledger.Run) -> None:
    open_job(flow.conn, run)
    with pytest.raises(psycopg.errors.UniqueViolation):
        open_job(flow.conn, run, job="another")


def test_the_newest_job_of_a_run_is_the_last(flow: Flow, run: ledger.Run) -> None:
    for attempt in (1, 2, 4):
        open_job(flow.conn, run, attempt)
    last = ledger.last_job(flow.conn, run_id=run.id)
    assert last is not None
    assert (last.attempt, last.job) == (4, "c4")


def test_counts_of_a_watch_never_fall(flow: Flow, run: ledger.Run) -> None:
    open_job(flow.conn, run)
    expected = DEADLINE - timedelta(hours=1)
    ledger.watch_job(flow.conn, engine="odm", job="c1", lines_shown=9, peak_memory_bytes=90, expected_at=expected)
    first = job(flow.conn)
    ledger.watch_job(flow.conn, engine="odm", job="c1", lines_shown=3, peak_memory_bytes=30)
    second = job(flow.conn)
    assert (second.lines_shown, second.peak_memory_bytes, second.expected_at) == (9, 90, expected)
    ledger.watch_job(flow.conn, engine="odm", job="c1", lines_shown=12, peak_memory_bytes=None)
    third = job(flow.conn)
    assert (third.lines_shown, third.peak_memory_bytes) == (12, 90)
    assert first.watched_at is not None
    assert second.watched_at is not None
    assert third.watched_at is not None
    assert first.watched_at < second.watched_at < third.watched_at


def test_the_first_reason_of_a_stop_stays(flow: Flow, run: ledger.Run) -> None:
    open_job(flow.conn, run)
    ledger.stop_job(flow.conn, engine="odm", job="c1", reason="timeout")
    ledger.stop_job(flow.conn, engine="odm", job="c1", reason="cancelled")
    assert job(flow.conn).stop_reason == "timeout"


def test_nothing_is_stopped_that_was_judged(flow: Flow, run: ledger.Run) -> None:
    open_job(flow.conn, run)
    ledger.end_job(flow.conn, engine="odm", job="c1", exit_code=0)
    ledger.stop_job(flow.conn, engine="odm", job="c1", reason="cancelled")
    assert job(flow.conn).stop_reason is None


def test_a_reason_that_is_none_is_refused(flow: Flow, run: ledger.Run) -> None:
    open_job(flow.conn, run)
    with pytest.raises(psycopg.errors.CheckViolation):
        ledger.stop_job(flow.conn, engine="odm", job="c1", reason="boredom")


def test_an_end_is_judged_and_dated_once(flow: Flow, run: ledger.Run) -> None:
    open_job(flow.conn, run)
    failed = {"failure_code": "engine.out_of_memory", "failed_stage": "openmvs", "remedy": "Smaller."}
    ledger.end_job(flow.conn, engine="odm", job="c1", exit_code=137, **failed)
    first = job(flow.conn)
    assert (first.exit_code, first.failure_code, first.failed_stage, first.remedy) == (137, *failed.values())
    ledger.end_job(flow.conn, engine="odm", job="c1", exit_code=137, **failed)
    assert job(flow.conn) == first


def test_what_is_gone_is_not_open(flow: Flow, run: ledger.Run) -> None:
    for attempt in (1, 2):
        open_job(flow.conn, run, attempt)
    open_job(flow.conn, run, 3, engine="nodeodm")
    ledger.end_job(flow.conn, engine="odm", job="c1", exit_code=1)
    assert [row.job for row in ledger.open_jobs(flow.conn, engine="odm")] == ["c1", "c2"]
    ledger.discard_job(flow.conn, engine="odm", job="c1")
    gone = job(flow.conn).discarded_at
    ledger.discard_job(flow.conn, engine="odm", job="c1")
    assert job(flow.conn).discarded_at == gone is not None
    assert [row.job for row in ledger.open_jobs(flow.conn, engine="odm")] == ["c2"]
    assert [row.job for row in ledger.open_jobs(flow.conn, engine="nodeodm")] == ["c3"]


def stage(name: str, minute: int, *, ended: bool = True) -> dict[str, Any]:
    started = START + timedelta(minutes=minute)
    finished = started + timedelta(minutes=1) if ended else None
    return {"stage": name, "percent": float(minute), "started_at": started, "finished_at": finished}


def test_stages_are_saved_whole_and_again(flow: Flow, run: ledger.Run) -> None:
    ledger.save_stages(flow.conn, run_id=run.id, stages=[])
    assert ledger.list_stages(flow.conn, run_id=run.id) == []
    ledger.save_stages(flow.conn, run_id=run.id, stages=[stage("dataset", 0), stage("opensfm", 1, ended=False)])
    ledger.save_stages(flow.conn, run_id=run.id, stages=[stage("opensfm", 1), stage("openmvs", 2, ended=False)])
    rows = ledger.list_stages(flow.conn, run_id=run.id)
    assert [(row.stage, row.percent, row.finished_at is not None) for row in rows] == [
        ("dataset", 0, True),
        ("opensfm", 1, True),
        ("openmvs", 2, False),
    ]
    current = ledger.current_stage(flow.conn, run_id=run.id)
    assert current is not None
    assert current.stage == "openmvs"


def test_a_new_start_keeps_only_what_it_goes_on_with(flow: Flow, run: ledger.Run) -> None:
    names = ["dataset", "opensfm", "openmvs"]
    ledger.save_stages(flow.conn, run_id=run.id, stages=[stage(name, number) for number, name in enumerate(names)])
    ledger.clear_stages(flow.conn, run_id=run.id, keep=["dataset", "opensfm", "odm_dem"])
    assert [row.stage for row in ledger.list_stages(flow.conn, run_id=run.id)] == ["dataset", "opensfm"]
    ledger.clear_stages(flow.conn, run_id=run.id, keep=[])
    assert ledger.list_stages(flow.conn, run_id=run.id) == []


def test_stages_are_taken_over_from_the_newest_run(flow: Flow, run: ledger.Run) -> None:
    ledger.save_stages(flow.conn, run_id=run.id, stages=[stage("dataset", 0)])
    runs = [run]
    for name in ("second", "third", "fourth"):
        ledger.close_run(flow.conn, dag_run_id=flow.dag_run_id, state="failed")
        flow.dag_run_id = name
        runs.append(flow.open())
    ledger.save_stages(flow.conn, run_id=runs[1].id, stages=[stage("dataset", 3), stage("opensfm", 4, ended=False)])
    last = runs[-1].id
    assert ledger.runs_with_stages(flow.conn, dataset_id=flow.dataset_id, before=last) == [runs[1].id, runs[0].id]

    for _ in range(2):
        ledger.copy_stages(flow.conn, run_id=last, from_run_id=runs[1].id)
    taken, theirs = (ledger.list_stages(flow.conn, run_id=number) for number in (last, runs[1].id))
    assert [(row.stage, row.started_at, row.finished_at) for row in taken] == [
        (row.stage, row.started_at, row.finished_at) for row in theirs
    ]
    assert last not in ledger.runs_with_stages(flow.conn, dataset_id=flow.dataset_id, before=last)


def test_what_a_run_was_asked_for_is_kept_with_it(flow: Flow) -> None:
    choice: dict[str, Any] = {
        "dataset_id": flow.dataset_id, "dag_run_id": "asked", "task_types": ["odm_processing"], "preset": "fast",
        "engine": "auto", "options": {}, "priority": 2,
    }  # fmt: skip
    asked = ledger.open_run(flow.conn, **choice, gpu="required", resume_from="odm_dem")
    assert (asked.gpu, asked.resume_from) == ("required", "odm_dem")
    again = ledger.open_run(flow.conn, **choice)
    assert (again.id, again.gpu, again.resume_from) == (asked.id, "auto", None)
    with pytest.raises(psycopg.errors.CheckViolation):
        ledger.open_run(flow.conn, **choice, gpu="perhaps")
