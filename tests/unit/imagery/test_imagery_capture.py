"""Capture times: in which order the sources are asked, and what is no date."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from aerodag.imagery.tags.capture import captured
from aerodag.imagery.tags.exif import ExifDirectories
from samples.photographs import photo


def utc(*parts: int) -> datetime:
    return datetime(*parts, tzinfo=UTC)  # type: ignore[arg-type, misc]


def local(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - the zone is unknown


SEVEN = {29: "2023:07:07", 7: (7, 39, 34)}


@pytest.mark.parametrize(
    ("exif", "gps", "packet", "expected", "source"),
    [
        ({0x9003: "2024:05:01 12:00:00", 0x9011: "+02:00"}, {}, {}, utc(2024, 5, 1, 10), "exif"),
        ({0x9003: "2020-11-22 12:40:37"}, {}, {}, local(2020, 11, 22, 12, 40, 37), "exif_local"),
        ({0x9003: "2020-11-22T12:40:37Z"}, {}, {}, utc(2020, 11, 22, 12, 40, 37), "exif"),
        ({0x9003: "2020-11-22T12:40:37.25+05:30", 0x9291: "25"}, {}, {},
         utc(2020, 11, 22, 7, 10, 37, 250_000), "exif"),
        ({0x9003: "2011:05:06 09:59:48"}, {29: "2011:05:06", 7: (7.0, 59.0, 48.0)}, {},
         utc(2011, 5, 6, 7, 59, 48), "exif_derived"),
        ({0x9003: "2023:07:07 09:39:34"}, {}, {"drone-dji:UTCAtExposure": "2023-07-07T07:39:52.944920"},
         utc(2023, 7, 7, 7, 39, 34), "exif_derived"),
        ({0x9003: "2023:07:07 09:39:34"}, {}, {"xmp:CreateDate": "2023-07-07T09:39:34-03:30"},
         utc(2023, 7, 7, 13, 9, 34), "exif_derived"),
        ({0x9003: "2023:07:07 09:46:34"}, SEVEN, {}, local(2023, 7, 7, 9, 46, 34), "exif_local"),
        ({0x9003: "0000:00:00 00:00:00", 0x9004: "2019:01:02 03:04:05", 0x9012: "-05:00"}, {}, {},
         utc(2019, 1, 2, 8, 4, 5), "exif"),
        ({0x9003: "2023:07:07 09:39:34", 0x9004: "2019:01:02 03:04:05"}, SEVEN, {},
         utc(2023, 7, 7, 7, 39, 34), "exif_derived"),
        ({0x9003: "    :  :     :  :  "}, SEVEN, {}, utc(2023, 7, 7, 7, 39, 34), "gps"),
        ({}, {29: "2023-07-07", 7: (7, 39, 34.5)}, {}, utc(2023, 7, 7, 7, 39, 34, 500_000), "gps"),
        ({}, {}, {"drone-dji:UTCAtExposure": "2023-07-07T07:39:52"}, utc(2023, 7, 7, 7, 39, 52), "xmp"),
        ({0x9003: "2099:12:31 23:59:59", 0x9011: "-14:00"}, {}, {}, utc(2100, 1, 1, 13, 59, 59), "exif"),
    ],
)  # fmt: skip
def test_capture_time(
    exif: dict[int, Any], gps: dict[int, Any], packet: dict[str, str], expected: datetime, source: str
) -> None:
    found = captured(ExifDirectories(exif=exif, gps=gps), packet)
    assert (found.at, found.source) == (expected, source)
    assert ("exif.zone_unknown" in found.problems) == (expected.tzinfo is None)


@pytest.mark.parametrize(
    "date",
    ["    :  :     :  :  ", "0000:00:00 00:00:00", "1970:01:01 00:02:30", "2019:02:30 00:00:00", "2019:13:01 00:00:00",
     "9999:12:31 23:59:59", "2019:01:01", "2019:01:01 24:00:00", "٢٠١٩:01:01 00:00:00", "now"],
)  # fmt: skip
def test_no_date(date: str) -> None:
    found = captured(ExifDirectories(exif={0x9003: date}), {})
    assert (found.at, found.source, found.problems) == (None, None, ("exif.date_invalid",))


@pytest.mark.parametrize("time", [(25.0, 0.0, 0.0), (0.0, 60.0, 0.0), (0.0, 0.0), "07:39:34", (None, 0, 0)])
def test_no_gps_time(time: object) -> None:
    found = captured(ExifDirectories(gps={29: "2022:08:14", 7: time}), {})
    assert (found.at, found.problems) == (None, ("exif.date_missing",))


def test_the_modification_time_is_no_capture_time() -> None:
    found = photo(main={0x0132: "2024:05:01 12:00:00"})
    assert found.captured_at is None
    assert "exif.date_missing" in found.problems


@pytest.mark.parametrize(
    ("digits", "second", "microsecond"),
    [("5", 0, 500_000), ("200159489", 0, 200_159), ("-394485", 59, 605_515), ("x", 0, 0), ("", 0, 0)],
)
def test_subseconds_are_decimals_and_may_count_backwards(digits: str, second: int, microsecond: int) -> None:
    found = photo(exif={0x9003: "2024:05:01 12:00:00", 0x9291: digits})
    assert found.captured_at is not None
    assert (found.captured_at.second, found.captured_at.microsecond) == (second, microsecond)


def test_micasense_keeps_utc() -> None:
    found = photo(main={0x010F: "MicaSense"}, exif={0x9003: "2024:05:01 12:00:00"})
    assert (found.captured_at, found.captured_source) == (utc(2024, 5, 1, 12), "exif_derived")
