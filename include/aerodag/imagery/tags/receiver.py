"""What the camera knew of its own position's quality: the state of its satellite receiver, from XMP."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aerodag.imagery.tags.xmp import number

_MAX_STD_M = 1_000.0
_MAX_AGE_S = 100_000.0
# A horizontal accuracy stands for both directions. Parrot defines Camera:GPSXYAccuracy as one sigma.
_EAST = ("drone-dji:RtkStdLon", "drone-skydio:GpsHorizontalAccuracy", "Camera:GPSXYAccuracy")
_NORTH = ("drone-dji:RtkStdLat", "drone-skydio:GpsHorizontalAccuracy", "Camera:GPSXYAccuracy")
_UP = ("drone-dji:RtkStdHgt", "drone-skydio:GpsVerticalAccuracy", "Camera:GPSZAccuracy")


@dataclass(frozen=True, slots=True)
class Receiver:
    """State of the receiver at the exposure; None is unknown.

    ``flag``: DJI's solution code (50 fixed, 34 float, 16 single, 0 none). Deviations are one sigma in metres east,
    north, up; ``diff_age_s`` the age of the corrections. ``surveying_mode``: DJI's own word whether the image is fit
    for mapping. ``gps_status`` (RTK, Normal, Invalid ...) and ``altitude_type`` (RtkAlt, GpsFusionAlt ...) as written.
    """

    flag: int | None = None
    std_e_m: float | None = None
    std_n_m: float | None = None
    std_u_m: float | None = None
    diff_age_s: float | None = None
    surveying_mode: bool | None = None
    gps_status: str | None = None
    altitude_type: str | None = None


def receiver(xmp: Mapping[str, str]) -> Receiver:
    """State as the camera wrote it; a standard deviation of zero means unknown."""
    flag, age = number(xmp, "drone-dji:RtkFlag"), number(xmp, "drone-dji:RtkDiffAge")
    return Receiver(
        flag=int(flag) if flag is not None and 0 <= flag <= 1000 else None,
        std_e_m=_std(number(xmp, *_EAST)),
        std_n_m=_std(number(xmp, *_NORTH)),
        std_u_m=_std(number(xmp, *_UP)),
        diff_age_s=age if age is not None and 0 <= age <= _MAX_AGE_S else None,
        surveying_mode=flagged(xmp, "drone-dji:SurveyingMode"),
        gps_status=xmp.get("drone-dji:GpsStatus"),
        altitude_type=xmp.get("drone-dji:AltitudeType"),
    )


def flagged(xmp: Mapping[str, str], key: str) -> bool | None:
    """A property that is 0 or 1."""
    value = number(xmp, key)
    return bool(value) if value in {0, 1} else None


def _std(value: float | None) -> float | None:
    return value if value is not None and 0 < value <= _MAX_STD_M else None
