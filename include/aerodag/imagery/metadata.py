"""Everything the header of one image says, without decoding a pixel."""

from __future__ import annotations

import io
import struct
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from PIL import Image, UnidentifiedImageError
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from aerodag.errors import DataError
from aerodag.imagery import camera
from aerodag.imagery.capture import captured
from aerodag.imagery.exif import ExifDirectories, read_directories, to_json
from aerodag.imagery.position import locate, pose, rtk
from aerodag.imagery.xmp import XmpDamagedError, parse_xmp

FORMATS = ("JPEG", "TIFF", "PNG")  # Pillow opens multi-picture JPEGs (thermal R-JPEG) through JPEG
_ORIENTATION, _SUB_IFDS, _XMP_TAG, _DNG_VERSION = 0x0112, 0x014A, 0x02BC, 0xC612
_WIDTH, _HEIGHT, _NEW_SUBFILE, _PHOTOMETRIC = 0x0100, 0x0101, 0x00FE, 0x0106
_SENSOR_DATA = {32803, 34892}  # colour filter array, linear raw
OPEN_ERRORS = (OSError, SyntaxError, ValueError, TypeError, KeyError, IndexError, AssertionError, struct.error)


@dataclass(frozen=True, slots=True)
class ImageMetadata:
    """Header of one image; None is unknown, and ``problems`` says why in machine codes.

    Position in WGS84 degrees, altitude in metres as written, angles in degrees (pitch -90 is nadir), focal lengths
    in millimetres or pixels of the stored image (EXIF orientation not applied). ``captured_at`` is UTC when the zone
    is known, naive local time when ``captured_source`` is ``exif_local``. ``exif`` is JSON-safe.
    """

    name: str
    width: int
    height: int
    make: str | None = None
    model: str | None = None
    serial: str | None = None
    lens: str | None = None
    focal_mm: float | None = None
    focal_35mm: float | None = None
    focal_px: float | None = None
    captured_at: datetime | None = None
    captured_source: str | None = None
    longitude: float | None = None
    latitude: float | None = None
    altitude: float | None = None
    position_source: str | None = None
    relative_altitude: float | None = None
    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None
    rtk_flag: int | None = None
    std_e_m: float | None = None
    std_n_m: float | None = None
    std_u_m: float | None = None
    orientation: int = 1
    exif: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def read_metadata(file: BinaryIO, name: str) -> ImageMetadata:
    """Read size, EXIF, GPS and XMP of a seekable JPEG (also thermal R-JPEG), TIFF, DNG or PNG.

    Raises:
        DataError: ``image.unreadable`` if the file is no image at all; damaged metadata becomes ``problems``.
    """
    header = _header(file, name)
    return _assemble(name, header, *_properties(header.packet))


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


def _unreadable(name: str, reason: str) -> DataError:
    return DataError(
        "image.unreadable",
        f"{name} cannot be read as an image: {reason}.",
        advice="Copy the file from the card again or leave it out.",
        numbers={"image": name},
    )


@dataclass(frozen=True, slots=True)
class _Header:
    size: tuple[int, int]
    directories: ExifDirectories
    packet: object


def _header(file: BinaryIO, name: str) -> _Header:
    try:
        with open_image(file, name) as image:
            packet: object = image.info.get("xmp")
            if packet is None and hasattr(image, "tag_v2"):
                packet = image.tag_v2.get(_XMP_TAG)
            return _Header(_stored_size(image), read_directories(image.getexif), packet)
    except DataError:
        tags = raw_tags(file)
        if tags is None:
            raise
        directories = read_directories(lambda: tags)
        return _Header((int(tags[_WIDTH]), int(tags[_HEIGHT])), directories, directories.image.get(_XMP_TAG))


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


def _assemble(name: str, header: _Header, xmp: dict[str, str], xmp_problems: tuple[str, ...]) -> ImageMetadata:
    size, directories = header.size, header.directories
    position, angles, fix = locate(directories.gps, xmp), pose(xmp), rtk(xmp)
    capture = captured(directories, xmp)
    return ImageMetadata(
        name=name,
        width=size[0],
        height=size[1],
        make=camera.make(directories),
        model=camera.model(directories),
        serial=camera.serial(directories, xmp),
        lens=camera.lens(directories, xmp),
        focal_mm=camera.focal_mm(directories.exif),
        focal_35mm=camera.focal_35mm(directories.exif),
        focal_px=camera.focal_px(directories.exif, xmp, size),
        captured_at=capture.at,
        captured_source=capture.source,
        longitude=position.longitude,
        latitude=position.latitude,
        altitude=position.altitude,
        position_source=position.source,
        relative_altitude=angles.relative_altitude,
        yaw=angles.yaw,
        pitch=angles.pitch,
        roll=angles.roll,
        rtk_flag=fix.flag,
        std_e_m=fix.std_e_m,
        std_n_m=fix.std_n_m,
        std_u_m=fix.std_u_m,
        orientation=_orientation(directories),
        exif=to_json(directories, xmp),
        problems=(*directories.problems, *xmp_problems, *position.problems, *capture.problems),
    )


def _orientation(directories: ExifDirectories) -> int:
    value = directories.image.get(_ORIENTATION)
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _properties(packet: object) -> tuple[dict[str, str], tuple[str, ...]]:
    if isinstance(packet, str):
        packet = packet.encode()
    if not isinstance(packet, bytes) or not packet:
        return {}, ()
    try:
        return parse_xmp(packet), ()
    except XmpDamagedError:
        return {}, ("xmp.damaged",)


def _stored_size(image: Image.Image) -> tuple[int, int]:
    """Of a DNG the first directory is a thumbnail; the photograph is the largest full-size sub-directory."""
    tags = getattr(image, "tag_v2", None)
    if tags is None or _DNG_VERSION not in tags or _SUB_IFDS not in tags:
        return image.size
    offsets = tags[_SUB_IFDS]
    sizes = [image.size]
    for offset in offsets if isinstance(offsets, tuple) else (offsets,):
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
        directory.load(stream if stream is not None else io.BytesIO())
        if directory.get(_NEW_SUBFILE, 0) != 0:
            return None
        return int(directory[_WIDTH]), int(directory[_HEIGHT])
    except OPEN_ERRORS:
        return None
