"""The orthophoto's pixel grid, its coarse nodes, and the way from one to the other."""

from __future__ import annotations

from dataclasses import dataclass

import cv2  # noqa: TID253 -- only the engine's child imports this module
import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

# Projections are exact on every 8th pixel and linear in between. The steps must divide 32, the number of positions
# per pixel that cv2.warpAffine resolves; then its bilinear enlargement is exact.
STEP = 8
MAX_LABEL_NODES = 6_000_000
BLOCK = 512


@dataclass(frozen=True, slots=True)
class Window:
    """A pixel rectangle of the mosaic."""

    row: int
    column: int
    height: int
    width: int


@dataclass(frozen=True, slots=True)
class Grid:
    """North-up pixel grid in the local frame; pixel (0, 0) has its north-west corner at (west, north), metres."""

    west: float
    north: float
    gsd: float
    height: int
    width: int

    @classmethod
    def over(cls, bounds: tuple[float, float, float, float], gsd: float) -> Grid:
        """Grid over (west, south, east, north) with its corner on a whole multiple of ``gsd``."""
        west, south, east, north = bounds
        left, top = np.floor(west / gsd) * gsd, np.ceil(north / gsd) * gsd
        return cls(left, top, gsd, int(np.ceil((top - south) / gsd)), int(np.ceil((east - left) / gsd)))

    @property
    def label_step(self) -> int:
        """Pixels between nodes at which the choice of image is made; grows with the mosaic, so memory does not."""
        for step in (STEP, 2 * STEP):
            if self.height * self.width / step**2 <= MAX_LABEL_NODES:
                return step
        return 4 * STEP

    def node_shape(self, step: int) -> tuple[int, int]:
        """Rows and columns of nodes on every ``step``-th pixel that enclose all pixels."""
        return (self.height - 1) // step + 2, (self.width - 1) // step + 2

    def nodes(self, step: int, rows: slice, columns: slice) -> tuple[Array, Array]:
        """Local x and y (2-D) of the pixel centres that are nodes ``rows`` x ``columns``."""
        x = self.west + (np.arange(columns.start, columns.stop) * step + 0.5) * self.gsd
        y = self.north - (np.arange(rows.start, rows.stop) * step + 0.5) * self.gsd
        grid_x, grid_y = np.meshgrid(x, y)
        return grid_x, grid_y

    def windows(self, size: int, group: int = 4) -> list[Window]:
        """All windows of ``size`` pixels, block of ``group`` x ``group`` by block, so that neighbours share images."""
        rows, columns = range(0, self.height, size), range(0, self.width, size)
        order = sorted(
            ((r, c) for r in range(len(rows)) for c in range(len(columns))),
            key=lambda rc: (rc[0] // group, _snake(rc[1] // group, rc[0] // group), rc[0], rc[1]),
        )
        return [
            Window(rows[r], columns[c], min(size, self.height - rows[r]), min(size, self.width - columns[c]))
            for r, c in order
        ]


def _snake(column: int, row: int) -> int:
    return column if row % 2 == 0 else -column


def node_span(start: int, length: int, step: int) -> slice:
    """Nodes that enclose the pixels ``start`` .. ``start + length - 1``; ``start`` must be a multiple of ``step``."""
    return slice(start // step, (start + length - 1) // step + 2)


def enlarge(nodes: NDArray[np.float32], step: int, height: int, width: int) -> NDArray[np.float32]:
    """Bilinear values at every pixel from nodes (rows, columns[, channels]); pixel (0, 0) is node (0, 0)."""
    matrix = np.array([[1.0 / step, 0.0, 0.0], [0.0, 1.0 / step, 0.0]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    result = cv2.warpAffine(nodes, matrix, (width, height), flags=flags, borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(result, dtype=np.float32)
