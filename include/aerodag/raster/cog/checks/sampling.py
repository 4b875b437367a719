"""Which windows of a raster to compare: drawn by a recorded seed, where the content is."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rasterio.io import DatasetReader
from rasterio.windows import Window

from aerodag.raster.gdal import alpha_band, validity

_CANDIDATES = 4096
Values = npt.NDArray[np.generic]


@dataclass(frozen=True, slots=True)
class Sample:
    """Values (bands without alpha, rows, columns) and validity of a window."""

    window: Window
    values: Values
    valid: npt.NDArray[np.bool_]


def read_sample(dataset: DatasetReader, window: Window, nodata: float | None = None) -> Sample:
    """All bands but alpha, and the validity.

    ``nodata`` need only be given for overviews: of 64-bit integers GDAL forgets it there.
    """
    bands = [index for index in dataset.indexes if index != alpha_band(dataset)]
    values = dataset.read(bands, window=window)
    valid = validity(dataset, window) > 0
    if nodata is not None and dataset.nodata is None:
        valid &= (values != nodata).any(axis=0)
    return Sample(window, values, valid)


def draw_points(dataset: DatasetReader, count: int, random: np.random.Generator) -> list[tuple[float, float]]:
    """(column, row) in pixels inside ``count`` blocks, likelier the more bytes a block has.

    Absent blocks of a sparse raster are not drawn, and empty ones compress to next to nothing, so that the draw
    falls on content without a look at a single pixel. Formats that do not tell their blocks' sizes are drawn evenly.
    """
    block_rows, block_columns = dataset.block_shapes[0]
    rows, columns = -(-dataset.height // block_rows), -(-dataset.width // block_columns)
    cells = np.unique(random.integers(0, rows * columns, _CANDIDATES))
    sizes = np.array([_bytes(dataset, int(cell % columns), int(cell // columns)) for cell in cells], dtype=np.float64)
    weights = sizes if sizes.any() else np.ones(len(cells))
    chosen = random.choice(cells, count, p=weights / weights.sum())
    left, top = chosen % columns * block_columns, chosen // columns * block_rows
    x = left + random.random(count) * np.minimum(block_columns, dataset.width - left)
    y = top + random.random(count) * np.minimum(block_rows, dataset.height - top)
    return [(float(column), float(row)) for column, row in zip(x, y, strict=True)]


def corners(dataset: DatasetReader) -> list[tuple[float, float]]:
    """The middles of the four corner pixels."""
    right, bottom = dataset.width - 0.5, dataset.height - 0.5
    return [(0.5, 0.5), (right, 0.5), (0.5, bottom), (right, bottom)]


def windows_around(dataset: DatasetReader, points: list[tuple[float, float]]) -> list[Window]:
    """The blocks of ``dataset`` that hold the points, each once; points beside the raster are left out."""
    rows, columns = dataset.block_shapes[0]
    cells = {
        (int(y) // rows, int(x) // columns): None
        for x, y in points
        if 0 <= x < dataset.width and 0 <= y < dataset.height
    }
    return [
        Window(
            column * columns,
            row * rows,
            min(columns, dataset.width - column * columns),
            min(rows, dataset.height - row * rows),
        )
        for row, column in cells
    ]


def _bytes(dataset: DatasetReader, column: int, row: int) -> int:
    return int(dataset.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", bidx=1) or 0)
