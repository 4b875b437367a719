"""Maps against their cameras, computed a second way: on UTM planes, and by geodesics."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from pyproj import Geod, Transformer
from rasterio.transform import from_origin
from shapely import MultiPoint, box, transform
from shapely.geometry import mapping

from aerodag.errors import EngineError
from aerodag.findings import Severity
from aerodag.raster.extent.describe import RasterInfo, describe
from aerodag.raster.extent.placement import placement, placement_findings, require_placed
from samples.rasters import Array, code_of, save

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

UTM = "EPSG:32632"
EAST, NORTH = 500_000.0, 5_300_000.0
TO_DEGREES = Transformer.from_crs(UTM, "EPSG:4326", always_xy=True)
GEOD = Geod(ellps="WGS84")
Degrees = list[tuple[float, float]]


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> RasterInfo:
    """A square map of 200 m at 10 cm, its lower left corner at (EAST, NORTH)."""
    path = tmp_path_factory.mktemp("rasters") / "x.tif"
    values = np.full((1, 400, 400), 9, dtype=np.uint8)
    return replace(describe(save(path, values, crs=UTM, transform=from_origin(EAST, NORTH + 200, 0.5, 0.5))), gsd_m=0.1)


def mapped(info: RasterInfo, west: float, south: float, east: float, north: float) -> RasterInfo:
    """The same map with another footprint, metres from the corner."""
    area = box(EAST + west, NORTH + south, EAST + east, NORTH + north).segmentize(50)
    return replace(info, footprint=mapping(transform(area, TO_DEGREES.transform, interleaved=False)))


def cameras(points: Array) -> Degrees:
    longitudes, latitudes = TO_DEGREES.transform(EAST + points[:, 0], NORTH + points[:, 1])
    return list(zip(longitudes.tolist(), latitudes.tolist(), strict=True))


def grid(west: float, south: float, east: float, north: float, count: int = 6) -> Array:
    xs, ys = np.meshgrid(np.linspace(west, east, count), np.linspace(south, north, count))
    return np.column_stack([xs.ravel(), ys.ravel()])


def test_a_map_where_it_belongs(info: RasterInfo) -> None:
    found = placement(info, cameras(grid(20, 20, 180, 180)), 30)
    assert found is not None
    assert (found.off_m, found.cameras, found.left_out, found.cameras_covered) == (0, 36, 0, 1)
    assert found.hull_covered == pytest.approx(1)
    assert found.size_ratio == pytest.approx(200**2 / box(20, 20, 180, 180).buffer(30).area, rel=0.01)
    require_placed(info, found)
    assert placement_findings(info, found, [2.5, 9.0, 9.5]) == []


@pytest.mark.parametrize("seed", range(6))
def test_areas_and_distances_are_those_of_another_plane(info: RasterInfo, seed: int) -> None:
    random = np.random.default_rng(seed)
    points = random.uniform(-300, 300, (40, 2)) + random.uniform(-400, 400, 2)
    found = placement(info, cameras(points), 45)
    assert found is not None
    hull, ground = MultiPoint(points).convex_hull, box(0, 0, 200, 200)
    assert found.off_m == pytest.approx(hull.distance(ground), rel=2e-3, abs=1)
    assert found.hull_covered == pytest.approx(hull.intersection(ground).area / hull.area, abs=0.005)
    assert found.size_ratio == pytest.approx(ground.area / hull.buffer(45).area, rel=0.01)
    near = np.mean([ground.buffer(45).covers(point) for point in MultiPoint(points).geoms])
    assert found.cameras_covered == pytest.approx(near, abs=0.03)


@pytest.mark.parametrize("degrees", [(0.02, 0.0), (0.0, -0.3), (5.0, 5.0), (170.0, -80.0)])
def test_distance_is_the_geodesic(info: RasterInfo, degrees: tuple[float, float]) -> None:
    corners = [(lon, lat) for lon, lat in info.footprint["coordinates"][0]] if info.footprint else []
    place = corners[0][0] + degrees[0], corners[0][1] + degrees[1]
    found = placement(info, [place], 50)
    assert found is not None
    truth = min(GEOD.inv(*place, *corner)[2] for corner in corners)
    assert found.off_m == pytest.approx(truth, rel=0.001, abs=60)
    with pytest.raises(EngineError) as caught:
        require_placed(info, found)
    assert code_of(caught) == "publish.misplaced"
    assert caught.value.numbers["off_m"] == found.off_m


def test_a_kilometre_is_allowed(info: RasterInfo) -> None:
    near = placement(info, cameras(grid(1190, 0, 1300, 100)), 30)
    assert near is not None
    assert near.off_m == pytest.approx(990, abs=2)
    require_placed(info, near)
    assert [finding.code for finding in placement_findings(info, near)] == ["publish.low_coverage"]
    with pytest.raises(EngineError):
        require_placed(info, placement(info, cameras(grid(1210, 0, 1300, 100)), 30))


@pytest.mark.parametrize(("width", "degraded"), [(300.0, False), (390.0, False), (410.0, True), (900.0, True)])
def test_half_of_the_hull_has_to_be_covered(info: RasterInfo, width: float, degraded: bool) -> None:
    found = placement(info, cameras(grid(0, 0, width, 200)), 30)
    assert found is not None
    assert found.hull_covered == pytest.approx(200 / width, abs=0.01)
    codes = [(finding.code, finding.severity) for finding in placement_findings(info, found)]
    assert codes == ([("publish.low_coverage", Severity.DEGRADED)] if degraded else [])


@pytest.mark.parametrize(("side", "stray"), [(400.0, False), (5000.0, True)])
def test_a_canvas_dragged_out_is_told(info: RasterInfo, side: float, stray: bool) -> None:
    large = mapped(info, -side / 2, -side / 2, side / 2, side / 2)
    found = placement(large, cameras(grid(-100, -100, 100, 100)), 50)
    assert found is not None
    assert found.size_ratio == pytest.approx(side**2 / box(-100, -100, 100, 100).buffer(50).area, rel=0.01)
    codes = [finding.code for finding in placement_findings(large, found)]
    assert codes == (["publish.stray_extent"] if stray else [])


@pytest.mark.parametrize(
    ("cameras_gsd_cm", "told"),
    [([10.0], False), ([3.0, 3.2], False), ([25.0], True), ([1.0], True), ([], False), ([math.nan, 0.0], False)],
)
def test_a_pixel_far_from_what_the_cameras_saw(info: RasterInfo, cameras_gsd_cm: list[float], told: bool) -> None:
    codes = [finding.code for finding in placement_findings(info, None, cameras_gsd_cm)]
    assert codes == (["publish.gsd_differs"] if told else [])


def test_one_wrong_position_moves_nothing(info: RasterInfo) -> None:
    points = grid(20, 20, 180, 180)
    usual = placement(info, cameras(points), 30)
    found = placement(info, [*cameras(points), (0.0, 0.0)], 30)
    assert found is not None
    assert usual is not None
    assert (found.left_out, found.cameras) == (1, 37)
    assert found.hull_covered == pytest.approx(usual.hull_covered, abs=1e-3)
    assert found.size_ratio == pytest.approx(usual.size_ratio, rel=1e-3)
    apart = placement(info, cameras(np.vstack([points, grid(5000, 0, 5100, 100, 3)])), 30)
    assert apart is not None
    assert apart.left_out == 0
    assert apart.hull_covered < 0.1


@pytest.mark.parametrize(
    ("points", "covered"),
    [([[100, 100]], 1.0), ([[900, 100]], 0.0), ([[100, 100], [100, 300]], 0.5), ([[0, 100], [400, 100]], 0.5)],
)
def test_one_camera_or_one_line(info: RasterInfo, points: list[list[float]], covered: float) -> None:
    found = placement(info, cameras(np.array(points, dtype=float)), 30)
    assert found is not None
    assert found.hull_covered == pytest.approx(covered, abs=0.01)
    assert found.size_ratio > 0


@pytest.mark.parametrize(
    ("crs", "longitude", "latitude"), [("EPSG:32660", 179.9995, -17.0), ("EPSG:3413", 45.0, 89.9999)]
)
def test_across_the_antimeridian_and_at_the_pole(tmp_path: Path, crs: str, longitude: float, latitude: float) -> None:
    to_crs = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
    x, y = to_crs.transform(longitude, latitude)
    place = from_origin(x - 100, y + 100, 0.5, 0.5)
    there = describe(save(tmp_path / "x.tif", np.full((1, 400, 400), 9, dtype=np.uint8), crs=crs, transform=place))
    points = grid(-80, -80, 80, 80)
    longitudes, latitudes = to_crs.transform(x + points[:, 0], y + points[:, 1], direction="INVERSE")
    found = placement(there, list(zip(longitudes.tolist(), latitudes.tolist(), strict=True)), 20)
    assert found is not None
    assert found.off_m == 0
    assert found.hull_covered == pytest.approx(1, abs=0.01)
    assert found.size_ratio == pytest.approx(200**2 / box(-80, -80, 80, 80).buffer(20).area, rel=0.05)


def test_without_cameras_there_is_nothing_to_compare(info: RasterInfo) -> None:
    assert placement(info, [], 30) is None
    require_placed(info, None)
    assert placement_findings(info, None) == []


def test_an_empty_map_is_refused(info: RasterInfo) -> None:
    empty = replace(info, footprint=None)
    assert placement(empty, cameras(grid(0, 0, 1, 1)), 30) is None
    with pytest.raises(EngineError) as caught:
        require_placed(empty, None)
    assert code_of(caught) == "publish.empty"
