"""The ground as a height grid from tie points."""

from __future__ import annotations

from dataclasses import dataclass

import cv2  # noqa: TID253 -- only the engine's child imports this module
import numpy as np
from numpy.typing import NDArray
from scipy.interpolate import LinearNDInterpolator
from scipy.ndimage import gaussian_filter, median_filter
from scipy.spatial import cKDTree
from shapely import Polygon, unary_union
from shapely.geometry import MultiPoint, MultiPolygon

Array = NDArray[np.float64]
Heights = NDArray[np.float32]

MAX_CELLS = 2_000_000
NEIGHBOURS = 12
OUTLIER_SIGMAS = 6.0
# The mosaic reaches this share of the flying height beyond the outermost tie points.
MARGIN_RATIO = 0.1
SMOOTHING_CELLS = 2.0


@dataclass(frozen=True, slots=True)
class Surface:
    """Heights on a regular grid; row 0 is north.

    ``heights`` float32 (rows, columns), local metres, without gaps; cell centres at ``west + (column + 0.5) *
    spacing`` and ``north - (row + 0.5) * spacing``. ``area`` is the part that tie points support.
    """

    heights: Heights
    west: float
    north: float
    spacing: float
    area: Polygon | MultiPolygon

    def cells(self, x: Array, y: Array) -> tuple[Heights, Heights]:
        """Fractional column and row of local positions; 0 is the centre of the first cell."""
        column = ((x - self.west) / self.spacing - 0.5).astype(np.float32)
        row = ((self.north - y) / self.spacing - 0.5).astype(np.float32)
        return column, row

    def at_cells(self, column: Heights, row: Heights) -> Heights:
        """Bilinear heights at fractional cells (2-D arrays of one shape); the rim continues outwards."""
        sampled = cv2.remap(self.heights, column, row, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(sampled, dtype=np.float32)

    def sample(self, x: Array, y: Array) -> Heights:
        """Bilinear heights at local positions (2-D arrays of one shape); the rim continues outwards."""
        return self.at_cells(*self.cells(x, y))


def support_area(points: Array, models: NDArray[np.int64], margin: float) -> Polygon | MultiPolygon:
    """Union of each model's convex hull, widened by ``margin`` metres."""
    hulls = [MultiPoint(points[models == m, :2]).convex_hull.buffer(margin) for m in np.unique(models)]
    area = unary_union(hulls)
    if not isinstance(area, Polygon | MultiPolygon):
        raise TypeError(f"hulls of tie points form a {area.geom_type}")
    return area


def without_outliers(points: Array, flying_height: float) -> NDArray[np.bool_]:
    """Which points agree with the median height of their neighbours; trees and roofs do, mismatches do not."""
    count = min(NEIGHBOURS + 1, len(points))
    _, near = cKDTree(points[:, :2]).query(points[:, :2], k=count)
    residual = points[:, 2] - np.median(points[near, 2], axis=1)
    sigma = 1.4826 * float(np.median(np.abs(residual)))
    return np.asarray(np.abs(residual) <= OUTLIER_SIGMAS * sigma + 0.02 * flying_height)


def cell_medians(points: Array, spacing: float) -> Array:
    """One point per occupied square cell: mean position, median height; shape (cells, 3)."""
    cells = np.floor(points[:, :2] / spacing).astype(np.int64)
    order = np.lexsort((points[:, 2], cells[:, 1], cells[:, 0]))
    ordered, cells = points[order], cells[order]
    starts = np.flatnonzero(np.r_[True, (np.diff(cells, axis=0) != 0).any(axis=1)])
    counts = np.diff(np.r_[starts, len(ordered)])
    centres = np.add.reduceat(ordered[:, :2], starts, axis=0) / counts[:, None]
    heights = (ordered[starts + (counts - 1) // 2, 2] + ordered[starts + counts // 2, 2]) / 2.0
    return np.column_stack([centres, heights])


def build_surface(points: Array, models: NDArray[np.int64], flying_height: float, finest: float) -> Surface:
    """Triangulate tie points into a smoothed height grid.

    Args:
        points: local metres, shape (n, 3).
        models: model number of each point, shape (n,).
        flying_height: metres above ground, sets the margin and the outlier limit.
        finest: smallest useful spacing, metres.
    """
    area = support_area(points, models, MARGIN_RATIO * flying_height)
    kept = points[without_outliers(points, flying_height)]
    spacing = max(finest, 0.5 * float(np.sqrt(area.area / len(kept))))
    west, south, east, north = area.bounds
    spacing = max(spacing, float(np.sqrt((east - west) * (north - south) / MAX_CELLS)))
    shape = int(np.ceil((north - south) / spacing)), int(np.ceil((east - west) / spacing))
    x = west + (np.arange(shape[1]) + 0.5) * spacing
    y = north - (np.arange(shape[0]) + 0.5) * spacing
    heights = _interpolate(cell_medians(kept, spacing), *np.meshgrid(x, y))
    smooth = gaussian_filter(median_filter(heights, size=3, mode="nearest"), sigma=SMOOTHING_CELLS, mode="nearest")
    return Surface(smooth.astype(np.float32), west, north, spacing, area)


def _interpolate(cells: Array, x: Array, y: Array) -> Array:
    """Linear within the triangulation; outside, the mean of the nearest cells, weighted by distance."""
    heights = np.asarray(LinearNDInterpolator(cells[:, :2], cells[:, 2])(x, y))
    outside = np.isnan(heights)
    if outside.any():
        count = min(8, len(cells))
        distance, near = cKDTree(cells[:, :2]).query(np.column_stack([x[outside], y[outside]]), k=count)
        weight = 1.0 / np.maximum(distance, 1e-6) ** 2
        heights[outside] = (cells[near, 2] * weight).sum(axis=1) / weight.sum(axis=1)
    return heights
