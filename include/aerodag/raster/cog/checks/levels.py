"""Overviews: their sizes, and their values against the full resolution they were made from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader
from rasterio.windows import Window

from aerodag.raster.cog.checks.failing import invalid
from aerodag.raster.cog.checks.pixels import require_alike
from aerodag.raster.cog.checks.sampling import Sample, read_sample, windows_around
from aerodag.raster.cog.profiles import CogProfile
from aerodag.raster.gdal import validity

_WHOLE = 1 - 1e-6
_UNLIKE_BORDER = 0.02
_DEEPER_SAMPLES = 2
Numbers = npt.NDArray[np.float64]
Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class _Band:
    """A band's values and its integrals from the upper left corner: of the values, invalid as 0, and of validity."""

    values: npt.NDArray[np.generic]
    integral: Numbers
    valid: Numbers


@dataclass(frozen=True, slots=True)
class _Ground:
    """A window of one level, (width, height) of that level, its bands, and the integral of validity in any band."""

    window: Window
    size: Size
    bands: tuple[_Band, ...]
    valid: Numbers


@dataclass(frozen=True, slots=True)
class _Part:
    """The overview pixels whose ground lies wholly inside a sample; edges in full pixels from the sample's corner."""

    window: Window
    down: Numbers
    across: Numbers

    def means(self, integral: Numbers) -> Numbers:
        """(rows, columns) of the means over each pixel's ground, fractions of full pixels weighed."""
        sums = _at_edges(_at_edges(integral, self.down).T, self.across).T
        result: Numbers = sums / np.diff(self.down)[:, np.newaxis] / np.diff(self.across)
        return result


_Comparison = Callable[[_Band, npt.NDArray[Any], _Part, str], None]


def check_overviews(path: Path, samples: list[Sample], profile: CogProfile) -> tuple[int, ...]:
    """Every level halves the one before down to one block, and shows the mean (classes: one) of what it stands for.

    ``samples`` are of the full resolution, on the grid of the COG; the first overview is compared with them and each
    further one with the one before. Compared are pixels whose ground is all valid; where it is all invalid, they are.
    Returns the factors.
    """
    with rasterio.open(path) as result:
        factors = tuple(result.overviews(1))
        size, nodata = (result.width, result.height), result.nodata
    middles = _middles(samples, size)[:_DEEPER_SAMPLES]
    compare = _compare_means if profile.lossless else _compare_patches
    for index in range(len(factors)):
        grounds = [_ground(sample, size, nodata) for sample in samples]
        with rasterio.open(path, OVERVIEW_LEVEL=index) as level:
            now = (level.width, level.height)
            if any(abs(2 * small - large) > 1 and small != 1 for small, large in zip(now, size, strict=True)):
                raise invalid(f"overview {index} has {now[0]} x {now[1]} pixels below {size[0]} x {size[1]}")
            for ground in grounds:
                _compare(level, ground, nodata, compare, f"overview {index}")
            points = [(x * now[0], y * now[1]) for x, y in middles]
            samples = [read_sample(level, window, nodata) for window in windows_around(level, points)]
            coarsest = index == len(factors) - 1
            if coarsest and any(sample.valid.any() for sample in samples) and not validity(level).any():
                raise invalid("its coarsest overview is empty")
        size = now
    if max(size) > profile.block:
        raise invalid(f"its coarsest level has {size[0]} x {size[1]} pixels, more than a block")
    return factors


def overview_edges(start: int, length: int, full: int, small: int) -> tuple[int, Numbers]:
    """The first overview pixel that lies wholly inside [start, start + length), and the edges of all that do.

    Edges are in full pixels from ``start``; there is one more of them than of overview pixels.
    """
    ratio = full / small
    first, last = int(np.ceil(start / ratio - 1e-9)), int(np.floor((start + length) / ratio + 1e-9))
    return first, np.clip(np.arange(first, max(first, last) + 1) * ratio - start, 0, length)


def _compare(level: DatasetReader, ground: _Ground, nodata: float | None, compare: _Comparison, name: str) -> None:
    window = ground.window
    column, across = overview_edges(window.col_off, window.width, ground.size[0], level.width)
    row, down = overview_edges(window.row_off, window.height, ground.size[1], level.height)
    if across.size < 2 or down.size < 2:
        return
    part = _Part(Window(column, row, across.size - 1, down.size - 1), down, across)
    found = read_sample(level, part.window, nodata)
    where = f"{name}, column {column}, row {row}"
    share = part.means(ground.valid)
    unlike = ((share >= _WHOLE) & ~found.valid) | ((share <= 1 - _WHOLE) & found.valid)
    if unlike.mean() > _UNLIKE_BORDER:
        raise invalid(f"{unlike.mean():.0%} of {where} is valid in one and not in the other")
    if level.colorinterp[0] is ColorInterp.palette:
        _compare_classes(ground.bands[0], found, part, where)
        return
    for band, shown in zip(ground.bands, found.values, strict=True):
        compare(band, shown, part, where)


def _compare_patches(band: _Band, shown: npt.NDArray[Any], part: _Part, where: str) -> None:
    whole = part.means(band.valid) >= _WHOLE
    expected = part.means(band.integral)
    require_alike(expected[np.newaxis], shown[np.newaxis], whole, where)


def _compare_means(band: _Band, shown: npt.NDArray[Any], part: _Part, where: str) -> None:
    whole = part.means(band.valid) >= _WHOLE
    if not whole.any():
        return
    expected = part.means(band.integral)[whole]
    error = float(np.abs(expected - _real(shown)[whole]).mean())
    precision = 1e-5 if band.values.dtype.kind in "fc" else 1e-12
    rounding = 0.0 if band.values.dtype.kind in "fc" else 1.0
    if not error <= rounding + precision * float(np.abs(expected).max()):
        raise invalid(f"{where} is {error:.3g} off the mean of its ground on average", mean_error=error)


def _compare_classes(band: _Band, found: Sample, part: _Part, where: str) -> None:
    shown, whole = found.values[0], part.means(band.valid) >= _WHOLE
    strange = 0
    for value in np.unique(shown[whole]):
        share = part.means(_integral(band.values == value))
        strange += int(((shown == value) & whole & (share <= 0)).sum())
    if strange > _UNLIKE_BORDER * whole.sum():
        raise invalid(f"{strange} pixels of {where} are of a class that their ground has not")


def _middles(samples: list[Sample], size: Size) -> list[tuple[float, float]]:
    """Of the samples, as shares of width and height, so that they fit every level."""
    windows = [sample.window for sample in samples]
    return [
        ((window.col_off + window.width / 2) / size[0], (window.row_off + window.height / 2) / size[1])
        for window in windows
    ]


def _ground(sample: Sample, size: Size, nodata: float | None) -> _Ground:
    valid = _integral(sample.valid)
    bands = []
    for values in sample.values:
        solid = _solid(values, nodata)
        used = sample.valid if solid is None else sample.valid & solid
        share = valid if solid is None else _integral(used)
        bands.append(_Band(values, _integral(np.where(used, _real(values), 0)), share))
    return _Ground(sample.window, size, tuple(bands), valid)


def _solid(values: npt.NDArray[np.generic], nodata: float | None) -> npt.NDArray[np.bool_] | None:
    """Pixels with a value in this band, None where all have one: GDAL leaves the others out of its means."""
    if values.dtype.kind in "fc":
        return np.asarray(np.isfinite(values) & (values != nodata))
    return None if nodata is None else np.asarray(values != nodata)


def _real(values: npt.NDArray[np.generic]) -> npt.NDArray[Any]:
    return values.real if values.dtype.kind == "c" else values


def _integral(values: npt.NDArray[np.generic]) -> Numbers:
    """Sums of all that is above and left, one row and one column larger than the values.

    Running sums, not products of matrices: those would wake BLAS threads, which cost more where other work has the
    cores.
    """
    integral = np.zeros((values.shape[0] + 1, values.shape[1] + 1))
    np.cumsum(values, axis=0, dtype=np.float64, out=integral[1:, 1:])
    np.cumsum(integral[:, 1:], axis=1, out=integral[:, 1:])
    return integral


def _at_edges(integral: Numbers, edges: Numbers) -> Numbers:
    """Differences between successive edges along the first axis, linear between whole pixels."""
    below = np.minimum(edges.astype(int), len(integral) - 2)
    part = (edges - below)[:, np.newaxis]
    result: Numbers = np.diff(integral[below] * (1 - part) + integral[below + 1] * part, axis=0)
    return result
