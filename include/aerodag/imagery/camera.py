"""Which camera, and its focal length in pixels."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from aerodag.imagery.exif import ExifDirectories, real, text
from aerodag.imagery.xmp import number

_MAKE, _MODEL, _DNG_SERIAL = 0x010F, 0x0110, 0xC62F
_FOCAL, _FOCAL_35, _SERIAL, _LENS = 0x920A, 0xA405, 0xA431, 0xA434
_PLANE_X, _PLANE_UNIT, _EXIF_WIDTH = 0xA20E, 0xA210, 0xA002
_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
_FULL_FRAME_WIDTH_MM = 36.0
# A focal length of 0.3 image widths is a 118 degree fisheye; 30 is a 2 degree telephoto.
_LEAST, _MOST = 0.3, 30.0


def serial(directories: ExifDirectories, xmp: Mapping[str, str]) -> str | None:
    """The camera's serial number where XMP tells it from the aircraft's, else EXIF's body serial number."""
    return (
        xmp.get("drone-dji:CameraSerialNumber")
        or text(directories.exif.get(_SERIAL))
        or text(directories.image.get(_DNG_SERIAL))
        or text(directories.image.get(_SERIAL))
    )


def lens(directories: ExifDirectories, xmp: Mapping[str, str]) -> str | None:
    """EXIF LensModel, else DJI's name of the camera in a payload of several (WideCamera, InfraredCamera ...)."""
    return text(directories.exif.get(_LENS)) or xmp.get("drone-dji:ImageSource")


def make(directories: ExifDirectories) -> str | None:
    """Maker as written."""
    return text(directories.image.get(_MAKE))


def model(directories: ExifDirectories) -> str | None:
    """Model as written."""
    return text(directories.image.get(_MODEL))


def focal_mm(exif: Mapping[int, Any]) -> float | None:
    """Focal length in millimetres; zero means unknown."""
    return _positive(real(exif.get(_FOCAL)))


def focal_35mm(exif: Mapping[int, Any]) -> float | None:
    """35 mm equivalent in millimetres; zero means unknown (Exif 3.0, FocalLengthIn35mmFilm)."""
    return _positive(real(exif.get(_FOCAL_35)))


def focal_px(exif: Mapping[int, Any], xmp: Mapping[str, str], size: tuple[int, int]) -> float | None:
    """Focal length in pixels of the stored image.

    In this order: the calibrated value of XMP; the 35 mm equivalent, taken by width as DJI and most makers do
    (``f35 / 36 mm * longer side``); millimetres by the focal plane resolution. Values no lens has are passed over.
    """
    longer = max(size)
    calibrated = number(xmp, "drone-dji:CalibratedFocalLength", "Camera:PerspectiveFocalLength")
    equivalent = focal_35mm(exif)
    for candidate in (
        calibrated,
        equivalent * longer / _FULL_FRAME_WIDTH_MM if equivalent else None,
        _by_focal_plane(exif, longer),
    ):
        if candidate is not None and _LEAST * longer <= candidate <= _MOST * longer:
            return candidate
    return None


def _by_focal_plane(exif: Mapping[int, Any], longer: int) -> float | None:
    """FocalPlaneXResolution counts pixels of the original, so a shrunken copy is scaled by ExifImageWidth."""
    focal, resolution = focal_mm(exif), _positive(real(exif.get(_PLANE_X)))
    if focal is None or resolution is None:
        return None
    unit = exif.get(_PLANE_UNIT, 2)
    millimetres = _UNIT_MM.get(unit) if isinstance(unit, int) else None
    if millimetres is None:
        return None
    written = _positive(real(exif.get(_EXIF_WIDTH)))
    return focal * resolution / millimetres * (longer / written if written else 1.0)


def _positive(value: float | None) -> float | None:
    return value if value is not None and value > 0 else None
