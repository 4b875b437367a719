"""How ends are judged: codes and sentences, limits that the watch keeps, and results that lack something."""

from __future__ import annotations

from dataclasses import replace

import pytest
from structlog.testing import capture_logs

from aerodag import ledger
from aerodag.errors import Category, EngineError, RemediedError, ResourceError, Retry
from aerodag.photogrammetry.odm.planning import plan as odm_plan
from cases.engine import EngineFlow, follow, later

pytestmark = pytest.mark.docker

LOW_OVERLAP = "The program could not process this dataset using the current settings. Check that the images overlap."


@pytest.mark.parametrize(
    ("scenario", "code", "category", "retry", "exit_code"),
    [
        ({"outcome": "refuse", "sentence": LOW_OVERLAP}, "engine.low_overlap", "data", Retry.NEVER, 1),
        ({"outcome": "exit", "code": 1}, "engine.strange_values", "engine", Retry.NEVER, 1),
        ({"outcome": "exit", "code": 3}, "engine.program_missing", "engine", Retry.NEVER, 3),
        ({"outcome": "exit", "code": 132}, "engine.cpu_unsupported", "engine", Retry.NEVER, 132),
        ({"outcome": "exit", "code": 139}, "engine.strange_values", "engine", Retry.NEVER, 139),
    ],
)
def test_what_odm_says_is_understood(
    engine_flow: EngineFlow, scenario: dict[str, object], code: str, category: str, retry: Retry, exit_code: int
) -> None:
    flow = engine_flow
    flow.double(**scenario)
    with pytest.raises(Exception, match=code) as told:
        flow.play()
    error = told.value
    assert not isinstance(error, RemediedError)
    assert (error.code, error.category, error.retry) == (code, Category(category), retry)
    assert error.numbers["stage"] == "opensfm"
    row = flow.last
    assert (row.exit_code, row.failure_code, row.failed_stage) == (exit_code, code, "opensfm")
    assert row.remedy is None
    assert flow.stages["merge"].finished_at is not None
    assert flow.stages["opensfm"].finished_at is None
    assert "forensics" in flow.artifacts
    assert flow.kept_log(row)[0].startswith("[INFO]    Initializing ODM 3.5.6")
    assert flow.containers == []


def test_options_that_this_version_does_not_know(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    plan = odm_plan.load(flow.run.plan or {})
    newer = replace(plan, options=plan.options | {"pretty": True})
    ledger.set_plan(flow.conn, run_id=flow.run.id, engine="odm", plan=odm_plan.dump(newer))
    with pytest.raises(Exception, match=r"unrecognized arguments: --pretty") as told:
        flow.play()
    assert (told.value.code, told.value.category, flow.last.exit_code) == ("engine.options", Category.CONFIG, 2)


def test_at_the_deadline_it_is_stopped_for_good(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.double(outcome="hang")
    row = flow.begin()
    watch = flow.watch(row)
    follow(watch, until="opensfm step 2")
    ended = watch.look(row.deadline)
    assert ended is not None
    assert ended.stop_reason == "timeout"
    assert flow.row(row.job).stop_reason == "timeout"
    with pytest.raises(ResourceError) as told:
        flow.end(row, ended)
    assert (told.value.code, told.value.retry) == ("engine.timeout", Retry.NEVER)
    assert not isinstance(told.value, RemediedError)
    assert flow.row(row.job).failure_code == "engine.timeout"
    assert flow.containers == []


def test_the_reason_of_a_stop_outlives_the_watch(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.double(outcome="hang")
    row = flow.begin()
    flow.watch(row).look(row.deadline)
    with pytest.raises(ResourceError, match=r"engine\.timeout"):
        flow.play(attempt=2)
    assert len(flow.starts) == 1


def test_one_that_says_nothing_is_stopped_and_resumed_once(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.set(quiet_hours=1 / 3600)
    flow.double(outcome="hang")
    for attempt, kind in ((1, RemediedError), (2, EngineError)):
        row = flow.begin(attempt)
        ended = flow.follow(row)
        assert ended is not None
        assert ended.stop_reason == "stalled"
        with pytest.raises(kind) as told:
            flow.end(row, ended)
        assert told.value.code == "engine.stalled"
    assert not isinstance(told.value, RemediedError)
    assert flow.rerun_from() == "dataset"
    assert len(flow.starts) == 2


def test_a_disk_that_gets_full_stops_it_before_it_is(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.double(outcome="hang")
    row = flow.begin()
    flow.set(disk_soft_bytes=2**60)
    with capture_logs() as log:
        follow(flow.watch(row), until="opensfm step 2")
    assert [entry["code"] for entry in log if "code" in entry] == ["engine.disk_low"]
    flow.set(disk_hard_bytes=2**60)
    ended = flow.watch(row).look(later(0))
    assert ended is not None
    assert ended.stop_reason == "disk_full"
    with pytest.raises(RemediedError) as told:
        flow.end(row, ended)
    assert (told.value.code, told.value.category) == ("engine.disk_full", Category.INFRASTRUCTURE)


def test_a_lost_report_costs_no_orthophoto(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double(outcome="lose_report")
    metrics = flow.play()
    assert metrics["exit_code"] == 1
    assert flow.last.failure_code is None
    assert flow.findings["engine.report_lost"].severity == "degraded"
    assert flow.findings["engine.report_missing"].numbers["missing"] == ["report", "statistics", "shots"]


def test_a_deadline_after_the_orthophoto_costs_only_the_report(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    flow.double(outcome="hang", at="odm_report")
    row = flow.begin()
    watch = flow.watch(row)
    follow(watch, until="odm_report step 2")
    metrics = flow.end(row, watch.look(row.deadline))
    assert metrics["exit_code"] == 1
    assert flow.row(row.job).stop_reason == "timeout"
    assert flow.row(row.job).failure_code is None
    assert "timeout" in flow.findings["engine.report_lost"].message


def test_what_odm_left_out_is_told(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs()
    name = sorted(path.name for path in (flow.project / "images").iterdir())[0]
    flow.double(
        f"[WARNING] {name} seems corrupted and will not be used",
        "[WARNING] Multiple reconstructions detected (2)",
    )
    flow.play()
    assert flow.findings["engine.images_skipped"].numbers["names"] == [name]
    assert flow.findings["engine.in_parts"].numbers["reconstructions"] == 2
    assert {flow.findings[code].severity for code in ("engine.images_skipped", "engine.in_parts")} == {"degraded"}


def test_a_stray_canvas_is_degraded(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs(metres=2000.0, pixel=2.0)
    flow.double()
    flow.play()
    finding = flow.findings["engine.stray_extent"]
    assert finding.severity == "degraded"
    assert finding.numbers["ratio"] > 4


def test_an_orthophoto_without_a_place_is_none(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.outputs(epsg=None)
    flow.double(georeferenced="no")
    with pytest.raises(EngineError) as told:
        flow.play()
    assert told.value.code == "engine.not_georeferenced"
    assert (flow.last.exit_code, flow.last.failure_code) == (0, "engine.not_georeferenced")
    assert flow.containers == []


def test_without_an_orthophoto_there_is_no_result(engine_flow: EngineFlow) -> None:
    flow = engine_flow
    flow.double()
    with pytest.raises(EngineError) as told:
        flow.play()
    assert told.value.code == "engine.no_orthophoto"
    flow.outputs()
    flow.play(attempt=2)
    assert flow.rerun_from() == "odm_orthophoto"


@pytest.mark.parametrize(("told", "found"), [("", None), ("4", "degraded")])
def test_positions_are_counted_where_odm_reads_them(
    bare_engine_flow: EngineFlow, survey_files: dict[str, bytes], told: str, found: str | None
) -> None:
    flow = bare_engine_flow
    mixed = {
        name: body.replace(b'RtkFlag="50"', b'RtkFlag="16"') if number % 2 else body
        for number, (name, body) in enumerate(sorted(survey_files.items()))
    }
    flow.open(flow.upload(mixed))
    flow.plan()
    assert odm_plan.load(flow.run.plan or {}).positions.lines == 6
    flow.outputs()
    assert len((flow.project / "geo.txt").read_text().splitlines()) == 7
    flow.double(positions=told)
    metrics = flow.play()
    assert metrics["positions_updated"] == int(told or 6)
    finding = flow.findings.get("engine.positions_unmatched")
    assert (finding.severity if finding else None) == found
