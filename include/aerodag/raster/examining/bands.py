"""What the bands of a raster hold, by what it says about them: colours, names, wavelengths, units."""

from __future__ import annotations

import math
import re

from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader

from aerodag.raster.gdal import alpha_band
from aerodag.raster.kinds import Band, Meaning

_COLOURS = {
    ColorInterp.red: Meaning.RED,
    ColorInterp.green: Meaning.GREEN,
    ColorInterp.blue: Meaning.BLUE,
    ColorInterp.palette: Meaning.PALETTE,
    ColorInterp.pan: Meaning.GREY,
    ColorInterp.coastal: Meaning.COASTAL,
    ColorInterp.rededge: Meaning.RED_EDGE,
    ColorInterp.nir: Meaning.NIR,
    ColorInterp.swir: Meaning.SWIR,
    ColorInterp.lwir: Meaning.THERMAL,
    ColorInterp.tir: Meaning.THERMAL,
}
# In this order: "red edge" before "red", "near infra red" before "red".
_NAMES = tuple(
    (re.compile(pattern), meaning)
    for pattern, meaning in (
        (r"\bred ?edge ?\d*\b|\brdeg\b|\bre\d?$|^reg$", Meaning.RED_EDGE),
        (r"\bswir ?\d*\b|\bshort ?wave ?infra ?red\b", Meaning.SWIR),
        (r"\blwir\b|\btir\b|\bthermal\b|\btemperature\b|\blong ?wave ?infra ?red\b", Meaning.THERMAL),
        (r"\bnir ?\d*\b|\bnear ?infra ?red\b", Meaning.NIR),
        (r"\bcoastal\b|\baerosol\b", Meaning.COASTAL),
        (r"\byellow\b", Meaning.YELLOW),
        (r"(?<!infra )\bred\b|^r$", Meaning.RED),
        (r"\bgreen\b|^g$|^gre$", Meaning.GREEN),
        (r"\bblue\b|^b$|^blu$", Meaning.BLUE),
        (r"\bgr[ae]y\b|\bpan(chromatic|chro)?\b|\bmono(chrome)?\b|\bluminance\b", Meaning.GREY),
        (r"\bdsm\b|\bdtm\b|\bdem\b|\bchm\b|\belevation\b|\baltitude\b|\bheight\b", Meaning.ELEVATION),
    )
)
# Nanometres, [from, to). Between red edge and near infrared cameras disagree, and nothing is claimed.
_SPECTRUM = (
    (400.0, 447.0, Meaning.COASTAL),
    (447.0, 515.0, Meaning.BLUE),
    (515.0, 585.0, Meaning.GREEN),
    (585.0, 620.0, Meaning.YELLOW),
    (620.0, 690.0, Meaning.RED),
    (690.0, 760.0, Meaning.RED_EDGE),
    (785.0, 1100.0, Meaning.NIR),
    (1100.0, 3000.0, Meaning.SWIR),
    (7500.0, 14500.0, Meaning.THERMAL),
)
_WAVELENGTH_KEYS = ("wavelength", "central_wavelength", "centralwavelength", "center_wavelength", "wavelength_nm")
_NAME_KEYS = ("bandname", "band_name", "name", "long_name")
_IN_NAME = re.compile(r"(?<!\d)(\d{3,4}(?:\.\d+)?) ?nm\b")
_AFTER_NAME = re.compile(r"^[a-z ]+[ -](\d{3,4})$")
_MICROMETRES_BELOW = 20.0


def bands_of(dataset: DatasetReader) -> tuple[Band, ...]:
    """Every band with its meaning: by name, else by wavelength, else by the colours the TIFF declares; else unknown.

    The boundaries between colours follow the cameras of drones (MicaSense, Parrot Sequoia, DJI) where those of
    satellites differ: 450 nm is blue, 444 nm coastal.
    """
    alpha = alpha_band(dataset)
    single = dataset.count - (alpha is not None) == 1
    return tuple(_band(dataset, index, index == alpha, single) for index in dataset.indexes)


def named(text: str) -> Meaning:
    """What a band of that name holds; UNKNOWN where the name does not say it."""
    plain = re.sub(r"[_\-./:()\[\],]+", " ", text.lower()).strip()
    plain = re.sub(r"^(ms|band) (?=\D)", "", re.sub(r"^band ?\d+ ", "", plain))
    return next((meaning for pattern, meaning in _NAMES if pattern.search(plain)), Meaning.UNKNOWN)


def at_wavelength(nanometres: float) -> Meaning:
    """What a band of that central wavelength holds; UNKNOWN between the named parts of the spectrum."""
    return next((meaning for low, high, meaning in _SPECTRUM if low <= nanometres < high), Meaning.UNKNOWN)


def _band(dataset: DatasetReader, index: int, is_alpha: bool, single: bool) -> Band:
    tags = {key.lower(): value for key, value in dataset.tags(index).items()}
    name = dataset.descriptions[index - 1] or next((tags[key] for key in _NAME_KEYS if tags.get(key)), None)
    told = name or (dataset.tags().get("TIFFTAG_IMAGEDESCRIPTION") if single else None) or ""
    wavelength = _wavelength(dataset, index, tags, told)
    dtype = dataset.dtypes[index - 1]
    if is_alpha:
        return Band(index, Meaning.ALPHA, dtype, name)
    meaning = named(told)
    if wavelength is not None and meaning in (Meaning.UNKNOWN, Meaning.BLUE):
        meaning = at_wavelength(wavelength)  # "Blue-444" is what its maker calls coastal blue
    if meaning is Meaning.UNKNOWN and wavelength is None:
        # Grey is not among them: TIFF calls any first band so, whatever it holds.
        meaning = _COLOURS.get(dataset.colorinterp[index - 1], Meaning.UNKNOWN)
    return Band(index, meaning, dtype, name, wavelength)


def _wavelength(dataset: DatasetReader, index: int, tags: dict[str, str], told: str) -> float | None:
    imagery = _number(dataset.tags(index, ns="IMAGERY").get("CENTRAL_WAVELENGTH_UM"))
    if imagery is not None:
        return round(imagery * 1000, 3)
    for key in _WAVELENGTH_KEYS:
        value = _number(tags.get(key))
        if value is not None:
            return round(value * 1000, 3) if value < _MICROMETRES_BELOW else value
    plain = told.strip().lower()
    found = _IN_NAME.search(plain) or _AFTER_NAME.match(plain.replace("_", " "))
    return float(found.group(1)) if found else None


def _number(text: str | None) -> float | None:
    try:
        value = float((text or "").split()[0])
    except (ValueError, IndexError):
        return None
    return value if math.isfinite(value) and value > 0 else None
