"""Where a start goes on: after a kill, with other options, and in a new run that a person wants resumed."""

from __future__ import annotations

import pytest

from aerodag import ledger
from aerodag.containers.endpoint import connect
from aerodag.errors import ConfigError, InfrastructureError, RemediedError, Retry
from aerodag.ledger import EngineJob
from cases.engine import EngineFlow, follow, later, wait_until

pytestmark = pytest.mark.docker

EARLIER = ("opensfm", "odm_meshing", "odm_georeferencing")


def run_until_killed(flow: EngineFlow, stage: str) -> EngineJob:
    """A try that somebody kills from outside in that stage."""
    flow.outputs()
    flow.double(outcome="hang", at=stage)
    row = flow.begin()
    flow.follow(row, until=f"{stage} step 2")
    connect(flow.endpoint).kill(row.job)
    with pytest.raises(InfrastructureError) as told:
        flow.end(row, flow.follow(row))
    assert (told.value.code, told.value.retry) == ("engine.killed", Retry.SAME)
    assert not isinstance(told.value, RemediedError)
    assert (flow.row(row.job).exit_code, flow.row(row.job).failed_stage) == (137, stage)
    return row


def leave_marks(flow: EngineFlow, *folders: str) -> None:
    for folder in folders:
        (flow.project / folder / "mark").touch()


def marked(flow: EngineFlow) -> set[str]:
    return {path.parent.name for path in flow.project.glob("*/mark")}


def test_killed_from_outside_it_goes_on_where_it_was(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    run_until_killed(flow, "odm_dem")
    before = flow.stages
    assert before["odm_georeferencing"].finished_at
    assert before["odm_dem"].finished_at is None
    leave_marks(flow, *EARLIER, "odm_dem")
    flow.double()

    row = flow.begin(attempt=2)
    assert row.rerun_from == "odm_dem"
    assert set(flow.stages) == {name for name in before if name != "odm_dem"}
    flow.end(row, flow.follow(row))
    assert flow.rerun_from() == "odm_dem"
    assert marked(flow) == set(EARLIER)
    after = flow.stages
    assert {name: after[name] for name in before if name != "odm_dem"} == {
        name: before[name] for name in before if name != "odm_dem"
    }
    assert after["odm_dem"].started_at > before["odm_dem"].started_at
    assert after["odm_postprocess"].finished_at
    assert len(flow.starts) == 2


def test_the_journal_is_whole_when_somebody_removes_the_container(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double(outcome="hang", at="odm_dem")
    row = flow.begin()
    watch = flow.watch(row)
    follow(watch, until="odm_dem step 2")
    assert watch.look(later(6)) is None
    flow.jobs.discard(row.job)
    with pytest.raises(InfrastructureError, match=r"engine\.job_gone"):
        flow.end(row, watch.look(later(12)))
    flow.double()
    flow.play(attempt=2)
    assert flow.rerun_from() == "odm_dem"


@pytest.mark.parametrize(
    ("options", "stage"),
    [
        ({"dem-resolution": 50}, "odm_dem"),
        ({"mesh-octree-depth": 9}, "odm_meshing"),
        ({"pc-quality": "low"}, "openmvs"),
    ],
)
def test_other_options_start_where_they_matter(engine_flow: EngineFlow, options: dict[str, object], stage: str) -> None:
    flow = engine_flow
    run_until_killed(flow, "odm_orthophoto")
    flow.close()
    flow.open(flow.run.dataset_id, options=options)
    flow.plan()
    flow.double()
    flow.play(attempt=2)
    assert flow.rerun_from() == stage


def test_other_features_start_from_the_beginning(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    run_until_killed(flow, "odm_orthophoto")
    leave_marks(flow, *EARLIER)
    flow.open(flow.run.dataset_id, options={"feature-quality": "low"})
    flow.plan()
    flow.double()
    flow.play(attempt=2)
    assert flow.rerun_from() == "dataset"
    assert marked(flow) == set()


def test_a_job_for_another_plan_makes_room(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double(outcome="hang", at="odm_orthophoto")
    first = flow.begin()
    wait_until(lambda: any("odm_orthophoto step 2" in line for line in flow.said(first)))
    flow.open(flow.run.dataset_id, options={"dem-resolution": 50})
    flow.plan()
    flow.double()
    second = flow.begin(attempt=2)
    assert second.rerun_from == "odm_dem"
    assert [container.id for container in flow.containers if container.id != second.job] == []
    assert (flow.row(first.job).stop_reason, flow.row(first.job).discarded_at is None) == ("cancelled", False)
    flow.end(second, flow.follow(second))
    assert len(flow.starts) == 2


def test_the_same_plan_made_again_takes_the_job_over(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double(outcome="steady", lines=30)
    first = flow.begin()
    flow.plan()
    second = flow.begin(attempt=2)
    assert second.job == first.job
    flow.end(second, flow.follow(second))
    assert len(flow.starts) == 1


def test_a_new_run_takes_the_work_of_an_earlier_one_over(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    run_until_killed(flow, "odm_orthophoto")
    leave_marks(flow, *EARLIER)
    flow.double()
    flow.close()
    earlier, before = flow.project, flow.stages

    flow.open(flow.run.dataset_id, "second", resume_from="odm_dem")
    flow.plan()
    metrics = flow.play()
    assert metrics["exit_code"] == 0
    assert flow.rerun_from() == "odm_dem"
    assert not earlier.exists()
    assert marked(flow) == set(EARLIER)
    after = flow.stages
    assert after["opensfm"].started_at == before["opensfm"].started_at
    assert after["odm_dem"].started_at > before["odm_dem"].started_at
    assert len(flow.starts) == 2


def test_a_takeover_that_was_cut_off_is_finished(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    run_until_killed(flow, "odm_orthophoto")
    flow.double()
    flow.close()
    earlier = flow.project

    flow.open(flow.run.dataset_id, "second", resume_from="odm_dem")
    flow.plan()
    flow.project.parent.mkdir(exist_ok=True)
    earlier.rename(flow.project)
    flow.play()
    assert flow.rerun_from() == "odm_dem"


@pytest.mark.parametrize("stage", ["odm_report", "odm_dam"])
def test_what_cannot_be_resumed_says_what_can(engine_flow: EngineFlow, stage: str) -> None:
    flow = engine_flow
    run_until_killed(flow, "odm_orthophoto")
    flow.close()
    flow.open(flow.run.dataset_id, "second", resume_from=stage)
    flow.plan()
    with pytest.raises(ConfigError) as told:
        flow.begin()
    assert told.value.code == "odm.resume_impossible"
    assert told.value.numbers["instead"] == ["odm_orthophoto" if stage == "odm_report" else "odm_dem"]
    assert flow.containers == []
    assert len(flow.starts) == 1


def test_other_images_cannot_be_resumed(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    run_until_killed(flow, "odm_orthophoto")
    flow.close()
    image = ledger.assigned_images(flow.conn, dataset_id=flow.run.dataset_id)[0]
    flow.open(flow.run.dataset_id, "second", resume_from="odm_dem", exclude_images=[image.zip_path])
    flow.plan()
    with pytest.raises(ConfigError, match=r"odm\.resume_impossible"):
        flow.begin()
