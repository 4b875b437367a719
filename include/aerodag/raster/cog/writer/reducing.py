"""Half the resolution: what one pixel of an overview shows of the ground under it.

An overview has half the pixels, rounded up, over the same ground. Of an odd number each covers a little less than two,
so that the ground of pixel i begins up to one pixel before pixel 2 i. It is taken as a blend of two plain halvings, one
of them shifted by a pixel.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

# Of NumPy's types those that OpenCV can average: several times faster than NumPy itself.
_OPENCV_TYPES = frozenset("BHhfd")
_WEIGHTLESS = 0.01

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
    def shift(self) -> npt.NDArray[np.float32] | None:
        """How far the ground of each pixel begins before twice its number, in finer pixels; None where it does not."""
        if self.length % 2 == 0 or self.length == 1:
            return None
        count = -(-self.length // 2)
        return (np.arange(self.start, self.stop) * (2 - self.length / count)).astype(np.float32)


def halve(tile: Tile, down: Span, across: Span, nodata: float | None) -> Tile:
    """The mean of the valid pixels under each, of alpha too: GDAL's AVERAGE, where one valid pixel makes a valid one.

    What has no valid pixel under it is nodata, else NaN of floats and 0 of integers.
    """
    halved = [
        (_outer(one, other), _means(_window(tile, (first, second), (down, across)), nodata))
        for first, one in _offsets(down)
        for second, other in _offsets(across)
    ]
    return halved[0][1] if len(halved) == 1 else _blend(halved, nodata)


def pick(tile: Tile, down: Span, across: Span) -> Tile:
    """The most frequent of four classes, the first of them where all differ: classes have no mean."""
    best: Tile | None = None
    heaviest: Array | None = None
    for first, one in _offsets(down):
        for second, other in _offsets(across):
            weight, found = _outer(one, other), _modes(_window(tile, (first, second), (down, across)))
            if best is None or heaviest is None:
                best, heaviest = found, weight
                continue
            better = weight > heaviest
            values = np.where(better[..., np.newaxis], found.values, best.values)
            valid = None if best.valid is None or found.valid is None else np.where(better, found.valid, best.valid)
            best, heaviest = Tile(values, valid), np.maximum(weight, heaviest)
    return best if best is not None else tile


def _offsets(span: Span) -> list[tuple[int, Array]]:
    """Plain halvings to blend: at which finer pixel each begins, before the pixel 2 * start, and its weights."""
    shift = span.shift
    if shift is None:
        return [(0, np.ones(span.stop - span.start, dtype=np.float32))]
    return [(0, 1 - shift), (1, shift)]


def _outer(down: Array, across: Array) -> Array:
    return np.multiply.outer(down, across)


def _window(tile: Tile, before: tuple[int, int], spans: tuple[Span, Span]) -> Tile:
    """An even number of finer pixels, the last or the first repeated where there are none any more."""
    values, valid = tile.values, tile.valid
    for axis, (early, span) in enumerate(zip(before, spans, strict=True)):
        start, size = span.margin - early, 2 * (span.stop - span.start)
        lines = np.arange(start, start + size)
        if lines[0] >= 0 and lines[-1] < values.shape[axis]:
            window = slice(start, start + size)
            values = values[window] if axis == 0 else values[:, window]
            valid = None if valid is None else (valid[window] if axis == 0 else valid[:, window])
        else:
            inside = np.clip(lines, 0, values.shape[axis] - 1)
            values = np.take(values, inside, axis=axis)
            valid = None if valid is None else np.take(valid, inside, axis=axis)
    return Tile(values, valid)


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


def _modes(tile: Tile) -> Tile:
    a, b, c, d = (tile.values[row::2, column::2] for row in (0, 1) for column in (0, 1))
    values = np.where((b == c) | (b == d), b, np.where(c == d, c, a))
    values = np.where((a == b) | (a == c) | (a == d), a, values)
    if tile.valid is None:
        return Tile(values, None)
    return Tile(values, np.logical_or.reduce([tile.valid[row::2, column::2] for row in (0, 1) for column in (0, 1)]))


def _blend(halved: list[tuple[Array, Tile]], nodata: float | None) -> Tile:
    """Plain halvings by their weights, each only where it is valid."""
    kind = halved[0][1].values.dtype
    total: Array = np.zeros(halved[0][1].values.shape, dtype=_wide_type(kind))
    whole = all(tile.valid is None for _, tile in halved)
    sums: Array = np.zeros((*total.shape[:2], 1), dtype=np.float32)
    for weight, tile in halved:
        weights = weight[..., np.newaxis]
        if tile.valid is not None:
            valid = tile.valid if tile.valid.ndim == 3 else tile.valid[..., np.newaxis]
            weights = np.where(valid & (weights > _WEIGHTLESS), weights, 0)
        total += np.where(weights > 0, tile.values, 0) * weights
        sums = sums + weights
    if whole:
        return Tile(_typed(total, kind), None)
    seen = sums > 0
    values = _marked(_typed(total / np.where(seen, sums, 1), kind), seen, nodata)
    by_band = any(tile.valid is not None and tile.valid.ndim == 3 for _, tile in halved)
    return Tile(values, np.broadcast_to(seen, values.shape).copy() if by_band else seen[..., 0])


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
