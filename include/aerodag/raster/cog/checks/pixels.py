"""Pixels of a COG against those of its source."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt
from pyproj import Transformer
from rasterio.io import DatasetReader
from rasterio.windows import Window, intersect

from aerodag.raster.cog.checks.failing import invalid
from aerodag.raster.cog.checks.grid import to_result
from aerodag.raster.cog.checks.sampling import Sample, read_sample
from aerodag.raster.cog.profiles import CogProfile
from aerodag.raster.gdal import alpha_band

_LOSSY_MEAN_ERROR = 12.0
_PATCH = 8
_LARGEST_GROUND_WINDOW = 4096
_UNLIKE_VALIDITY = 0.02
Cells = npt.NDArray[Any]


def compare_window(source: Sample, result: Sample, profile: CogProfile) -> float:
    """Equal where lossless, alike on average where not; the mean error."""
    where = _place(source.window)
    if not np.array_equal(source.valid, result.valid):
        raise invalid(f"its mask differs from the source's at {where}")
    if profile.lossless:
        if not np.array_equal(source.values, result.values, equal_nan=source.values.dtype.kind in "fc"):
            raise invalid(f"its pixels differ from the source's at {where}")
        return 0.0
    if not source.valid.any():
        return 0.0
    before, after = (np.where(source.valid, sample.values, 0).astype(np.float32) for sample in (source, result))
    require_alike(before, after, source.valid, where)
    return float(np.abs(before - after)[:, source.valid].mean(axis=1).max())


def require_alike(before: Cells, after: Cells, valid: npt.NDArray[np.bool_], where: str) -> None:
    """Lossy values (bands, rows, columns) have the means of the right ones in patches of 8 x 8 valid pixels.

    Single pixels of noise may be far off at any quality, means may not.
    """
    rows, columns = (size // _PATCH for size in valid.shape)
    whole = _patches(valid[np.newaxis], rows, columns)[0] == 1
    if whole.any():
        difference = np.abs(_patches(before, rows, columns) - _patches(after, rows, columns))
        _bounded(float(difference[:, whole].mean(axis=1).max()), where)


def compare_alpha(source: DatasetReader, result: DatasetReader, window: Window) -> None:
    """Opacity itself, where both have it as a band."""
    before, after = alpha_band(source), alpha_band(result)
    if before and after and not np.array_equal(source.read(before, window=window), result.read(after, window=window)):
        raise invalid(f"its alpha differs from the source's at {_place(window)}")


def compare_ground(source: DatasetReader, result: DatasetReader, sample: Sample) -> tuple[float, int]:
    """The same ground has the same colours: patches of 8 x 8 result pixels against the source around their middles.

    The middles are carried to the source by PROJ itself, not by GDAL's warper. Returns the mean error and the number
    of patches that were valid in both.
    """
    rows, columns = (size // _PATCH for size in sample.valid.shape)
    if not rows or not columns:
        return 0.0, 0
    where = _place(sample.window)
    after = _patches(np.where(sample.valid, sample.values, 0).astype(np.float64), rows, columns)
    solid = _patches(sample.valid[np.newaxis], rows, columns)[0]
    x, y = _middles(source, result, sample.window, rows, columns)
    before, opaque = _around(source, x, y, result_pixels(source, result) * _PATCH)
    unlike = ((solid == 1) & (opaque == 0)) | ((solid == 0) & (opaque == 1))
    if unlike.mean() > _UNLIKE_VALIDITY:
        raise invalid(f"{unlike.mean():.0%} of the ground at {where} is valid in one and not in the other")
    both = (solid == 1) & (opaque == 1)
    if not both.any():
        return 0.0, 0
    error = float(np.abs(before - after)[:, both].mean(axis=1).max())
    return _bounded(error, where), int(both.sum())


def result_pixels(source: DatasetReader, result: DatasetReader) -> float:
    """How many source pixels a side of a result pixel covers, in the middle of the result."""
    middle = (result.width / 2, result.height / 2)
    x, y = _to_source(source, result, np.array([middle[0], middle[0] + 1]), np.array([middle[1], middle[1]]))
    return float(np.hypot(x[1] - x[0], y[1] - y[0]))


def result_points(
    source: DatasetReader, result: DatasetReader, points: list[tuple[float, float]]
) -> list[tuple[float, float]]:
    """Pixels of the source (column, row) as pixels of the result."""
    columns, rows = np.array(points).T
    x, y = to_result(source, result).transform(*(source.transform * (columns, rows)))
    columns, rows = ~result.transform * (np.asarray(x), np.asarray(y))
    return list(zip(columns.tolist(), rows.tolist(), strict=True))


def _to_source(source: DatasetReader, result: DatasetReader, columns: Cells, rows: Cells) -> tuple[Cells, Cells]:
    transformer: Transformer = to_result(source, result)
    x, y = result.transform * (columns, rows)
    x, y = transformer.transform(x, y, direction="INVERSE")
    columns, rows = ~source.transform * (np.asarray(x), np.asarray(y))
    return columns, rows


def _middles(
    source: DatasetReader, result: DatasetReader, window: Window, rows: int, columns: int
) -> tuple[Cells, Cells]:
    x, y = np.meshgrid(
        window.col_off + (np.arange(columns) + 0.5) * _PATCH, window.row_off + (np.arange(rows) + 0.5) * _PATCH
    )
    return _to_source(source, result, x, y)


def _patches(values: Cells, rows: int, columns: int) -> Cells:
    """Means of (bands, rows, columns) over patches."""
    cut = values[:, : rows * _PATCH, : columns * _PATCH]
    means: Cells = cut.reshape(len(values), rows, _PATCH, columns, _PATCH).mean(axis=(2, 4))
    return means


def _around(source: DatasetReader, x: Cells, y: Cells, side: float) -> tuple[Cells, Cells]:
    """Means of the source (bands, rows, columns) over squares of ``side`` pixels around points, and how valid."""
    half = max(1, round(side / 2))
    left, top = int(np.floor(x.min())) - half, int(np.floor(y.min())) - half
    width, height = int(np.ceil(x.max())) + half - left + 1, int(np.ceil(y.max())) + half - top + 1
    if max(width, height) > _LARGEST_GROUND_WINDOW:
        raise invalid(f"one of its blocks covers {width} x {height} pixels of the source")
    values = _read_around(source, Window(left, top, width, height))
    sums = np.pad(values.cumsum(axis=1).cumsum(axis=2), ((0, 0), (1, 0), (1, 0)))
    column, row = np.rint(x).astype(int) - left, np.rint(y).astype(int) - top
    low_row, high_row, low_column, high_column = row - half, row + half, column - half, column + half
    total = (
        sums[:, high_row, high_column]
        - sums[:, low_row, high_column]
        - sums[:, high_row, low_column]
        + sums[:, low_row, low_column]
    )
    means = total / (2 * half) ** 2
    return means[:-1], np.rint(means[-1] * (2 * half) ** 2) / (2 * half) ** 2


def _read_around(source: DatasetReader, window: Window) -> Cells:
    """Bands and, last, validity of a window that may reach beyond the source or lie beside it; 0 where not valid."""
    bands = source.count - (1 if alpha_band(source) else 0)
    values = np.zeros((bands + 1, window.height, window.width))
    whole = Window(0, 0, source.width, source.height)
    if not intersect([window, whole]):
        return values
    inside = window.intersection(whole)
    sample = read_sample(source, inside)
    row, column = inside.row_off - window.row_off, inside.col_off - window.col_off
    part = values[:, row : row + inside.height, column : column + inside.width]
    part[:-1] = np.where(sample.valid, sample.values, 0)
    part[-1] = sample.valid
    return values


def _bounded(error: float, where: str) -> float:
    if error > _LOSSY_MEAN_ERROR:
        raise invalid(f"its pixels are {error:.1f} grey levels off on average at {where}", mean_error=error)
    return error


def _place(window: Window) -> str:
    return f"column {window.col_off}, row {window.row_off}"
