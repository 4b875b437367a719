"""Which way the camera looked and how high it was over the take-off point, in each maker's notation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from aerodag.imagery.tags.maker_note import MakerNote
from aerodag.imagery.tags.xmp import number

_MAX_HEIGHT_M = 20_000.0
_RELATIVE_ALTITUDES = (
    "drone-dji:RelativeAltitude", "drone-skydio:RelativeAltitude", "drone-yuneec:AboveHomeAltitude",
    "Camera:AboveGroundAltitude",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Pose:
    """Camera angles in degrees (yaw from north, pitch -90 straight down); metres over the take-off point or ground."""

    relative_altitude: float | None
    yaw: float | None
    pitch: float | None
    roll: float | None


# How far the pitch has to be turned: Pix4D counts from straight down (0) to the horizon (90), all others from the
# horizon (0) down (-90).
_NOTATIONS = (
    ("drone-dji:Gimbal{}Degree", 0.0),
    ("drone-skydio:CameraOrientationNED/{}", 0.0),
    ("drone-parrot:Camera{}Degree", 0.0),
    ("drone-yuneec:Gimbal{}", 0.0),
    ("Camera:{}", -90.0),
)


def pose(xmp: Mapping[str, str], note: MakerNote) -> Pose:
    """Angles of the first notation found in XMP, all three of one hand; else those of DJI's MakerNote."""
    height = number(xmp, *_RELATIVE_ALTITUDES)
    if height is not None and abs(height) > _MAX_HEIGHT_M:
        height = None
    for key, turn in _NOTATIONS:
        yaw, pitch, roll = (number(xmp, key.format(axis)) for axis in ("Yaw", "Pitch", "Roll"))
        if yaw is not None or pitch is not None:
            return Pose(height, _angle(yaw), _angle(None if pitch is None else pitch + turn), _angle(roll))
    return Pose(height, note.yaw, note.pitch, note.roll)


def _angle(value: float | None) -> float | None:
    return value if value is not None and abs(value) <= 360 else None
