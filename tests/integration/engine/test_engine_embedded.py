"""The embedded engine on real flights, and on input that it must refuse."""

from __future__ import annotations

import json
import os
import shutil
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image

from aerodag.errors import DataError
from aerodag.photogrammetry import EmbeddedEngine, Plan, Progress, Reconstruction

pytestmark = pytest.mark.engine

DATA = Path(os.environ.get("AERODAG_TEST_DATA", Path(__file__).parents[4] / "shared" / "data")) / "mapping"


def flight(name: str) -> list[Path]:
    images = sorted((DATA / name / "images").glob("*"))
    if not images:
        pytest.skip(f"no images in {DATA / name}; set AERODAG_TEST_DATA to the folder that holds mapping/")
    return images


def project_of(folder: Path, images: list[Path]) -> Path:
    (folder / "project" / "images").mkdir(parents=True)
    for image in images:
        (folder / "project" / "images" / image.name).symlink_to(image)
    return folder / "project"


def run(project: Path, plan: Plan | None = None) -> tuple[Reconstruction, list[Progress]]:
    heard: list[Progress] = []
    result = EmbeddedEngine().run(project, plan or Plan(max_concurrency=2), heard.append)
    return result, heard


@pytest.fixture(scope="module")
def brighton(tmp_path_factory: pytest.TempPathFactory) -> tuple[Reconstruction, list[Progress], float]:
    project = project_of(tmp_path_factory.mktemp("brighton"), flight("brighton_beach"))
    started = time.monotonic()
    result, heard = run(project)
    return result, heard, time.monotonic() - started


def test_real_flight_is_reconstructed_whole(brighton: tuple[Reconstruction, list[Progress], float]) -> None:
    result, _, seconds = brighton
    stats = json.loads(result.stats.read_text())
    print(f"\n{seconds:.0f} s wall, {stats['aerodag']['cpu_seconds']:.0f} s CPU, {result.peak_rss_bytes / 1e6:.0f} MB")
    assert (len(result.registered), result.unregistered) == (18, ())
    assert result.epsg == 32615
    assert result.gsd_cm == pytest.approx(1.6, abs=0.1)
    assert result.peak_rss_bytes < 1.5e9
    assert stats["aerodag"]["cpu_seconds"] < 120.0
    assert all(stats["gps_errors"]["error"][axis] < 1.0 for axis in "xyz")
    assert stats["reconstruction_statistics"]["reprojection_error_pixels"] < 1.5
    assert stats["aerodag"]["seams"]["median_px"] < 2.0
    assert stats["aerodag"]["mean_tilt_difference_deg"] < 5.0
    assert [finding.code for finding in result.findings] == []


def test_progress_is_steady_and_complete(brighton: tuple[Reconstruction, list[Progress], float]) -> None:
    _, heard, _ = brighton
    percents = [progress.percent for progress in heard]
    assert percents == sorted(percents)
    assert percents[-1] == 100.0
    assert max(np.diff(percents)) < 15.0
    assert len({progress.percent for progress in heard if progress.stage == "features"}) > 3
    assert len({progress.percent for progress in heard if progress.stage == "render"}) > 5


def test_orthophoto_and_reports_are_in_odms_form(brighton: tuple[Reconstruction, list[Progress], float]) -> None:
    result, _, _ = brighton
    with rasterio.open(result.orthophoto) as file:
        assert (file.count, file.dtypes[0], file.crs.to_epsg()) == (4, "uint8", 32615)
        assert file.block_shapes[0] == (512, 512)
        assert "embedded" in file.tags()["TIFFTAG_SOFTWARE"]
        alpha = file.read(4, out_shape=(file.height // 8, file.width // 8))
        assert 0.4 < (alpha == 255).mean() < 1.0
        bounds = file.bounds
    assert result.dsm is not None
    with rasterio.open(result.dsm) as file:
        heights = file.read(1, masked=True)
        assert file.nodata == -9999.0
        assert 140.0 < float(heights.min()) < float(heights.max()) < 190.0
    shots = json.loads(result.shots.read_text())["features"]
    assert {shot["properties"]["filename"] for shot in shots} == set(result.registered)
    places = np.array([shot["properties"]["translation"] for shot in shots])
    assert ((places[:, 0] > bounds.left - 5.0) & (places[:, 0] < bounds.right + 5.0)).all()
    camera = next(iter(json.loads(result.cameras.read_text()).values()))
    assert (camera["projection_type"], camera["width"], camera["height"]) == ("radial", 4000, 2250)
    assert not (result.stats.parents[1] / ".embedded").exists()


def test_fast_preset_gives_five_centimetres(tmp_path: Path) -> None:
    result, _ = run(project_of(tmp_path, flight("brighton_beach")), Plan("fast", None, 2))
    assert result.gsd_cm == pytest.approx(5.0)
    assert len(result.registered) == 18


def test_rtk_flight_stays_upright_and_meets_its_positions(tmp_path: Path) -> None:
    result, _ = run(project_of(tmp_path, flight("p4m_rtk_mirafiori")))
    stats = json.loads(result.stats.read_text())
    assert len(result.registered) == 24
    assert stats["aerodag"]["images"]["with_fixed_rtk"] == 24
    assert stats["aerodag"]["mean_tilt_difference_deg"] < 5.0
    assert max(stats["gps_errors"]["error"].values()) < 0.3


def test_small_flight_below_sea_level_altitudes(tmp_path: Path) -> None:
    result, _ = run(project_of(tmp_path, flight("sheffield_cross_800")))
    stats = json.loads(result.stats.read_text())
    assert len(result.registered) == 20
    assert max(stats["gps_errors"]["error"].values()) < 0.5


def test_truncated_image_is_left_out_with_a_warning(tmp_path: Path) -> None:
    images = flight("sheffield_cross_800")
    project = project_of(tmp_path, images)
    broken = project / "images" / images[5].name
    broken.unlink()
    broken.write_bytes(images[5].read_bytes()[:200_000])
    result, _ = run(project)
    assert len(result.registered) == 19
    assert [(finding.code, finding.image) for finding in result.findings] == [("engine.image_unreadable", broken.name)]


def without_gps(source: Path, target: Path) -> None:
    Image.open(source).save(target)


def test_no_gps_is_refused_at_once(tmp_path: Path) -> None:
    images = flight("sheffield_cross_800")[:4]
    project = project_of(tmp_path, [])
    for image in images:
        without_gps(image, project / "images" / image.name)
    started = time.monotonic()
    with pytest.raises(DataError) as caught:
        run(project)
    assert caught.value.code == "engine.no_gps"
    assert caught.value.numbers["images_with_gps"] == 0
    assert time.monotonic() - started < 20.0


def test_two_images_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        run(project_of(tmp_path, flight("sheffield_cross_800")[:2]))
    assert caught.value.code == "engine.too_few_images"


def test_empty_folder_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        run(project_of(tmp_path, []))
    assert caught.value.code == "engine.no_images"


def test_images_without_overlap_are_refused(tmp_path: Path) -> None:
    images = flight("brighton_beach")
    with pytest.raises(DataError) as caught:
        run(project_of(tmp_path, [images[0], images[8], images[17]]))
    assert caught.value.code == "engine.no_overlap"
    assert caught.value.numbers["pairs_tried"] == 3


def test_result_is_complete_or_absent(tmp_path: Path) -> None:
    project = project_of(tmp_path, flight("sheffield_cross_800"))

    def stop(progress: Progress) -> None:
        if progress.stage == "render":
            raise TimeoutError

    with pytest.raises(TimeoutError):
        EmbeddedEngine().run(project, Plan(max_concurrency=2), stop)
    assert not (project / "odm_orthophoto" / "odm_orthophoto.tif").exists()
    result, _ = run(project)
    assert result.orthophoto.exists()
    shutil.rmtree(project)
