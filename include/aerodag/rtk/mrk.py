"""Exposure marks of RTK drones: one line of ``*_Timestamp.MRK`` and the GPS time it carries.

One line per exposure, groups parted by tabs (blanks after some editors), as DJI and Autel write it::

    1<TAB>268619.354051<TAB>[2129]<TAB>    24,N<TAB>     9,E<TAB>   193,V<TAB>-21.97273819,Lat<TAB>113.93433129,Lon
    <TAB>91.071,Ellh<TAB>1.056360, 1.085926, 3.245131<TAB>16,Q

Latitude, longitude and height are those of the camera already; the offsets (antenna to sensor) are for
post-processing of the antenna's own track and are never added.
"""

from __future__ import annotations

import bisect
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from aerodag.errors import DataError

GPS_EPOCH = datetime(1980, 1, 6, tzinfo=UTC)
SECONDS_PER_WEEK = 604_800

# Instants (UTC) from which GPS time is one second further ahead of UTC; IERS Bulletin C, the last one in 2017.
LEAP_SECONDS = tuple(
    datetime(year, month, 1, tzinfo=UTC)
    for year, month in (
        (1981, 7), (1982, 7), (1983, 7), (1985, 7), (1988, 1), (1990, 1), (1991, 1), (1992, 7), (1993, 7),
        (1994, 7), (1996, 1), (1997, 7), (1999, 1), (2006, 1), (2009, 1), (2012, 7), (2015, 7), (2017, 1),
    )
)  # fmt: skip
_LEAP_SECONDS_GPS = tuple(utc + timedelta(seconds=n) for n, utc in enumerate(LEAP_SECONDS, start=1))


@dataclass(frozen=True, slots=True)
class MrkRecord:
    """One exposure: GPS time, WGS84 camera position (degrees, ellipsoidal metres) and its accuracy.

    Offsets are millimetres from the antenna's phase centre to the sensor (``offset_v_mm`` positive down); standard
    deviations are metres; ``quality`` is DJI's code (0 none, 16 single, 34 float, 50 and above fixed).
    """

    index: int
    week: int
    seconds_of_week: float
    offset_n_mm: int
    offset_e_mm: int
    offset_v_mm: int
    latitude: float
    longitude: float
    height_m: float
    std_n_m: float
    std_e_m: float
    std_v_m: float
    quality: int

    @property
    def captured_at(self) -> datetime:
        """The exposure's instant in UTC."""
        return gps_to_utc(self.week, self.seconds_of_week)

    @property
    def has_position(self) -> bool:
        """False where the receiver had no solution; it then writes code 0 or zero degrees."""
        return self.quality > 0 and (self.latitude != 0 or self.longitude != 0)


def gps_to_utc(week: int, seconds_of_week: float) -> datetime:
    """GPS week and seconds of week as UTC, to the microsecond."""
    gps = GPS_EPOCH + timedelta(weeks=week, microseconds=round(seconds_of_week * 1e6))
    return gps - timedelta(seconds=bisect.bisect_right(_LEAP_SECONDS_GPS, gps))


def utc_to_gps(instant: datetime) -> tuple[int, float]:
    """A time-zone-aware instant as GPS week and seconds of week."""
    utc = instant.astimezone(UTC)
    gps = utc + timedelta(seconds=bisect.bisect_right(LEAP_SECONDS, utc)) - GPS_EPOCH
    microseconds = gps // timedelta(microseconds=1)
    week, rest = divmod(microseconds, SECONDS_PER_WEEK * 1_000_000)
    return week, rest / 1e6


def format_record(record: MrkRecord, degree_decimals: int = 8) -> str:
    """The record as one line without line end; DJI writes 8 decimals of a degree (1 mm), Autel 10."""
    return "\t".join((
        str(record.index),
        f"{record.seconds_of_week:.6f}",
        f"[{record.week}]",
        f"{record.offset_n_mm:6d},N",
        f"{record.offset_e_mm:6d},E",
        f"{record.offset_v_mm:6d},V",
        f"{record.latitude:.{degree_decimals}f},Lat",
        f"{record.longitude:.{degree_decimals}f},Lon",
        f"{record.height_m:.3f},Ellh",
        f"{record.std_n_m:.6f}, {record.std_e_m:.6f}, {record.std_v_m:.6f}",
        f"{record.quality},Q",
    ))  # fmt: skip


MAX_LINE = 400  # characters; real lines have at most 160

_GAP = r"[ \t]+"
_OWN = r"[ \t]*,[ \t]*"  # the comma inside a group; editors put blanks around it
_NUMBER = r"([-+]?\d{1,9}(?:\.\d{1,18})?)"
_WHOLE = r"([-+]?\d{1,9})"
_COUNT = r"(\d{1,9})"
_LINE = re.compile(
    r"[ \t]*"
    + _GAP.join((
        _COUNT, _NUMBER, rf"\[[ \t]*{_COUNT}[ \t]*\]",
        rf"{_WHOLE}{_OWN}N", rf"{_WHOLE}{_OWN}E", rf"{_WHOLE}{_OWN}V",
        rf"{_NUMBER}{_OWN}Lat", rf"{_NUMBER}{_OWN}Lon", rf"{_NUMBER}{_OWN}Ellh",
        rf"{_NUMBER}{_OWN}{_NUMBER}{_OWN}{_NUMBER}", rf"{_COUNT}{_OWN}Q",
    ))
    + r"[ \t]*",
    re.ASCII,
)  # fmt: skip


def parse_record(line: str) -> MrkRecord:
    """One line of a mark file; a line end is allowed, and any tabs and blanks around and inside the groups.

    Raises:
        DataError: ``rtk.mrk_line`` if the layout is another one, ``rtk.mrk_value`` if a figure is impossible.
    """
    match = _LINE.fullmatch(line.rstrip("\r\n")) if len(line) <= MAX_LINE else None
    if match is None:
        raise DataError(
            "rtk.mrk_line",
            f"This is no exposure mark of eleven groups: {line[:120]!r}.",
            advice="Upload the _Timestamp.MRK file as the drone wrote it.",
        )
    text = match.groups()
    record = MrkRecord(
        index=int(text[0]),
        seconds_of_week=float(text[1]),
        week=int(text[2]),
        offset_n_mm=int(text[3]),
        offset_e_mm=int(text[4]),
        offset_v_mm=int(text[5]),
        latitude=float(text[6]),
        longitude=float(text[7]),
        height_m=float(text[8]),
        std_n_m=float(text[9]),
        std_e_m=float(text[10]),
        std_v_m=float(text[11]),
        quality=int(text[12]),
    )
    _check_ranges(record)
    return record


def _check_ranges(record: MrkRecord) -> None:
    impossible = [
        name
        for name, value, low, high in (
            ("seconds of week", record.seconds_of_week, 0, SECONDS_PER_WEEK),
            ("week", record.week, 0, 10_000),
            ("latitude", record.latitude, -90, 90),
            ("longitude", record.longitude, -180, 180),
            ("ellipsoidal height", record.height_m, -1_000, 100_000),
            ("standard deviation", min(record.std_n_m, record.std_e_m, record.std_v_m), 0, float("inf")),
        )
        if not low <= value <= high
    ]
    if impossible:
        raise DataError(
            "rtk.mrk_value",
            f"Exposure mark {record.index} has an impossible {' and '.join(impossible)}.",
            advice="Upload the _Timestamp.MRK file as the drone wrote it; this line is damaged.",
            numbers={"index": record.index},
        )
