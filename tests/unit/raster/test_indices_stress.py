"""The stress grid of a synthetic field: a poor corner is found, and lies where it is."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import rasterio
from pyproj import Geod, Transformer
from rasterio.transform import from_origin
from shapely import union_all
from shapely.geometry import Point, shape

from aerodag.raster.indices import INDICES, IndexResult, Numbers, compute
from aerodag.raster.indices.stress import reference, severity
from samples.rasters import PLACE, UTM, save

NDVI = INDICES["ndvi"]
HEALTHY, POOR = (0.05, 0.45), (0.15, 0.25)  # red and near infrared: NDVI 0.8 and 0.25


def field(path: Path, factor: float = 1.0, dtype: str = "float32", **options: object) -> Path:
    """600 x 800 pixels of healthy crop, valid in [100:500, 100:700]; its north-west fifth is poor; one hole."""
    values = np.zeros((2, 600, 800))
    values[:] = np.array(HEALTHY)[:, None, None]
    values[:, 100:180, 100:220] = np.array(POOR)[:, None, None]
    values *= np.random.default_rng(2).uniform(0.97, 1.03, (1, 600, 800)) * factor
    valid = np.zeros((600, 800), dtype=bool)
    valid[100:500, 100:700] = True
    valid[460:500, 640:699] = False
    save(path, np.where(valid, values, 0).astype(dtype), nodata=0, **options)
    with rasterio.open(path, "r+") as dataset:
        dataset.set_band_description(1, "Red")
        dataset.set_band_description(2, "NIR")
    return path


def ndvi(source: Path) -> IndexResult:
    return compute(source, source.parent / "out", ["ndvi"]).results[0]


@pytest.mark.parametrize(("factor", "dtype"), [(1.0, "float32"), (30_000, "uint16")])
def test_the_poor_corner_is_found(tmp_path: Path, factor: float, dtype: str) -> None:
    result = ndvi(field(tmp_path / "x.tif", factor, dtype))
    assert result.healthy == pytest.approx(0.6 if dtype == "float32" else 0.8, abs=0.002)
    assert [(cell.row, cell.col) for cell in result.cells] == [(row, col) for row in range(10) for col in range(10)]
    stressed = {(cell.row, cell.col) for cell in result.cells if cell.stressed}
    assert stressed == {(0, 0), (0, 1), (1, 0), (1, 1)}
    for cell in result.cells:
        if (cell.row, cell.col) in stressed:
            assert cell.mean == pytest.approx(0.25, abs=0.001)
            assert cell.severity == pytest.approx(0.7 if dtype == "float32" else 0.786, abs=0.005)
        elif (cell.row, cell.col) != (9, 9):
            assert cell.mean == pytest.approx(0.8, abs=0.001)
            assert cell.severity == pytest.approx(0, abs=0.005)


def test_a_cell_with_too_little_in_it_says_nothing(tmp_path: Path) -> None:
    result = ndvi(field(tmp_path / "x.tif"))
    shares = {(cell.row, cell.col): cell.valid_share for cell in result.cells}
    assert shares.pop((9, 9)) == pytest.approx(1 / 60)
    assert set(shares.values()) == {1.0}
    last = result.cells[-1]
    assert (last.mean, last.severity, last.stressed) == (None, None, False)
    assert shape(last.footprint).is_valid


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        (UTM, PLACE),
        (UTM, PLACE @ rasterio.Affine.rotation(40)),
        (UTM, rasterio.Affine(0.05, 0, 576_000, 0, 0.05, 5_188_000)),
        ("EPSG:4326", from_origin(-92.0, 46.85, 1e-6, 7e-7)),
    ],
    ids=["north up", "rotated", "south up", "degrees"],
)
def test_cells_lie_where_their_pixels_lie(tmp_path: Path, crs: str, transform: rasterio.Affine) -> None:
    cells = ndvi(field(tmp_path / "x.tif", crs=crs, transform=transform)).cells
    to_degrees = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
    for cell in cells:
        outline = shape(cell.footprint)
        assert outline.exterior.is_ccw
        middle = transform @ (100 + 60 * (cell.col + 0.5), 100 + 40 * (cell.row + 0.5))
        assert outline.centroid.distance(Point(to_degrees.transform(*middle))) < 1e-8
    corners = [transform @ corner for corner in ((100, 100), (100, 500), (700, 500), (700, 100))]
    whole = shape({"type": "Polygon", "coordinates": [[to_degrees.transform(*xy) for xy in [*corners, corners[0]]]]})
    union = union_all([shape(cell.footprint) for cell in cells])
    assert union.symmetric_difference(whole).area < 1e-4 * whole.area
    assert sum(shape(cell.footprint).area for cell in cells) == pytest.approx(whole.area, rel=1e-4)
    area = abs(Geod(ellps="WGS84").geometry_area_perimeter(shape(cells[0].footprint))[0])
    if crs == UTM:
        assert area == pytest.approx(60 * 40 * 0.05**2, rel=2e-3)


@pytest.mark.parametrize(
    ("mean", "healthy", "expected"),
    [(0.6, 0.6, 0.0), (0.9, 0.6, 0.0), (0.35, 0.6, 0.5), (0.1, 0.6, 1.0), (-0.5, 0.6, 1.0), (None, 0.6, None),
     (0.3, None, None)],
)  # fmt: skip
def test_severity(mean: float | None, healthy: float | None, expected: float | None) -> None:
    assert severity(mean, 0.1, healthy) == (None if expected is None else pytest.approx(expected))


def test_what_is_compared_with() -> None:
    means = [0.2] * 50 + [0.7] * 50
    assert reference(NDVI, Numbers.REFLECTANCE, means) == 0.6
    assert reference(NDVI, Numbers.UNCALIBRATED, means) == pytest.approx(0.7)
    assert reference(NDVI, Numbers.UNCALIBRATED, [0.05, 0.12, 0.15]) is None
    assert reference(NDVI, Numbers.BYTES, []) is None


def test_without_vegetation_there_is_no_stress(tmp_path: Path) -> None:
    values = np.full((3, 100, 100), 128, dtype=np.uint8) + np.random.default_rng(0).integers(0, 9, (1, 100, 100))
    source = save(tmp_path / "x.tif", values.astype(np.uint8), photometric="RGB")
    (result,) = compute(source, tmp_path, ["gli"]).results
    assert result.healthy is None
    assert {cell.severity for cell in result.cells} == {None}
    assert "no vegetation stands out" in (result.note or "")


@pytest.mark.parametrize("side", [1, 3, 9, 10, 11])
def test_very_small_rasters(tmp_path: Path, side: int) -> None:
    source = save(tmp_path / "x.tif", np.full((3, side, side), 99, dtype=np.uint8), photometric="RGB")
    (result,) = compute(source, tmp_path, ["gli"]).results
    assert len(result.cells) == min(side, 10) ** 2
    assert all(shape(cell.footprint).area > 0 for cell in result.cells)
