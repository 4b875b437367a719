"""When the photograph was taken. The file's modification time is never used: it is not the capture time."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from aerodag.imagery.tags.exif import ExifDirectories, real, text

_MAKE, _ORIGINAL, _DIGITIZED = 0x010F, 0x9003, 0x9004
_OFFSET, _OFFSET_ORIGINAL, _OFFSET_DIGITIZED = 0x9010, 0x9011, 0x9012
_SUBSEC, _SUBSEC_ORIGINAL, _SUBSEC_DIGITIZED = 0x9290, 0x9291, 0x9292
_GPS_TIME, _GPS_DATE = 7, 29
# Colons as in the standard, dashes as some DJI thermal firmware, a T as Photoshop.
_STAMP = re.compile(
    r"^(\d{4})[:\-/.](\d{1,2})[:\-/.](\d{1,2})[ T](\d{1,2}):(\d{1,2}):(\d{1,2})(?:\.(\d+))?\s*(\S*)$", re.ASCII
)
_ZONE = re.compile(r"^([+-])(\d{1,2}):?(\d{2})$", re.ASCII)
_FRACTION = re.compile(r"(-?)(\d+)", re.ASCII)
_UTC_MAKERS = {"micasense"}  # their clock is set by GPS and kept in UTC, as their own tools read it
_YEARS = range(1995, 2100)  # no camera with an EXIF clock is older; 1970 and 1980 are unset clocks
_MAX_ZONE = timedelta(hours=14)
_QUARTER = timedelta(minutes=15)
_CLOCK_ERROR = timedelta(seconds=90)


@dataclass(frozen=True, slots=True)
class Capture:
    """Aware (UTC) when the zone is known; naive local time with source ``exif_local`` when it is not.

    Sources: ``exif`` (with its own offset), ``exif_derived`` (the offset follows from GPS or XMP time of the same
    exposure, or from the maker, who keeps UTC), ``exif_local``, ``gps`` (GPS stamp alone), ``xmp`` (XMP's UTC alone).
    """

    at: datetime | None = None
    source: str | None = None
    problems: tuple[str, ...] = ()


def captured(directories: ExifDirectories, xmp: Mapping[str, str]) -> Capture:
    """DateTimeOriginal, then DateTimeDigitized, then the GPS stamp, then XMP's UTC; None when none is plausible."""
    clock, zone, problems = _camera_clock(directories.exif)
    gps = _gps_stamp(directories.gps)
    reference = gps or _utc_at_exposure(xmp)
    if clock is None:
        if reference is not None:
            return Capture(reference, "gps" if gps else "xmp", problems)
        return Capture(problems=problems or ("exif.date_missing",))
    if zone is not None:
        return Capture(clock.replace(tzinfo=zone).astimezone(UTC), "exif", problems)
    zone = _zone_by_reference(clock, reference) or _zone_by_xmp(clock, xmp) or _zone_by_maker(directories.image)
    if zone is not None:
        return Capture(clock.replace(tzinfo=zone).astimezone(UTC), "exif_derived", problems)
    return Capture(clock, "exif_local", (*problems, "exif.zone_unknown"))


def _camera_clock(exif: Mapping[int, Any]) -> tuple[datetime | None, timezone | None, tuple[str, ...]]:
    """The camera's local time and, where it is written, its zone; a date that is none is ``exif.date_invalid``."""
    problems: tuple[str, ...] = ()
    for tag, sub, offset in (
        (_ORIGINAL, _SUBSEC_ORIGINAL, _OFFSET_ORIGINAL),
        (_DIGITIZED, _SUBSEC_DIGITIZED, _OFFSET_DIGITIZED),
    ):
        if tag not in exif:
            continue
        moment = _stamp(text(exif[tag]))
        if moment is None:
            problems = ("exif.date_invalid",)
            continue
        if not moment.microsecond:
            moment = _with_fraction(moment, text(exif.get(sub)) or text(exif.get(_SUBSEC)))
        written = moment.tzinfo if isinstance(moment.tzinfo, timezone) else None
        zone = written or _zone(text(exif.get(offset)) or text(exif.get(_OFFSET)))
        return moment.replace(tzinfo=None), zone, problems
    return None, None, problems


def _zone_by_reference(local: datetime, reference: datetime | None) -> timezone | None:
    """The zone is the difference to UTC in quarter hours; a remainder over 90 s says that a clock is wrong."""
    if reference is None:
        return None
    difference = local.replace(tzinfo=UTC) - reference
    offset = round(difference / _QUARTER) * _QUARTER
    if abs(difference - offset) > _CLOCK_ERROR or abs(offset) > _MAX_ZONE:
        return None
    return timezone(offset)


def _zone_by_xmp(local: datetime, xmp: Mapping[str, str]) -> timezone | None:
    """XMP repeats the local time with its offset; used only if it is the same moment."""
    for key in ("exif:DateTimeOriginal", "xmp:CreateDate"):
        moment = _stamp(xmp.get(key))
        if moment is None or moment.tzinfo is None:
            continue
        offset = moment.utcoffset()
        same = abs(moment.replace(tzinfo=None) - local.replace(microsecond=0)) <= timedelta(seconds=1)
        if same and offset is not None:
            return timezone(offset)
    return None


def _zone_by_maker(image: Mapping[int, Any]) -> timezone | None:
    return UTC if (text(image.get(_MAKE)) or "").lower() in _UTC_MAKERS else None


def _stamp(value: str | None) -> datetime | None:
    match = _STAMP.match(value) if value else None
    if match is None or int(match[1]) not in _YEARS:
        return None
    try:
        year, month, day, hour, minute, second = (int(part) for part in match.groups()[:6])
        moment = datetime(year, month, day, hour, minute, second)  # noqa: DTZ001 - the zone follows
    except ValueError:
        return None
    moment = _with_fraction(moment, match[7])
    zone = _zone(match[8])
    return moment.replace(tzinfo=zone) if zone is not None else moment


def _with_fraction(moment: datetime, digits: str | None) -> datetime:
    """SubSecTime is the text after the decimal point, of any length: '5' is 0.5 s, '200159489' is 0.200159 s.

    MicaSense's RedEdge-M writes a sign: '-394485' is 0.394485 s before the full second.
    """
    match = _FRACTION.fullmatch(digits or "")
    if match is None:
        return moment
    fraction = timedelta(microseconds=int(match[2][:6].ljust(6, "0")))
    return moment - fraction if match[1] else moment + fraction


def _zone(value: str | None) -> timezone | None:
    if not value:
        return None
    if value in {"Z", "z"}:
        return UTC
    match = _ZONE.match(value)
    if match is None:
        return None
    offset = timedelta(hours=int(match[2]), minutes=int(match[3]))
    if offset > _MAX_ZONE:
        return None
    return timezone(-offset if match[1] == "-" else offset)


def _gps_stamp(gps: Mapping[int, Any]) -> datetime | None:
    date, time = text(gps.get(_GPS_DATE)), gps.get(_GPS_TIME)
    if date is None or not isinstance(time, (tuple, list)) or len(time) != 3:
        return None
    parts = [real(part) for part in time]
    midnight = _stamp(f"{date} 00:00:00")
    if midnight is None or midnight.tzinfo is not None:
        return None
    hours, minutes, seconds = (-1.0 if part is None else part for part in parts)
    if not (0 <= hours < 24 and 0 <= minutes < 60 and 0 <= seconds < 61):
        return None
    return midnight.replace(tzinfo=UTC) + timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _utc_at_exposure(xmp: Mapping[str, str]) -> datetime | None:
    moment = _stamp(xmp.get("drone-dji:UTCAtExposure"))
    if moment is None:
        return None
    return moment.astimezone(UTC) if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
