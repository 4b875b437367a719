"""Coverage and overlap from metadata, against surveys whose truth is known."""

from __future__ import annotations

import dataclasses
import json
import os
import random
from datetime import UTC
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import shapely
from pyproj import Geod

from aerodag.imagery import read_metadata
from aerodag.settings import Checks
from aerodag.simulate.survey import Position, Survey
from aerodag.survey import Coverage, Exposure, coverage, outlines
from samples.surveying import START, flown, lawn, walked

CHECKS = Checks()
GEOD = Geod(ellps="WGS84")
DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[3].parent / "shared" / "data")
BRIGHTON = DATA / "mapping" / "brighton_beach" / "images"

SURVEYS = [
    {"images": 20},
    {"images": 100, "forward_overlap": 0.8, "side_overlap": 0.7, "height_above_ground": 100, "speed": 12},
    {"images": 90, "forward_overlap": 0.85, "side_overlap": 0.45, "height_above_ground": 120, "focal_35mm": 24},
    {"images": 150, "forward_overlap": 0.9, "side_overlap": 0.8, "height_above_ground": 60, "seed": 3},
    {"images": 60, "forward_overlap": 0.6, "side_overlap": 0.3, "height_above_ground": 60, "width": 320, "height": 240},
    {"images": 100, "position": Position.GPS, "height_above_ground": 90, "latitude": -33.4, "longitude": 150.1},
    {"images": 80, "latitude": 78.2, "longitude": 15.6, "height_above_ground": 80},
]


def codes(estimate: Coverage) -> set[str]:
    return {finding.code for finding in estimate.findings}


@pytest.mark.parametrize("parameters", SURVEYS, ids=lambda p: "-".join(f"{v}" for v in p.values()))
@pytest.mark.parametrize("known", ["all", "no time", "no yaw"])
def test_overlap_spacing_lines_and_gsd_of_simulated_surveys(parameters: dict[str, Any], known: str) -> None:
    survey = Survey(**parameters)
    unknown = {"no time": {"captured_at": None}, "no yaw": {"yaw": None}}.get(known, {})
    images = [dataclasses.replace(image, **unknown) for image in flown(survey)]
    random.Random(4).shuffle(images)
    found = coverage(images, CHECKS)
    assert found.forward_overlap == pytest.approx(survey.forward_overlap, abs=0.02)
    assert found.side_overlap == pytest.approx(survey.side_overlap, abs=0.025)
    assert found.spacing_m == pytest.approx(survey.exposure_spacing, rel=0.03)
    assert found.line_spacing_m == pytest.approx(survey.line_spacing, rel=0.03)
    assert found.gsd_cm == pytest.approx(100 * survey.ground_sampling_distance, rel=0.01)
    assert found.flight_lines == survey.lines
    assert found.footprints == found.images == len(images)
    assert found.groups == (len(images),)


def test_area_of_a_plain_lawn_and_its_hull() -> None:
    # Footprints of 80 m by 60 m; 4 lines of 10 images, 15 m and 28 m apart.
    found = coverage(walked(lawn(4, 10, 15, 28), yaw=0.0), CHECKS)
    assert found.area_m2 == pytest.approx((3 * 28 + 80) * (9 * 15 + 60), rel=2e-3)
    assert found.hull_m2 == pytest.approx(3 * 28 * 9 * 15, rel=2e-3)
    assert (found.forward_overlap, found.side_overlap) == pytest.approx((0.75, 0.65), abs=1e-3)
    assert (found.share_2, found.share_3, found.share_5) == (1.0, 1.0, 1.0)
    assert (found.gaps, found.findings, found.reason) == ((), (), None)
    west, south, east, north = found.bbox or (0, 0, 0, 0)
    assert GEOD.inv(west, south, east, south)[2] == pytest.approx(164, rel=2e-3)
    assert GEOD.inv(west, south, west, north)[2] == pytest.approx(195, rel=2e-3)


def test_a_camera_mounted_across_the_track_overlaps_by_its_long_side() -> None:
    found = coverage(walked(lawn(4, 10, 20, 30), yaw=90.0), CHECKS)
    assert (found.forward_overlap, found.side_overlap) == pytest.approx((1 - 20 / 80, 1 - 30 / 60), abs=1e-3)


def test_images_missing_in_the_middle_are_a_gap_with_its_area_and_place() -> None:
    hole = shapely.box(50, 40, 180, 190)
    places = [place for place in lawn(8, 16, 15, 28) if not hole.contains(shapely.Point(place))]
    found = coverage(walked(places, yaw=0.0), CHECKS)
    assert codes(found) == {"survey.gaps"}
    assert len(found.gaps) == 1
    polygon = shapely.geometry.shape(found.gaps[0].polygon)
    assert polygon.contains(shapely.Point(11 + 112 / 74_600, 48 + 112 / 111_200))
    east, north = (axis.ravel() for axis in np.meshgrid(np.arange(0.5, 196), np.arange(0.5, 225)))
    views = sum((abs(east - x) < 40) & (abs(north - y) < 30) for x, y in places)
    assert found.gaps[0].area_m2 == pytest.approx(np.count_nonzero(views < 3), rel=0.05)
    assert abs(GEOD.geometry_area_perimeter(polygon)[0]) == pytest.approx(found.gaps[0].area_m2, rel=0.01)
    for share, least in ((found.share_2, 2), (found.share_3, 3), (found.share_5, 5)):
        assert share == pytest.approx(np.mean(views >= least), abs=0.01)
    message = found.findings[0].message
    assert "fewer than 3 images" in message
    assert f"{found.gap_m2:,.0f} m2" in message


def test_a_bent_corridor_has_no_gap_inside_its_bend() -> None:
    leg = [(x, y * 15.0) for x in (0, 25, 50) for y in range(40)]
    places = leg + [(y + 50, x) for x, y in leg]
    found = coverage(walked(places, yaw=0.0), CHECKS)
    legs = shapely.union(shapely.box(0, 0, 50, 585), shapely.box(0, 0, 635, 50)).area
    assert found.hull_m2 == pytest.approx(legs, rel=0.1)
    assert legs < 0.4 * shapely.convex_hull(shapely.MultiPoint(places)).area
    assert (found.gap_m2 or 0) < 0.01 * legs


def test_low_overlap_names_both_and_their_limits() -> None:
    found = coverage(walked(lawn(4, 10, 36, 64), yaw=0.0), CHECKS)
    message = next(finding.message for finding in found.findings if finding.code == "survey.low_overlap")
    assert "forward overlap is 40.0 % (at least 60 %)" in message
    assert "side overlap is 20.0 % (at least 40 %)" in message


def test_two_fields_are_two_groups_and_the_smaller_is_named() -> None:
    field = walked(lawn(4, 8, 15, 28), yaw=0.0)
    other = walked(lawn(2, 3, 15, 28), yaw=0.0, prefix="other", latitude=48.008)
    found = coverage(field + other, CHECKS)
    assert found.groups == (32, 6)
    assert found.outside == tuple(image.zip_path for image in other)
    finding = next(finding for finding in found.findings if finding.code == "survey.disjoint")
    assert "of 32, 6 images" in finding.message
    assert "survey.gaps" not in codes(found)


def test_without_relative_altitude_nothing_is_invented() -> None:
    images = walked(lawn(4, 10, 15, 28), relative_altitude=None, altitude=560.0)
    found = coverage(images, CHECKS)
    assert (found.area_m2, found.forward_overlap, found.share_3, found.gsd_cm) == (None, None, None, None)
    assert "relative altitude" in (found.reason or "")
    assert (found.spacing_m, found.line_spacing_m) == pytest.approx((15, 28), rel=2e-3)
    assert found.flight_lines == 4
    assert codes(found) == {"survey.no_footprints"}


def test_with_a_known_gsd_it_is_estimated_all_the_same() -> None:
    found = coverage(walked(lawn(4, 10, 15, 28), relative_altitude=None, gsd_cm=2.0, yaw=0.0), CHECKS)
    assert (found.forward_overlap, found.side_overlap) == pytest.approx((0.75, 0.65), abs=1e-3)
    assert found.gsd_cm == pytest.approx(2.0)


@pytest.mark.parametrize(
    ("longitude", "latitude"), [(180.0, -17.0), (-179.9998, 65.0), (30.0, 89.9995), (0.0, -89.999)]
)
def test_antimeridian_and_poles_are_places_like_others(longitude: float, latitude: float) -> None:
    places = lawn(4, 10, 15, 28)
    here, usual = walked(places, longitude=longitude, latitude=latitude), walked(places)
    found, expected = coverage(here, CHECKS), coverage(usual, CHECKS)
    if abs(latitude) < 80:  # east of north is no lawn where meridians meet
        for name in ("area_m2", "hull_m2", "forward_overlap", "side_overlap", "flight_lines", "share_3"):
            assert getattr(found, name) == pytest.approx(getattr(expected, name), rel=0.01), name
        west, _, east, _ = found.bbox or (0, 0, 0, 0)
        assert west > 179
        assert east < -179
    assert found.footprints == 40
    json.dumps(dataclasses.asdict(found), allow_nan=False)
    for outline in outlines(here, CHECKS).values():
        ring = shapely.get_coordinates(shapely.geometry.shape(outline))
        assert (abs(ring[:, 0]) <= 180).all()


def test_at_the_pole_true_north_is_another_direction_at_every_place() -> None:
    """A straight track over the pole, the camera's top ahead: the yaw jumps by 180 degrees, the ground does not."""
    north = [GEOD.fwd(40.0, 90.0, 180.0, metres)[:2] for metres in range(150, 0, -15)]
    south = [GEOD.fwd(-140.0, 90.0, 180.0, metres)[:2] for metres in range(15, 165, 15)]
    base = walked([(0, 0)] * (len(north) + len(south)))
    images = [
        dataclasses.replace(image, longitude=lon, latitude=lat, yaw=0.0 if number < len(north) else 180.0)
        for number, (image, (lon, lat)) in enumerate(zip(base, north + south, strict=True))
    ]
    found = coverage(images, CHECKS)
    assert found.area_m2 == pytest.approx(80 * (60 + 300), rel=0.02)
    assert found.forward_overlap == pytest.approx(0.75, abs=0.01)


@pytest.mark.parametrize("count", [0, 1, 2, 3])
def test_a_handful_is_sparse_and_no_error(count: int) -> None:
    found = coverage(walked([(0, 15 * n) for n in range(count)], yaw=0.0), CHECKS)
    assert "survey.sparse" in codes(found)
    assert found.area_m2 == (pytest.approx(80 * (60 + 15 * (count - 1)), rel=2e-3) if count else None)
    assert found.forward_overlap == (pytest.approx(0.75, abs=1e-3) if count > 1 else None)


def test_all_at_one_place_has_an_area_and_no_overlap() -> None:
    found = coverage(walked([(0, 0)] * 30), CHECKS)
    assert found.area_m2 == pytest.approx(4_800, rel=2e-3)
    assert (found.forward_overlap, found.side_overlap, found.hull) == (None, None, None)


def test_the_bands_of_a_multispectral_camera_are_one_station() -> None:
    images = [
        dataclasses.replace(image, zip_path=f"{band}/{image.zip_path}", band=band)
        for image in walked(lawn(4, 10, 15, 28), yaw=0.0, serial="7")
        for band in ("blue", "green", "red", "nir")
    ]
    found = coverage(images, CHECKS)
    assert (found.forward_overlap, found.side_overlap) == pytest.approx((0.75, 0.65), abs=1e-3)
    assert found.flight_lines == 4


@pytest.mark.skipif(not BRIGHTON.is_dir(), reason="the shared test images are absent (AERODAG_TEST_DATA)")
def test_brighton_beach_against_the_plain_formula() -> None:
    images, side = [], []
    for path in sorted(BRIGHTON.glob("*.JPG")):
        with path.open("rb") as file:
            read = read_metadata(file, path.name)
        names = {field.name for field in dataclasses.fields(read)} & set(Exposure.__dataclass_fields__)
        given = {name: getattr(read, name) for name in names} | {"captured_at": (read.captured_at or START)}
        given["captured_at"] = given["captured_at"].replace(tzinfo=UTC)
        images.append(Exposure(zip_path=path.name, **given))
        # A 1/2.3 inch sensor is 6.17 mm wide, the lens 3.61 mm long.
        side.append((read.relative_altitude or 0) * 6.17 / 3.61)
    areas = outlines(images, CHECKS)
    for image, width in zip(images, side, strict=True):
        area = abs(GEOD.geometry_area_perimeter(shapely.geometry.shape(areas[image.zip_path]))[0])
        assert area == pytest.approx(width * width * 2250 / 4000, rel=0.03)
    found = coverage(images, CHECKS)
    assert found.gsd_cm == pytest.approx(100 * sorted(side)[9] / 4000, rel=0.02)
    assert found.flight_lines == 3
    assert found.groups == (18,)
    assert found.forward_overlap == pytest.approx(
        1 - (found.spacing_m or 0) / (sorted(side)[9] * 2250 / 4000), abs=0.03
    )
