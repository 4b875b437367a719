"""Footprints and bounding boxes, across the antimeridian too."""

from __future__ import annotations

import warnings
from typing import Any

import pytest
import shapely
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import shape

from aerodag import stac
from cases.stac_validators import complaints
from samples.stac import FOOTPRINT

FIJI = (179.99, -17.01, -179.98, -17.0)


def ring(*points: tuple[float, ...]) -> dict[str, Any]:
    return {"type": "Polygon", "coordinates": [[list(point) for point in (*points, points[0])]]}


def test_a_footprint_is_wound_as_geojson_wants_it() -> None:
    geometry, bbox = stac.place(FOOTPRINT, None) or ({}, [])
    assert shape(geometry).equals(shape(FOOTPRINT))
    assert shape(geometry).exterior.is_ccw
    assert bbox == [9.0, 48.0, 9.003, 48.002]


def test_the_footprint_counts_more_than_the_bounding_box() -> None:
    _, bbox = stac.place(FOOTPRINT, (0.0, 0.0, 1.0, 1.0)) or ({}, [])
    assert bbox == [9.0, 48.0, 9.003, 48.002]
    assert stac.place(None, None) is None


def test_heights_and_noise_are_left_out() -> None:
    geometry, _ = stac.place(ring((9, 48, 301.5), (9.1234567890123, 48, 302.5), (9.1, 48.1, 300.5)), None) or ({}, [])
    assert {len(point) for point in geometry["coordinates"][0]} == {2}
    assert geometry["coordinates"][0][1] == [9.123456789, 48.0]


def test_holes_are_wound_the_other_way() -> None:
    outline = shapely.box(0, 0, 1, 1).difference(shapely.box(0.4, 0.4, 0.6, 0.6))
    geometry, _ = stac.place(shapely.geometry.mapping(outline), None) or ({}, [])
    found = shape(geometry)
    assert found.exterior.is_ccw
    assert [hole.is_ccw for hole in found.interiors] == [False]


@pytest.mark.parametrize(
    "footprint",
    [
        None,
        ring((179.99, -17.01), (-179.98, -17.01), (-179.98, -17.0), (179.99, -17.0)),
        ring((179.99, -17.01), (180.02, -17.01), (180.02, -17.0), (179.99, -17.0)),
        ring((179.99, -17.0), (180.02, -17.0), (180.02, -17.01), (179.99, -17.01)),
    ],
    ids=["bbox", "jumping", "beyond 180", "clockwise"],
)
def test_what_crosses_the_antimeridian_is_cut_there(footprint: dict[str, Any] | None) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        geometry, bbox = stac.place(footprint, FIJI) or ({}, [])
    assert bbox == pytest.approx(FIJI)
    halves = shape(geometry)
    assert halves.geom_type == "MultiPolygon"
    assert halves.is_valid
    assert halves.area == pytest.approx(0.03 * 0.01)
    assert all(half.exterior.is_ccw for half in halves.geoms)
    east, west = sorted(half.bounds for half in halves.geoms)
    assert east == pytest.approx((-180, -17.01, -179.98, -17.0))
    assert west == pytest.approx((179.99, -17.01, 180, -17.0))


west_to_east = st.tuples(st.floats(-179.9, 179.9), st.floats(-80, 80), st.floats(0.0001, 1), st.floats(0.0001, 1))


@pytest.mark.fuzz
@given(west_to_east)
def test_any_rectangle_keeps_its_area_and_its_box(corner: tuple[float, float, float, float]) -> None:
    west, south, width, height = corner
    east = west + width if west + width <= 180 else west + width - 360
    geometry, bbox = stac.place(None, (west, south, east, south + height)) or ({}, [])
    assert shape(geometry).area == pytest.approx(width * height, rel=1e-3)
    assert bbox == pytest.approx([west, south, east, south + height], abs=1e-7)
    assert (bbox[0] > bbox[2]) == (west > east)


def test_boxes_are_covered_by_one() -> None:
    assert stac.cover([]) is None
    assert stac.cover([(9, 48, 10, 49), (-120, 30, -119, 50)]) == (-120, 30, 10, 50)


def test_across_the_antimeridian_the_shortest_arc_covers() -> None:
    fiji, samoa, new_zealand = (
        (179.0, -18.0, -179.0, -16.0),
        (-173.0, -14.0, -171.0, -13.0),
        (170.0, -46.0, 175.0, -40.0),
    )
    assert stac.cover([fiji]) == fiji
    assert stac.cover([samoa, fiji, new_zealand]) == (170.0, -46.0, -171.0, -13.0)
    assert stac.cover([fiji, (-179.5, 0.0, 179.5, 1.0)]) == (-180.0, -18.0, 180.0, 1.0)
    assert stac.cover([fiji, (-179.5, 0.0, 100.0, 1.0), (20.0, 0.0, 30.0, 1.0)]) == (179.0, -18.0, 100.0, 1.0)


boxes = st.tuples(st.floats(-180, 180), st.floats(-90, 0), st.floats(-180, 180), st.floats(0, 90))


@pytest.mark.fuzz
@given(st.lists(boxes, min_size=1, max_size=6))
def test_the_cover_holds_every_box(several: list[tuple[float, float, float, float]]) -> None:
    west, south, east, north = stac.cover(several) or (0, 0, 0, 0)
    width = (east - west) % 360 if west > east else east - west
    for box in several:
        assert south <= box[1] <= box[3] <= north
        span = box[2] - box[0] if box[2] >= box[0] else box[2] - box[0] + 360
        begin = (box[0] - west) % 360
        begin = 0.0 if begin > 359.999999 else begin
        assert begin + span <= width + 1e-6 or width >= 360 - 1e-6
    assert complaints(stac.make_collection("c", "C", "C.", stac.Extent(bbox=(west, south, east, north)), [])) == []
