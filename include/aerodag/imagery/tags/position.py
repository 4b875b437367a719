"""Where the camera was: position and height from XMP and the EXIF GPS directory."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aerodag.imagery.tags.exif import real, text
from aerodag.imagery.tags.xmp import number

_LAT_REF, _LAT, _LON_REF, _LON, _ALT_REF, _ALT, _STATUS = 1, 2, 3, 4, 5, 6, 9
# "Longtitude" is what DJI's and Autel's older firmware writes.
_PAIRS = (
    ("drone-dji:GpsLongitude", "drone-dji:GpsLatitude"),
    ("drone-dji:GpsLongtitude", "drone-dji:GpsLatitude"),
    ("drone-dji:Longitude", "drone-dji:Latitude"),
    ("drone-skydio:Longitude", "drone-skydio:Latitude"),
)
_ALTITUDES = ("drone-dji:AbsoluteAltitude", "drone-skydio:AbsoluteAltitude", "drone-yuneec:GPSAltitude")
# XMP's GPSCoordinate: "48,21.13677N" or "48,21,8.2N".
_COORDINATE = re.compile(r"(\d{1,3}),(\d{1,2}(?:\.\d{1,17})?)(?:,(\d{1,2}(?:\.\d{1,17})?))?([NSEW])", re.ASCII)
_CONFLICT_DEGREES = 0.001  # about 100 m: no rounding or antenna offset explains more
_MAX_HEIGHT_M = 20_000.0


@dataclass(frozen=True, slots=True)
class Position:
    """WGS84 degrees and metres; None is unknown."""

    longitude: float | None = None
    latitude: float | None = None
    altitude: float | None = None
    source: str | None = None
    problems: tuple[str, ...] = ()


def locate(gps: Mapping[int, Any], xmp: Mapping[str, str]) -> Position:
    """XMP when plausible, because it alone carries RTK digits, else the EXIF GPS directory.

    A receiver that says it had no fix is reported (``position.no_fix``) and believed in nothing else.
    """
    found = _best(_from_exif(gps), gps, xmp)
    void = text(gps.get(_STATUS)) == "V" or xmp.get("drone-dji:GpsStatus", "").lower() == "invalid"
    if void and found.longitude is not None:
        return replace(found, problems=(*found.problems, "position.no_fix"))
    return found


def _best(exif: Position, gps: Mapping[int, Any], xmp: Mapping[str, str]) -> Position:
    pair = _from_xmp(xmp)
    if pair is None and _LAT not in gps and _LON not in gps:
        pair = _from_xmp_coordinates(xmp)
    if pair is None:
        return _with_altitude(exif, xmp)
    longitude, latitude = pair
    problem = _implausible(longitude, latitude)
    if problem:
        return _with_altitude(exif, xmp, f"xmp.{problem}")
    codes: tuple[str, ...] = tuple(code for code in exif.problems if code != "exif.gps_missing")
    if exif.longitude is not None and exif.latitude is not None:
        apart = max(abs(exif.longitude - longitude), abs(exif.latitude - latitude))
        codes += ("position.conflict",) if apart > _CONFLICT_DEGREES else ()
    altitude = _height(number(xmp, *_ALTITUDES))
    return Position(longitude, latitude, exif.altitude if altitude is None else altitude, "xmp", codes)


def _from_xmp(xmp: Mapping[str, str]) -> tuple[float, float] | None:
    for east, north in _PAIRS:
        longitude, latitude = number(xmp, east), number(xmp, north)
        if longitude is not None and latitude is not None:
            return longitude, latitude
    return None


def _from_xmp_coordinates(xmp: Mapping[str, str]) -> tuple[float, float] | None:
    """Adobe's own notation, which repeats the EXIF directory and counts only where that is gone."""
    longitude = _coordinate(xmp.get("exif:GPSLongitude", ""), "EW")
    latitude = _coordinate(xmp.get("exif:GPSLatitude", ""), "NS")
    return (longitude, latitude) if longitude is not None and latitude is not None else None


def _coordinate(value: str, letters: str) -> float | None:
    match = _COORDINATE.fullmatch(value)
    if match is None or match[4] not in letters:
        return None
    degrees = int(match[1]) + float(match[2]) / 60 + float(match[3] or 0) / 3600
    return degrees if match[4] == letters[0] else -degrees


def _with_altitude(exif: Position, xmp: Mapping[str, str], *problems: str) -> Position:
    altitude = exif.altitude
    if altitude is None:
        altitude = _height(number(xmp, *_ALTITUDES))
    return Position(exif.longitude, exif.latitude, altitude, exif.source, (*exif.problems, *problems))


def _from_exif(gps: Mapping[int, Any]) -> Position:
    altitude, codes = _exif_altitude(gps)
    if _LAT not in gps and _LON not in gps:
        return Position(altitude=altitude, problems=("exif.gps_missing", *codes))
    latitude, longitude = _degrees(gps.get(_LAT)), _degrees(gps.get(_LON))
    if latitude is None or longitude is None:
        return Position(altitude=altitude, problems=("exif.gps_invalid", *codes))
    north, east = _sign(gps.get(_LAT_REF), "N", "S"), _sign(gps.get(_LON_REF), "E", "W")
    if north is None or east is None:
        return Position(altitude=altitude, problems=("exif.gps_ref_missing", *codes))
    latitude, longitude = latitude * north, longitude * east
    problem = _implausible(longitude, latitude)
    if problem:
        return Position(altitude=altitude, problems=(f"exif.{problem}", *codes))
    return Position(longitude, latitude, altitude, "exif", codes)


def _implausible(longitude: float, latitude: float) -> str | None:
    if abs(latitude) > 90 or abs(longitude) > 180:
        return "gps_out_of_range"
    return "gps_zero" if latitude == 0 and longitude == 0 else None


def _degrees(value: object) -> float | None:
    """Degrees, minutes, seconds (trailing parts may be absent) to degrees."""
    parts = value if isinstance(value, Sequence) and not isinstance(value, (str, bytes)) else (value,)
    numbers = [real(part) for part in parts]
    if not 1 <= len(numbers) <= 3:
        return None
    total = 0.0
    for part, size in zip(numbers, (1.0, 60.0, 3600.0), strict=False):
        if part is None:
            return None
        total += part / size
    return total


def _sign(reference: object, positive: str, negative: str) -> int | None:
    letter = (text(reference) or "").upper()[:1]
    return {positive: 1, negative: -1}.get(letter)


def _exif_altitude(gps: Mapping[int, Any]) -> tuple[float | None, tuple[str, ...]]:
    if _ALT not in gps:
        return None, ()
    height = _height(real(gps[_ALT]))
    if height is None:
        return None, ("exif.altitude_invalid",)
    reference = gps.get(_ALT_REF)
    code = reference[0] if isinstance(reference, bytes) and reference else reference
    below = code in (1, 3)  # 1 below sea level, 3 below the ellipsoid (Exif 3.0)
    return (-height if below else height), ()


def _height(value: float | None) -> float | None:
    return value if value is not None and abs(value) <= _MAX_HEIGHT_M else None
