"""A raster of every kind: classified exactly, and brought into standard form pixel by pixel."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio

from aerodag.errors import DataError
from aerodag.raster.examining.classify import classify, inspect
from aerodag.raster.examining.whole import require_whole
from aerodag.raster.gdal import opened
from aerodag.raster.standard.standardising import standardise
from samples.raster_matrix import (
    CRSS,
    Case,
    content_of,
    crs_of,
    expected_view,
    grid_of,
    invalid_of,
    make,
    meanings_of,
    pairwise,
)
from samples.rasters import RGBA, code_of

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
]
CASES = pairwise()
REFUSED = {"none": "raster.no_crs", "local": "raster.local_crs"}


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_it_is_is_found_out(case: Case, tmp_path: Path) -> None:
    path = make(case, tmp_path).path
    with opened(path) as dataset:
        kind = classify(dataset)
    assert kind.content is content_of(case)
    assert [band.meaning for band in kind.bands] == meanings_of(case)
    assert kind.invalid == invalid_of(case)
    assert {band.dtype for band in kind.bands} == {case.dtype}
    assert kind.nodata == (case.fill if case.nodata in ("tag", "edge") else None)
    assert (kind.edge_fill is not None) == (case.nodata == "edge")
    assert (kind.crs, kind.grid) == (crs_of(case), grid_of(case))
    assert kind.vertical == ("EGM96 height" if case.crs == "compound" else None)
    assert kind.bigtiff == (case.layout == "bigtiff")
    require_whole(path)


@pytest.mark.parametrize("case", [case for case in CASES if case.crs in REFUSED], ids=str)
def test_without_a_place_it_is_refused(case: Case, tmp_path: Path) -> None:
    made = make(case, tmp_path)
    for call in (inspect, lambda path: standardise(path, path.with_name("x.tif"))):
        with pytest.raises(DataError) as caught:
            call(made.path)
        assert code_of(caught) == REFUSED[case.crs]
        assert caught.value.advice
    assert list(tmp_path.iterdir()) == [made.path]


@pytest.mark.parametrize("case", [case for case in CASES if case.crs not in REFUSED], ids=str)
def test_its_standard_form_is_right_in_every_pixel(case: Case, tmp_path: Path) -> None:
    made = make(case, tmp_path)
    found = standardise(made.path, tmp_path / "standard.tif")
    assert found.reasons
    with rasterio.open(found.path) as dataset:
        assert (dataset.count, set(dataset.dtypes), dataset.nodata) == (4, {"uint8"}, None)
        assert list(dataset.colorinterp) == RGBA
        assert dataset.crs == rasterio.open(made.path).crs == rasterio.CRS.from_user_input(CRSS[case.crs])
        assert (dataset.transform.b, dataset.transform.d) == (0, 0)
        assert dataset.transform.a > 0 > dataset.transform.e
        assert tuple(dataset.bounds) == pytest.approx(_extent(made.path), abs=1e-9, rel=0)
        pixels = dataset.read()
    colours, alpha = expected_view(case, made)
    np.testing.assert_array_equal(pixels[3], alpha)
    off = np.abs(pixels[:3] - colours)
    exact = case.dtype == "uint8"
    assert off.max() <= (0 if exact else 0.502)
    again = standardise(found.path, tmp_path / "again.tif")
    assert (again.path, again.reasons) == (found.path, ())


def _extent(path: Path) -> list[float]:
    """West, south, east and north of whatever way the pixels lie."""
    with rasterio.open(path) as dataset:
        corners = [dataset.transform @ (x, y) for x in (0, dataset.width) for y in (0, dataset.height)]
    xs, ys = zip(*corners, strict=True)
    return [min(xs), min(ys), max(xs), max(ys)]
