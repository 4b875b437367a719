"""Footprints against the pixels that they stand for, from one corner of the Earth to the poles."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from pyproj import Geod, Transformer
from rasterio.features import geometry_mask
from rasterio.transform import Affine, from_origin
from scipy import ndimage
from shapely import get_num_coordinates, transform
from shapely.geometry import Point, Polygon, shape
from shapely.geometry.base import BaseGeometry

from aerodag.raster.extent.describe import RasterInfo, describe
from samples.rasters import PLACE, Array, disc, save

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")


def described(path: Path, valid: Array, **options: Any) -> RasterInfo:
    return describe(save(path, (valid * np.uint8(200))[np.newaxis].astype(np.uint8), nodata=0, **options))


def outline(info: RasterInfo) -> BaseGeometry:
    """The footprint, after what holds for every one."""
    found = shape(info.footprint)
    assert found.is_valid
    assert get_num_coordinates(found) <= 500
    west, south, east, north = found.bounds
    assert -180 <= west <= east <= 180
    assert -90 <= south <= north <= 90
    for part in getattr(found, "geoms", [found]):
        assert part.exterior.is_ccw
        assert not any(hole.is_ccw for hole in part.interiors)
    json.dumps(info.footprint, allow_nan=False)
    return found


def drawn(footprint: BaseGeometry, path: Path) -> Array:
    """The footprint burnt back into the raster's own pixels."""
    with rasterio.open(path) as dataset:
        to_crs = Transformer.from_crs("EPSG:4326", dataset.crs.to_wkt(), always_xy=True)
        area = transform(footprint, to_crs.transform, interleaved=False)
        return np.asarray(geometry_mask([area], dataset.shape, dataset.transform, invert=True))


def blob(side: int, seed: int = 7) -> Array:
    noise = ndimage.gaussian_filter(np.random.default_rng(seed).standard_normal((side, side)), side / 25)
    return np.asarray(disc(side) & (noise > -1.2 * noise.std()))


@pytest.mark.parametrize("side", [700, 2100])
@pytest.mark.parametrize("grid", [PLACE, PLACE @ Affine.rotation(25)], ids=["north up", "turned"])
def test_it_covers_what_is_valid_to_about_a_cell(tmp_path: Path, side: int, grid: Affine) -> None:
    valid = blob(side)
    path = tmp_path / "x.tif"
    found = drawn(outline(described(path, valid, transform=grid)), path)
    reach = 3 * max(1, -(-side // 1024)) + 1
    near = np.ones((3, 3), dtype=bool)
    assert not (valid & ~ndimage.binary_dilation(found, near, iterations=reach)).any()
    holes_closed = ndimage.binary_closing(np.pad(valid, 9), near, iterations=4)[9:-9, 9:-9]
    assert not (found & ~ndimage.binary_dilation(holes_closed, near, iterations=reach)).any()
    assert np.count_nonzero(found & valid) / np.count_nonzero(found | valid) > 0.97


def test_a_rectangle_stays_a_rectangle(tmp_path: Path) -> None:
    valid = np.zeros((500, 800), dtype=bool)
    valid[100:400, 50:700] = True
    found = outline(described(tmp_path / "x.tif", valid))
    assert get_num_coordinates(found) == 5


def test_parts_and_holes(tmp_path: Path) -> None:
    valid = np.zeros((600, 600), dtype=bool)
    valid[50:250, 50:250] = True
    valid[120:180, 120:180] = False
    valid[400:500, 400:500] = True
    found = outline(described(tmp_path / "x.tif", valid))
    assert found.geom_type == "MultiPolygon"
    assert sum(len(part.interiors) for part in found.geoms) == 1


def test_crumbs_hairlines_and_pinholes_are_left_out(tmp_path: Path) -> None:
    valid = np.zeros((2048, 2048), dtype=bool)
    valid[500:1500, 500:1500] = True
    clean = outline(described(tmp_path / "a.tif", valid))
    valid[700:704, 700:704] = False
    valid[1800, 100] = valid[20:22, 1900:1902] = True
    valid[1000, 100:1900] = True
    found = outline(described(tmp_path / "b.tif", valid))
    assert found.geom_type == "Polygon"
    assert not found.interiors
    assert found.symmetric_difference(clean).area / clean.area < 0.01


def test_a_raster_of_hairlines_alone_has_a_footprint(tmp_path: Path) -> None:
    valid = np.zeros((2048, 2048), dtype=bool)
    valid[1000, 100:1900] = True
    found = outline(described(tmp_path / "a.tif", valid))
    assert found.length > 0
    valid[:] = False
    valid[17, 33] = True
    info = described(tmp_path / "b.tif", valid)
    assert info.valid_ratio == 1 / 2048**2
    assert not outline(info).is_empty


@pytest.mark.parametrize("share", [0.001, 0.02, 0.3])
def test_scattered_pixels_are_one_light_outline(tmp_path: Path, share: float) -> None:
    valid = np.random.default_rng(3).random((900, 900)) < share
    found = outline(described(tmp_path / "x.tif", valid))
    covered = abs(Geod(ellps="WGS84").geometry_area_perimeter(found)[0])
    assert 0.5 < covered / 45.0**2 < 1.01


@pytest.mark.parametrize(
    ("crs", "latitude", "pixel"),
    [("EPSG:32660", 47.0, 100.0), ("EPSG:32701", -17.0, 100.0), ("EPSG:3832", 5.0, 800.0), ("EPSG:4326", -16.0, 0.001)],
)
def test_it_is_cut_at_the_antimeridian(tmp_path: Path, crs: str, latitude: float, pixel: float) -> None:
    middle = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(179.99, latitude)
    place = from_origin(middle[0] - 200 * pixel, middle[1] + 200 * pixel, pixel, pixel)
    info = described(tmp_path / "x.tif", disc(400), crs=crs, transform=place)
    found = outline(info)
    assert found.geom_type == "MultiPolygon"
    assert {round(max(abs(x) for x in part.bounds[::2]), 6) for part in found.geoms} == {180.0}
    assert sum(part.bounds[2] - part.bounds[0] for part in found.geoms) < 10
    area = abs(Geod(ellps="WGS84").geometry_area_perimeter(found)[0])
    assert area == pytest.approx(info.valid_area_m2, rel=0.02)
    west, _, east, _ = info.bbox
    assert west > 0 > east


@pytest.mark.parametrize(("crs", "pole"), [("EPSG:3413", 90), ("EPSG:3031", -90)])
def test_a_pole_inside(tmp_path: Path, crs: str, pole: int) -> None:
    place = from_origin(-300_000, 500_000, 2000, 2000)
    info = described(tmp_path / "x.tif", disc(400), crs=crs, transform=place)
    found = outline(info)
    assert found.bounds[0::2] == (-180, 180)
    assert abs(found.bounds[3 if pole > 0 else 1]) == 90
    # In degrees the area is only right where it is summed in an equal-area projection.
    flat = Transformer.from_crs("EPSG:4326", "EPSG:6931" if pole > 0 else "EPSG:6932", always_xy=True)
    area = transform(found.segmentize(0.5), flat.transform, interleaved=False).buffer(0).area
    assert area == pytest.approx(info.valid_area_m2, rel=0.02)


def test_a_ring_around_a_pole(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:400, 0:400]
    radius = np.hypot(rows - 200, columns - 200)
    valid = (radius < 180) & (radius > 60)
    place = from_origin(-200_000, 200_000, 1000, 1000)
    found = outline(described(tmp_path / "x.tif", valid, crs="EPSG:3413", transform=place))
    assert found.bounds[3] < 89.6
    assert all(found.covers(Point(longitude, 89.0)) for longitude in range(-179, 180, 20))
    assert not found.covers(Point(10, 89.8))


def test_long_edges_bend_with_the_projection(tmp_path: Path) -> None:
    """A strip of 2000 km: straight on the map, bent in degrees."""
    valid = np.ones((100, 2000), dtype=bool)
    path = tmp_path / "x.tif"
    info = described(path, valid, crs="EPSG:3035", transform=from_origin(3_000_000, 4_500_000, 1000, 1000))
    found = outline(info)
    to_degrees = Transformer.from_crs("EPSG:3035", "EPSG:4326", always_xy=True)
    edge = np.linspace(3_000_000, 5_000_000, 4001)
    sides = [to_degrees.transform(edge, np.full_like(edge, y)) for y in (4_500_000, 4_400_000)]
    truth = Polygon([*zip(*sides[0], strict=True), *zip(*(side[::-1] for side in sides[1]), strict=True)])
    assert found.symmetric_difference(truth).area / truth.area < 0.005
    assert get_num_coordinates(found) < 120


def test_every_kind_of_curved_world_map(tmp_path: Path) -> None:
    """A world in sinusoidal: pixels in the corners are on no Earth at all."""
    side = math.pi * 6_378_137
    options = {"crs": "+proj=sinu +datum=WGS84", "transform": from_origin(-side, side / 2, side / 200, side / 200)}
    info = described(tmp_path / "x.tif", np.ones((200, 400), dtype=bool), **options)
    assert info.valid_ratio == 1
    assert info.gsd_m == pytest.approx(side / 200, rel=0.01)
