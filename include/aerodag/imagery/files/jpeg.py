"""The header of a JPEG, read by stepping from segment to segment: of a 5 MB photograph about 20 KB are touched.

Formats: ITU-T T.81 (JPEG), CIPA DC-008 (Exif), ISO 16684-3 (XMP in APP1), FLIR's APP1 and DJI's APP3 (radiometric
JPEG: the temperatures as raw numbers beside the picture). Of a multi-picture JPEG (MPO) the first picture counts.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, Final

_APP1, _APP3 = 0xE1, 0xE3
_END_OF_HEADER: Final = {0xD9, 0xDA}
_WITHOUT_LENGTH: Final = {0x01, *range(0xD0, 0xD8)}
_FRAMES: Final = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_EXIF, _XMP, _FLIR = b"Exif\x00", b"http://ns.adobe.com/xap/1.0/\x00", b"FLIR\x00"
_EXIF_HEADER = 6
_LEAST_RAW_BYTES = 160 * 120 * 2  # two bytes a pixel of the smallest thermal sensor
_MOST_SEGMENTS, _MOST_STRAY = 10_000, 65_536


@dataclass(frozen=True, slots=True)
class JpegHeader:
    """Width and height, where the Exif block lies (start and length in bytes), XMP packets, raw temperatures or not."""

    size: tuple[int, int]
    exif: tuple[int, int] | None
    packets: tuple[bytes, ...]
    radiometric: bool


def read_jpeg_header(file: BinaryIO) -> JpegHeader:
    """Read all segments before the picture data of a seekable file.

    Raises:
        ValueError: it is no JPEG, or its header ends without a picture size.
    """
    size: tuple[int, int] | None = None
    exif: tuple[int, int] | None = None
    packets: list[bytes] = []
    raw_bytes = 0
    for marker, start, length in _segments(file):
        if marker in _FRAMES:
            size = size or _frame_size(file.read(min(length, 5)))
        elif marker == _APP3:
            raw_bytes += length
        elif marker == _APP1:
            head = file.read(min(length, len(_XMP)))
            if head == _XMP:
                packets.append(file.read(length - len(_XMP)))
            elif head.startswith(_EXIF):
                exif = exif or (start + _EXIF_HEADER, length - _EXIF_HEADER)
            elif head.startswith(_FLIR):
                raw_bytes += length
    if size is None:
        raise ValueError("its header ends before the size of the picture")
    return JpegHeader(size, exif, tuple(packets), raw_bytes >= _LEAST_RAW_BYTES)


def _segments(file: BinaryIO) -> Iterator[tuple[int, int, int]]:
    """Marker, start and length of each segment's content, the file standing at its start."""
    file.seek(0)
    if file.read(2) != b"\xff\xd8":
        raise ValueError("it is no JPEG")
    for _ in range(_MOST_SEGMENTS):
        marker = _next_marker(file)
        if marker is None or marker in _END_OF_HEADER:
            return
        if marker in _WITHOUT_LENGTH:
            continue
        length = int.from_bytes(file.read(2), "big") - 2
        if length < 0:
            return
        start = file.tell()
        yield marker, start, length
        file.seek(start + length)


def _next_marker(file: BinaryIO) -> int | None:
    """Stray bytes between segments and fill bytes before a marker are stepped over, as decoders do."""
    after_ff = False
    for _ in range(_MOST_STRAY):
        byte = file.read(1)
        if not byte:
            return None
        if after_ff and byte not in {b"\xff", b"\x00"}:
            return byte[0]
        after_ff = byte == b"\xff"
    return None


def _frame_size(frame: bytes) -> tuple[int, int] | None:
    height, width = int.from_bytes(frame[1:3], "big"), int.from_bytes(frame[3:5], "big")
    return (width, height) if width and height else None
