"""Headers of all image formats that drones write: JPEG (also MPO and radiometric), TIFF, DNG and PNG."""

from __future__ import annotations

import struct
import zlib
from dataclasses import dataclass
from typing import BinaryIO, cast
from zipfile import BadZipFile

from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from aerodag.errors import DataError
from aerodag.imagery.files.jpeg import JpegHeader, read_jpeg_header
from aerodag.imagery.files.section import Section
from aerodag.imagery.tags.exif import ExifDirectories, read_directories

MOST_PIXELS = 178_956_970  # where Pillow refuses to decode; the largest drone camera has 150 million
FORMATS = ("JPEG", "TIFF", "PNG")  # Pillow opens multi-picture JPEGs (thermal R-JPEG) through JPEG
_SUB_IFDS, _XMP_TAG, _DNG_VERSION = 0x014A, 0x02BC, 0xC612
_WIDTH, _HEIGHT, _NEW_SUBFILE, _PHOTOMETRIC = 0x0100, 0x0101, 0x00FE, 0x0106
_SENSOR_DATA = {32803, 34892}  # colour filter array, linear raw
_MOST_SUB_IFDS = 32
OPEN_ERRORS = (
    OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AttributeError, AssertionError, OverflowError,
    MemoryError, EOFError, struct.error, zlib.error, BadZipFile,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Header:
    """Stored width and height in pixels, Exif directories, XMP packets; radiometric: raw temperatures are inside."""

    size: tuple[int, int]
    directories: ExifDirectories
    packets: tuple[bytes, ...] = ()
    radiometric: bool = False


def read_header(file: BinaryIO, name: str) -> Header:
    """Read the header of a seekable image; no pixel is decoded.

    Raises:
        DataError: ``image.unreadable``, also for a claimed size that no camera has.
    """
    try:
        file.seek(0)
        if file.read(3) == b"\xff\xd8\xff":
            return _of_jpeg(file, read_jpeg_header(file))
        return _of_other(file, name)
    except OPEN_ERRORS as error:
        raise _unreadable(name, str(error)) from error


def open_image(file: BinaryIO, name: str) -> Image.Image:
    """Open with Pillow, header only.

    Raises:
        DataError: ``image.unreadable``, also for a claimed size that no camera has.
    """
    try:
        return Image.open(file, formats=FORMATS)
    except UnidentifiedImageError as error:
        raise _unreadable(name, "it is no JPEG, TIFF or PNG") from error
    except (*OPEN_ERRORS, Image.DecompressionBombError) as error:
        raise _unreadable(name, str(error)) from error


def raw_tags(file: BinaryIO) -> Image.Exif | None:
    """First directory of a TIFF that holds sensor data (DNG), which Pillow refuses to open; None for anything else."""
    tags = Image.Exif()
    try:
        file.seek(0)
        if file.read(4) not in {b"II*\x00", b"MM\x00*"}:
            return None
        file.seek(0)
        tags.load_from_fp(file)
        return tags if tags.get(_PHOTOMETRIC) in _SENSOR_DATA and tags[_WIDTH] > 0 and tags[_HEIGHT] > 0 else None
    except OPEN_ERRORS:
        return None


def _unreadable(name: str, reason: str) -> DataError:
    return DataError(
        "image.unreadable",
        f"{name} cannot be read as an image: {reason}.",
        advice="Copy the file from the card again or leave it out.",
        numbers={"image": name},
    )


def _of_jpeg(file: BinaryIO, header: JpegHeader) -> Header:
    width, height = header.size
    if width * height > MOST_PIXELS:
        raise ValueError(f"it claims {width} x {height} pixels, which no drone camera has")
    span = header.exif

    def load() -> Image.Exif:
        tags = Image.Exif()
        if span is not None:
            tags.load_from_fp(cast("BinaryIO", Section(file, *span)))
        return tags

    return Header(header.size, read_directories(load), header.packets, header.radiometric)


def _of_other(file: BinaryIO, name: str) -> Header:
    section = cast("BinaryIO", Section.whole(file))
    section.seek(0)
    try:
        with open_image(section, name) as image:
            packet: object = image.info.get("xmp")
            if packet is None and hasattr(image, "tag_v2"):
                packet = image.tag_v2.get(_XMP_TAG)
            return Header(_stored_size(image), read_directories(image.getexif), _packets(packet))
    except DataError:
        tags = raw_tags(section)
        if tags is None:
            raise
        directories = read_directories(lambda: tags)
        size = (int(tags[_WIDTH]), int(tags[_HEIGHT]))
        return Header(size, directories, _packets(directories.image.get(_XMP_TAG)))


def _packets(packet: object) -> tuple[bytes, ...]:
    if isinstance(packet, str):
        packet = packet.encode("utf-8", "replace")
    return (packet,) if isinstance(packet, bytes) and packet else ()


def _stored_size(image: Image.Image) -> tuple[int, int]:
    """Of a DNG the first directory is a thumbnail; the photograph is the largest full-size sub-directory."""
    tags = getattr(image, "tag_v2", None)
    if tags is None or _DNG_VERSION not in tags or _SUB_IFDS not in tags:
        return image.size
    offsets = tags[_SUB_IFDS]
    sizes = [image.size]
    for offset in (offsets if isinstance(offsets, tuple) else (offsets,))[:_MOST_SUB_IFDS]:
        found = _directory_size(image, int(offset), tags.prefix)
        if found is not None:
            sizes.append(found)
    return max(sizes, key=lambda size: size[0] * size[1])


def _directory_size(image: Image.Image, offset: int, prefix: bytes) -> tuple[int, int] | None:
    header = prefix + (b"\x2a\x00" if prefix == b"II" else b"\x00\x2a") + b"\x00" * 4
    directory = ImageFileDirectory_v2(header)
    try:
        stream = image.fp  # type: ignore[attr-defined]
        stream.seek(offset)
        directory.load(stream)
        if directory.get(_NEW_SUBFILE, 0) != 0:
            return None
        return int(directory[_WIDTH]), int(directory[_HEIGHT])
    except OPEN_ERRORS:
        return None
