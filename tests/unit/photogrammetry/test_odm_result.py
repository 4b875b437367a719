"""What is made of a project directory after a run of ODM."""

import json
import math
import os
import shutil
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from rasterio.transform import from_origin
from rasterio.windows import Window

from aerodag.errors import EngineError, Retry
from aerodag.findings import Severity
from aerodag.photogrammetry.odm.judging.result import Expected, Result, judge_result
from aerodag.photogrammetry.odm.judging.stats import figures, registered, unregistered_geojson
from aerodag.photogrammetry.odm.planning.plan import Gpu, Image, OdmPlan
from aerodag.photogrammetry.odm.planning.positions import Positions, Telling
from aerodag.photogrammetry.odm.watching.facts import LogFacts
from aerodag.photogrammetry.outputs import outputs
from samples.photographs import DATA, needs_data

STARTED = datetime.now(UTC) - timedelta(hours=1)
EAST, NORTH = 576_667.0, 5_188_223.0  # Brighton Beach, UTM 15N
LONGITUDE, LATITUDE = -91.9942, 46.8425
IMAGES = {f"DJI_{number}.JPG": (LONGITUDE + number * 1e-4, LATITUDE + number % 3 * 1e-4) for number in range(6)}
QUIET = LogFacts()
MIDDLE = Window(50, 50, 300, 300)


def plan(**changes) -> OdmPlan:
    known = {
        "image": Image(reference="odm", version="3.5.6"),
        "preset": "standard",
        "options": {"orthophoto-resolution": 5.0},
        "memory_bytes": 1,
        "cpus": 1,
        "max_concurrency": 1,
        "gpu": Gpu(),
        "positions": Positions(telling=Telling.NOTHING, reason="."),
    }
    return OdmPlan(**(known | changes))


def expected(**changes) -> Expected:
    return Expected(**({"plan": plan(), "images": IMAGES, "started_at": STARTED} | changes))


def write_orthophoto(
    project: Path,
    *,
    size: int = 400,
    crs: str | None = "EPSG:32615",
    origin: tuple[float, float] = (EAST, NORTH),
    opaque: Window | None = MIDDLE,
    transform: bool = True,
) -> Path:
    """RGBA as ODM writes it, 25 cm a pixel, valid within ``opaque``; sparse where nothing is written."""
    path = project / "odm_orthophoto" / "odm_orthophoto.tif"
    path.parent.mkdir(parents=True, exist_ok=True)
    place = {"transform": from_origin(*origin, 0.25, 0.25)} if transform else {}
    layout = {"tiled": True, "blockxsize": 512, "blockysize": 512, "SPARSE_OK": True, "BIGTIFF": "IF_SAFER"}
    profile = {
        "driver": "GTiff",
        "width": size,
        "height": size,
        "count": 4,
        "dtype": "uint8",
        "crs": crs,
        "alpha": "yes",
    }
    with rasterio.open(path, "w", **profile, **place, **layout, compress="deflate", photometric="rgb") as dataset:
        if opaque is not None:
            shape = 4, round(opaque.height), round(opaque.width)
            dataset.write(np.full(shape, 255, np.uint8), window=opaque)
    return path


def write_report(project: Path, names=tuple(IMAGES), stats: dict | None = None) -> None:
    report = project / "odm_report"
    report.mkdir(exist_ok=True)
    features = [{"type": "Feature", "properties": {"filename": name}} for name in names]
    (report / "shots.geojson").write_text(json.dumps({"type": "FeatureCollection", "features": features}))
    (report / "stats.json").write_text(json.dumps(stats or {}))
    (report / "report.pdf").write_bytes(b"%PDF")


@pytest.fixture
def project(tmp_path):
    write_orthophoto(tmp_path)
    write_report(tmp_path)
    return tmp_path


def failure(project: Path, **changes) -> EngineError:
    with pytest.raises(EngineError) as raised:
        judge_result(project, expected(**changes), QUIET)
    assert raised.value.advice
    return raised.value


def codes(result: Result) -> dict[str, Severity]:
    return {finding.code: finding.severity for finding in result.reconstruction.findings}


def test_a_whole_result_has_nothing_to_remark(project):
    (project / "cameras.json").write_text("{}")
    (project / "odm_dem").mkdir()
    (project / "odm_dem" / "dsm.tif").write_bytes(b"x")
    result = judge_result(project, expected(peak_rss_bytes=7), LogFacts(version="3.5.6"))
    found = result.reconstruction
    assert codes(result) == {}
    assert found.registered == tuple(sorted(IMAGES))
    assert found.unregistered == ()
    assert (found.epsg, found.gsd_cm) == (32615, pytest.approx(25))
    assert (found.engine, found.version, found.peak_rss_bytes) == ("odm", "3.5.6", 7)
    assert found.dsm == project / "odm_dem" / "dsm.tif"
    assert list(outputs(project)) == ["dsm", "report", "statistics", "shots", "cameras"]


def test_no_orthophoto(tmp_path):
    assert failure(tmp_path).code == "engine.no_orthophoto"


def test_an_empty_file(project):
    (project / "odm_orthophoto" / "odm_orthophoto.tif").write_bytes(b"")
    assert (failure(project).code, failure(project).retry) == ("engine.empty_file", Retry.CLEAN_STAGE)


@pytest.mark.parametrize("content", [b"no raster at all", b"II*\x00\x08\x00\x00\x00"])
def test_no_raster(project, content):
    (project / "odm_orthophoto" / "odm_orthophoto.tif").write_bytes(content)
    assert failure(project).code == "engine.unreadable_orthophoto"


def test_a_raster_that_was_cut_off(project):
    path = project / "odm_orthophoto" / "odm_orthophoto.tif"
    path.write_bytes(path.read_bytes()[:-600])
    assert failure(project).code == "engine.unreadable_orthophoto"


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
@pytest.mark.parametrize("missing", [{"crs": None}, {"transform": False}])
def test_no_place(tmp_path, missing):
    write_orthophoto(tmp_path, **missing)
    assert failure(tmp_path).code == "engine.not_georeferenced"


def test_nothing_valid_in_it(tmp_path):
    write_orthophoto(tmp_path, opaque=None)
    assert failure(tmp_path).code == "engine.empty_orthophoto"


def test_one_that_was_there_before(project):
    path = project / "odm_orthophoto" / "odm_orthophoto.tif"
    before = STARTED.timestamp() - 61
    os.utime(path, (before, before))
    assert failure(project).code == "engine.stale_result"
    assert judge_result(project, expected(started_at=STARTED - timedelta(hours=1)), QUIET)


def test_one_that_lies_elsewhere(tmp_path):
    write_orthophoto(tmp_path, origin=(EAST + 2500, NORTH))
    error = failure(tmp_path)
    assert error.code == "engine.misplaced"
    assert 1000 < error.numbers["metres"] < 2500


def test_one_in_another_zone(tmp_path):
    write_orthophoto(tmp_path, crs="EPSG:32633")
    assert failure(tmp_path).code == "engine.misplaced"


def test_without_any_position_the_place_is_not_judged(project):
    assert judge_result(project, expected(images=dict.fromkeys(IMAGES)), QUIET).reconstruction.epsg == 32615


def test_a_canvas_of_gigapixels_with_a_little_in_it(tmp_path):
    write_report(tmp_path, stats={"odm_processing_statistics": {"average_gsd": 2.0}})
    corner = EAST - 17_000, NORTH + 17_000
    write_orthophoto(tmp_path, size=277_000, origin=corner, opaque=Window(68_000, 68_000, 700, 700))
    result = judge_result(tmp_path, expected(), QUIET)
    assert codes(result) == {"engine.stray_extent": Severity.DEGRADED}
    numbers = result.reconstruction.findings[0].numbers
    assert numbers["ratio"] > 1000
    assert 0 < numbers["valid_ratio"] < 1e-4


def test_a_diagonal_strip_is_no_stray(tmp_path):
    write_report(tmp_path)
    strip = {f"{number}.JPG": (LONGITUDE + number * 1e-3, LATITUDE - number * 1e-3) for number in range(20)}
    write_orthophoto(tmp_path, size=8000, origin=(EAST - 100, NORTH + 100), opaque=Window(0, 0, 8000, 200))
    assert "engine.stray_extent" not in codes(judge_result(tmp_path, expected(images=strip), QUIET))


def test_images_that_odm_did_not_place_are_named_with_the_reason(project):
    write_report(project, names=["DJI_0.JPG", "DJI_1.JPG", "other.JPG"])
    facts = LogFacts(corrupt_images=["DJI_5.JPG"], corrupt_count=1)
    result = judge_result(project, expected(), facts)
    assert result.reconstruction.registered == ("DJI_0.JPG", "DJI_1.JPG")
    assert result.unregistered["DJI_5.JPG"] == "ODM could not read it."
    assert result.unregistered["DJI_4.JPG"] == "ODM could not place it."
    assert codes(result) == {"engine.partial": Severity.DEGRADED, "engine.images_skipped": Severity.DEGRADED}


def test_a_lost_report_leaves_the_orthophoto_and_openSfMs_own_list(project):
    shutil.rmtree(project / "odm_report")
    (project / "opensfm").mkdir()
    points = {str(number): {"color": [0, 0, 0]} for number in range(50_000)}
    content = [{"cameras": {}, "shots": {"DJI_2.JPG": {"camera": "x"}}, "points": points}]
    (project / "opensfm" / "reconstruction.json").write_text(json.dumps(content))
    result = judge_result(project, expected(), QUIET)
    assert result.reconstruction.registered == ("DJI_2.JPG",)
    assert (result.reconstruction.stats, result.reconstruction.shots) == (None, None)
    assert codes(result)["engine.report_missing"] is Severity.DEGRADED


def test_where_nothing_tells_no_image_is_made_up(project):
    shutil.rmtree(project / "odm_report")
    result = judge_result(project, expected(plan=plan(options={"skip-report": True})), QUIET)
    assert result.reconstruction.registered == ()
    assert codes(result) == {"engine.registered_unknown": Severity.DEGRADED}


@pytest.mark.parametrize(
    ("facts", "changes", "code"),
    [
        (LogFacts(reconstructions=3), {}, "engine.in_parts"),
        (LogFacts(), {"gpu": Gpu(granted=True)}, "engine.gpu_unused"),
        (LogFacts(gpu_visible=True, gpu_features=False, gpu_dense=False), {"gpu": Gpu(granted=True)},
         "engine.gpu_unused"),
        (LogFacts(gpu_features=True), {"gpu": Gpu(granted=True)}, None),
        (LogFacts(gpu_dense=True), {"gpu": Gpu(granted=True)}, None),
        (LogFacts(positions_updated=5), {"positions": Positions(telling=Telling.GEO, lines=6, reason=".")},
         "engine.positions_unmatched"),
        (LogFacts(positions_updated=6), {"positions": Positions(telling=Telling.GEO, lines=6, reason=".")}, None),
        (LogFacts(warnings={"engine.not_georeferenced": "x"}), {}, "engine.not_georeferenced"),
        (LogFacts(warnings={"engine.model_missing": "x"}), {}, "engine.model_missing"),
    ],
)  # fmt: skip
def test_what_the_log_admits_is_degraded(project, facts, changes, code):
    found = codes(judge_result(project, expected(plan=plan(**changes)), facts))
    assert found == ({code: Severity.DEGRADED} if code else {})


@needs_data
def test_a_real_output_of_odm(tmp_path):
    shutil.copytree(DATA / "odm_outputs" / "nodeodm_fixture", tmp_path / "project")
    project = tmp_path / "project"
    shots = json.loads((project / "odm_report" / "shots.geojson").read_text())["features"]
    images = {shot["properties"]["filename"]: tuple(shot["geometry"]["coordinates"][:2]) for shot in shots}
    result = judge_result(project, expected(images=images, started_at=datetime(2000, 1, 1, tzinfo=UTC)), QUIET)
    assert len(result.reconstruction.registered) == len(images) >= 15
    assert result.reconstruction.gsd_cm == pytest.approx(50, abs=0.1)
    assert result.reconstruction.epsg == 32615
    assert "engine.stray_extent" not in codes(result)
    assert {"dsm", "dtm", "point_cloud", "shots", "cameras"} == set(outputs(project))


def test_figures_are_flat_and_finite():
    content = {
        "processing_statistics": {"area": 12345.6, "start_date": "01/07/2026 at 12:00:00"},
        "reconstruction_statistics": {
            "reconstructed_shots_count": 17, "reprojection_error_pixels": math.nan, "has_gcp": False,
        },
        "gps_errors": {"mean": {"x": 0.1, "y": -0.2, "z": 0.3}, "std": {"z": math.inf}, "ce90": 1.5, "le90": 2},
        "odm_processing_statistics": {"total_time": 600.5, "total_time_human": "10m", "average_gsd": 2.1},
        "point_cloud_statistics": {"dense": True, "stats": {"statistic": [{"count": 99}]}},
    }  # fmt: skip
    found = figures(content)
    assert found["shots"] == 17
    assert found["gps_mean_y_m"] == -0.2
    assert (found["gps_ce90_m"], found["gps_le90_m"]) == (1.5, 2)
    assert (found["total_seconds"], found["average_gsd_cm"], found["area_m2"]) == (600.5, 2.1, 12345.6)
    assert (found["dense"], found["has_gcp"], found["point_cloud_points"]) == (True, False, 99)
    assert "reprojection_error_pixels" not in found
    assert "gps_std_z_m" not in found


documents = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
        st.sampled_from(["reconstruction_statistics", "gps_errors", "mean", "x", "features", "properties", "filename"]),
        inner, max_size=3,
    ),
)  # fmt: skip


@pytest.mark.fuzz
@given(documents)
def test_no_report_whatever_upsets_its_readers(tmp_path_factory, content):
    project = tmp_path_factory.mktemp("report")
    json.dumps(figures(content), allow_nan=False)
    (project / "odm_report").mkdir()
    (project / "odm_report" / "shots.geojson").write_text(json.dumps(content))
    found = registered(project, ["a"])
    assert found is None or found <= {"a"}


def test_unregistered_images_lie_on_the_map():
    text = unregistered_geojson({"a.JPG": (8.0, 47.0), "b.JPG": None}, {"b.JPG": "dark", "a.JPG": "odd"})
    first, second = json.loads(text)["features"]
    assert first["geometry"] == {"type": "Point", "coordinates": [8.0, 47.0]}
    assert first["properties"] == {"filename": "a.JPG", "reason": "odd"}
    assert second["geometry"] is None
