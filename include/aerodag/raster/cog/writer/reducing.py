"""Half the resolution: what one pixel of an overview shows of the ground under it.

An overview has half the pixels, rounded up, over the same ground. Of an odd number each covers a little less than two,
so that the ground of pixel i begins up to one pixel before pixel 2 i, and parts of three pixels count.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

# Of NumPy's types those that OpenCV can average: several times faster than NumPy itself.
_OPENCV_TYPES = frozenset("BHhfd")
_WEIGHTLESS = 1e-3

Array = npt.NDArray[Any]
Valid = npt.NDArray[np.bool_] | None


@dataclass(frozen=True, slots=True)
class Tile:
    """Pixels (rows, columns, bands) and which are valid, (rows, columns) or by band; None: every one."""

    values: Array
    valid: Valid

    @property
    def empty(self) -> bool:
        """Nothing to see."""
        return self.valid is not None and not self.valid.any()


@dataclass(frozen=True, slots=True)
class Span:
    """The pixels [start, stop) of an overview along one axis of a finer level with ``length`` pixels."""

    start: int
    stop: int
    length: int

    @property
    def margin(self) -> int:
        """Finer pixels that are needed before pixel 2 * start."""
        return 1 if self.length % 2 and self.start else 0

    @property
    def lines(self) -> range:
        """Finer pixels that are needed."""
        return range(2 * self.start - self.margin, min(2 * self.stop, self.length))

    @property
    def weights(self) -> npt.NDArray[np.float32] | None:
        """(pixels, 3): shares of the finer pixels 2 i - 1, 2 i and 2 i + 1; None where each covers exactly two."""
        if self.length % 2 == 0:
            return None
        count = -(-self.length // 2)
        less = 2 - self.length / count
        before = np.arange(self.start, self.stop) * less
        parts = np.stack([before, np.ones_like(before), 1 - before - less], axis=1)
        return np.asarray(np.clip(parts / (2 - less), 0, 1), dtype=np.float32)


def halve(tile: Tile, down: Span, across: Span, nodata: float | None) -> Tile:
    """The mean of the valid pixels under each, of alpha too: GDAL's AVERAGE, where one valid pixel makes a valid one.

    What has no valid pixel under it is nodata, else NaN of floats and 0 of integers.
    """
    if down.weights is None and across.weights is None:
        return _means(tile, nodata)
    kind = tile.values.dtype
    if tile.valid is None:
        return Tile(_typed(_weighed(tile.values, down, across), kind), None)
    valid = tile.valid if tile.valid.ndim == 3 else tile.valid[..., np.newaxis]
    share = _weighed(valid.astype(np.float32), down, across)
    seen = share > _WEIGHTLESS
    kept = np.where(valid, tile.values, kind.type(0))
    values = _typed(_weighed(kept, down, across) / np.where(seen, share, 1), kind)
    return Tile(_marked(values, seen, nodata), seen if tile.valid.ndim == 3 else seen[..., 0])


def pick(tile: Tile, down: Span, across: Span) -> Tile:
    """The most frequent of the four classes that cover the most, the first where all differ: classes have no mean."""
    rows, columns = (_two_of_three(span, size) for span, size in zip((down, across), tile.values.shape, strict=False))
    a, b, c, d = (tile.values[np.ix_(row, column)] for row in rows for column in columns)
    values = np.where((b == c) | (b == d), b, np.where(c == d, c, a))
    values = np.where((a == b) | (a == c) | (a == d), a, values)
    if tile.valid is None:
        return Tile(values, None)
    parts = [tile.valid[np.ix_(row, column)] for row in rows for column in columns]
    return Tile(values, np.logical_or.reduce(parts))


def _two_of_three(span: Span, size: int) -> tuple[Array, Array]:
    """Of the finer pixels under each pixel the two that it covers most."""
    middle = 2 * np.arange(span.stop - span.start) + span.margin
    weights = span.weights
    other = middle + 1 if weights is None else np.where(weights[:, 0] > weights[:, 2], middle - 1, middle + 1)
    return middle, np.clip(other, 0, size - 1)


def _weighed(values: Array, down: Span, across: Span) -> Array:
    """Means over the exact ground of each pixel, in a wide type."""
    return _along(_along(values, down, 0), across, 1)


def _along(values: Array, span: Span, axis: int) -> Array:
    wide = _wide_type(values.dtype)
    weights = span.weights
    count, size = span.stop - span.start, values.shape[axis]
    if weights is None:
        first, second = _every_other(values, axis, 0, count), _every_other(values, axis, 1, count)
        return np.asarray(np.add(first, second, dtype=wide) * wide(0.5))
    early, late = 1 - span.margin, 2 * count + span.margin - size
    if early or late > 0:
        margin = [(0, 0)] * values.ndim
        margin[axis] = (early, max(late, 0))
        values = np.pad(values, margin, mode="edge")
    shape = [1] * values.ndim
    shape[axis] = -1
    parts = (
        _every_other(values, axis, step, count) * weights[:, step].astype(wide).reshape(shape) for step in range(3)
    )
    return np.asarray(next(parts) + next(parts) + next(parts))


def _every_other(values: Array, axis: int, first: int, count: int) -> Array:
    window = slice(first, first + 2 * count - 1, 2)
    return values[window] if axis == 0 else values[:, window]


def _means(tile: Tile, nodata: float | None) -> Tile:
    """Of every two by two pixels; only those with some valid and some not are looked at one by one."""
    plain = _plain_means(tile.values)
    if tile.valid is None:
        return Tile(plain, None)
    counts = _plain_means(np.multiply(tile.valid, 4, dtype=np.uint8).reshape(*tile.values.shape[:2], -1))
    seen = counts > 0
    some = np.nonzero(seen & (counts < 4))
    if some[0].size:
        _mend(plain, tile, counts, some)
    return Tile(_marked(plain, seen, nodata), seen if tile.valid.ndim == 3 else seen[..., 0])


def _mend(means: Array, tile: Tile, counts: Array, some: tuple[Array, ...]) -> None:
    """The means of those pixels anew, of the valid ones under them only."""
    valid = tile.valid if tile.valid is not None else np.ones(tile.values.shape[:2], dtype=bool)
    rows, columns, bands = some
    by_band = valid.ndim == 3
    total: Array = np.zeros((rows.size,) if by_band else (rows.size, means.shape[2]), dtype=_wide_type(means.dtype))
    for down in (0, 1):
        for across in (0, 1):
            place = (2 * rows + down, 2 * columns + across)
            if by_band:
                total += np.where(valid[(*place, bands)], tile.values[(*place, bands)], 0)
            else:
                total += np.where(valid[place][:, np.newaxis], tile.values[place], 0)
    count = counts[some] if by_band else counts[some][:, np.newaxis]
    mended = _typed(total / count, means.dtype)
    means[some if by_band else (rows, columns)] = mended


def _plain_means(values: Array) -> Array:
    rows, columns, bands = values.shape[0] // 2, values.shape[1] // 2, values.shape[2]
    if values.dtype.char in _OPENCV_TYPES:
        import cv2

        means: Array = cv2.resize(values, (columns, rows), interpolation=cv2.INTER_AREA)
        return means.reshape(rows, columns, bands)
    wide = values.astype(_wide_type(values.dtype)).reshape(rows, 2, columns, 2, bands)
    return _typed(wide.mean(axis=(1, 3)), values.dtype)


def _wide_type(dtype: np.dtype[Any]) -> type[np.generic]:
    """A type in which sums of four lose nothing that would show."""
    if dtype.kind == "c":
        return np.complex128
    return np.float32 if dtype.itemsize <= 2 or dtype == np.float32 else np.float64


def _typed(means: Array, dtype: np.dtype[Any]) -> Array:
    if dtype.kind in "fc" or means.dtype == dtype:
        return means.astype(dtype, copy=False)
    limits = np.iinfo(dtype)
    return np.clip(np.rint(means), limits.min, limits.max).astype(dtype)


def _marked(values: Array, seen: Array, nodata: float | None) -> Array:
    """Nothing seen is nodata, and nothing else is."""
    kind = values.dtype
    fill = kind.type(nodata) if nodata is not None else kind.type(np.nan if kind.kind == "f" else 0)
    if nodata is not None and not np.isnan(nodata):
        upward = kind.kind != "f" and fill < np.iinfo(kind).max
        other = np.nextafter(fill, kind.type(0)) if kind.kind == "f" else kind.type(fill + 1 if upward else fill - 1)
        values = np.where((values == fill) & seen, other, values)
    return np.where(seen, values, fill)
