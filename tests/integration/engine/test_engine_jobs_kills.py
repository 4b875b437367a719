"""SIGKILL of the worker at random moments of a try: one container for each start that is due, and none left."""

from __future__ import annotations

import os
import signal
import time
from random import Random

import pytest

from aerodag import ledger
from aerodag.errors import AerodagError, RemediedError
from aerodag.pipeline.engine_jobs import start
from cases.engine import EngineFlow
from doubles.odm.project import choose

pytestmark = pytest.mark.docker

ROUNDS = int(os.environ.get("AERODAG_TEST_KILLS", "1")) * 4
# A worker that was killed so often is left alone, that the round may end.
MOST_KILLS = 6
SUCCEEDED, REMEDIED, FAILED = 0, 1, 2


def try_in_a_worker(flow: EngineFlow, attempt: int, seconds: float | None) -> int | None:
    """One try of the task in a process of its own, killed after ``seconds``; None if it was."""
    child = os.fork()
    if child == 0:
        code = FAILED
        try:
            worker = EngineFlow(ledger.connect(flow.url), flow.url, flow.endpoint, flow.storage.root)
            worker.dag_run_id = flow.dag_run_id
            worker.play(attempt)
            code = SUCCEEDED
        except RemediedError:
            code = REMEDIED
        except AerodagError:
            code = FAILED
        finally:
            os._exit(code)
    until = time.monotonic() + seconds if seconds is not None else float("inf")
    while time.monotonic() < until:
        ended, status = os.waitpid(child, os.WNOHANG)
        if ended:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.005)
    os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return None


@pytest.mark.parametrize("number", range(ROUNDS))
def test_every_start_that_is_due_happens_once(engine_flow: EngineFlow, monkeypatch, number: int) -> None:
    monkeypatch.setattr(start, "CANCEL_SECONDS", 0.5)
    random = Random(f"{os.environ.get('AERODAG_TEST_SEED', '1')} {number}")
    scenario, due = [({}, 1), ({"outcome": "out_of_memory"}, 2), ({"outcome": "steady", "lines": 20}, 1)][number % 3]
    engine_flow.outputs()
    engine_flow.double(**scenario)
    for attempt in range(1, 40):
        status = try_in_a_worker(engine_flow, attempt, random.uniform(0, 1.4) if attempt <= MOST_KILLS else None)
        if engine_flow.events("engine.remedied"):
            choose(engine_flow.project)
        if status in {SUCCEEDED, FAILED}:
            break
    assert status == SUCCEEDED
    assert len(engine_flow.starts) == due
    assert engine_flow.containers == []
    rows = engine_flow.conn.execute(
        "select ended_at is not null, discarded_at is not null from aerodag.engine_job where run_id = %s",
        [engine_flow.run.id],
    ).fetchall()
    assert rows == [(True, True)] * due
