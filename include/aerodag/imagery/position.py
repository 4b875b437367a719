"""Where the camera was: position, height and gimbal angles from XMP and the EXIF GPS directory."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aerodag.imagery.exif import real, text
from aerodag.imagery.xmp import number

_LAT_REF, _LAT, _LON_REF, _LON, _ALT_REF, _ALT = 1, 2, 3, 4, 5, 6
_LATITUDES = ("drone-dji:GpsLatitude", "drone-dji:Latitude")
# "Longtitude" is what DJI's older firmware writes.
_LONGITUDES = ("drone-dji:GpsLongitude", "drone-dji:GpsLongtitude", "drone-dji:Longitude")
_CONFLICT_DEGREES = 0.001  # about 100 m: no rounding or antenna offset explains more
_MAX_HEIGHT_M = 20_000.0
_MAX_STD_M = 1_000.0


@dataclass(frozen=True, slots=True)
class Position:
    """WGS84 degrees and metres; None is unknown."""

    longitude: float | None = None
    latitude: float | None = None
    altitude: float | None = None
    source: str | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Pose:
    """Gimbal angles in degrees (pitch -90 looks straight down) and the height over the take-off point in metres."""

    relative_altitude: float | None
    yaw: float | None
    pitch: float | None
    roll: float | None


@dataclass(frozen=True, slots=True)
class Rtk:
    """DJI's solution code (50 fixed, 34 float, 16 single, 0 none) and standard deviations in metres."""

    flag: int | None
    std_e_m: float | None
    std_n_m: float | None
    std_u_m: float | None


def locate(gps: Mapping[int, Any], xmp: Mapping[str, str]) -> Position:
    """XMP when plausible, because it alone carries RTK digits, else the EXIF GPS directory."""
    exif = _from_exif(gps)
    longitude, latitude = number(xmp, *_LONGITUDES), number(xmp, *_LATITUDES)
    if longitude is None or latitude is None:
        return _with_altitude(exif, xmp)
    problem = _implausible(longitude, latitude)
    if problem:
        return _with_altitude(exif, xmp, f"xmp.{problem}")
    codes: tuple[str, ...] = tuple(code for code in exif.problems if code != "exif.gps_missing")
    if exif.longitude is not None and exif.latitude is not None:
        apart = max(abs(exif.longitude - longitude), abs(exif.latitude - latitude))
        codes += ("position.conflict",) if apart > _CONFLICT_DEGREES else ()
    altitude = _height(number(xmp, "drone-dji:AbsoluteAltitude"))
    return Position(longitude, latitude, exif.altitude if altitude is None else altitude, "xmp", codes)


def pose(xmp: Mapping[str, str]) -> Pose:
    """DJI's gimbal angles as they are; Pix4D's ``Camera:Pitch`` (0 = nadir) is turned by -90 degrees."""
    pitch = number(xmp, "drone-dji:GimbalPitchDegree")
    if pitch is None and (pix4d := number(xmp, "Camera:Pitch")) is not None:
        pitch = pix4d - 90.0
    return Pose(
        relative_altitude=_height(number(xmp, "drone-dji:RelativeAltitude", "Camera:AboveGroundAltitude")),
        yaw=_angle(number(xmp, "drone-dji:GimbalYawDegree", "Camera:Yaw")),
        pitch=_angle(pitch),
        roll=_angle(number(xmp, "drone-dji:GimbalRollDegree", "Camera:Roll")),
    )


def rtk(xmp: Mapping[str, str]) -> Rtk:
    """RTK state as the camera wrote it; a standard deviation of zero means unknown."""
    flag = number(xmp, "drone-dji:RtkFlag")
    return Rtk(
        flag=int(flag) if flag is not None and 0 <= flag <= 1000 else None,
        std_e_m=_std(number(xmp, "drone-dji:RtkStdLon", "Camera:GPSXYAccuracy")),
        std_n_m=_std(number(xmp, "drone-dji:RtkStdLat", "Camera:GPSXYAccuracy")),
        std_u_m=_std(number(xmp, "drone-dji:RtkStdHgt", "Camera:GPSZAccuracy")),
    )


def _with_altitude(exif: Position, xmp: Mapping[str, str], *problems: str) -> Position:
    altitude = exif.altitude
    if altitude is None:
        altitude = _height(number(xmp, "drone-dji:AbsoluteAltitude"))
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


def _angle(value: float | None) -> float | None:
    return value if value is not None and abs(value) <= 360 else None


def _std(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) and 0 < value <= _MAX_STD_M else None
