"""Positions: which source is believed, and what is no position at all."""

from __future__ import annotations

import math
from typing import Any

import pytest
from PIL.TiffImagePlugin import IFDRational

from aerodag.imagery.tags.position import locate
from aerodag.imagery.tags.receiver import receiver
from samples.photographs import GPS, photo, xmp


def test_positions_far_apart_are_reported() -> None:
    found = photo(xmp(GpsLatitude="46.6", GpsLongitude="-91.25"), gps=GPS)
    assert "position.conflict" in found.problems
    assert found.position_source == "xmp"


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"GpsLatitude": "0.0", "GpsLongitude": "0.000"}, "xmp.gps_zero"),
        ({"GpsLatitude": "91", "GpsLongitude": "7"}, "xmp.gps_out_of_range"),
    ],
)
def test_an_implausible_xmp_position_gives_way_to_exif(attributes: dict[str, str], problem: str) -> None:
    found = photo(xmp(**attributes), gps=GPS)
    assert found.position_source == "exif"
    assert problem in found.problems


@pytest.mark.parametrize(
    ("gps", "problem"),
    [
        ({}, "exif.gps_missing"),
        ({**GPS, 2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)}, "exif.gps_zero"),
        ({**GPS, 2: (95.0, 0.0, 0.0)}, "exif.gps_out_of_range"),
        ({**GPS, 2: (IFDRational(1, 0), 0.0, 0.0)}, "exif.gps_invalid"),
        ({**GPS, 2: (IFDRational(0, 0), 0.0, 0.0)}, "exif.gps_invalid"),
        ({**GPS, 2: (math.nan, 0.0, 0.0)}, "exif.gps_invalid"),
        ({**GPS, 2: ()}, "exif.gps_invalid"),
        ({**GPS, 2: "46"}, "exif.gps_invalid"),
        ({key: value for key, value in GPS.items() if key != 3}, "exif.gps_ref_missing"),
        ({**GPS, 1: "?"}, "exif.gps_ref_missing"),
    ],
)
def test_positions_that_mean_nothing_are_unknown(gps: dict[int, Any], problem: str) -> None:
    found = locate(gps, {})
    assert (found.latitude, found.longitude, found.source) == (None, None, None)
    assert problem in found.problems


@pytest.mark.parametrize(
    ("reference", "altitude"), [(b"\x00", 5.0), (b"\x01", -5.0), (1, -5.0), (b"\x02", 5.0), (b"\x03", -5.0)]
)
def test_altitude_reference_gives_the_sign(reference: object, altitude: float) -> None:
    assert locate({**GPS, 5: reference, 6: 5.0}, {}).altitude == altitude


@pytest.mark.parametrize("latitude", [46.51, (46.51,), (46, 30.6), (46, 30, 36)])
def test_degrees_may_be_split_or_not(latitude: object) -> None:
    assert locate({**GPS, 2: latitude}, {}).latitude == pytest.approx(46.51)


@pytest.mark.parametrize(
    ("latitude", "longitude", "expected"),
    [
        ("48,21.13677N", "2,49.15540W", (-2.81925667, 48.35227950)),
        ("48,21,8.2062S", "2,49,9.324E", (2.81925667, -48.3522795)),
        ("48.35N", "2,49.15540W", None),
        ("48,21.13677N", "2,49.15540N", None),
    ],
)
def test_adobes_coordinates_replace_a_missing_gps_directory(
    latitude: str, longitude: str, expected: tuple[float, float] | None
) -> None:
    written = {"exif:GPSLatitude": latitude, "exif:GPSLongitude": longitude}
    found = locate({}, written)
    assert (found.longitude, found.latitude) == (pytest.approx(expected) if expected else (None, None))
    assert locate(GPS, written).source == "exif"


@pytest.mark.parametrize(
    ("gps", "packet"), [({**GPS, 9: "V"}, {}), (GPS, {"drone-dji:GpsStatus": "Invalid"})]
)  # fmt: skip
def test_a_receiver_without_a_fix_is_reported(gps: dict[int, Any], packet: dict[str, str]) -> None:
    found = locate(gps, packet)
    assert found.latitude is not None
    assert found.problems == ("position.no_fix",)
    assert locate({**GPS, 9: "A"}, {"drone-dji:GpsStatus": "Normal"}).problems == ()


def test_zero_deviation_is_unknown() -> None:
    found = receiver({"drone-dji:RtkFlag": "0", "drone-dji:RtkStdLon": "0.0", "drone-dji:RtkStdLat": "-1"})
    assert (found.flag, found.std_e_m, found.std_n_m) == (0, None, None)


@pytest.mark.parametrize(("written", "expected"), [("1", True), ("0", False), ("2", None), ("x", None)])
def test_surveying_mode_is_yes_no_or_unknown(written: str, expected: bool | None) -> None:
    assert receiver({"drone-dji:SurveyingMode": written}).surveying_mode is expected
