"""EXIF directories as plain, JSON-safe values.

Format: CIPA DC-008 (Exif 3.0). Damaged directories become problem codes, never exceptions: field cameras write
all sorts of EXIF, and a photograph without it is still a photograph.
"""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, TypeVar

from PIL import ExifTags, Image
from PIL.TiffImagePlugin import IFDRational

_EXIF_IFD, _GPS_IFD = 0x8769, 0x8825
# Offsets, tables and packets that say nothing about the photograph.
_OMITTED = {0x02BC, 0x0111, 0x0117, 0x0140, 0x0144, 0x0145, 0x014A, 0x8769, 0x8825, 0xA005, 0x927C, 0x8773, 0x83BB}
_OMITTED |= {0x9C9B, 0x9C9C, 0x9C9D, 0x9C9E, 0x9C9F, 0xEA1C, 0x8649, 0xC634, 0x935C}
_MAX_TEXT, _MAX_ITEMS = 512, 32
_READ_ERRORS = (
    OSError,
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    ZeroDivisionError,
    SyntaxError,
    AssertionError,
    RecursionError,
    struct.error,
)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class ExifDirectories:
    """The three directories that matter, tag number to value as Pillow gives it, and what was wrong with them."""

    image: Mapping[int, Any] = field(default_factory=dict)
    exif: Mapping[int, Any] = field(default_factory=dict)
    gps: Mapping[int, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def read_directories(load: Callable[[], Image.Exif]) -> ExifDirectories:
    """Read IFD0, the Exif IFD and the GPS IFD of what ``load`` (an image's ``getexif``) returns."""
    problems: list[str] = []

    def guarded(read: Callable[[], T], default: T, code: str) -> T:
        try:
            return read()
        except _READ_ERRORS:
            problems.append(code)
            return default

    nothing: dict[int, Any] = {}
    tags = guarded(load, Image.Exif(), "exif.damaged")
    main = guarded(lambda: _values(tags), nothing, "exif.damaged")
    exif = guarded(lambda: _values(tags.get_ifd(_EXIF_IFD)), nothing, "exif.damaged")
    gps = guarded(lambda: _values(tags.get_ifd(_GPS_IFD)), nothing, "exif.gps_damaged")
    if not main and not exif and not gps:
        problems.append("exif.missing")
    return ExifDirectories(main, exif, gps, tuple(dict.fromkeys(problems)))


def to_json(directories: ExifDirectories, properties: Mapping[str, str]) -> dict[str, Any]:
    """One JSON-safe dictionary: IFD0 and Exif tags by name, ``GPS`` and ``XMP`` beneath; no NUL, NaN or bytes."""
    document = _named({**directories.image, **directories.exif}, ExifTags.TAGS)
    if gps := _named(directories.gps, ExifTags.GPSTAGS):
        document["GPS"] = gps
    if xmp := {clean_text(key): clean_text(value) for key, value in properties.items()}:
        document["XMP"] = xmp
    return document


def text(value: object) -> str | None:
    """A tag's text: cut at the first NUL, blanks stripped; None when nothing is left."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return None
    return clean_text(value.split("\x00", 1)[0]) or None


def real(value: object) -> float | None:
    """A tag's number as a finite float; None for 0/0, x/0, NaN, text or anything else."""
    if isinstance(value, (tuple, list)) and len(value) == 1:
        value = value[0]
    if isinstance(value, bool) or not isinstance(value, (int, float, Fraction, IFDRational)):
        return None
    try:
        if getattr(value, "denominator", 1) == 0:
            return None
        result = float(value)
    except (ValueError, OverflowError, ZeroDivisionError):
        return None
    return result if math.isfinite(result) else None


def clean_text(value: str) -> str:
    """Text that PostgreSQL's jsonb takes: without control characters and lone surrogates, at most 512 characters."""
    kept = "".join(char for char in value if char.isprintable() and not 0xD800 <= ord(char) <= 0xDFFF)
    return kept.strip()[:_MAX_TEXT]


def _values(tags: Mapping[int, Any]) -> dict[int, Any]:
    """Load every tag now: Pillow decodes lazily, and a damaged tag would otherwise raise much later."""
    found: dict[int, Any] = {}
    for tag in list(tags):
        try:
            found[int(tag)] = tags[tag]
        except _READ_ERRORS:
            continue
    return found


def _named(values: Mapping[int, Any], names: Mapping[int, str]) -> dict[str, Any]:
    pairs = ((names.get(tag), _plain(value)) for tag, value in values.items() if tag not in _OMITTED)
    return {name: value for name, value in pairs if name is not None and value is not None}


def _plain(value: object) -> object:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**63 else None
    if isinstance(value, str):
        return text(value)
    if isinstance(value, bytes):
        return _plain_bytes(value)
    if isinstance(value, (tuple, list)):
        return [_plain(item) for item in value] if len(value) <= _MAX_ITEMS else None
    return real(value)


def _plain_bytes(value: bytes) -> str | int | None:
    """Single bytes are small numbers (SceneType, GPSAltitudeRef), versions are text, the rest is of no use."""
    if len(value) == 1:
        return value[0]
    body = value.rstrip(b"\x00 ")
    return body.decode("ascii") if body and len(body) <= _MAX_TEXT and body.isascii() and body.isalnum() else None
