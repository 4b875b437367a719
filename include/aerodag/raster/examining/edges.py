"""Collars that nobody declared: one value filled in from the margin inwards, told from the same value inside."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader
from rasterio.windows import Window

from aerodag.raster.gdal import Mask, sample, validity, value_bands

Array = npt.NDArray[Any]
Flags = npt.NDArray[np.bool_]
Labels = npt.NDArray[np.int32]
Place = tuple[int, int]

_LOSSY = frozenset({"JPEG", "WEBP", "LERC", "JXL"})
_LOSSY_TOLERANCE = 8
_RING_SHARE = 0.1
_SEGMENT = 256
_SEGMENTS = 64
_FLOAT_MAX = float(np.finfo(np.float32).max)
_FILLS: dict[str, tuple[float, ...]] = {
    "uint8": (0, 255),
    "uint16": (0, 65535),
    "uint32": (0, 2**32 - 1),
    "int8": (0, -128),
    "int16": (0, -9999, -10000, -32767, -32768, 32767),
    "int32": (0, -9999, -10000, -32767, -32768, -99999, -(2**31), 2**31 - 1),
    "float": (0, -9999, -10000, -32767, -32768, -99999, _FLOAT_MAX, -_FLOAT_MAX),
}


def edge_fill(dataset: DatasetReader, values: Array, valid: Mask) -> tuple[float, ...] | None:
    """The value of every band but alpha that fills the margin without being declared, None where there is none.

    ``values`` (bands, rows, columns) and ``valid`` are a decimated read of the bands but alpha. A fill is black, white
    or one of the usual numbers for "nothing"; it has to reach a corner and make up a tenth of the margin. Where the
    raster itself says of a pixel on the margin that it is invalid, nothing is looked for.
    """
    inside = _ring(valid[np.newaxis])[0]
    if not inside.all():
        return None
    ring = np.concatenate([_ring(values), *_sides(dataset)], axis=1)
    corners = values[:, [0, 0, -1, -1], [0, -1, 0, -1]]
    tolerance = tolerance_of(dataset)
    shares = {
        fill: float(_same(ring, [fill] * len(ring), tolerance).mean())
        for fill in _candidates(dataset)
        if _same(corners, [fill] * len(ring), tolerance).any()
    }
    best = max(shares, key=lambda fill: shares[fill], default=None)
    return None if best is None or shares[best] < _RING_SHARE else (float(best),) * len(ring)


def tolerance_of(dataset: DatasetReader) -> float:
    """By how much a fill may be off, in source units: lossy codecs blur it, all others keep it exactly."""
    lossless = dataset.tags(ns="IMAGE_STRUCTURE").get("COMPRESSION_REVERSIBILITY") == "LOSSLESS"
    lossy = dataset.compression is not None and dataset.compression.value.upper() in _LOSSY and not lossless
    return _LOSSY_TOLERANCE if lossy and dataset.dtypes[0] == "uint8" else 0


def connected_fill(values: Array, fill: Sequence[float], tolerance: float = 0) -> Flags:
    """Pixels of a whole raster (bands, rows, columns) that hold ``fill`` and touch the margin, by their sides."""
    labels, count = _label(_same(values, fill, tolerance))
    keep = np.zeros(count + 1, dtype=np.bool_)
    keep[_ring(labels[np.newaxis])[0]] = True
    keep[0] = False
    return np.asarray(keep[labels])


def shown(dataset: DatasetReader, fill: tuple[float, ...] | None, shape: tuple[int, int]) -> Mask:
    """Validity 0..255 decimated to ``shape``, an undeclared ``fill`` of the margin taken for invalid as well."""
    if fill is None:
        return validity(dataset, shape=shape)
    values, mask = sample(dataset, shape)
    return without_collar(values, mask, fill, tolerance_of(dataset))


def without_collar(values: Array, mask: Mask, fill: tuple[float, ...] | None, tolerance: float) -> Mask:
    """Validity less the margin's ``fill``, of a whole raster that was read decimated."""
    if fill is None:
        return mask
    return np.where(connected_fill(values, fill, tolerance), 0, mask).astype(np.uint8)


class Collar:
    """A fill at full resolution, found window by window in constant memory; the result is exact.

    The first pass labels every window and joins the labels that meet at borders of windows; afterwards ``of`` labels
    one window again and knows which of its parts hang together with the margin.
    """

    def __init__(
        self,
        windows: Sequence[Window],
        read: Callable[[Window], Array],
        shape: tuple[int, int],
        fill: tuple[float, ...],
        tolerance: float,
    ) -> None:
        self._fill, self._tolerance, self._shape = fill, tolerance, shape
        self._parents: dict[int, int] = {0: 0}
        self._next = 1
        self._kept: dict[Place, Labels] = {}
        self._flood(windows, read)

    def of(self, window: Window, values: Array) -> Flags | None:
        """Pixels of the collar in a window whose ``values`` were read; None where it does not reach."""
        kept = self._kept.get(_place(window))
        if kept is None:
            return None
        labels, count = _label(_same(values, self._fill, self._tolerance))
        keep = np.zeros(count + 1, dtype=np.bool_)
        keep[kept] = True
        return np.asarray(keep[labels])

    def _flood(self, windows: Sequence[Window], read: Callable[[Window], Array]) -> None:
        nodes: dict[Place, dict[int, int]] = {}
        above = np.zeros(self._shape[1], dtype=np.int64)
        left = np.zeros(0, dtype=np.int64)
        for window in windows:
            column, width = int(window.col_off), int(window.width)
            if column == 0:
                left = np.zeros(int(window.height), dtype=np.int64)
            labels, _ = _label(_same(read(window), self._fill, self._tolerance))
            on_border = [int(label) for label in np.unique(_ring(labels[np.newaxis])) if label]
            nodes[_place(window)] = found = {label: self._new() for label in on_border}
            names = np.zeros(max(on_border, default=0) + 1, dtype=np.int64)
            names[list(found)] = list(found.values())
            sides = _named_sides(labels, names)
            self._join_margin(window, sides)
            self._join(sides[0], above[column : column + width])
            self._join(sides[2], left)
            above[column : column + width] = sides[1]
            left = sides[3]
        for place, found in nodes.items():
            kept = [label for label, node in found.items() if self._root(node) == 0]
            if kept:
                self._kept[place] = np.array(kept, dtype=np.int32)

    def _join_margin(self, window: Window, sides: Sequence[npt.NDArray[np.int64]]) -> None:
        rows, columns = self._shape
        on_margin = (
            window.row_off == 0,
            window.row_off + window.height == rows,
            window.col_off == 0,
            window.col_off + window.width == columns,
        )
        for outside, side in zip(on_margin, sides, strict=True):
            if outside:
                for node in np.unique(side[side > 0]):
                    self._union(int(node), 0)

    def _join(self, one: npt.NDArray[np.int64], other: npt.NDArray[np.int64]) -> None:
        meeting = (one > 0) & (other > 0)
        for a, b in np.unique(np.stack([one[meeting], other[meeting]]), axis=1).T:
            self._union(int(a), int(b))

    def _new(self) -> int:
        node = self._next
        self._parents[node] = node
        self._next += 1
        return node

    def _root(self, node: int) -> int:
        while (parent := self._parents[node]) != node:
            self._parents[node] = self._parents[parent]
            node = parent
        return node

    def _union(self, one: int, other: int) -> None:
        low, high = sorted((self._root(one), self._root(other)))
        self._parents[high] = low


def _label(flags: Flags) -> tuple[Labels, int]:
    if not flags.any():
        return np.zeros(flags.shape, dtype=np.int32), 0
    from scipy import ndimage  # slow to load, and rarely needed

    labels, count = ndimage.label(flags)
    return labels, int(count)


def _same(values: Array, fill: Sequence[float], tolerance: float) -> Flags:
    """Where every band holds its fill; the first axis is bands."""
    result = np.ones(values.shape[1:], dtype=np.bool_)
    for band, value in zip(values, fill, strict=True):
        if tolerance:
            result &= np.abs(band.astype(np.float32) - np.float32(value)) <= tolerance
        else:
            result &= band == band.dtype.type(value)
    return result


def _ring(values: Array) -> Array:
    """The outermost pixels of (bands, rows, columns) as (bands, n)."""
    return np.concatenate([values[:, 0], values[:, -1], values[:, :, 0], values[:, :, -1]], axis=1)


def _named_sides(labels: Labels, names: npt.NDArray[np.int64]) -> tuple[npt.NDArray[np.int64], ...]:
    """Top, bottom, left and right border of a window, labels replaced by the names of their nodes."""
    return names[labels[0]], names[labels[-1]], names[labels[:, 0]], names[labels[:, -1]]


def _place(window: Window) -> Place:
    return int(window.row_off), int(window.col_off)


def _sides(dataset: DatasetReader) -> Iterator[Array]:
    """Pieces of the outermost rows and columns at full resolution: a thin collar is lost in a decimated read."""
    rows, columns = dataset.shape
    bands = value_bands(dataset)
    for column in _starts(columns):
        for row in (0, rows - 1):
            yield dataset.read(bands, window=Window(column, row, min(_SEGMENT, columns - column), 1))[:, 0]
    if dataset.block_shapes[0][1] == columns and rows > _SEGMENT * _SEGMENTS:
        return  # strips this many would all have to be decoded
    for row in _starts(rows):
        for column in (0, columns - 1):
            yield dataset.read(bands, window=Window(column, row, 1, min(_SEGMENT, rows - row)))[:, :, 0]


def _starts(length: int) -> list[int]:
    if length <= _SEGMENT * _SEGMENTS:
        return list(range(0, length, _SEGMENT))
    return [int(start) for start in np.linspace(0, length - _SEGMENT, _SEGMENTS)]


def _candidates(dataset: DatasetReader) -> tuple[float, ...]:
    dtypes = {dataset.dtypes[index - 1] for index in value_bands(dataset)}
    if len(dtypes) != 1:
        return ()
    (dtype,) = dtypes
    fills = _FILLS.get("float" if dtype.startswith("float") else dtype, ())
    if dataset.colorinterp[0] is not ColorInterp.palette:
        return fills
    table = dataset.colormap(1)
    return tuple(fill for fill in fills if table.get(int(fill), (1,))[:3] in ((0, 0, 0), (255, 255, 255)))
