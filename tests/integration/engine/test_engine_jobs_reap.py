"""Housekeeping: what nobody looks after any more is stopped and removed, and nothing else."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from aerodag.containers.endpoint import connect
from aerodag.containers.spec import DEADLINE, ROLE
from aerodag.containers.states import labelled
from aerodag.containers.throwaway import PROBE
from aerodag.photogrammetry.docker_jobs import DockerJobs
from aerodag.photogrammetry.jobs import JobState
from aerodag.pipeline.engine_jobs.reap import reap
from cases.engine import EngineFlow, later
from doubles.odm import recipe
from doubles.odm.following import order
from doubles.odm.project import make_project

pytestmark = pytest.mark.docker

NOTHING = {"overdue": 0, "orphans": 0}


def reaped(flow: EngineFlow, seconds: float = 300) -> dict[str, int]:
    return reap(flow.conn, flow.settings, later(seconds))


def test_a_job_at_work_is_left_alone(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.double(outcome="hang")
    row = flow.begin()
    assert reaped(flow, 3600) == NOTHING | {"jobs": 1}
    assert flow.jobs.look(row.job).state is JobState.RUNNING


def test_what_an_ended_run_left_is_removed(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.double(outcome="hang")
    row = flow.begin()
    flow.follow(row, until="opensfm step 2")
    said = flow.said(row)
    flow.close("cancelled")
    assert reaped(flow, 10) == NOTHING | {"jobs": 1}, "the run's own task may still do it"
    assert reaped(flow) == NOTHING | {"jobs": 1, "orphans": 1}

    assert flow.containers == []
    removed = flow.row(row.job)
    assert (removed.stop_reason, removed.failure_code) == ("cancelled", "engine.cancelled")
    assert removed.discarded_at
    assert flow.kept_log(row)[: len(said)] == said
    assert {"engine_log", "forensics"} <= flow.artifacts.keys()
    ((message, _),) = flow.events("engine.orphan_removed")
    assert row.job[:12] in message
    assert reaped(flow) == NOTHING | {"jobs": 0}
    assert len(flow.events("engine.orphan_removed")) == 1


def test_one_that_was_judged_keeps_its_judgement(engine_flow: EngineFlow, monkeypatch: pytest.MonkeyPatch) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double()
    with monkeypatch.context() as patch:
        # The worker dies between the judgement and the removal.
        patch.setattr("aerodag.pipeline.engine_jobs.end.bury", lambda *args, **kwargs: None)
        flow.play()
    flow.close("succeeded")
    assert len(flow.containers) == 1
    before = flow.artifacts["engine_log"]
    assert reaped(flow)["orphans"] == 1
    assert flow.containers == []
    assert (flow.last.failure_code, flow.last.exit_code, flow.last.stop_reason) == (None, 0, None)
    assert flow.artifacts["engine_log"].sha256 == before.sha256


def test_one_over_its_time_is_stopped_and_told_apart(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.set(hours=0.01)
    flow.double(outcome="hang")
    row = flow.begin()
    assert reaped(flow, 3600) == NOTHING | {"jobs": 1, "overdue": 1}
    assert flow.row(row.job).stop_reason == "timeout"
    assert reaped(flow, 3600) == NOTHING | {"jobs": 1}
    assert len(flow.events("engine.overdue_stopped")) == 1
    with pytest.raises(Exception, match=r"engine\.timeout"):
        flow.play(attempt=2)
    assert len(flow.starts) == 1
    assert flow.containers == []


def test_a_container_of_a_run_that_nobody_knows(engine_flow: EngineFlow, tmp_path: Path) -> None:
    flow = engine_flow
    stray = flow.jobs.submit(order(make_project(tmp_path / "stray", outcome="hang")))
    foreign = DockerJobs(flow.endpoint, flow.settings.odm, installation=f"{flow.settings.installation}/other")
    theirs = foreign.submit(order(make_project(tmp_path / "foreign", outcome="hang")))
    try:
        assert reaped(flow, 10) == NOTHING | {"jobs": 1}, "a worker may be about to record it"
        assert reaped(flow) == NOTHING | {"jobs": 1, "orphans": 1}
        assert flow.jobs.look(stray).state is JobState.GONE
        assert foreign.look(theirs).state is JobState.RUNNING
        assert len(flow.events("engine.orphan_removed")) == 1
    finally:
        foreign.discard(theirs)


def test_a_probe_that_a_killed_process_left(engine_flow: EngineFlow) -> None:
    flow, client = engine_flow, connect(engine_flow.endpoint)
    deadline = datetime.now(UTC).isoformat()
    probe = client.create_container(recipe.IMAGE, ["true"], labels={ROLE: PROBE, DEADLINE: deadline})["Id"]
    assert reaped(flow, 10) == NOTHING | {"jobs": 0}
    assert reaped(flow) == {"jobs": 0, "overdue": 0, "orphans": 1}
    assert probe not in {container.id for container in labelled(client)}


def test_an_engine_that_is_away_is_left_for_the_next_time(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.set(docker_url="unix:///nowhere/docker.sock")
    assert reaped(flow) == NOTHING | {"jobs": 0}
