"""Everything the header of one image says, without decoding a pixel."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, BinaryIO

from aerodag.imagery.files.header import OPEN_ERRORS, Header, open_image, raw_tags, read_header
from aerodag.imagery.tags import camera
from aerodag.imagery.tags.capture import captured
from aerodag.imagery.tags.exif import ExifDirectories, to_json
from aerodag.imagery.tags.maker_note import read_maker_note
from aerodag.imagery.tags.pose import pose
from aerodag.imagery.tags.position import locate
from aerodag.imagery.tags.receiver import receiver
from aerodag.imagery.tags.sensor import Modality, sensor
from aerodag.imagery.tags.xmp import merge_packets, number

__all__ = ["OPEN_ERRORS", "ImageMetadata", "open_image", "raw_tags", "read_metadata"]

_ORIENTATION, _MAKER_NOTE = 0x0112, 0x927C


@dataclass(frozen=True, slots=True)
class ImageMetadata:
    """Header of one image; None is unknown, and ``problems`` says why in machine codes.

    Position in WGS84 degrees, altitude in metres as written, angles in degrees (pitch -90 is nadir), focal lengths
    in millimetres or pixels of the stored image (EXIF orientation not applied, digital zoom not included).
    ``captured_at`` is UTC when the zone is known, naive local time when ``captured_source`` is ``exif_local``.
    ``lens_code`` is DJI's letter of the camera in a payload; ``capture_id`` is shared by the bands of one exposure.
    Receiver state as in :class:`~aerodag.imagery.tags.receiver.Receiver`. ``exif`` is JSON-safe.
    """

    name: str
    width: int
    height: int
    make: str | None = None
    model: str | None = None
    serial: str | None = None
    lens: str | None = None
    lens_code: str | None = None
    modality: Modality = Modality.RGB
    band: str | None = None
    capture_id: str | None = None
    focal_mm: float | None = None
    focal_35mm: float | None = None
    focal_px: float | None = None
    digital_zoom: float | None = None
    dewarped: bool | None = None
    captured_at: datetime | None = None
    captured_source: str | None = None
    longitude: float | None = None
    latitude: float | None = None
    altitude: float | None = None
    altitude_type: str | None = None
    position_source: str | None = None
    relative_altitude: float | None = None
    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None
    gps_status: str | None = None
    rtk_flag: int | None = None
    rtk_diff_age_s: float | None = None
    surveying_mode: bool | None = None
    std_e_m: float | None = None
    std_n_m: float | None = None
    std_u_m: float | None = None
    orientation: int = 1
    exif: dict[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()


def read_metadata(file: BinaryIO, name: str) -> ImageMetadata:
    """Read size, EXIF, GPS and XMP of a seekable JPEG (also multi-picture and radiometric), TIFF, DNG or PNG.

    ``name`` is the path inside the ZIP: DJI says in it which camera of a payload took the image.

    Raises:
        DataError: ``image.unreadable`` if the file is no image at all; damaged metadata becomes ``problems``.
    """
    header = read_header(file, name)
    xmp, problems = merge_packets(header.packets)
    return _assemble(name, header, xmp, problems)


def _assemble(name: str, header: Header, xmp: dict[str, str], xmp_problems: tuple[str, ...]) -> ImageMetadata:
    size, directories = header.size, header.directories
    make, model = camera.make(directories, xmp), camera.model(directories, xmp)
    note = read_maker_note(make, directories.exif.get(_MAKER_NOTE))
    position, angles, state = locate(directories.gps, xmp), pose(xmp, note), receiver(xmp)
    capture, kind = captured(directories, xmp), sensor(name, make, model, header, xmp)
    note_problems = () if note.readable else ("exif.maker_note_unreadable",)
    return ImageMetadata(
        name=name,
        width=size[0],
        height=size[1],
        make=make,
        model=model,
        serial=camera.serial(directories, xmp),
        lens=camera.lens(directories, xmp),
        lens_code=kind.lens_code,
        modality=kind.modality,
        band=kind.band,
        capture_id=kind.capture_id,
        focal_mm=camera.focal_mm(directories.exif),
        focal_35mm=camera.focal_35mm(directories.exif),
        focal_px=camera.focal_px(directories.exif, xmp, size),
        digital_zoom=camera.digital_zoom(directories.exif),
        dewarped=kind.dewarped,
        captured_at=capture.at,
        captured_source=capture.source,
        longitude=position.longitude,
        latitude=position.latitude,
        altitude=position.altitude,
        altitude_type=state.altitude_type,
        position_source=position.source,
        relative_altitude=angles.relative_altitude,
        yaw=angles.yaw,
        pitch=angles.pitch,
        roll=angles.roll,
        gps_status=state.gps_status,
        rtk_flag=state.flag,
        rtk_diff_age_s=state.diff_age_s,
        surveying_mode=state.surveying_mode,
        std_e_m=state.std_e_m,
        std_n_m=state.std_n_m,
        std_u_m=state.std_u_m,
        orientation=_orientation(directories, xmp),
        exif=to_json(directories, xmp),
        problems=(*directories.problems, *note_problems, *xmp_problems, *position.problems, *capture.problems),
    )


def _orientation(directories: ExifDirectories, xmp: dict[str, str]) -> int:
    value = directories.image.get(_ORIENTATION, number(xmp, "tiff:Orientation"))
    return int(value) if isinstance(value, (int, float)) and 1 <= value <= 8 else 1
