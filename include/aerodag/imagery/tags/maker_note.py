"""DJI's MakerNote: the camera's angles in old firmware without XMP, and a trap for readers in new firmware.

Three layouts exist: a TIFF directory of floats (until about 2020), text in brackets (``[ae_dbg_info:...]``), and
nothing but a title. ExifRead 3.5.1, with which OpenDroneMap 3.6 reads images, takes all of them for a directory and
can fail on the latter two (ianare/exif-py #254).
"""

from __future__ import annotations

import math
import struct
from dataclasses import dataclass

_ENTRY = struct.Struct("<HHI4s")
_PITCH, _YAW, _ROLL = 0x09, 0x0A, 0x0B
_FLOAT = 11
_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8}
_MOST_ENTRIES = 512


@dataclass(frozen=True, slots=True)
class MakerNote:
    """Camera angles in degrees where the note has them; readable: it is a well-formed directory, or there is none."""

    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None
    readable: bool = True


def read_maker_note(make: str | None, content: object) -> MakerNote:
    """Read the MakerNote of a DJI camera; those of other makers are taken for readable and not looked at."""
    if make != "DJI" or not isinstance(content, bytes) or not content:
        return MakerNote()
    if len(content) < 2:
        return MakerNote(readable=False)
    count = int.from_bytes(content[:2], "little")
    if not 0 < count <= _MOST_ENTRIES or 2 + count * _ENTRY.size > len(content):
        return MakerNote(readable=False)
    angles: dict[int, float] = {}
    for tag, kind, items, value in _ENTRY.iter_unpack(content[2 : 2 + count * _ENTRY.size]):
        if kind not in _SIZES:
            return MakerNote(readable=False)
        if kind == _FLOAT and items == 1:
            angles[tag] = struct.unpack("<f", value)[0]
    return MakerNote(_angle(angles.get(_YAW)), _angle(angles.get(_PITCH)), _angle(angles.get(_ROLL)))


def _angle(value: float | None) -> float | None:
    return round(value, 3) if value is not None and math.isfinite(value) and abs(value) <= 360 else None
