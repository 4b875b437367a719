"""What the numbers of a raster are, so that no index is computed from numbers its constants were not made for."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from rasterio.io import DatasetReader
from rasterio.windows import Window

from aerodag.raster.gdal import decimated_shape, validity
from aerodag.raster.indices.table import Index, Numbers
from aerodag.raster.kinds import Meaning, RasterKind

LIGHT = (Meaning.COASTAL, Meaning.BLUE, Meaning.GREEN, Meaning.YELLOW, Meaning.RED, Meaning.RED_EDGE, Meaning.NIR)
# The brightest percent of a scene: snow or a panel may exceed 1 a little; below 0.02 there is no daylight scene, only
# numbers in another unit (some engines write float values of 1e-5).
_BRIGHT = (0.02, 1.6)
_PERCENTILE = 99.0
_SPOTS = 8
_SPOT = 64


@dataclass(frozen=True, slots=True)
class Calibration:
    """What the numbers are and why; ``scales`` holds (scale, offset) of every band, to be applied to what is read."""

    numbers: Numbers
    basis: str
    scales: tuple[tuple[float, float], ...]


def calibration_of(dataset: DatasetReader, kind: RasterKind) -> Calibration:
    """Decide from the data type, the bands' scale and offset tags and a sample of the values.

    With tags: reflectance where the scaled values look like it. Without: floating point values are reflectance where
    they look like it, 8-bit integers are camera colours, other integers are uncalibrated - 10000 or 32768 may stand
    for full reflectance, but nothing in the file says so.
    """
    scales = tuple(zip(dataset.scales, dataset.offsets, strict=True))
    indexes = [band.index for band in kind.bands if band.meaning in LIGHT]
    tagged = any(scales[index - 1] != (1.0, 0.0) for index in indexes)
    dtype = np.dtype(dataset.dtypes[0])
    if not indexes:
        return Calibration(Numbers.UNCALIBRATED, "no band of light", scales)
    if not tagged and dtype == np.uint8:
        return Calibration(Numbers.BYTES, "8-bit colours", scales)
    if not tagged and dtype.kind != "f":
        return Calibration(Numbers.UNCALIBRATED, f"{dtype} numbers without a scale", scales)
    bright = _brightest(dataset, indexes, scales)
    basis = f"{'scaled' if tagged else 'floating point'} values, the brightest percent above {bright:.3g}"
    known = _BRIGHT[0] <= bright <= _BRIGHT[1]
    return Calibration(Numbers.REFLECTANCE if known else Numbers.UNCALIBRATED, basis, scales)


def unavailable(index: Index, kind: RasterKind, calibration: Calibration) -> str | None:
    """Why an index cannot be computed, None where it can."""
    if missing := [band.value for band in index.bands if kind.band(band) is None]:
        present = [band.meaning.value for band in kind.bands if band.meaning is not Meaning.ALPHA]
        return f"needs {', '.join(missing)}; the raster has {', '.join(present)}"
    if calibration.numbers in index.accepts:
        return None
    wanted = "reflectance (0 to 1)" if Numbers.REFLECTANCE in index.accepts else "8-bit camera colours"
    return f"needs {wanted}; the raster holds {calibration.basis}"


def _brightest(dataset: DatasetReader, indexes: list[int], scales: tuple[tuple[float, float], ...]) -> float:
    """99th percentile of the brightest band in 64 spots spread over the raster; NaN if nothing valid was met."""
    columns = np.linspace(0, max(0, dataset.width - _SPOT), _SPOTS, dtype=int)
    rows = np.linspace(0, max(0, dataset.height - _SPOT), _SPOTS, dtype=int)
    width, height = min(_SPOT, dataset.width), min(_SPOT, dataset.height)
    spots = [Window(int(column), int(row), width, height) for row in rows for column in columns]
    found = [
        dataset.read(indexes, window=spot)[:, valid] for spot in spots if (valid := validity(dataset, spot) > 0).any()
    ]
    if not found:
        shape = decimated_shape(dataset, _SPOTS * _SPOT)
        found = [dataset.read(indexes, out_shape=(len(indexes), *shape))[:, validity(dataset, shape=shape) > 0]]
    values = np.concatenate(found, axis=1).astype(np.float64)
    factors = np.array([scales[index - 1] for index in indexes])
    values = values * factors[:, :1] + factors[:, 1:]
    values[~np.isfinite(values)] = np.nan
    if not np.isfinite(values).any():
        return float("nan")
    return float(np.nanmax(np.nanpercentile(values, _PERCENTILE, axis=1)))
