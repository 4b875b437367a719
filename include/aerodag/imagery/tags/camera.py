"""Which camera, how far it was zoomed, and its focal length in pixels."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any, Final

from aerodag.imagery.tags.exif import ExifDirectories, real, text
from aerodag.imagery.tags.xmp import number

_MAKE, _MODEL, _DNG_SERIAL = 0x010F, 0x0110, 0xC62F
_FOCAL, _FOCAL_35, _SERIAL, _LENS, _ZOOM = 0x920A, 0xA405, 0xA431, 0xA434, 0xA404
_PLANE_X, _PLANE_UNIT, _EXIF_WIDTH, _EXIF_HEIGHT = 0xA20E, 0xA210, 0xA002, 0xA003
_UNIT_MM = {2: 25.4, 3: 10.0, 4: 1.0, 5: 0.001}
_FULL_FRAME_DIAGONAL_MM: Final = math.hypot(36.0, 24.0)
_WIDEST_STILL = 1.6  # 3:2 is 1.5; whatever is wider (16:9) is cut out of a sensor of another shape
_LARGE_SENSOR_CROP, _ONE_INCH_CROP = 1.75, (2.5, 3.0)
# A focal length of 0.3 image widths is a 118 degree fisheye; 30 is a 2 degree telephoto.
_LEAST, _MOST = 0.3, 30.0
_LEAST_PIXELS_PER_MM = 20.0  # pixels of 50 micrometres; FLIR's Duo writes the sensor's size in mm instead
_AGREEMENT = 0.1


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


def make(directories: ExifDirectories, xmp: Mapping[str, str]) -> str | None:
    """Maker as written."""
    return text(directories.image.get(_MAKE)) or xmp.get("tiff:Make")


def model(directories: ExifDirectories, xmp: Mapping[str, str]) -> str | None:
    """Model as written."""
    return text(directories.image.get(_MODEL)) or xmp.get("tiff:Model")


def digital_zoom(exif: Mapping[int, Any]) -> float | None:
    """DigitalZoomRatio; 1 where it was not used, which Exif writes as a numerator of zero (DJI as 0/0)."""
    value = exif.get(_ZOOM)
    if getattr(value, "numerator", None) == 0:
        return 1.0
    ratio = real(value)
    return ratio if ratio is not None and 1 <= ratio <= 1000 else None


def focal_mm(exif: Mapping[int, Any]) -> float | None:
    """Focal length in millimetres; zero means unknown."""
    return _positive(real(exif.get(_FOCAL)))


def focal_35mm(exif: Mapping[int, Any]) -> float | None:
    """35 mm equivalent in millimetres; zero means unknown (Exif 3.0, FocalLengthIn35mmFilm)."""
    return _positive(real(exif.get(_FOCAL_35)))


def focal_px(exif: Mapping[int, Any], xmp: Mapping[str, str], size: tuple[int, int]) -> float | None:
    """Focal length in pixels of the stored image, digital zoom left out of account.

    In this order: the calibration of XMP; millimetres by the focal plane resolution, if the 35 mm equivalent, which is
    rounded to whole millimetres, does not contradict it; the equivalent. Values no lens has are passed over.
    """
    longer = max(size)
    written = max(_positive(real(exif.get(tag))) or 0.0 for tag in (_EXIF_WIDTH, _EXIF_HEIGHT))
    shrunk = longer / written if written else 1.0
    plane = _pixels_per_mm(exif)
    measured, equivalent = _product(focal_mm(exif), plane, shrunk), by_equivalent(exif, size)
    if measured and equivalent and abs(measured / equivalent - 1) > _AGREEMENT:
        measured = None
    for candidate in (*(value * shrunk for value in _calibrated(xmp, plane)), measured, equivalent):
        if candidate is not None and _LEAST * longer <= candidate <= _MOST * longer:
            return candidate
    return None


def by_equivalent(exif: Mapping[int, Any], size: tuple[int, int]) -> float | None:
    """Focal length in pixels from the 35 mm equivalent, by the diagonal of the whole sensor (CIPA DCG-001).

    Error against calibrated or physical focal lengths, by the diagonal and by the width (``f35 / 36 mm * width``):
    FC6360 5:4 -0.4 and -7 %, M3T thermal 5:4 -0.1 and -6 %, H20T thermal 5:4 -2 and -8 %, Mavic 3E 4:3 -2 and -6 %,
    FC300S 4:3 and its 16:9 crop -0.8 and -5 %, Phantom 4 RTK 3:2 the same; only Parrot's Sequoia counts by width
    (+4.5 and +0.5 %). A 16:9 image is cut out of a 3:2 sensor if the crop factor says one inch, APS-C or full frame,
    else out of a 4:3 one; the cut keeps the width.
    """
    equivalent = focal_35mm(exif)
    if equivalent is None:
        return None
    longer, shorter = float(max(size)), float(min(size))
    if longer > _WIDEST_STILL * shorter:
        shorter = longer * 2 / 3 if _is_three_by_two(equivalent, focal_mm(exif)) else longer * 3 / 4
    return equivalent / _FULL_FRAME_DIAGONAL_MM * math.hypot(longer, shorter)


def _is_three_by_two(equivalent: float, focal: float | None) -> bool:
    crop = equivalent / focal if focal else 0.0
    return 0 < crop < _LARGE_SENSOR_CROP or _ONE_INCH_CROP[0] <= crop <= _ONE_INCH_CROP[1]


def _calibrated(xmp: Mapping[str, str], pixels_per_mm: float | None) -> list[float]:
    """Calibrated focal lengths in pixels of the original, best first.

    DJI's CalibratedFocalLength comes before its DewarpData (date; fx, fy, cx, cy, distortion), which is 3 % longer for
    an FC6360: with 1850, 1913 and 1964 px, 24 RTK positions were met to 18, 19 and 20 cm in height.
    """
    perspective = number(xmp, "Camera:PerspectiveFocalLength")
    if perspective is not None and xmp.get("Camera:PerspectiveFocalLengthUnits") == "mm":
        perspective = _product(perspective, pixels_per_mm)
    values = (
        number(xmp, "drone-dji:CalibratedFocalLength", "drone-skydio:CalibratedFocalLength/X"),
        _dewarp_focal(xmp.get("drone-dji:DewarpData", "")),
        perspective,
    )
    return [value for value in values if value is not None]


def _dewarp_focal(data: str) -> float | None:
    parts = data.partition(";")[2].split(",")
    if len(parts) != 9:
        return None
    both = {"x": parts[0].strip(), "y": parts[1].strip()}
    across, down = number(both, "x"), number(both, "y")
    return (across + down) / 2 if across is not None and down is not None else None


def _pixels_per_mm(exif: Mapping[int, Any]) -> float | None:
    resolution, unit = _positive(real(exif.get(_PLANE_X))), exif.get(_PLANE_UNIT, 2)
    millimetres = _UNIT_MM.get(unit) if isinstance(unit, int) else None
    if resolution is None or millimetres is None:
        return None
    density = resolution / millimetres
    return density if density >= _LEAST_PIXELS_PER_MM else None


def _product(*factors: float | None) -> float | None:
    known = [factor for factor in factors if factor is not None]
    return math.prod(known) if len(known) == len(factors) else None


def _positive(value: float | None) -> float | None:
    return value if value is not None and value > 0 else None
