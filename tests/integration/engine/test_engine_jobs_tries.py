"""What the next try finds: a person cleared the task, a watch broke, a deadline was set."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest

from aerodag import ledger
from aerodag.errors import AerodagError
from aerodag.pipeline.engine_jobs import start
from aerodag.pipeline.engine_jobs.end import cancel
from aerodag.pipeline.engine_jobs.start import find_or_start
from cases.engine import EngineFlow

pytestmark = pytest.mark.docker


def end_task(flow: EngineFlow, job: str) -> None:
    """What the trigger does when a person has ended its task."""
    with flow.open_ledger() as conn:
        cancel(conn, flow.settings, flow.jobs, engine="odm", job=job)


def test_a_person_who_clears_the_task_gets_a_new_start(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double(outcome="ignore_term")
    first = flow.begin()
    flow.follow(first, until="opensfm step 2")
    said = flow.said(first)
    flow.conn.execute("update aerodag.engine_job set deadline = deadline - interval '1 hour'")
    # Another process does it, a moment after the next try has begun.
    timer = threading.Timer(1.0, end_task, [flow, first.job])
    timer.start()
    second = flow.begin(attempt=2)
    timer.join()

    assert second.job != first.job
    assert [container.id for container in flow.containers] == [second.job]
    old = flow.row(first.job)
    assert (old.stop_reason, old.failure_code) == ("cancelled", "engine.cancelled")
    assert old.discarded_at is not None
    assert old.discarded_at <= second.submitted_at
    assert flow.kept_log(first) == said
    assert second.deadline - old.deadline > timedelta(minutes=59)
    assert len(flow.starts) == 2


def test_a_cancel_that_died_half_way_is_finished_by_the_next_try(
    engine_flow: EngineFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "CANCEL_SECONDS", 0.0)
    flow = engine_flow
    flow.outputs()
    flow.double(outcome="hang")
    first = flow.begin()
    flow.follow(first, until="opensfm step 2")
    ledger.stop_job(flow.conn, engine="odm", job=first.job, reason="cancelled")
    flow.double()

    metrics = flow.play(attempt=2)
    assert metrics["exit_code"] == 0
    assert flow.row(first.job).discarded_at
    assert "Caught TERM/INT signal" in flow.kept_log(first)[-1]
    assert flow.containers == []


def test_what_nobody_cleared_is_taken_over_from_a_broken_watch(
    engine_flow: EngineFlow, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(start, "CANCEL_SECONDS", 0.2)
    flow = engine_flow
    flow.outputs()
    flow.double(outcome="steady", lines=60)
    first = flow.begin()
    flow.follow(first, until="steady line 1 ")
    assert flow.begin(attempt=2).job == first.job
    flow.end(first, flow.follow(first))
    assert len(flow.starts) == 1


def test_the_deadline_stays_over_retries_of_an_attempt(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.double(outcome="exit", code=137)
    first = flow.begin()
    with pytest.raises(AerodagError):
        flow.end(first, flow.follow(first))
    second = flow.begin(attempt=2)
    assert second.job != first.job
    assert second.deadline == first.deadline
    with pytest.raises(AerodagError):
        flow.end(second, flow.follow(second))

    flow.close()
    context = flow.context
    ledger.resume_run(flow.conn, run_id=flow.run.id)
    third = find_or_start(context, flow.jobs, attempt=3)
    assert third.deadline > first.deadline, "a run that had ended is a new attempt"


def test_a_deadline_from_before_a_person_s_clearing_is_forgotten(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.double(outcome="exit", code=137)
    deadlines = []
    for attempt in (1, 2, 3, 4):
        row = flow.begin(attempt)
        deadlines.append(row.deadline)
        if attempt == 2:
            end_task(flow, row.job)
            continue
        with pytest.raises(AerodagError):
            flow.end(row, flow.follow(row))
    assert deadlines[0] == deadlines[1] < deadlines[2] == deadlines[3]
