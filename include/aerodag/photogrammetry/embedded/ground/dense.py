"""A dense surface from stereo pairs, on top of the sparse one."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

import cv2  # noqa: TID253 -- only the engine's child imports this module
import numpy as np
from numpy.typing import NDArray

from aerodag.photogrammetry.embedded.ground.stereo import MATCH_SIZE, match, rectify
from aerodag.photogrammetry.embedded.ground.surface import Surface
from aerodag.photogrammetry.embedded.poses.cameras import View

Array = NDArray[np.float64]
Heights = NDArray[np.float32]

PARTNERS = 3
# Baseline over flying height: wide enough for precise heights, narrow enough that the images look alike.
BEST_BASE = 0.22
BASE_LIMITS = (0.06, 0.6)
# Heights beyond the sparse surface's range that matching still reaches, as a share of the flying height.
HEADROOM = 0.04
MAX_CELLS = 8_000_000
TILE_CELLS = 512
TOLERANCE_RATIO = 0.006
NEIGHBOURHOOD = 40
# Patches smaller than this whose height differs from all around are mismatches.
SPECKLE_CELLS = 400
# What one pair alone claims, at the block's edge, must hang together over an area no mismatch has.
CLAIM_CELLS = 4000
HEIGHT_UNIT_M = 0.05
MEDIAN_CELLS = 5
FILL_SIGMA_CELLS = 4.0
NARROW_GAP_CELLS = 4


@dataclass(frozen=True, slots=True)
class Layer:
    """Heights from one pair on a part of the grid, NaN where it says nothing; kept on disk."""

    path: Path
    row: int
    column: int
    shape: tuple[int, int]


def choose_pairs(views: Sequence[View], flying_height: float) -> list[tuple[int, int]]:
    """For every view the partners with the best baseline, within one model; index pairs (low, high), sorted."""
    centres = np.array([view.centre for view in views])
    models = np.array([view.model for view in views])
    pairs: set[tuple[int, int]] = set()
    for index in range(len(views)):
        base = np.linalg.norm(centres - centres[index], axis=1) / flying_height
        usable = np.flatnonzero((base >= BASE_LIMITS[0]) & (base <= BASE_LIMITS[1]) & (models == models[index]))
        order = np.argsort(np.abs(np.log(base[usable] / BEST_BASE)))
        pairs |= {(min(index, int(j)), max(index, int(j))) for j in usable[order[:PARTNERS]]}
    return sorted(pairs)


def densify(
    views: Sequence[View],
    sparse: Surface,
    flying_height: float,
    gsd: float,
    work: Path,
    threads: int,
    advance: Callable[[float], None],
) -> Surface:
    """The surface of ``sparse``'s area with the detail that stereo matching adds.

    Every pair leaves its layer in ``work``; the layers are merged tile by tile, so memory holds one tile's.
    """
    pairs = choose_pairs(views, flying_height)
    grid = _finer(sparse, _spacing(views, sparse, gsd))

    def run(numbered: tuple[int, tuple[int, int]]) -> Layer | None:
        number, (a, b) = numbered
        return _layer(views[a], views[b], grid, flying_height, work / f"layer{number}.npy")

    layers: list[Layer] = []
    with ThreadPoolExecutor(threads) as pool:
        for done, layer in enumerate(pool.map(run, enumerate(pairs)), start=1):
            if layer is not None:
                layers.append(layer)
            advance(0.9 * done / len(pairs))
    heights = _merged(layers, grid.heights, flying_height)
    advance(1.0)
    return replace(grid, heights=heights)


def _spacing(views: Sequence[View], sparse: Surface, gsd: float) -> float:
    """Two pixels of the matched images, at least four of the orthophoto's, and never too many cells."""
    camera = views[0].camera
    matched = gsd * max(1.0, max(camera.width, camera.height) / MATCH_SIZE)
    area = sparse.heights.size * sparse.spacing**2
    return max(2.0 * matched, 4.0 * gsd, float(np.sqrt(area / MAX_CELLS)))


def _finer(sparse: Surface, spacing: float) -> Surface:
    rows, columns = (int(np.ceil(count * sparse.spacing / spacing)) for count in sparse.heights.shape)
    x = sparse.west + (np.arange(columns) + 0.5) * spacing
    y = sparse.north - (np.arange(rows) + 0.5) * spacing
    return Surface(sparse.sample(*np.meshgrid(x, y)), sparse.west, sparse.north, spacing, sparse.area)


def _layer(first: View, second: View, grid: Surface, flying_height: float, target: Path) -> Layer | None:
    margin = HEADROOM * flying_height
    low, high = float(grid.heights.min()) - margin, float(grid.heights.max()) + margin
    geometry = rectify(first, second, low, high)
    if geometry is None:
        return None
    points = match(first, second, geometry)
    column = np.floor((points[:, 0] - grid.west) / grid.spacing).astype(np.int64)
    row = np.floor((grid.north - points[:, 1]) / grid.spacing).astype(np.int64)
    rows, columns = grid.heights.shape
    inside = (row >= 0) & (column >= 0) & (row < rows) & (column < columns)
    if not inside.any():
        return None
    return _saved(row[inside], column[inside], points[inside, 2], target)


def _saved(row: NDArray[np.int64], column: NDArray[np.int64], height: Array, target: Path) -> Layer:
    """Mean height per cell, as an array file."""
    top, left = int(row.min()), int(column.min())
    shape = int(row.max()) - top + 1, int(column.max()) - left + 1
    cell = (row - top) * shape[1] + (column - left)
    count = np.bincount(cell, minlength=shape[0] * shape[1])
    total = np.bincount(cell, weights=height, minlength=shape[0] * shape[1])
    mean = np.full(count.shape, np.nan, dtype=np.float32)
    np.divide(total, count, out=mean, where=count > 0, casting="unsafe")
    np.save(target, mean.reshape(shape))
    return Layer(target, top, left, shape)


def _merged(layers: Sequence[Layer], sparse: Heights, flying_height: float) -> Heights:
    """Agreed heights of the layers; gaps take their surroundings' height, wide ones the sparse surface's."""
    tolerance = TOLERANCE_RATIO * flying_height
    merged = np.full(sparse.shape, np.nan, dtype=np.float32)
    claimed = merged.copy()
    for top in range(0, sparse.shape[0], TILE_CELLS):
        for left in range(0, sparse.shape[1], TILE_CELLS):
            tile = slice(top, top + TILE_CELLS), slice(left, left + TILE_CELLS)
            stack = _stacked(layers, top, left, merged[tile].shape)
            if stack is not None:
                merged[tile], claimed[tile] = agreed(stack, tolerance)
    sure = without_speckles(_near_sparse(merged, sparse, flying_height), tolerance, SPECKLE_CELLS)
    likely = without_speckles(_near_sparse(claimed, sparse, flying_height), tolerance, CLAIM_CELLS)
    filled = _filled(np.where(np.isfinite(sure), sure, likely), sparse)
    return np.asarray(cv2.GaussianBlur(cv2.medianBlur(filled, MEDIAN_CELLS), (3, 3), 0), dtype=np.float32)


def _stacked(layers: Sequence[Layer], top: int, left: int, shape: tuple[int, ...]) -> Heights | None:
    """What the layers say about one tile, (layers, rows, columns); None if nothing."""
    stack = []
    for layer in layers:
        rows = max(layer.row, top), min(layer.row + layer.shape[0], top + shape[0])
        columns = max(layer.column, left), min(layer.column + layer.shape[1], left + shape[1])
        if rows[0] < rows[1] and columns[0] < columns[1]:
            part = np.full(shape, np.nan, dtype=np.float32)
            source = np.load(layer.path, mmap_mode="r")
            part[rows[0] - top : rows[1] - top, columns[0] - left : columns[1] - left] = source[
                rows[0] - layer.row : rows[1] - layer.row, columns[0] - layer.column : columns[1] - layer.column
            ]
            stack.append(part)
    return np.stack(stack) if stack else None


def agreed(stack: Heights, tolerance: float) -> tuple[Heights, Heights]:
    """Median along the first axis where at least two values say the same, and the same with lone values; else NaN.

    Leaves and water look different from every side: their matches scatter, and the median of two that disagree by
    metres is nobody's height.
    """
    middle, count = _nan_median(stack)
    scatter, _ = _nan_median(np.abs(stack - middle))
    calm = scatter <= tolerance
    sure, likely = (np.where((count >= least) & calm, middle, np.nan).astype(np.float32) for least in (2, 1))
    return sure, likely


def _nan_median(stack: Heights) -> tuple[Heights, NDArray[np.intp]]:
    """Median along the first axis of what is not NaN, and how many values that are."""
    ordered = np.sort(stack, axis=0)
    count = np.isfinite(ordered).sum(axis=0)
    low = np.maximum((count - 1) // 2, 0)[None]
    high = np.minimum(count // 2, len(stack) - 1)[None]
    middle = (np.take_along_axis(ordered, low, 0)[0] + np.take_along_axis(ordered, high, 0)[0]) / 2.0
    return middle, count


def _near_sparse(merged: Heights, sparse: Heights, flying_height: float) -> Heights:
    """NaN for heights far below or above everything that tie points found around."""
    margin = HEADROOM * flying_height
    scale = max(int(np.sqrt(sparse.size / 250_000)), 1)
    size = max(sparse.shape[1] // scale, 1), max(sparse.shape[0] // scale, 1)
    small = cv2.resize(sparse, size, interpolation=cv2.INTER_AREA)
    around = np.ones((NEIGHBOURHOOD // scale * 2 + 1,) * 2, np.uint8)
    full = sparse.shape[1], sparse.shape[0]
    low = cv2.resize(cv2.erode(small, around), full, interpolation=cv2.INTER_LINEAR) - margin
    high = cv2.resize(cv2.dilate(small, around), full, interpolation=cv2.INTER_LINEAR) + margin
    return np.where((merged >= low) & (merged <= high), merged, np.nan).astype(np.float32)


def without_speckles(heights: Heights, step: float, cells: int) -> Heights:
    """NaN for patches of fewer than ``cells`` that stand out of their surroundings by more than ``step`` metres."""
    known = np.isfinite(heights)
    if not known.any():
        return heights
    unknown = -1
    units = np.where(known, (heights - np.nanmin(heights)) / HEIGHT_UNIT_M, unknown).astype(np.int16)
    kept, _ = cv2.filterSpeckles(units, unknown, cells, step / HEIGHT_UNIT_M)
    return np.where(np.asarray(kept) == unknown, np.nan, heights).astype(np.float32)


def _filled(merged: Heights, sparse: Heights) -> Heights:
    """Narrow gaps take the lowest height beside them: they are mostly ground that a wall hides.

    Wide ones fade from their rim's offset to the sparse surface into the sparse surface itself.
    """
    heights = _grown_low(merged)
    known = np.isfinite(heights)
    weight = cv2.GaussianBlur(known.astype(np.float32), (0, 0), FILL_SIGMA_CELLS)
    excess = np.where(known, heights - sparse, 0.0).astype(np.float32)
    near = cv2.GaussianBlur(excess, (0, 0), FILL_SIGMA_CELLS) / np.maximum(weight, 0.02)
    return np.where(known, heights, sparse + near).astype(np.float32)


def _grown_low(heights: Heights) -> Heights:
    """Known heights grown into gaps by `NARROW_GAP_CELLS`, the lowest neighbour first."""
    empty = np.finfo(np.float32).max
    grown = np.where(np.isfinite(heights), heights, empty).astype(np.float32)
    for _ in range(NARROW_GAP_CELLS):
        lowest = np.asarray(cv2.erode(grown, np.ones((3, 3), np.uint8)), dtype=np.float32)
        grown = np.where(grown == empty, lowest, grown)
    return np.where(grown == empty, np.nan, grown).astype(np.float32)
