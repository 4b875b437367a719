"""Data-quality checks: what is measured of a run, how it is judged, and that an operator sets the thresholds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from aerodag import ledger
from aerodag.errors import ConfigError
from aerodag.findings import Finding, Severity
from aerodag.ledger import CheckResult, ImageRecord
from cases.ledger import ALL_TASKS, Flow

NOON = datetime(2026, 6, 21, 12, tzinfo=UTC)
COVERAGE = {"forward_overlap": 0.8, "side_overlap": 0.3, "gap_area_m2": 100.0, "area_m2": 10_000.0}


def photograph(number: int, **changes: Any) -> ImageRecord:
    """One of a row of images along a parallel, 0.001 degrees apart, with a fixed position."""
    facts: dict[str, Any] = {
        "zip_path": f"{number}.jpg",
        "engine_name": f"{number}.jpg",
        "captured_at": NOON + timedelta(seconds=number),
        "longitude": 11.0 + number / 1000,
        "latitude": 48.0,
        "altitude": 500.0,
        "rtk_flag": 50,
        "std_e_m": 0.01 + number / 1000,
        "std_n_m": 0.01,
        "gsd_cm": 2.0,
        "status": "assigned",
    }
    return ImageRecord(**(facts | changes))


def verdicts(results: list[CheckResult]) -> dict[str, str]:
    return {result.name: result.verdict for result in results}


def values(results: list[CheckResult]) -> dict[str, float | None]:
    return {result.name: result.value for result in results}


def reasons(results: list[CheckResult]) -> dict[str, str | None]:
    return {result.name: result.reason for result in results}


def metrics(flow: Flow, name: str, **figures: Any) -> None:
    """A step of that name that ended well, with these figures."""
    flow.start(name)
    ledger.add_metrics(
        flow.conn, run_id=flow.run.id, name=name, map_index=-1, try_number=flow.tries[name], metrics=figures
    )
    flow.end(name)


def product(flow: Flow, kind: str, bbox: list[float] | None = None, **facts: Any) -> None:
    """A product that shows all of its box; across the antimeridian in two parts, as GeoJSON wants it."""
    if bbox is not None:
        west, south, east, north = bbox
        parts = [(west, east)] if west < east else [(west, 180.0), (-180.0, east)]
        facts["footprint"] = {"type": "MultiPolygon", "coordinates": [[ring(a, south, b, north)] for a, b in parts]}
    ledger.record_artifact(flow.conn, run_id=flow.run.id, kind=kind, uri=f"file:///{kind}", bytes=1, bbox=bbox, **facts)


def ring(west: float, south: float, east: float, north: float) -> list[list[float]]:
    return [[west, south], [east, south], [east, north], [west, north], [west, south]]


def survey(flow: Flow) -> int:
    """A run of ten images, eight of which go to the engine and seven into the map; the id of the run."""
    run_id = flow.open().id
    images = [
        *[photograph(number, exif={"aerodag:mark": {}} if number else {}) for number in range(8)],
        photograph(8, status="rejected", reasons=["image.black"], longitude=None, latitude=None),
        photograph(9, status="duplicate", captured_at=None),
    ]
    images[1] = photograph(1, rtk_flag=34, altitude=0.0, reasons=["image.blurred"], exif={"aerodag:mark": {}})
    ledger.replace_images(flow.conn, dataset_id=flow.dataset_id, images=images)
    ledger.mark_registered(flow.conn, dataset_id=flow.dataset_id, engine_names=[f"{number}.jpg" for number in range(7)])
    files = [
        ledger.RtkFile(zip_path="flight.MRK", kind="mrk", size_bytes=1, records=10, matched=9),
        ledger.RtkFile(zip_path="flight.OBS", kind="obs", size_bytes=1),
    ]
    ledger.replace_rtk_files(flow.conn, dataset_id=flow.dataset_id, files=files)
    ledger.set_preflight(flow.conn, run_id=run_id, report={"coverage": COVERAGE})
    metrics(flow, "plan_engine", expected_gsd_cm=2.0)
    ledger.set_plan(flow.conn, run_id=run_id, engine="odm", plan={"options": {"orthophoto-resolution": 4.0}})
    statistics = {"components": 2, "reprojection_error_pixels": 0.7, "gps_average_error_m": 1.5}
    metrics(flow, "odm", registered=7, unregistered=1, statistics=statistics)
    metrics(flow, "publish_ortho", placement={"hull_covered": 0.7, "size_ratio": 1.2})
    grid = {"valid_ratio": 0.6, "valid_area_m2": 9_000.0}
    product(flow, "orthophoto", [11.0, 47.9, 11.0055, 48.1], gsd_m=0.05, sha256="a" * 64, details={"raster": grid})
    product(flow, "cog", [11.0, 47.9, 11.0055, 48.1], sha256="b" * 64)
    product(flow, "metadata")
    ledger.replace_findings(
        flow.conn, run_id=run_id, step="odm", findings=[Finding(Severity.DEGRADED, "engine.in_parts", "Two parts.")]
    )
    return run_id


MEASURED: Mapping[str, tuple[float, str]] = {
    "images.assigned": (8, "pass"),
    "images.assigned_share": (8 / 9, "pass"),  # the duplicate is no loss
    "images.blurred_share": (1 / 8, "warn"),
    "images.badly_exposed_share": (0.1, "warn"),
    "images.damaged_share": (0, "pass"),
    "images.duplicate_share": (0.1, "pass"),
    "images.known_elsewhere_share": (0, "pass"),
    "gps.position_share": (0.9, "pass"),
    "gps.altitude_share": (7 / 8, "warn"),
    "gps.outlier_share": (0, "pass"),
    "gps.time_share": (0.9, "warn"),
    "rtk.fixed_share": (7 / 8, "warn"),
    "rtk.marked_share": (7 / 8, "warn"),
    "rtk.matched_share": (0.9, "warn"),
    "rtk.deviation_m": (0.0135, "pass"),
    "registration.share": (7 / 8, "warn"),
    "registration.majority": (7 / 8, "pass"),
    "registration.components": (2, "warn"),
    "registration.reprojection_px": (0.7, "pass"),
    "registration.gps_error_m": (1.5, "pass"),
    "geometry.forward_overlap": (0.8, "pass"),
    "geometry.side_overlap": (0.3, "warn"),
    "geometry.gap_share": (0.01, "pass"),
    "geometry.hull_covered": (0.7, "warn"),
    "geometry.cameras_inside": (6 / 7, "pass"),
    "geometry.size_ratio": (1.2, "pass"),
    "geometry.area_ratio": (0.9, "pass"),
    "geometry.valid_share": (0.6, "pass"),
    "geometry.gsd_ratio": (1.25, "pass"),  # of the resolution that was asked for, not that of the images
    "products.missing": (2, "fail"),
    "products.cog_same_extent": (1, "pass"),
    "products.thumbnails": (0, "warn"),
    "products.checksummed_share": (2 / 3, "warn"),
    "products.serious_findings": (1, "warn"),
}


def test_everything_is_measured(flow: Flow) -> None:
    results = ledger.evaluate_checks(flow.conn, run_id=survey(flow))
    assert values(results) == pytest.approx({name: value for name, (value, _) in MEASURED.items()})
    assert verdicts(results) == {name: verdict for name, (_, verdict) in MEASURED.items()}
    topics = list(dict.fromkeys(result.topic for result in results))
    assert topics == ["images", "gps", "rtk", "registration", "geometry", "products"]


def test_what_is_not_known_has_a_reason(flow: Flow) -> None:
    results = ledger.evaluate_checks(flow.conn, run_id=flow.open().id)
    assert {result.name for result in results} == set(MEASURED)
    unknown = {name: reason for name, reason in reasons(results).items() if reason}
    assert set(verdicts(results)) - set(unknown) == {
        "products.missing",
        "products.thumbnails",
        "products.serious_findings",
    }
    assert all(verdict == "unknown" for name, verdict in verdicts(results).items() if name in unknown)
    assert not [reason for reason in unknown.values() if reason.startswith("Nothing measures")]
    assert unknown["images.assigned_share"] == "The upload has no images."
    assert unknown["registration.share"] == "The run made no reconstruction."
    assert unknown["geometry.side_overlap"] == "The run has no pre-flight report."
    assert unknown["geometry.valid_share"] == "The run made no orthophoto."


def test_rtk_is_only_asked_of_who_flew_it(flow: Flow) -> None:
    images = [photograph(number, rtk_flag=None, std_e_m=None, std_n_m=None) for number in range(6)]
    run_id = flow.open().id
    ledger.replace_images(flow.conn, dataset_id=flow.dataset_id, images=images)
    found = ledger.evaluate_checks(flow.conn, run_id=run_id)
    told = {result.name: result.reason for result in found if result.topic == "rtk"}
    assert told == {
        "rtk.fixed_share": "RTK was not flown.",
        "rtk.deviation_m": "RTK was not flown.",
        "rtk.marked_share": "The upload has no mark file.",
        "rtk.matched_share": "The upload has no mark file.",
    }


def test_odd_documents_are_no_failure(flow: Flow) -> None:
    run_id = flow.open().id
    ledger.replace_images(flow.conn, dataset_id=flow.dataset_id, images=[photograph(1, gsd_cm=float("nan"))])
    ledger.set_preflight(flow.conn, run_id=run_id, report={"coverage": ["none"]})
    ledger.set_plan(flow.conn, run_id=run_id, engine="odm", plan={"options": "none", "orthophoto_resolution_cm": None})
    metrics(flow, "odm", registered="many", unregistered=None, statistics=[1])
    metrics(flow, "publish_ortho", placement=7)
    product(flow, "orthophoto", gsd_m=0.02, details={"raster": "large"})
    found = verdicts(ledger.evaluate_checks(flow.conn, run_id=run_id))
    assert {found[name] for name in found if name.startswith(("registration.", "geometry."))} == {"unknown"}


def test_the_newest_try_that_ended_well_counts(flow: Flow) -> None:
    run_id = flow.open().id
    metrics(flow, "odm", registered=2, unregistered=8)
    metrics(flow, "odm", registered=10, unregistered=0)
    flow.start("odm")
    flow.end("odm", "failed", ledger.Failure("engine.failed", "engine", "No.", None))
    assert values(ledger.evaluate_checks(flow.conn, run_id=run_id))["registration.share"] == 1


def test_across_the_antimeridian(flow: Flow) -> None:
    run_id = flow.open().id
    images = [
        photograph(number, longitude=longitude, registered=True)
        for number, longitude in enumerate([179.95, -179.95, 170.0, -170.0])
    ]
    ledger.replace_images(flow.conn, dataset_id=flow.dataset_id, images=images)
    product(flow, "orthophoto", [179.9, 47.0, -179.9, 49.0])
    product(flow, "cog", [179.9, 47.0, -179.95, 49.0])
    found = values(ledger.evaluate_checks(flow.conn, run_id=run_id))
    assert found["geometry.cameras_inside"] == 0.5
    assert found["products.cog_same_extent"] == pytest.approx(0.75)


def test_cog_elsewhere_fails(flow: Flow) -> None:
    run_id = flow.open().id
    product(flow, "orthophoto", [11.0, 48.0, 11.1, 48.1])
    product(flow, "cog", [12.0, 48.0, 12.1, 48.1])
    found = ledger.evaluate_checks(flow.conn, run_id=run_id)
    assert values(found)["products.cog_same_extent"] == 0
    assert verdicts(found)["products.cog_same_extent"] == "fail"


def test_an_operator_changes_a_threshold(flow: Flow) -> None:
    run_id = survey(flow)
    before = ledger.evaluate_checks(flow.conn, run_id=run_id)
    flow.conn.execute("update aerodag.quality_check set threshold = 0.8 where name = 'registration.share'")
    flow.conn.execute("update aerodag.quality_check set severity = 'fail' where name = 'gps.time_share'")
    kept = {result.name: result for result in ledger.run_checks(flow.conn, run_id=run_id)}
    assert verdicts(list(kept.values())) == verdicts(before)
    assert kept["registration.share"].threshold == 0.9
    after = {result.name: result for result in ledger.evaluate_checks(flow.conn, run_id=run_id)}
    assert (after["registration.share"].threshold, after["registration.share"].verdict) == (0.8, "pass")
    assert after["gps.time_share"].verdict == "fail"
    assert after["gps.time_share"].evaluated_at > kept["gps.time_share"].evaluated_at


@pytest.mark.parametrize(
    ("comparison", "threshold", "upper", "verdict"),
    [
        ("at_least", 8, None, "pass"),
        ("at_least", 8.5, None, "warn"),
        ("at_most", 8, None, "pass"),
        ("at_most", 7.5, None, "warn"),
        ("equal", 8, None, "pass"),
        ("equal", 9, None, "warn"),
        ("between", 8, 9, "pass"),
        ("between", 7, 8, "pass"),
        ("between", 9, 10, "warn"),
        ("between", 6, 7, "warn"),
    ],
)
def test_comparisons(flow: Flow, comparison: str, threshold: float, upper: float | None, verdict: str) -> None:
    flow.conn.execute(
        "update aerodag.quality_check set comparison = %s, threshold = %s, upper_threshold = %s "
        "where name = 'images.assigned'",
        [comparison, threshold, upper],
    )
    assert verdicts(ledger.evaluate_checks(flow.conn, run_id=survey(flow)))["images.assigned"] == verdict


def test_disabled_and_unmeasured_checks(flow: Flow) -> None:
    run_id = survey(flow)
    ledger.evaluate_checks(flow.conn, run_id=run_id)
    flow.conn.execute("update aerodag.quality_check set enabled = false where topic = 'rtk'")
    flow.conn.execute(
        "insert into aerodag.quality_check (name, topic, title, comparison, threshold, severity, description) "
        "values ('images.colourful', 'images', 'Colours', 'at_least', 1, 'fail', 'None')"
    )
    found = ledger.evaluate_checks(flow.conn, run_id=run_id)
    assert "rtk" not in {result.topic for result in found}
    assert reasons(found)["images.colourful"] == "Nothing measures images.colourful."
    assert verdicts(found)["images.colourful"] == "unknown"


def test_judging_concerns_one_run(flow: Flow) -> None:
    first = survey(flow)
    before = ledger.evaluate_checks(flow.conn, run_id=first)
    ledger.close_run(flow.conn, dag_run_id=flow.dag_run_id, state="succeeded")
    other = Flow(flow.conn, flow.dataset_id, dag_run_id="again", task_types=ALL_TASKS)
    again = ledger.evaluate_checks(flow.conn, run_id=other.open().id)
    assert verdicts(again)["registration.share"] == "unknown"
    assert ledger.run_checks(flow.conn, run_id=first) == before


def test_unknown_run(ledger_connection: psycopg.Connection) -> None:
    with pytest.raises(ConfigError, match="There is no run 7") as failure:
        ledger.evaluate_checks(ledger_connection, run_id=7)
    assert failure.value.code == "run.unknown"


def test_who_sees_verdicts(flow: Flow, url_of_new_login: Callable[[str, str | None], str]) -> None:
    run_id = survey(flow)
    ledger.evaluate_checks(flow.conn, run_id=run_id)
    with ledger.connect(url_of_new_login("anna", "aerodag_reader")) as reader:
        count = "select count(*) from aerodag.run_quality"
        assert reader.execute(count).fetchone() == (len(MEASURED),)
        flow.conn.execute("update aerodag.dataset set access = 'private'")
        assert reader.execute(count).fetchone() == (0,)
        assert reader.execute("select count(*) from aerodag.quality_check").fetchone() == (len(MEASURED),)
        for table in ("quality_check", "check_result"):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                reader.execute(SQL("update aerodag.{} set threshold = 0").format(Identifier(table)))
    with (
        ledger.connect(url_of_new_login("stranger", None)) as stranger,
        pytest.raises(psycopg.errors.InsufficientPrivilege),
    ):
        stranger.execute("select * from aerodag.run_quality")
