"""Facts of a raster against the truth: of every pixel, of the ellipsoid, and at any size."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from pyproj import Geod
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, Resampling
from rasterio.transform import Affine, from_origin
from rasterio.windows import Window
from shapely.geometry import Point, shape
from shapely.geometry.base import BaseGeometry

from aerodag.errors import DataError
from aerodag.raster.extent import coverage as coverage_module
from aerodag.raster.extent.describe import crs_text, describe
from aerodag.raster.gdal import environment
from samples.rasters import DATA, PLACE, RGB, RGBA, SIDE, UTM, Array, code_of, disc, ground, needs_data, save, save_rgba

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

TILED = {"tiled": True, "blockxsize": 256, "blockysize": 256, "compress": "deflate"}


def with_alpha(path: Path, valid: Array, **options: Any) -> Path:
    colours = np.full((3, *valid.shape), 90, dtype=np.uint8) * valid
    values = np.concatenate([colours, valid[np.newaxis] * np.uint8(255)]).astype(np.uint8)
    return save(path, values, RGBA, photometric="RGB", **(TILED | options))


def geodesic_area(geometry: BaseGeometry) -> float:
    return abs(float(Geod(ellps="WGS84").geometry_area_perimeter(geometry)[0]))


def test_a_round_orthophoto(tmp_path: Path) -> None:
    info = describe(save_rgba(tmp_path / "x.tif"))
    assert (info.width, info.height, info.count, info.dtype) == (SIDE, SIDE, 4, "uint8")
    assert (info.crs, info.has_alpha, info.nodata, info.tiled, info.compression) == (UTM, True, None, True, "deflate")
    assert (info.vertical_datum, info.exact, info.transform) == (None, True, tuple(PLACE)[:6])
    assert info.bounds == pytest.approx((576_000, 5_187_935, 576_065, 5_188_000))
    assert info.gsd_m == pytest.approx(0.05, rel=1e-3)
    assert info.valid_ratio == np.count_nonzero(disc()) / SIDE**2
    west, south, east, north = info.bbox
    assert -92.1 < west < east < -91.9
    assert 46.8 < south < north < 46.9
    footprint = shape(info.footprint)
    assert footprint.contains(Point((west + east) / 2, (south + north) / 2))
    assert not footprint.contains(Point(west, north))


@pytest.mark.parametrize(
    ("crs", "origin", "pixel", "gsd"),
    [
        ("EPSG:3857", (-10_241_000.0, 5_916_000.0), 0.1, 0.1 * math.cos(math.radians(46.85))),
        ("EPSG:4326", (-92.0, 46.85), 1e-6, 1e-6 * 111_320 * math.sqrt(math.cos(math.radians(46.85)))),
        ("EPSG:2264", (1_400_000.0, 600_000.0), 0.5, 0.5 * 1200 / 3937),
    ],
)
def test_ground_distance_and_area_are_true_in_every_crs(
    tmp_path: Path, crs: str, origin: tuple[float, float], pixel: float, gsd: float
) -> None:
    path = save(tmp_path / "x.tif", ground(200), crs=crs, transform=from_origin(*origin, pixel, pixel))
    info = describe(path)
    assert info.gsd_m == pytest.approx(gsd, rel=0.005)
    assert info.valid_area_m2 == pytest.approx((200 * info.gsd_m) ** 2, rel=1e-3)


def test_area_over_half_a_world(tmp_path: Path) -> None:
    """Every degree differs in size; the truth is the geodesic area of the northern band that is valid."""
    values = np.zeros((1, 180, 360), dtype=np.uint8)
    values[:, 30:60] = 7
    path = save(tmp_path / "x.tif", values, nodata=0, crs="EPSG:4326", transform=from_origin(-180, 90, 1, 1))
    info = describe(path)
    authalic = 6_371_007.181
    expected = 2 * math.pi * authalic**2 * (math.sin(math.radians(60)) - math.sin(math.radians(30)))
    assert info.valid_area_m2 == pytest.approx(expected, rel=0.02)
    assert info.bbox == (-180, -90, 180, 90)
    assert shape(info.footprint).bounds == (-180, 30, 180, 60)


@pytest.mark.parametrize("name", ["lines", "far pixel", "checkerboard", "fine checkerboard", "frame"])
def test_the_ratio_is_exact_where_decimation_lies(tmp_path: Path, name: str) -> None:
    rows, columns = np.mgrid[0:3000, 0:2600]
    valid = {
        "lines": rows % 97 == 0,
        "far pixel": ((rows < 400) & (columns < 400)) | ((rows == 2901) & (columns == 2501)),
        "checkerboard": (rows // 3 + columns // 3) % 2 == 0,
        "fine checkerboard": (rows + columns) % 2 == 0,
        "frame": (rows < 2) | (columns < 2),
    }[name]
    info = describe(with_alpha(tmp_path / "x.tif", valid))
    assert info.exact
    assert info.valid_ratio == pytest.approx(np.count_nonzero(valid) / valid.size, rel=1e-6)
    footprint = shape(info.footprint)
    assert footprint.is_valid
    assert not footprint.is_empty
    if name == "far pixel":
        assert footprint.geom_type == "Polygon"
    if "checkerboard" in name:
        assert geodesic_area(footprint) == pytest.approx(2 * info.valid_area_m2, rel=0.01)


@pytest.mark.parametrize("kind", ["alpha", "mask", "nodata"])
def test_an_overview_tells_the_ratio_of_a_large_raster(
    tmp_path: Path, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The budget is made small instead of the raster large; lines three pixels wide stay what they are."""
    rows, columns = np.mgrid[0:2048, 0:2048]
    valid = disc(2048) & (columns % 64 > 2)
    path = tmp_path / "x.tif"
    if kind == "alpha":
        with_alpha(path, valid)
    elif kind == "mask":
        save(path, np.full((3, 2048, 2048), 90, dtype=np.uint8), RGB, mask=valid, photometric="RGB", **TILED)
    else:
        values = np.where(valid, 50 + rows % 100, -9999).astype(np.float32)[np.newaxis]
        save(path, values, nodata=-9999, **TILED)
    truth = np.count_nonzero(valid) / valid.size
    with environment(), rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4, 8], Resampling.average)
    assert describe(path).valid_ratio == pytest.approx(truth, abs=1e-6)
    monkeypatch.setattr(coverage_module, "_PIXELS", 1 << 20)
    info = describe(path)
    assert not info.exact
    assert info.valid_ratio == pytest.approx(truth, abs=0.03)


def test_a_sparse_file_is_read_where_it_was_written(tmp_path: Path) -> None:
    """Two gigapixels of which four tiles exist; to read all would take many seconds and gigabytes."""
    path = tmp_path / "x.tif"
    tile = np.concatenate([ground(512), np.full((1, 512, 512), 255, dtype=np.uint8)])
    profile = {
        "driver": "GTiff", "count": 4, "height": 40_000, "width": 50_000, "dtype": "uint8", "crs": UTM,
        "transform": PLACE, "tiled": True, "blockxsize": 512, "blockysize": 512, "compress": "deflate",
        "sparse_ok": True, "photometric": "RGB", "alpha": "yes",
    }  # fmt: skip
    with environment(), rasterio.open(path, "w", **profile) as dataset:
        for column, row in ((10, 10), (11, 10), (60, 50), (61, 50)):
            dataset.write(tile, window=Window(512 * column, 512 * row, 512, 512))
    info = describe(path)
    assert info.exact
    assert info.valid_ratio == pytest.approx(4 * 512**2 / (40_000 * 50_000), rel=1e-12)
    assert info.valid_area_m2 == pytest.approx(4 * 512**2 * 0.0025, rel=2e-3)
    footprint = shape(info.footprint)
    assert len(footprint.geoms) == 2
    assert geodesic_area(footprint) == pytest.approx(info.valid_area_m2, rel=0.15)


@pytest.mark.parametrize("blocks", [{}, TILED, {"compress": "lzw", "blockysize": 7}, {"interleave": "band", **TILED}])
def test_the_layout_changes_nothing(tmp_path: Path, blocks: dict[str, Any]) -> None:
    path = save(tmp_path / "x.tif", (ground(700) * disc(700)).astype(np.uint8), RGB, nodata=0, **blocks)
    assert describe(path).valid_ratio == np.count_nonzero(disc(700)) / 700**2


def test_an_undeclared_collar_is_not_valid(tmp_path: Path) -> None:
    path = save(tmp_path / "x.tif", (ground(900) * disc(900)).astype(np.uint8), RGB, photometric="RGB")
    info = describe(path)
    assert info.valid_ratio == pytest.approx(math.pi * 0.16, abs=0.002)


def test_turned_and_south_up_rasters_lie_where_their_pixels_are(tmp_path: Path) -> None:
    turned = PLACE @ Affine.rotation(30)
    info = describe(save(tmp_path / "x.tif", ground(400), transform=turned))
    assert info.bounds == pytest.approx(
        (576_000, 5_188_000 - 20 * 0.8660254, 576_000 + 20 * 1.3660254, 5_188_010), abs=20
    )
    side = 20 * (math.cos(math.radians(30)) + math.sin(math.radians(30)))
    assert info.bounds[2] - info.bounds[0] == pytest.approx(side)
    assert info.gsd_m == pytest.approx(0.05, rel=1e-3)
    upright = describe(save(tmp_path / "y.tif", ground(400)))
    flipped = Affine(0.05, 0, 576_000, 0, 0.05, 5_188_000 - 20)
    south_up = describe(save(tmp_path / "z.tif", ground(400)[:, ::-1], transform=flipped))
    assert south_up.bbox == pytest.approx(upright.bbox, abs=1e-12)
    assert south_up.valid_area_m2 == pytest.approx(info.valid_area_m2, rel=1e-3)


def test_the_heights_system_is_told_where_the_crs_names_it(tmp_path: Path) -> None:
    heights = np.full((1, 64, 64), 231.5, dtype=np.float32)
    place = from_origin(600_000, 5_200_000, 1, 1)
    known = save(tmp_path / "a.tif", heights, crs="EPSG:25832+7837", transform=place)
    assert describe(known).vertical_datum == "DHHN2016 height"
    unknown = save(tmp_path / "b.tif", heights, crs="EPSG:25832", transform=place)
    assert describe(unknown).vertical_datum is None


def test_nothing_valid_has_no_footprint(tmp_path: Path) -> None:
    info = describe(save(tmp_path / "x.tif", np.full((1, 64, 64), -9999, dtype=np.float32), nodata=-9999))
    assert (info.footprint, info.valid_ratio, info.valid_area_m2, info.nodata) == (None, 0.0, 0.0, -9999)


def test_not_a_number_is_not_valid(tmp_path: Path) -> None:
    values = np.ones((1, 100, 100), dtype=np.float32)
    values[:, :25] = np.nan
    assert describe(save(tmp_path / "x.tif", values, [ColorInterp.gray])).valid_ratio == 0.75


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_where_nobody_knows_the_place_nothing_is_made_up(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        describe(save(tmp_path / "a.tif", ground(64), crs=None))
    assert code_of(caught) == "raster.no_crs"
    with pytest.raises(DataError) as caught:
        describe(save(tmp_path / "b.tif", ground(64), transform=Affine.identity()))
    assert code_of(caught) == "raster.no_transform"


@pytest.mark.parametrize("content", [b"", b"<html>", b"II*\x00\x08\x00\x00\x00"])
def test_no_raster_is_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.tif"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        describe(path)
    assert code_of(caught) == "raster.unreadable"


@needs_data
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_picture_without_place_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        describe(DATA / "geotiff/rio_cogeo/validate/nontiff.jpg")
    assert code_of(caught) in {"raster.no_crs", "raster.no_transform"}


def test_a_crs_is_called_by_a_code_only_if_it_is_that_one() -> None:
    similar = CRS.from_proj4("+proj=tmerc +lat_0=0 +lon_0=-93 +k=0.9996 +x_0=500000 +y_0=0 +ellps=GRS80 +units=m")
    assert similar.to_authority() is not None, "GDAL takes it for a CRS of Mexico"
    assert crs_text(similar).startswith("PROJCS")
    assert crs_text(CRS.from_epsg(32615)) == "EPSG:32615"
    assert crs_text(CRS.from_epsg(3857)) == "EPSG:3857"
