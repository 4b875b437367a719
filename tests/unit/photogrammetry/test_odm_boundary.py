"""The area of a survey: every camera inside, a ring that GIS takes, and none where there is no area."""

from __future__ import annotations

import json

import pyproj
import pytest
from hypothesis import given
from hypothesis import strategies as st
from shapely import Point, Polygon
from shapely.geometry import shape

from aerodag.photogrammetry.odm.planning.boundary import boundary, reach_m

GEODESY = pyproj.Geod(ellps="WGS84")


def polygon(points: list[tuple[float, float]], buffer_m: float) -> Polygon | None:
    text = boundary(points, buffer_m)
    if text is None:
        return None
    collection = json.loads(text)
    assert (collection["type"], len(collection["features"])) == ("FeatureCollection", 1)
    area = shape(collection["features"][0]["geometry"])
    assert isinstance(area, Polygon)
    return area


def grid(longitude: float, latitude: float, count: int = 10) -> list[tuple[float, float]]:
    return [(longitude + column * 1e-3, latitude + row * 1e-3) for row in range(count) for column in range(count)]


@pytest.mark.parametrize("place", [(11.0, 48.0), (-70.6, -33.4), (0.0, 0.0), (25.0, 69.9)])
def test_the_area_reaches_so_far_beyond_the_cameras(place):
    area = polygon(grid(*place), 120.0)
    assert area is not None
    assert area.is_valid
    west, south, _, north = area.bounds
    middle = place[1] + 4.5e-3
    assert GEODESY.inv(west, middle, place[0], middle)[2] == pytest.approx(120, rel=0.02)
    assert GEODESY.inv(place[0], north, place[0], place[1] + 9e-3)[2] == pytest.approx(120, rel=0.02)
    assert GEODESY.inv(place[0], south, *place)[2] == pytest.approx(120, rel=0.02)
    assert len(area.exterior.coords) < 40
    assert area.exterior.is_ccw


def test_a_single_strip_has_an_area_too():
    area = polygon([(11.0 + number * 1e-3, 48.0) for number in range(5)], 50.0)
    assert area is not None
    assert area.covers(Point(11.002, 48.0))


@pytest.mark.parametrize(
    ("points", "buffer_m"),
    [
        ([], 50.0),
        ([(11.0, 48.0), (11.001, 48.0)] * 20, 50.0),
        (grid(11.0, 48.0), 0.0),
        (grid(11.0, 48.0), float("nan")),
        ([(179.999, 10.0), (-179.999, 10.0), (179.999, 10.001)], 50.0),
    ],
)
def test_none_without_an_area(points, buffer_m):
    assert boundary(points, buffer_m) is None


def test_the_reach_is_that_of_an_images_corner_and_more():
    """A Phantom 4's 5472 x 3648 pixels at 2.7 cm: half of the footprint's diagonal is 88.8 m."""
    assert reach_m(2.7, 5472 * 3648 / 1e6) == pytest.approx(2 * 88.8, rel=0.01)


@pytest.mark.fuzz
@given(
    st.lists(st.tuples(st.floats(-0.05, 0.05), st.floats(-0.05, 0.05)), max_size=12),
    st.floats(-170, 170), st.floats(-80, 80), st.floats(5, 500),
)  # fmt: skip
def test_every_camera_is_inside(offsets, longitude, latitude, buffer_m):
    points = [(longitude + east, latitude + north) for east, north in offsets]
    area = polygon(points, buffer_m)
    assert (area is None) == (len(set(points)) < 3)
    if area is not None:
        assert area.is_valid
        assert all(area.contains(Point(point)) for point in points)
