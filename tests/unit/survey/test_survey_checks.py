"""Checks of one exposure, of positions and of duplicates; and that nothing in the data can upset them."""

from __future__ import annotations

import dataclasses
import json
import math
import random
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag import survey
from aerodag.findings import Finding, Severity
from aerodag.settings import Checks
from aerodag.simulate.survey import Survey
from aerodag.survey import Duplicate, Exposure, coverage, duplicates, examine, outlines
from samples.surveying import START, flown, lawn, walked

CHECKS = Checks()
LAWN = lawn(5, 12, 15, 28)


def of(code: str, exposures: list[Exposure], checks: Checks = CHECKS) -> list[Finding]:
    return [finding for finding in examine(exposures, checks).findings if finding.code == code]


def changed(index: int, /, **fields: Any) -> list[Exposure]:
    images = walked(LAWN)
    images[index] = dataclasses.replace(images[index], **fields)
    return images


@pytest.mark.parametrize(
    ("pitch", "code"),
    [
        (-90.0, None),
        (-80.0, None),
        (-100.0, None),
        (None, None),
        (math.nan, None),
        (-79.0, "image.oblique"),
        (-101.0, "image.oblique"),
        (-20.0, "image.oblique"),
        (-19.9, "image.pitch"),
        (0.0, "image.pitch"),
    ],
)
def test_gimbal_pitch(pitch: float | None, code: str | None) -> None:
    found = examine(changed(3, pitch=pitch), CHECKS).findings
    assert [(finding.code, finding.image) for finding in found] == ([(code, "DJI_0003.JPG")] if code else [])


def almanac_elevation(moment: datetime, longitude: float, latitude: float) -> float:
    """Astronomical Almanac, low precision formulas for the Sun (0.01 degrees); geometric, without refraction."""
    days = (moment - datetime(2000, 1, 1, 12, tzinfo=UTC)).total_seconds() / 86_400
    anomaly = math.radians(357.529 + 0.98560028 * days)
    mean = 280.459 + 0.98564736 * days
    ecliptic = math.radians(mean + 1.915 * math.sin(anomaly) + 0.020 * math.sin(2 * anomaly))
    obliquity = math.radians(23.439 - 0.00000036 * days)
    declination = math.asin(math.sin(obliquity) * math.sin(ecliptic))
    ascension = math.atan2(math.cos(obliquity) * math.sin(ecliptic), math.cos(ecliptic))
    sidereal = math.radians(15 * (18.697374558 + 24.06570982441908 * days) + longitude)
    lat, hour = math.radians(latitude), sidereal - ascension
    sine = math.sin(lat) * math.sin(declination) + math.cos(lat) * math.cos(declination) * math.cos(hour)
    return math.degrees(math.asin(sine))


@pytest.mark.parametrize(("longitude", "latitude"), [(11.0, 48.0), (-151.2, -33.9), (179.99, 0.0), (20.0, 78.0)])
@pytest.mark.parametrize("month", [1, 3, 6, 9, 12])
def test_low_sun_by_the_almanac(longitude: float, latitude: float, month: int) -> None:
    start = datetime(2026, month, 21, 0, 7, tzinfo=UTC)
    images = walked([(0, 0)] * 24, start=start, seconds=3_600, longitude=longitude, latitude=latitude)
    expected = [almanac_elevation(start + timedelta(hours=n), longitude, latitude) for n in range(24)]
    found = {finding.image: finding for finding in of("image.low_sun", images)}
    for image, degrees in zip(images, expected, strict=True):
        if abs(degrees - CHECKS.min_sun_elevation_deg) > 0.2:
            assert (image.zip_path in found) == (degrees < CHECKS.min_sun_elevation_deg)
        if image.zip_path in found:  # refraction lifts the sun by half a degree at the horizon
            assert found[image.zip_path].numbers["sun_elevation_deg"] == pytest.approx(degrees + 0.25, abs=0.35)


def test_the_sun_follows_utc_whatever_the_zone() -> None:
    noon = datetime(2026, 6, 21, 20, 15, tzinfo=timezone(timedelta(hours=9)))
    assert of("image.low_sun", walked([(0, 0)], start=noon)) == []


@pytest.mark.parametrize("source", ["exif_local", None, "file"])
def test_the_sun_is_not_judged_by_a_clock_of_unknown_zone(source: str | None) -> None:
    night = datetime(2026, 6, 1, 23, 0, tzinfo=UTC)
    assert of("image.low_sun", walked(LAWN, start=night, captured_source=source)) == []
    assert len(of("image.low_sun", walked(LAWN, start=night, captured_source="gps"))) == len(LAWN)


def test_zoom_differs_from_the_majority_of_its_sensor() -> None:
    (finding,) = of("image.zoom_mismatch", changed(7, digital_zoom=2.0))
    assert finding.image == "DJI_0007.JPG"
    assert "digital zoom 2x, while 59 of the 60 images of this sensor have 1x" in finding.message
    assert of("image.zoom_mismatch", changed(7, digital_zoom=1.0)) == []
    assert of("image.zoom_mismatch", changed(7, digital_zoom=0.0)) == []
    assert of("image.zoom_mismatch", changed(7, digital_zoom=2.0, sensor_group="tele")) == []
    all_zoomed = [dataclasses.replace(image, digital_zoom=2.0) for image in walked(LAWN)]
    assert of("image.zoom_mismatch", all_zoomed) == []


def test_a_few_images_far_off_are_outliers_with_their_distance() -> None:
    (finding,) = of("image.position_outlier", walked([*LAWN, (0.0, 4_500.0)]))
    assert finding.image == "DJI_0060.JPG"
    assert finding.numbers["distance_km"] == pytest.approx(4.5 - 11 * 0.015, abs=0.01)
    assert "4.3" in finding.message
    assert of("image.position_outlier", walked([*LAWN, (0.0, 1_100.0)])) == []


@pytest.mark.parametrize("count", [1, 20])
def test_another_country_is_another_mission_however_many_there_are(count: int) -> None:
    away = walked(LAWN[:count], longitude=14.0, latitude=50.0, prefix="away", start=START + timedelta(days=1))
    found = of("image.wrong_mission", walked(LAWN) + away)
    assert [finding.image for finding in found] == [image.zip_path for image in away]
    assert "Taken 312 km from the middle of the survey; more than 100 km" in found[0].message


def test_a_second_field_is_no_outlier_and_no_majority_is_told() -> None:
    field = walked(LAWN[:20], latitude=48.05, prefix="field", start=START + timedelta(hours=1))
    assert examine(walked(LAWN) + field, CHECKS).findings == ()
    same = walked(LAWN, latitude=48.05, prefix="field", start=START + timedelta(hours=1))
    (finding,) = examine(walked(LAWN) + same, CHECKS).findings
    assert finding.code == "survey.scattered"
    assert finding.numbers["places"] == [60, 60]
    assert finding.numbers["distance_km"] == pytest.approx(5.56, abs=0.05)


@pytest.mark.parametrize("longitude", [180.0, -179.9999])
def test_the_antimeridian_parts_no_survey(longitude: float) -> None:
    assert of("image.wrong_mission", walked(LAWN, longitude=longitude, latitude=-17.0)) == []


def test_a_frozen_position_is_told_once_and_is_no_burst() -> None:
    images = walked(LAWN[:20] + [LAWN[20]] * 15 + LAWN[35:])
    found = examine(images, CHECKS).findings
    assert [finding.code for finding in found if finding.code != "survey.gap"] == ["survey.position_frozen"]
    finding = next(finding for finding in found if finding.code == "survey.position_frozen")
    assert "15 exposures in a row of flight 1, from DJI_0020.JPG to DJI_0034.JPG" in finding.message
    assert finding.numbers["seconds"] == 28.0


@pytest.mark.parametrize(
    ("missing", "severity"), [(0, None), (1, Severity.INFO), (30, Severity.INFO), (31, Severity.WARNING)]
)
def test_images_without_position(missing: int, severity: Severity | None) -> None:
    images = [
        dataclasses.replace(image, latitude=None if n < missing else image.latitude)
        for n, image in enumerate(walked(LAWN))
    ]
    found = of("survey.positions_missing", images)
    assert [finding.severity for finding in found] == ([severity] if severity else [])
    if found:
        assert found[0].message.startswith(f"{missing} of 60 images ({missing / 0.6:.0f} %)")


def test_duplicates_keep_the_first_by_path() -> None:
    one, two, three, four = walked([(0, 0)] * 4)
    images = [dataclasses.replace(image, sha256="a" * 64) for image in (three, one)] + [two, four]
    assert duplicates(images) == [Duplicate(three.zip_path, one.zip_path)]


def test_the_same_exposure_in_other_bytes() -> None:
    images = [dataclasses.replace(image, sha256=f"{n:064x}") for n, image in enumerate(walked(LAWN))]
    copy = dataclasses.replace(images[4], zip_path="edited/4.JPG", sha256="f" * 64)
    (finding,) = examine([*images, copy], CHECKS).findings
    assert (finding.code, finding.image, finding.severity) == ("image.same_exposure", "edited/4.JPG", Severity.WARNING)
    for other in ({"sha256": images[4].sha256}, {"width": 640}, {"band": "red"}, {"captured_at": START}, {"yaw": 3.0}):
        different = dataclasses.replace(copy, **other)
        assert of("image.same_exposure", [*images, different]) == []


def test_every_code_is_in_the_table_of_the_room() -> None:
    images = flown(Survey(images=60, forward_overlap=0.5, side_overlap=0.2))
    images[3] = dataclasses.replace(images[3], pitch=0.0, digital_zoom=3.0, altitude=-100.0)
    found = [*examine(images[:20] + images[25:] + walked(LAWN), CHECKS).findings, *coverage(images, CHECKS).findings]
    assert len({finding.code for finding in found}) >= 6
    for finding in found:
        assert f"| {finding.code} " in (survey.__doc__ or "")
        assert finding.advice
        assert finding.message.endswith(".")


NUMBER = st.none() | st.floats() | st.sampled_from([0.0, 45.0, -90.0, 90.0, 180.0, -180.0, 1e-9])
PLACE = st.none() | st.floats(-200, 200) | st.sampled_from([0.0, 11.0, 11.0001, -180.0, 180.0, 90.0, -90.0])
TEXT = st.none() | st.sampled_from(["", "a", "b"])
ANY = st.builds(
    Exposure,
    zip_path=st.sampled_from(["a/1.jpg", "a/2.jpg", "b/1.jpg", "", "/"]) | st.text(max_size=8),
    width=st.none() | st.integers(-1, 10_000),
    height=st.none() | st.integers(-1, 10_000),
    make=TEXT,
    serial=TEXT,
    band=TEXT,
    sensor_group=TEXT,
    sha256=TEXT,
    focal_px=NUMBER,
    digital_zoom=NUMBER,
    captured_at=st.none() | st.datetimes() | st.datetimes(timezones=st.just(UTC)) | st.just(START),
    captured_source=st.sampled_from([None, "exif", "exif_local"]),
    longitude=PLACE,
    latitude=PLACE,
    altitude=NUMBER,
    relative_altitude=NUMBER,
    yaw=NUMBER,
    pitch=NUMBER,
    roll=NUMBER,
    rtk_flag=st.none() | st.integers(-5, 100),
    gsd_cm=NUMBER,
)


@pytest.mark.fuzz
@given(st.lists(ANY, max_size=12, unique_by=lambda exposure: exposure.zip_path), st.randoms())
def test_any_exposures_in_any_order(exposures: list[Exposure], shuffler: random.Random) -> None:
    shuffled = list(exposures)
    shuffler.shuffle(shuffled)
    examined, covered = examine(exposures, CHECKS), coverage(exposures, CHECKS)
    assert repr(examine(shuffled, CHECKS)) == repr(examined)
    assert repr(coverage(shuffled, CHECKS)) == repr(covered)
    assert duplicates(shuffled) == duplicates(exposures)
    assert set(examined.flights) <= {exposure.zip_path for exposure in exposures}
    found = dataclasses.asdict(covered) | {"found": [dataclasses.asdict(finding) for finding in examined.findings]}
    json.dumps(found | {"outlines": outlines(exposures, CHECKS)}, allow_nan=False)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_the_order_of_a_survey_does_not_matter(seed: int) -> None:
    images = flown(Survey(images=120, forward_overlap=0.6, side_overlap=0.3))
    del images[40:52]
    images += walked([(3 * n, 0) for n in range(12)], longitude=10.99, latitude=48.0713, prefix="other")
    shuffled = list(images)
    random.Random(seed).shuffle(shuffled)
    assert examine(shuffled, CHECKS) == examine(images, CHECKS)
    assert coverage(shuffled, CHECKS) == coverage(images, CHECKS)
    assert examine(images, CHECKS).findings
