"""An engine's job without an Airflow: started once, watched, judged at its end, and taken over whoever dies."""

from __future__ import annotations

import json
from contextlib import nullcontext

import pytest
from structlog.testing import capture_logs

from aerodag import ledger
from aerodag.errors import EngineError, InfrastructureError
from aerodag.photogrammetry.jobs import JobState
from aerodag.photogrammetry.odm.stages import STAGES
from aerodag.storage import local_path, sha256_of
from cases.engine import EngineFlow, shown_lines
from doubles.odm.project import give_report

pytestmark = pytest.mark.docker


def test_success_is_on_record_whole(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    give_report(flow.project, left_out=1)
    flow.double()
    with capture_logs() as log:
        row = flow.begin()
        ended = flow.follow(row)
        said = flow.said(row)
        metrics = flow.end(row, ended)

    assert [line.split()[0] for line in flow.starts] == [row.job[:12]]
    assert flow.containers == []
    done = flow.row(row.job)
    assert (done.attempt, done.exit_code, done.failure_code, done.stop_reason, done.rerun_from) == (
        1,
        0,
        None,
        None,
        None,
    )
    assert done.lines_shown == len(said) == metrics["log_lines"]
    assert done.watched_at
    assert done.ended_at
    assert done.discarded_at
    assert 0 < (done.deadline - done.submitted_at).total_seconds() <= 24 * 3600

    assert set(shown_lines(log).values()) == {1}
    assert len(shown_lines(log)) == len(said)
    assert flow.kept_log(row) == said

    stages = flow.stages
    assert list(stages) == [stage.name for stage in STAGES]
    assert {name: stage.percent for name, stage in stages.items()} == {stage.name: stage.percent for stage in STAGES}
    for stage in stages.values():
        assert stage.finished_at is not None
        assert row.submitted_at.timestamp() - 5 < stage.started_at.timestamp() <= stage.finished_at.timestamp()

    images = ledger.list_images(flow.conn, dataset_id=flow.run.dataset_id)
    left_out = sorted(str(image.engine_name) for image in images)[-1]
    assert {image.engine_name: image.registered for image in images} == {
        image.engine_name: image.engine_name != left_out for image in images
    }
    assert flow.findings.keys() >= {"engine.image_unregistered", "engine.partial"}
    assert (metrics["registered"], metrics["unregistered"], metrics["exit_code"]) == (5, 1, 0)
    assert metrics["statistics"]["reprojection_error_pixels"] == 0.6
    assert metrics["gsd_cm"] == pytest.approx(50)
    assert metrics["version"] == "3.5.6"
    assert metrics["image_digest"].startswith("sha256:")
    assert set(metrics["stages_s"]) == set(stages)

    artifacts = flow.artifacts
    assert {"engine_log", "forensics", "unregistered"} <= artifacts.keys()
    for artifact in artifacts.values():
        assert sha256_of(local_path(artifact.uri)) == artifact.sha256
    forensics = json.loads(local_path(artifacts["forensics"].uri).read_text())
    assert forensics["ending"]["exit_code"] == 0
    assert forensics["ending"]["details"]["State"]["Status"] == "exited"
    assert forensics["plan"]["preset"] == "standard"
    (feature,) = json.loads(local_path(artifacts["unregistered"].uri).read_text())["features"]
    assert feature["properties"]["filename"] == left_out
    assert feature["geometry"]["coordinates"] == pytest.approx([10.98, 48.07], abs=0.01)
    assert not (flow.context.work / "scratch").exists()


def test_the_memory_that_it_used_is_measured(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double(outcome="steady", lines=250)  # for seconds: old engines take one to measure
    row = flow.begin()
    metrics = flow.end(row, flow.follow(row))

    assert 0 < (flow.row(row.job).peak_memory_bytes or 0) < 64 * 1024**2
    assert metrics["peak_rss_bytes"] == flow.row(row.job).peak_memory_bytes


def test_a_killed_worker_leaves_it_running_to_the_next_try(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double(outcome="steady", lines=50)
    first = flow.begin()
    second = flow.begin(attempt=2)
    assert second == first

    flow.end(second, flow.follow(second))
    assert len(flow.starts) == 1
    assert flow.row(first.job).failure_code is None


def test_one_started_but_not_recorded_is_taken_over(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double(outcome="steady", lines=30)
    first = flow.begin()
    flow.conn.execute("update aerodag.engine_job set job = 'lost', name = 'lost'")

    second = flow.begin(attempt=2)
    assert second.job == first.job
    flow.end(second, flow.follow(second))
    assert len(flow.starts) == 1


def test_one_that_ended_unwatched_is_judged_once(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double()
    first = flow.begin()
    while flow.jobs.look(first.job).state is JobState.RUNNING:
        pass

    with capture_logs() as log:
        metrics = flow.play(attempt=2)
    assert metrics["exit_code"] == 0
    assert set(shown_lines(log).values()) == {1}
    assert len(shown_lines(log)) == metrics["log_lines"]
    assert len(flow.starts) == 1
    assert flow.containers == []


def test_one_that_was_judged_makes_room_for_a_new_one(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.double(outcome="hang")
    first = flow.begin()
    ledger.end_job(flow.conn, engine="odm", job=first.job, exit_code=1, failure_code="engine.failed")
    flow.outputs()
    flow.double()

    flow.play(attempt=2)
    assert len(flow.starts) == 2
    assert flow.row(first.job).discarded_at
    assert flow.containers == []


@pytest.mark.parametrize("removed", [True, False])
def test_a_worker_that_dies_after_the_judgement_costs_nothing(
    engine_flow: EngineFlow, monkeypatch: pytest.MonkeyPatch, removed: bool
) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double()
    with monkeypatch.context() as patch:
        if not removed:
            patch.setattr("aerodag.pipeline.engine_jobs.end.bury", lambda *args, **kwargs: None)
        first = flow.play()
    assert flow.play(attempt=2) == first | {"reused": True}
    assert len(flow.starts) == 1
    assert flow.last.discarded_at
    assert flow.containers == []


def test_a_result_that_is_gone_is_made_again(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double()
    flow.play()
    (flow.project / "odm_orthophoto" / "odm_orthophoto.tif").unlink()
    ledger.clear_stages(flow.conn, run_id=flow.run.id, keep=["dataset", "opensfm"])
    assert "reused" not in flow.play(attempt=2)
    assert len(flow.starts) == 2


def test_tries_that_are_counted_anew_get_new_names(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    for outcome in ("exit", "exit", "succeed"):
        flow.double(outcome=outcome)
        row = flow.begin(attempt=1)
        ended = flow.follow(row)
        with nullcontext() if outcome == "succeed" else pytest.raises(EngineError):
            flow.end(row, ended)
    assert flow.last.attempt == 3
    assert flow.last.name.endswith("-t3")


def test_one_that_somebody_removed_is_started_again(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double(outcome="hang")
    first = flow.begin()
    flow.follow(first, until="opensfm step")
    flow.jobs.discard(first.job)

    with pytest.raises(InfrastructureError, match=r"engine\.job_gone"):
        flow.end(first, flow.follow(first))
    gone = flow.row(first.job)
    assert gone.failure_code == "engine.job_gone"
    assert gone.ended_at
    assert gone.discarded_at
    flow.double()
    flow.play(attempt=2)
    assert len(flow.starts) == 2
