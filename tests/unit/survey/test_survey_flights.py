"""Which exposures make one flight, and what only a flight can tell: bursts, tails, gaps, heights."""

from __future__ import annotations

import dataclasses
import json
from datetime import timedelta

import pytest

from aerodag.findings import Finding, Severity
from aerodag.settings import Checks
from aerodag.simulate.survey import Survey
from aerodag.survey import Exposure, examine, flights
from samples.surveying import START, flown, lawn, walked

CHECKS = Checks()
LAWN = lawn(6, 20, 15, 28)


def of(code: str, exposures: list[Exposure], checks: Checks = CHECKS) -> list[Finding]:
    return [finding for finding in examine(exposures, checks).findings if finding.code == code]


def codes(exposures: list[Exposure]) -> set[str]:
    return {finding.code for finding in examine(exposures, CHECKS).findings}


def runs(exposures: list[Exposure]) -> list[int | None]:
    found = flights(exposures, CHECKS)
    return [found.get(exposure.zip_path) for exposure in exposures]


@pytest.mark.parametrize("images", [20, 100, 400])
def test_a_good_survey_has_no_findings_and_is_one_flight(images: int) -> None:
    exposures = flown(Survey(images=images))
    assert codes(exposures) == set()
    assert set(runs(exposures)) == {1}


@pytest.mark.parametrize(
    ("second", "count"),
    [
        (walked([(0, 90 + 15 * n) for n in range(5)], start=START + timedelta(seconds=12 + 590), prefix="b"), 1),
        (walked([(0, 90 + 15 * n) for n in range(5)], start=START + timedelta(seconds=12 + 610), prefix="b"), 2),
        (walked([(0, 1_200 + 15 * n) for n in range(5)], start=START + timedelta(seconds=300), prefix="b"), 2),
        (walked([(0, 700 + 15 * n) for n in range(5)], start=START + timedelta(seconds=15), prefix="b"), 2),
        (walked([(0, 700 + 15 * n) for n in range(5)], start=START + timedelta(seconds=60), prefix="b"), 1),
    ],
    ids=["short pause", "long pause", "far", "too fast", "quick but possible"],
)
def test_time_distance_and_speed_part_flights(second: list[Exposure], count: int) -> None:
    first = walked([(0, 15 * n) for n in range(6)], prefix="a")
    assert runs(first + second) == [1] * 6 + [count] * 5


def test_two_drones_in_the_air_at_once_are_two_flights() -> None:
    first = walked([(0, 15 * n) for n in range(9)], serial="A", prefix="a")
    second = walked([(500, 15 * n) for n in range(9)], serial="B", prefix="b", start=START + timedelta(seconds=1))
    assert runs(first + second) == [1] * 9 + [2] * 9
    thermal = walked([(0, 15 * n) for n in range(9)], sensor_group="thermal", prefix="t")
    visible = walked([(0, 15 * n) for n in range(9)], sensor_group="rgb", prefix="v")
    assert len(set(runs(thermal + visible))) == 2


def test_one_wrong_position_does_not_cut_a_flight() -> None:
    places = [(0.0, 15.0 * n) for n in range(20)]
    places[7] = (5_000.0, 0.0)
    assert set(runs(walked(places))) == {1}


def test_without_time_the_folder_or_the_neighbours_tell() -> None:
    first = walked([(0, 15 * n) for n in range(6)], prefix="one/a")
    second = walked([(0, 15 * n) for n in range(6)], prefix="one/b", start=START + timedelta(hours=1))
    other = walked([(0, 15 * n) for n in range(6)], prefix="two/c", start=START + timedelta(hours=2))
    for images, index in ((first, 3), (second, 0), (other, 0)):
        images[index] = dataclasses.replace(images[index], captured_at=None)
    lost = [dataclasses.replace(first[0], zip_path="three/d.JPG", captured_at=None)]
    assert runs(first + second + other + lost) == [1] * 6 + [None] + [2] * 5 + [3] * 6 + [None]


def test_a_burst_on_one_spot_keeps_its_first_image() -> None:
    places = [(0.0, 15.0 * n) for n in range(10)]
    hover = [(0.4 * n, 150.0) for n in range(7)]
    images = walked([*places, *hover, *[(0.0, 165.0 + 15 * n) for n in range(10)]])
    found = of("image.stationary", images)
    assert [finding.image for finding in found] == [f"DJI_{n:04d}.JPG" for n in range(11, 17)]
    assert "7 exposures in a row within 5.0 m of DJI_0010.JPG; 6 such" in found[0].message
    short = walked([*places, *hover[:5], (0.0, 165.0)])
    assert of("image.stationary", short) == []


def test_close_flights_climbs_and_bands_are_no_bursts() -> None:
    close = walked(lawn(4, 30, 0.8, 2.0), relative_altitude=4.0)
    assert "image.stationary" not in codes(close)
    climb = [
        dataclasses.replace(image, relative_altitude=10.0 + 6 * n) for n, image in enumerate(walked([(0.1, 0.0)] * 9))
    ]
    assert "image.stationary" not in codes(climb)
    bands = [
        dataclasses.replace(image, zip_path=f"{image.zip_path}_{band}", band=str(band))
        for image in walked(lawn(3, 8, 15, 28), serial="7")
        for band in range(6)
    ]
    assert codes(bands) == set()


def with_transit(back: bool) -> list[tuple[float, float]]:
    """Ten pictures on a straight way north-east to the lawn, which begins to the north; mirrored for the way home."""
    survey = lawn(6, 20, 15, 28)
    transit = [(-12.0 * (10 - n), -4.0 * (10 - n)) for n in range(10)]
    return (
        [*survey, *reversed([(140 + 12.0 * (10 - n), -4.0 * (10 - n)) for n in range(10)])]
        if back
        else transit + survey
    )


@pytest.mark.parametrize("back", [False, True], ids=["take-off", "landing"])
def test_a_straight_transit_before_or_after_the_lines_is_a_tail(back: bool) -> None:
    images = walked(with_transit(back))
    found = of("image.flight_tail", images)
    expected = range(120, 130) if back else range(10)
    assert [finding.image for finding in found] == [f"DJI_{n:04d}.JPG" for n in expected]
    assert {finding.severity for finding in found} == {Severity.WARNING}
    assert of("image.flight_tail", images, Checks(flight_tails=False)) == []


def test_what_is_no_tail() -> None:
    crooked = [(-12.0 * (10 - n), (-40.0 if n % 2 else 0.0)) for n in range(10)]
    cases = {
        "plain lawn": LAWN,
        "crooked way": crooked + LAWN,
        "four images": with_transit(back=False)[6:],
        "more than a quarter": with_transit(back=False)[:34],
        "nine images": with_transit(back=False)[:9],
    }
    for name, places in cases.items():
        assert of("image.flight_tail", walked(places)) == [], name


def test_the_vertical_climb_at_the_start_gives_no_course() -> None:
    images = walked([(-120.0, -40.0 - 0.1 * n) for n in range(8)] + with_transit(back=False))
    climbing = [dataclasses.replace(image, altitude=500.0 + 6 * n) for n, image in enumerate(images[:8])]
    found = of("image.flight_tail", climbing + images[8:])
    assert len(found) == 18


def test_gaps_along_the_lines_are_counted_and_the_longest_is_named() -> None:
    images = walked(LAWN)
    missing = {30, 31, 32, 33, 34, 50, 70, 90}
    few = [image for n, image in enumerate(images) if n not in {30, 31, 32, 33, 34, 50}]
    many = [image for n, image in enumerate(images) if n not in missing]
    assert [finding.severity for finding in of("survey.gap", few)] == [Severity.INFO]
    (finding,) = of("survey.gap", many)
    assert finding.severity is Severity.WARNING
    assert finding.numbers["gaps"] == 4
    assert "the longest step is 90.0 m where 15.0 m are usual, from DJI_0029.JPG to DJI_0035.JPG" in finding.message


@pytest.mark.parametrize(
    ("jump", "flag", "found"), [(41.0, 16, True), (41.0, None, True), (8.0, 16, False), (41.0, 50, False)]
)
def test_the_zero_of_altitudes_may_not_jump_between_flights(jump: float, flag: int | None, found: bool) -> None:
    first = walked(lawn(3, 10, 15, 28), rtk_flag=flag, prefix="a")
    later = START + timedelta(minutes=20)
    second = walked(lawn(3, 10, 15, 28), rtk_flag=flag, prefix="b", start=later, altitude=560.0 + jump)
    findings = of("survey.datum_jump", first + second)
    assert bool(findings) == found
    if found:
        assert f"changes by {jump:.1f} m within the survey (limit 10 m)" in findings[0].message
        assert [part["flight"] for part in findings[0].numbers["parts"]] == [1, 2]


def test_a_battery_change_within_one_flight_is_seen_too() -> None:
    images = walked(lawn(2, 10, 15, 28))
    images = [dataclasses.replace(image, altitude=560.0 + 30 * (n >= 10)) for n, image in enumerate(images)]
    (finding,) = of("survey.datum_jump", images)
    assert [part["first"] for part in finding.numbers["parts"]] == ["DJI_0000.JPG", "DJI_0010.JPG"]


def test_flights_of_very_different_height() -> None:
    low = walked(lawn(3, 10, 15, 28), prefix="a")
    late = START + timedelta(hours=1)
    high = walked(lawn(3, 10, 15, 28), prefix="b", start=late, relative_altitude=150.0, altitude=650.0)
    (finding,) = of("survey.mixed_heights", low + high)
    assert "2.5 times in GSD in cm: 2.0 in flight 1, 5.0 in flight 2" in finding.message
    same_gsd = [dataclasses.replace(image, focal_px=7_500.0) for image in high]
    assert of("survey.mixed_heights", low + same_gsd) == []
    unknown = [dataclasses.replace(image, focal_px=None) for image in low + high]
    assert "flying height in m: 60.0 in flight 1" in of("survey.mixed_heights", unknown)[0].message


def test_single_wrong_altitudes() -> None:
    images = walked(LAWN)
    images[5] = dataclasses.replace(images[5], altitude=0.0)
    (finding,) = of("image.altitude_outlier", images)
    assert finding.image == "DJI_0005.JPG"
    assert "0.0 m is 560 m from its flight's median of 560.0 m" in finding.message
    terrain = [dataclasses.replace(image, altitude=400.0 + 3 * n) for n, image in enumerate(walked(LAWN))]
    assert of("image.altitude_outlier", terrain) == []


def test_numbers_are_fit_for_json() -> None:
    images = [dataclasses.replace(image, yaw=None if n % 3 else 10.0) for n, image in enumerate(walked(LAWN))]
    images[40] = dataclasses.replace(images[40], pitch=-5.0, altitude=0.0, digital_zoom=2.0, longitude=11.1)
    findings = examine(images[:30] + images[34:] + walked([(0, 0)] * 12, prefix="still"), CHECKS).findings
    assert len({finding.code for finding in findings}) >= 5
    json.dumps([finding.numbers for finding in findings], allow_nan=False)
