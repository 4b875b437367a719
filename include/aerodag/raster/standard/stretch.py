"""Values of any type to the 256 grey levels of a picture: linear between two percentiles of what is valid."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.io import DatasetReader

from aerodag.errors import DataError
from aerodag.raster.examining.edges import shown
from aerodag.raster.gdal import decimated_shape, is_nodata, nodata_values, value_bands

_SIDE = 1024
_PERCENTILES = (2.0, 98.0)
Ranges = tuple[tuple[float, float], ...]
Bytes = npt.NDArray[np.uint8]
Array = npt.NDArray[Any]


def percentile_ranges(
    dataset: DatasetReader, bands: tuple[int, int, int], fill: tuple[float, ...] | None = None
) -> Ranges:
    """2nd and 98th percentile of each band over its valid pixels, on a read decimated to 1024 pixels a side.

    ``fill`` is the undeclared value of the margin (``RasterKind.edge_fill``).

    Raises:
        DataError: ``raster.empty`` if no pixel is valid.
    """
    shape = decimated_shape(dataset, _SIDE)
    valid = shown(dataset, fill, shape) > 0
    if not valid.any():
        raise DataError(
            "raster.empty",
            f"{Path(dataset.name).name} holds no valid pixel.",
            advice="Look at the raster: its nodata value, mask or alpha band hides everything.",
        )
    nodata = dict(zip(value_bands(dataset), nodata_values(dataset), strict=True))
    ranges = {}
    for band in set(bands):
        values = dataset.read(band, out_shape=shape)
        absent = is_nodata(values, nodata.get(band))
        ranges[band] = _range(values[valid if absent is None else valid & ~absent])
    return tuple(ranges[band] for band in bands)


def to_bytes(values: Array, ranges: Ranges) -> Bytes:
    """Scale (bands, rows, columns) linearly from ``ranges`` to 0..255; what is not a number becomes 0."""
    result = np.empty(values.shape, dtype=np.uint8)
    for band, limits, out in zip(values, ranges, result, strict=True):
        if band.dtype.kind in "iu" and band.dtype.itemsize <= 2:
            np.take(_table(band.dtype, limits), band.view(f"u{band.dtype.itemsize}"), out=out)
        else:
            out[:] = _scaled(band, limits)
    return result


def _table(dtype: np.dtype[Any], limits: tuple[float, float]) -> Bytes:
    """The grey level of every number of a small type, in the order of its bit patterns."""
    numbers = np.arange(2 ** (8 * dtype.itemsize), dtype=f"u{dtype.itemsize}").view(dtype)
    return _scaled(numbers.astype(np.float64), limits)


def _scaled(values: Array, limits: tuple[float, float]) -> Bytes:
    low, high = limits
    # Float32 has 24 bits: enough for its own kind, not for integers of 32.
    scaled: Array = values.astype(np.float32 if values.dtype == np.float32 else np.float64)
    scaled -= low
    scaled *= 255.0 / (high - low)
    np.nan_to_num(scaled, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
    np.rint(scaled, out=scaled)
    return np.asarray(np.clip(scaled, 0, 255, out=scaled).astype(np.uint8))


def _range(values: Array) -> tuple[float, float]:
    numbers = values.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(finite, _PERCENTILES))
    return (low, high) if high > low else (low - 0.5, low + 0.5)
