"""Where a raster holds valid pixels: their share in each cell of a small grid, in bounded memory at any size."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio.io import DatasetReader
from rasterio.windows import Window

from aerodag.raster.examining.edges import shown
from aerodag.raster.gdal import alpha_band, decimated_shape, has_mask, nodata_values, validity, value_bands

Floats = npt.NDArray[np.float64]
Weights = npt.NDArray[np.float32]
Bools = npt.NDArray[np.bool_]

_SIDE = 1024
_COLLAR_SIDE = 4096
_PIXELS = 1 << 27
_WINDOW_BYTES = 32 << 20
_MOST_BLOCKS = 1 << 20


@dataclass(frozen=True, slots=True)
class Coverage:
    """``share`` (rows, columns), 0..1, of valid pixels in each cell of ``cell`` x ``cell`` pixels of a level.

    The level is the raster itself or a smaller version of it, of ``height`` x ``width`` pixels, so the last cells may
    be smaller; ``exact`` where every pixel of the raster was looked at.
    """

    share: Floats
    cell: int
    height: int
    width: int
    exact: bool

    def rows(self) -> Floats:
        """Height of each row of cells, in pixels of the level."""
        return _sizes(self.height, self.cell)

    def columns(self) -> Floats:
        """Width of each column of cells, in pixels of the level."""
        return _sizes(self.width, self.cell)

    def ratio(self) -> float:
        """Share of valid pixels of the whole raster."""
        return float(self.rows() @ self.share @ self.columns() / (self.height * self.width))


def coverage(dataset: DatasetReader, edge_fill: tuple[float, ...] | None = None) -> Coverage:
    """Look at every pixel where that is cheap, else at the finest overview that is.

    Cheap is up to 128 megapixels that are really there: blocks that a sparse file never wrote are known without
    reading them. A raster without overviews is read whole whatever its size, block by block. With an undeclared
    ``edge_fill``, whose extent only shows in the whole, at most 4096 pixels a side are looked at.
    """
    if edge_fill is not None:
        return _within_collar(dataset, edge_fill)
    if certainly_full(dataset):
        return _grid(dataset.height, dataset.width, share=1.0, exact=True)
    with ExitStack() as stack:
        level, windows = dataset, _windows(dataset)
        for index in range(len(dataset.overviews(1))):
            if sum(window.width * window.height for window in windows) <= _PIXELS:
                break
            smaller = stack.enter_context(rasterio.open(Path(dataset.name), overview_level=index))
            if alpha_band(smaller) != alpha_band(dataset):
                break  # known by its name only, which GDAL leaves with the full raster
            level, windows = smaller, _windows(smaller)
        found = _grid(level.height, level.width, share=0.0, exact=level is dataset)
        for window in windows:
            _add(found, window, _weights(level, window, found.exact))
    found.share[:] /= np.outer(found.rows(), found.columns())
    return found


def certainly_full(dataset: DatasetReader) -> bool:
    """Nothing that the raster declares can mark a pixel as invalid."""
    floats = any(np.dtype(dataset.dtypes[index - 1]).kind == "f" for index in value_bands(dataset))
    return not floats and not has_mask(dataset) and None in nodata_values(dataset)


def absent_at_margin(dataset: DatasetReader) -> bool:
    """Is a block at the margin of the canvas missing from a sparse file, and by that known to be invalid."""
    bands = _telling_bands(dataset)
    height, width = dataset.block_shapes[0]
    last_row, last_column = (dataset.height - 1) // height, (dataset.width - 1) // width
    rows = {(row, column) for row in range(last_row + 1) for column in (0, last_column)}
    columns = {(row, column) for column in range(last_column + 1) for row in (0, last_row)}
    return bool(bands) and not all(_written(dataset, bands, row, column) for row, column in rows | columns)


def _within_collar(dataset: DatasetReader, edge_fill: tuple[float, ...]) -> Coverage:
    height, width = shape = decimated_shape(dataset, _COLLAR_SIDE)
    found = _grid(height, width, share=0.0, exact=shape == dataset.shape)
    valid = shown(dataset, edge_fill, shape) > 0
    _add(found, Window(0, 0, width, height), valid.astype(np.float32))
    found.share[:] /= np.outer(found.rows(), found.columns())
    return found


def _grid(height: int, width: int, *, share: float, exact: bool) -> Coverage:
    cell = max(1, -(-max(height, width) // _SIDE))
    shape = -(-height // cell), -(-width // cell)
    return Coverage(np.full(shape, share), cell, height, width, exact)


def _sizes(length: int, cell: int) -> Floats:
    edges = np.append(np.arange(0, length, cell), length)
    return np.diff(edges).astype(np.float64)


def _weights(level: DatasetReader, window: Window, exact: bool) -> Weights:
    """1 for a valid pixel; in an overview alpha is a mean, and so says itself how much of a pixel was valid."""
    mask = validity(level, window)
    if not exact and alpha_band(level) is not None:
        return mask.astype(np.float32) / np.float32(255)
    return (mask > 0).astype(np.float32)


def _add(found: Coverage, window: Window, weights: Weights) -> None:
    """Sum the pixels of a window into the cells that they fall into, wherever the window begins."""
    rows, row = _edges(window.row_off, window.height, found.cell)
    columns, column = _edges(window.col_off, window.width, found.cell)
    sums = np.add.reduceat(np.add.reduceat(weights, rows, axis=0), columns, axis=1)
    found.share[row : row + rows.size, column : column + columns.size] += sums


def _edges(start: int, length: int, cell: int) -> tuple[npt.NDArray[np.intp], int]:
    """Offsets in the window where a new cell begins, and the index of the first cell."""
    first = start // cell
    edges = np.arange(first * cell, start + length, cell) - start
    return np.maximum(edges, 0).astype(np.intp), first


def _windows(dataset: DatasetReader) -> list[Window]:
    """Runs of neighbouring blocks that exist, together all that can be valid; each of bounded size."""
    height, width = dataset.block_shapes[0]
    rows, columns = -(-dataset.height // height), -(-dataset.width // width)
    pixel = sum(np.dtype(kind).itemsize for kind in dataset.dtypes)
    longest = max(1, _WINDOW_BYTES // (height * width * pixel))
    present = _present(dataset, rows, columns)
    if columns == 1:
        runs = [((first, last), (0, 1)) for first, last in _runs(present[:, 0], longest)]
    else:
        runs = [((row, row + 1), run) for row in range(rows) for run in _runs(present[row], longest)]
    return [
        Window.from_slices(
            (top * height, min(bottom * height, dataset.height)), (left * width, min(right * width, dataset.width))
        )
        for (top, bottom), (left, right) in runs
    ]


def _runs(present: Bools, longest: int) -> Iterator[tuple[int, int]]:
    """Beginning and end of each run of true values, cut where it is too long."""
    changes = np.flatnonzero(np.diff(present, prepend=False, append=False))
    for first, last in zip(changes[::2].tolist(), changes[1::2].tolist(), strict=True):
        for start in range(first, last, longest):
            yield start, min(start + longest, last)


def _present(dataset: DatasetReader, rows: int, columns: int) -> Bools:
    """Which blocks were ever written: the GeoTIFF driver names an offset for these only."""
    bands = _telling_bands(dataset)
    if not bands or rows * columns > _MOST_BLOCKS:
        return np.ones((rows, columns), dtype=np.bool_)
    found = [_written(dataset, bands, row, column) for row in range(rows) for column in range(columns)]
    return np.array(found, dtype=np.bool_).reshape(rows, columns)


def _written(dataset: DatasetReader, bands: list[int], row: int, column: int) -> bool:
    return any(dataset.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", band) for band in bands)


def _telling_bands(dataset: DatasetReader) -> list[int]:
    """Bands whose absent blocks are invalid, as no alpha or nodata is; none where that cannot be concluded.

    A black block may be absent and valid all the same where an internal mask says so.
    """
    if dataset.driver not in {"GTiff", "COG"}:
        return []
    alpha = alpha_band(dataset)
    if alpha is not None:
        return [alpha]
    return [] if None in nodata_values(dataset) else value_bands(dataset)
