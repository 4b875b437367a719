"""Bands in the words of STAC 1.1: core fields, the raster extension 2.0 and the EO extension 2.0."""

from __future__ import annotations

import math
from typing import Any

from aerodag.stac.facts import Band, Statistics

_COMMON_NAMES = {
    "coastal": "coastal",
    "blue": "blue",
    "green": "green",
    "yellow": "yellow",
    "red": "red",
    "red_edge": "rededge",
    "nir": "nir",
    "thermal": "lwir",
}

# Nanometres, from the table of common band names of the EO extension 2.0.
_BY_WAVELENGTH = {
    "red_edge": ((690, 730, "rededge071"), (730, 760, "rededge075"), (760, 790, "rededge078")),
    "swir": ((1550, 1750, "swir16"), (2080, 2350, "swir22")),
}

_DATA_TYPES = {"complex64": "cfloat32", "complex128": "cfloat64", "complex_int16": "cint16"}
_KNOWN_TYPES = frozenset(
    f"{kind}{bits}" for kind, sizes in {"int": (8, 16, 32, 64), "float": (16, 32, 64)}.items() for bits in sizes
) | {"uint8", "uint16", "uint32", "uint64"}


def band_fields(band: Band, gsd_m: float | None) -> dict[str, Any]:
    """The entry of one band in an asset's ``bands``; ``gsd_m`` is the ground distance of a pixel in metres."""
    fields = {
        "name": band.name,
        "description": band.description,
        "data_type": data_type(band.dtype),
        "nodata": _nodata(band),
        "unit": band.unit,
        "statistics": _statistics(band.statistics),
        "raster:spatial_resolution": finite(gsd_m),
        "eo:common_name": common_name(band),
        "eo:center_wavelength": _micrometres(band),
    }
    return {name: value for name, value in fields.items() if value is not None}


def common_name(band: Band) -> str | None:
    """The EO extension's name of a band, narrowed down by its wavelength where there is one; None of no colour."""
    for low, high, name in _BY_WAVELENGTH.get(band.meaning, ()):
        if band.wavelength_nm is not None and low <= band.wavelength_nm < high:
            return name
    return _COMMON_NAMES.get(band.meaning)


def data_type(dtype: str) -> str:
    """STAC's name of a NumPy type."""
    return dtype if dtype in _KNOWN_TYPES else _DATA_TYPES.get(dtype, "other")


def finite(value: float | None) -> float | None:
    """The number, None where it is NaN or infinite: JSON knows neither."""
    return value if value is not None and math.isfinite(value) else None


def _micrometres(band: Band) -> float | None:
    nanometres = finite(band.wavelength_nm)
    return round(nanometres / 1000, 6) if nanometres is not None and nanometres > 0 else None


def _nodata(band: Band) -> float | str | None:
    if band.nodata is None:
        return None
    if math.isnan(band.nodata):
        return "nan"
    if math.isinf(band.nodata):
        return "inf" if band.nodata > 0 else "-inf"
    return int(band.nodata) if "int" in band.dtype and band.nodata == int(band.nodata) else float(band.nodata)


def _statistics(statistics: Statistics | None) -> dict[str, float] | None:
    if statistics is None:
        return None
    numbers = {
        "minimum": finite(statistics.minimum),
        "maximum": finite(statistics.maximum),
        "mean": finite(statistics.mean),
        "stddev": finite(statistics.stddev),
        "valid_percent": finite(statistics.valid_percent),
    }
    return {name: value for name, value in numbers.items() if value is not None} or None
