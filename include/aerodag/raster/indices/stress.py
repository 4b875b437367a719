"""Where a field is poor: 10 x 10 cells over its bounding box, each with its mean and how bad that is."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise, product
from typing import Any

import numpy as np
import numpy.typing as npt
from pyproj import Transformer
from rasterio.io import DatasetReader
from rasterio.windows import Window
from shapely.geometry import Polygon, mapping
from shapely.geometry.polygon import orient

from aerodag.raster.indices.expression import Floats
from aerodag.raster.indices.table import Index, Numbers

SIDE = 10
STRESSED = 0.3
_BINS = 512
_ENOUGH = 0.1
_CONTRAST = 0.25
_BEST = 95


@dataclass(frozen=True, slots=True)
class StressCell:
    """One cell, ``row`` and ``col`` from 0 at the raster's first row and column, ``footprint`` GeoJSON in WGS84.

    ``valid_share`` is the share of its pixels that have a value; below 0.1, ``mean`` and ``severity`` are None.
    """

    row: int
    col: int
    mean: float | None
    valid_share: float
    severity: float | None
    footprint: dict[str, Any]

    @property
    def stressed(self) -> bool:
        """Is it a stress zone."""
        return self.severity is not None and self.severity > STRESSED


class Bins:
    """Counts and sums of a raster's pixels in at most 512 x 512 squares, out of which any cells can be put together.

    The bounding box of the valid pixels is only known when all were met; the squares are what is remembered till then.
    """

    def __init__(self, width: int, height: int) -> None:
        self.width, self.height = width, height
        self.pixels = max(1, -(-max(width, height) // _BINS))
        shape = (-(-height // self.pixels), -(-width // self.pixels))
        self.counts: npt.NDArray[np.int64] = np.zeros(shape, dtype=np.int64)
        self.sums: npt.NDArray[np.float64] = np.zeros(shape, dtype=np.float64)

    def add(self, window: Window, valid: npt.NDArray[np.bool_], values: Floats | None = None) -> None:
        """Take in a window: which pixels are valid, and their values where sums are wanted."""
        rows, columns = self._starts(window.row_off, window.height), self._starts(window.col_off, window.width)
        top, left = window.row_off // self.pixels, window.col_off // self.pixels
        place = (slice(top, top + rows.size), slice(left, left + columns.size))
        self.counts[place] += _squares(valid, rows, columns, np.int64)
        if values is not None:
            self.sums[place] += _squares(np.where(valid, values, np.float32(0)), rows, columns, np.float64)

    def _starts(self, offset: int, length: int) -> npt.NDArray[np.int64]:
        following = np.arange((offset // self.pixels + 1) * self.pixels, offset + length, self.pixels) - offset
        return np.concatenate([[0], following]).astype(np.int64)

    def edges(self) -> tuple[list[int], list[int]]:
        """Edges (in squares) of the rows and columns of cells over the bounding box of the counted pixels."""
        rows, columns = np.flatnonzero(self.counts.any(axis=1)), np.flatnonzero(self.counts.any(axis=0))
        if rows.size == 0:
            return [], []
        return _divided(rows), _divided(columns)


def reference(index: Index, numbers: Numbers, means: Sequence[float]) -> float | None:
    """The value of unstressed vegetation: with reflectance the index's limit of dense vegetation.

    Without, the 95th percentile of the field's own cells (after Holland & Schepers 2013, virtual reference), because
    the limits do not hold for the numbers of a camera; None where even that is hardly above bare ground.
    """
    bare, dense = index.limits[0], index.limits[-1]
    if numbers is Numbers.REFLECTANCE:
        return dense
    best = float(np.percentile(means, _BEST)) if means else bare
    return best if best - bare >= _CONTRAST * (dense - bare) else None


def severity(mean: float | None, bare: float, healthy: float | None) -> float | None:
    """(healthy - mean) / (healthy - bare), cut to 0..1: 0 as good as unstressed vegetation, 1 as bare ground."""
    if mean is None or healthy is None:
        return None
    return min(1.0, max(0.0, (healthy - mean) / (healthy - bare)))


def stress_grid(
    dataset: DatasetReader, index: Index, numbers: Numbers, footprint: Bins, found: Bins
) -> tuple[float | None, tuple[StressCell, ...]]:
    """What the severities are measured against, and the cells, row by row.

    They are fewer than 100 only where the bounding box has fewer than ten pixels along a side.
    """
    bare = index.limits[0]
    cells = tuple(_cells(dataset, footprint, found))
    healthy = reference(index, numbers, [cell.mean for cell in cells if cell.mean is not None])
    return healthy, tuple(replace(cell, severity=severity(cell.mean, bare, healthy)) for cell in cells)


def _cells(dataset: DatasetReader, footprint: Bins, found: Bins) -> Iterator[StressCell]:
    """The cells without their severity."""
    rows, columns = footprint.edges()
    to_degrees = Transformer.from_crs(dataset.crs.to_wkt(), "EPSG:4326", always_xy=True)
    for (row, (top, bottom)), (column, (left, right)) in product(
        enumerate(pairwise(rows)), enumerate(pairwise(columns))
    ):
        if top == bottom or left == right:
            continue
        square = (slice(top, bottom), slice(left, right))
        y0, y1 = (min(edge * found.pixels, found.height) for edge in (top, bottom))
        x0, x1 = (min(edge * found.pixels, found.width) for edge in (left, right))
        count = int(found.counts[square].sum())
        share = count / ((y1 - y0) * (x1 - x0))
        mean = float(found.sums[square].sum()) / count if share >= _ENOUGH else None
        ring = [dataset.transform @ corner for corner in ((x0, y0), (x0, y1), (x1, y1), (x1, y0))]
        outline = orient(Polygon([to_degrees.transform(x, y) for x, y in ring]))
        yield StressCell(row, column, mean, share, None, mapping(outline))


def _divided(occupied: npt.NDArray[np.int64]) -> list[int]:
    return [int(edge) for edge in np.rint(np.linspace(occupied[0], occupied[-1] + 1, SIDE + 1))]


def _squares(
    values: npt.NDArray[Any], rows: npt.NDArray[np.int64], columns: npt.NDArray[np.int64], dtype: type[np.generic]
) -> npt.NDArray[Any]:
    return np.add.reduceat(np.add.reduceat(values, columns, axis=1, dtype=dtype), rows, axis=0)
