"""What kind of sensor took the image: modality, spectral band, which lens of the payload, which capture of the rig.

File names: DJI's ``DJI_<time>_<number>_<lens>`` with the lenses W (wide), Z (zoom), T (thermal), V (visible),
D (the RGB camera beside multispectral ones), S (screen recording) and ``MS_<band>``; Parrot's and MicaSense's names.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import PurePosixPath

from aerodag.imagery.files.header import Header
from aerodag.imagery.tags.receiver import flagged

_DJI_LENS = re.compile(r"DJI_(?:\d{14}_)?\d{3,5}_(?:MS_(?P<band>G|R|RE|NIR)|(?P<lens>[WZTVDS]))(?:_.*)?", re.I | re.A)
_PARROT_BAND = re.compile(r"IMG_\d{6}_\d{6}_\d{4}_(?P<band>GRE|RED|REG|NIR|RGB)", re.I | re.A)
_BAND_NAMES = (
    re.compile(r"(DJI_(?:\d{14}_)?\d{3,5})_MS_(?:G|R|RE|NIR)(_.*)?", re.I | re.A),
    re.compile(r"(IMG_\d{6}_\d{6}_\d{4})_(?:GRE|RED|REG|NIR)", re.I | re.A),
    re.compile(r"(IMG_\d{4,5})_\d{1,2}", re.I | re.A),
)
_SOURCES = {"widecamera": "W", "zoomcamera": "Z", "infraredcamera": "T", "visible": "V"}
_BANDS = {
    "b": "Blue", "blue": "Blue", "g": "Green", "gre": "Green", "grn": "Green", "green": "Green",
    "r": "Red", "red": "Red", "re": "RedEdge", "reg": "RedEdge", "rededge": "RedEdge",
    "nir": "NIR", "panchro": "Panchro", "lwir": "LWIR",
}  # fmt: skip
_COLOUR = {"rgb", "redgreenblue"}
_CAPTURES = ("drone-dji:CaptureUUID", "MicaSense:CaptureId", "Camera:CaptureUUID", "Camera:ImageUniqueID")
# Rigs whose thermal camera is one band among others, not a thermal camera of its own.
_RIG_MAKERS = {"micasense"}
_FLIR_MAKERS = {"flir", "flir systems", "teledyne flir"}
_DJI_THERMAL = {("FLIR", (640, 512)), ("MAVIC2-ENTERPRISE-ADVANCED", (640, 512)), ("ZH20T", (640, 512))}
_LARGEST_THERMAL = 1280 * 1024


class Modality(StrEnum):
    """What the pixels mean."""

    RGB = "rgb"
    MULTISPECTRAL = "multispectral"
    THERMAL = "thermal"


@dataclass(frozen=True, slots=True)
class Sensor:
    """``band`` is None for colour images; ``capture_id`` is shared by the bands of one exposure of a rig."""

    modality: Modality
    band: str | None = None
    lens_code: str | None = None
    capture_id: str | None = None
    dewarped: bool | None = None


def sensor(name: str, make: str | None, model: str | None, header: Header, xmp: Mapping[str, str]) -> Sensor:
    """Classify an image by its XMP, else by its name, its maker and the raw temperatures inside."""
    stem = PurePosixPath(name.replace("\\", "/")).stem
    band, lens_code = _band(stem, xmp), _lens_code(stem, xmp)
    maker = (make or "").lower()
    return Sensor(
        modality=_modality(band, lens_code, maker, (model or "", header)),
        band=band,
        lens_code=lens_code,
        capture_id=next((xmp[key] for key in _CAPTURES if key in xmp), None),
        dewarped=flagged(xmp, "drone-dji:DewarpFlag"),
    )


def without_band(stem: str) -> str | None:
    """A file's stem but for its band, where the maker's way of naming is known: the same for all bands of a capture."""
    matches = (pattern.fullmatch(stem) for pattern in _BAND_NAMES)
    return next(("".join(match.groups(default="")) for match in matches if match is not None), None)


def _band(stem: str, xmp: Mapping[str, str]) -> str | None:
    written = next((xmp[key] for key in ("Camera:BandName", "drone-dji:BandName", "FLIR:BandName") if key in xmp), None)
    if written is None:
        match = _DJI_LENS.fullmatch(stem) or _PARROT_BAND.fullmatch(stem)
        written = match["band"] if match is not None else None
    plain = re.sub(r"[^A-Za-z0-9]", "", written or "")
    if not plain or plain.lower() in _COLOUR:
        return None
    # Colour cameras of Sentera and senseFly list their three bands.
    return None if written and "," in written else _BANDS.get(plain.lower(), plain)


def _lens_code(stem: str, xmp: Mapping[str, str]) -> str | None:
    match = _DJI_LENS.fullmatch(stem)
    if match is not None:
        return match["lens"].upper() if match["lens"] else None
    return _SOURCES.get(xmp.get("drone-dji:ImageSource", "").lower())


def _modality(band: str | None, lens_code: str | None, maker: str, camera: tuple[str, Header]) -> Modality:
    model, header = camera
    if band is not None:
        return Modality.THERMAL if band == "LWIR" and maker not in _RIG_MAKERS else Modality.MULTISPECTRAL
    small = header.size[0] * header.size[1] <= _LARGEST_THERMAL
    # FLIR's dual cameras put raw temperatures beside a visible picture too; that one is larger than any thermal sensor.
    if small and (lens_code == "T" or header.radiometric or maker in _FLIR_MAKERS):
        return Modality.THERMAL
    return Modality.THERMAL if maker == "dji" and (model, header.size) in _DJI_THERMAL else Modality.RGB
