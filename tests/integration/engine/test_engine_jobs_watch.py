"""The watch of a job: each line once whoever watches, and nothing but the job's end or a limit ends it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest
from structlog.testing import capture_logs

from aerodag.errors import InfrastructureError
from aerodag.photogrammetry.jobs import line_key
from aerodag.pipeline.engine_jobs.watch import OpenLedger
from cases.engine import EngineFlow, follow, later, shown_lines
from servers.docker_engine import OwnEngine, own_engine

pytestmark = pytest.mark.docker


def all_lines_of(flow: EngineFlow, job: str) -> Counter[str]:
    """Each line of a job once, by its key."""
    count = sum(1 for _ in flow.jobs.lines(job))
    return Counter({line_key(job, number): 1 for number in range(1, count + 1)})


def test_each_line_is_shown_once_over_several_watches(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double(outcome="steady", lines=80)
    with capture_logs() as log:
        row = flow.begin()
        for line in (15, 40):
            watch = flow.watch(row, shown=max_shown(log))
            follow(watch, until=f"steady line {line} ")
        ended = flow.follow(row, shown=max_shown(log))
        expected = all_lines_of(flow, row.job)
        flow.end(row, ended)
    assert shown_lines(log) == expected
    assert len(expected) > 80


def max_shown(log: list[dict[str, object]]) -> int:
    """As the trigger reads it from the end of the task log."""
    return max((int(key.partition(":")[2]) for key in shown_lines(log)), default=0)


def test_progress_is_on_record_while_it_works(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double(outcome="hang", at="odm_dem")
    row = flow.begin()
    watch = flow.watch(row)
    with capture_logs() as log:
        follow(watch, until="odm_dem step 2")
        for seconds in (6, 7, 12):
            assert watch.look(later(seconds)) is None
    dem = flow.stages["odm_dem"]
    assert (dem.percent, dem.finished_at) == (80, None)
    assert flow.stages["openmvs"].finished_at
    seen = flow.row(row.job)
    assert seen.lines_shown == watch.shown
    assert seen.expected_at is not None
    told = [entry for entry in log if entry["event"] == "engine at work" and entry["stage"] == "odm_dem"]
    assert len(told) == 1


def test_warnings_and_errors_keep_their_level(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.double("[WARNING] a warning", "[ERROR]   an error", outcome="hang")
    row = flow.begin()
    with capture_logs() as log:
        flow.follow(row, until="opensfm step 2")
    levels = {entry["event"]: entry["log_level"] for entry in log}
    assert (levels["[WARNING] a warning"], levels["[ERROR]   an error"]) == ("warning", "error")


def test_a_ledger_that_is_away_ends_no_watch(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double(outcome="steady", lines=250)  # outlasts both looks, on old engines a second each
    row = flow.begin()
    watch = flow.watch(row)
    with capture_logs() as log:
        for error in (psycopg.OperationalError("gone"), InfrastructureError("ledger.unreachable", "", advice="")):
            watch.open_ledger = failing(error)
            watch.recorded_at = datetime.min.replace(tzinfo=UTC)
            assert watch.look(later(0)) is None
        watch.open_ledger = flow.open_ledger
        flow.end(row, follow(watch))
        expected = flow.row(row.job).lines_shown
    assert [entry["log_level"] for entry in log if "does not take" in entry["event"]] == ["warning", "warning"]
    assert set(shown_lines(log).values()) == {1}
    assert len(shown_lines(log)) == expected


def test_a_ledger_that_is_away_keeps_no_limit_from_being_kept(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.double(outcome="hang")
    row = flow.begin()
    watch = flow.watch(row)
    watch.open_ledger = failing(psycopg.OperationalError("gone"))
    ended = watch.look(row.deadline)
    assert ended is not None
    assert flow.row(row.job).stop_reason is None
    with pytest.raises(Exception, match=r"engine\.timeout"):
        flow.end(row, ended)


def failing(error: Exception) -> OpenLedger:
    def open_ledger() -> AbstractContextManager[psycopg.Connection]:
        raise error

    return open_ledger


@pytest.fixture
def stoppable(tmp_path: Path) -> Iterator[OwnEngine]:
    with own_engine() as engine:
        engine.restart(live_restore=True)
        yield engine


def test_an_engine_that_is_away_ends_no_watch(stoppable: OwnEngine, engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.endpoint = stoppable.endpoint
    flow.plan(docker_url=stoppable.endpoint.url)
    flow.outputs()
    flow.double(outcome="steady", lines=80)
    with capture_logs() as log:
        row = flow.begin()
        watch = flow.watch(row)
        follow(watch, until="steady line 20 ")
        stoppable.stop()
        for minutes in (0, 1, 6):
            assert watch.look(later(minutes * 60)) is None
        # Its deadline is over meanwhile; but nobody knows whether it still runs.
        assert watch.look(row.deadline + timedelta(hours=1)) is None
        stoppable.start()
        ended = follow(watch)
        expected = all_lines_of(flow, row.job)
        flow.end(row, ended)
    assert shown_lines(log) == expected
    assert len(flow.starts) == 1
    complaints = [entry for entry in log if "cannot be reached" in entry["event"]]
    assert len(complaints) == 3
    assert any("can be reached again" in entry["event"] for entry in log)
    assert flow.containers == []
