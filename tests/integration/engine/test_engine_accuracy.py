"""The embedded engine's orthophoto against the truth that a simulated survey was rendered from."""

import math
import zipfile

import cv2  # noqa: TID253 - phase correlation; nothing else in this process imports pycolmap
import numpy as np
import pytest
import rasterio
from rasterio.enums import Resampling
from rasterio.vrt import WarpedVRT

from aerodag.photogrammetry import EmbeddedEngine, Plan
from aerodag.simulate import Survey, simulate

pytestmark = pytest.mark.engine

PATCH = 128
CLEAR_PEAK = 0.2


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    return simulate(Survey(), tmp_path_factory.mktemp("survey") / "survey.zip")


@pytest.fixture(scope="module")
def reconstruction(survey, tmp_path_factory):
    project = tmp_path_factory.mktemp("engine") / "project"
    with zipfile.ZipFile(survey.zip_path) as bundle:
        for name in bundle.namelist():
            if name.lower().endswith(".jpg"):
                target = project / "images" / name.rsplit("/", 1)[-1]
                target.parent.mkdir(parents=True, exist_ok=True)
                target.write_bytes(bundle.read(name))
    percents = []
    result = EmbeddedEngine().run(project, Plan(max_concurrency=2), lambda progress: percents.append(progress.percent))
    assert percents == sorted(percents)
    return result


def test_every_image_is_registered_at_native_resolution(survey, reconstruction):
    assert len(reconstruction.registered) == survey.survey.images
    assert reconstruction.unregistered == ()
    assert reconstruction.gsd_cm == pytest.approx(100 * survey.survey.ground_sampling_distance, rel=0.05)
    assert reconstruction.peak_rss_bytes < 1.5e9


def test_horizontal_rmse_against_truth_is_under_two_gsd(survey, reconstruction):
    shifts, patches = displacements(reconstruction.orthophoto, survey.truth_ortho)
    assert len(shifts) > max(100, 0.95 * patches)
    rmse = math.sqrt(np.mean(np.sum(np.square(shifts), axis=1)))
    print(f"\nhorizontal RMSE {rmse:.2f} GSD over {len(shifts)} of {patches} patches")
    assert rmse < 2.0


def test_surface_heights_agree_with_the_truth(survey, reconstruction):
    with rasterio.open(reconstruction.dsm) as dsm, rasterio.open(survey.truth_heights) as truth:
        heights = dsm.read(1)
        with WarpedVRT(
            truth,
            crs=dsm.crs,
            transform=dsm.transform,
            width=dsm.width,
            height=dsm.height,
            resampling=Resampling.average,
        ) as warped:
            expected = warped.read(1, masked=True)
    valid = (heights != -9999) & ~np.ma.getmaskarray(expected)
    assert valid.sum() > 100
    assert np.median(np.abs(heights[valid] - expected.data[valid])) < 0.25


def displacements(orthophoto, truth):
    """Shift in pixels of the orthophoto's patches against the truth, by phase correlation, and how many there are.

    Only patches wholly inside count; a shift whose correlation peak is weak is no measurement and left out.
    """
    with rasterio.open(orthophoto) as image, rasterio.open(truth) as reference:
        rgba = image.read()
        with WarpedVRT(
            reference,
            crs=image.crs,
            transform=image.transform,
            width=image.width,
            height=image.height,
            resampling=Resampling.bilinear,
        ) as warped:
            expected = warped.read()
    made, true = (cv2.cvtColor(np.moveaxis(rgb[:3], 0, -1), cv2.COLOR_RGB2GRAY) for rgb in (rgba, expected))
    window = cv2.createHanningWindow((PATCH, PATCH), cv2.CV_32F)
    shifts, patches = [], 0
    for row in range(0, made.shape[0] - PATCH, PATCH):
        for column in range(0, made.shape[1] - PATCH, PATCH):
            patch = np.s_[row : row + PATCH, column : column + PATCH]
            if rgba[3][patch].min() == 0 or true[patch].min() == 0:
                continue
            patches += 1
            shift, response = cv2.phaseCorrelate(true[patch].astype("f4"), made[patch].astype("f4"), window)
            if response > CLEAR_PEAK:
                shifts.append(shift)
    return np.array(shifts), patches
