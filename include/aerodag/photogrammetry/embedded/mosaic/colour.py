"""Low-frequency colour correction, so that exposure steps and vignetting do not show at seams."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import combinations

import cv2  # noqa: TID253 -- only the engine's child imports this module
import numpy as np
from numpy.typing import NDArray

from aerodag.photogrammetry.embedded.ground.surface import Surface
from aerodag.photogrammetry.embedded.mosaic.grid import Grid, Window
from aerodag.photogrammetry.embedded.mosaic.labels import Labels
from aerodag.photogrammetry.embedded.mosaic.pixels import decode, sample
from aerodag.photogrammetry.embedded.poses.cameras import View

Array = NDArray[np.float32]

# Colour is compared on every 64th pixel (about a metre); corrections vary over three of these cells.
CELL = 64
BLUR_CELLS = 3.0
REDUCTION = 8.0
MIN_SHARED_CELLS = 20
# Pull of every image towards its own exposure, in units of one shared cell's vote.
KEEP_EXPOSURE = 10.0
GAIN_LIMITS = (0.6, 1.7)


@dataclass(frozen=True, slots=True)
class Patch:
    """One view's colour on the cells it sees: RGB (rows, columns, 3), 0 where ``seen`` is False."""

    row: int
    column: int
    rgb: Array
    seen: NDArray[np.bool_]

    @property
    def area(self) -> tuple[slice, slice]:
        """Slices into the mosaic's cell grid."""
        height, width = self.seen.shape
        return slice(self.row, self.row + height), slice(self.column, self.column + width)


@dataclass(frozen=True, slots=True)
class Gains:
    """Factors per view on its cells."""

    patches: tuple[tuple[int, int, Array] | None, ...]

    def over(self, view: int, window: Window) -> Array:
        """RGB factors (height, width, 3) of one view on a pixel window."""
        return self.at_nodes(view, window, 1)

    def at_nodes(self, view: int, window: Window, step: int) -> Array:
        """The same on every ``step``-th pixel; the window's origin is in pixels, its size in nodes."""
        patch = self.patches[view]
        if patch is None:
            return np.ones((window.height, window.width, 3), dtype=np.float32)
        row, column, factors = patch
        scale = step / CELL
        matrix = np.array(
            [
                [scale, 0.0, window.column / CELL - column],
                [0.0, scale, window.row / CELL - row],
            ]
        )
        flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
        size = (window.width, window.height)
        result = cv2.warpAffine(factors, matrix, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
        return np.asarray(result, dtype=np.float32)


def colour_gains(
    views: Sequence[View],
    surface: Surface,
    grid: Grid,
    labels: Labels,
    threads: int,
    advance: Callable[[float], None],
) -> Gains:
    """One exposure factor per view and channel, then a smooth field that meets the neighbours' common colour."""
    patches: list[Patch | None] = []

    def measure(number: int) -> Patch | None:
        return _patch(views[number], surface, grid, labels, number)

    with ThreadPoolExecutor(threads) as pool:
        for patch in pool.map(measure, range(len(views))):
            patches.append(patch)
            advance(0.9 * len(patches) / len(views))
    present = {number: patch for number, patch in enumerate(patches) if patch is not None}
    exposure = np.exp(_exposures(present, len(views))).astype(np.float32)
    common = _common_colour(present, exposure, grid)
    fields: list[tuple[int, int, Array] | None] = [None] * len(views)
    for number, patch in present.items():
        factors = exposure[number] * _field(patch, exposure[number], common[patch.area])
        fields[number] = patch.row, patch.column, np.clip(factors, *GAIN_LIMITS).astype(np.float32)
    advance(1.0)
    return Gains(tuple(fields))


def _patch(view: View, surface: Surface, grid: Grid, labels: Labels, number: int) -> Patch | None:
    footprint = labels.footprints[number]
    if footprint is None:
        return None
    ratio = CELL // labels.step
    rows = slice(-(-footprint.rows.start // ratio), (footprint.rows.stop - 1) // ratio + 1)
    columns = slice(-(-footprint.columns.start // ratio), (footprint.columns.stop - 1) // ratio + 1)
    seen = footprint.seen[
        rows.start * ratio - footprint.rows.start :: ratio, columns.start * ratio - footprint.columns.start :: ratio
    ]
    if not seen.any():
        return None
    x, y = grid.nodes(CELL, rows, columns)
    u, v, _ = view.project(np.stack([x, y, surface.sample(x, y)], axis=-1))
    image = decode(view.path, REDUCTION)
    cell = CELL * grid.gsd * view.camera.focal / max(float(view.centre[2] - surface.heights.mean()), 1.0)
    width = max(round(cell * image.shape[1] / view.camera.width), 1)
    smooth = np.asarray(cv2.blur(image, (width, width)), dtype=np.uint8)
    rgb = sample(smooth, view.camera.width, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR)
    return Patch(rows.start, columns.start, rgb.astype(np.float32) * seen[..., None], seen)


def _exposures(patches: dict[int, Patch], count: int) -> NDArray[np.float64]:
    """Log factors (count, 3) that make overlapping views agree in the least-squares sense."""
    normal = np.eye(count) * KEEP_EXPOSURE
    right = np.zeros((count, 3))
    for (a, first), (b, second) in combinations(patches.items(), 2):
        shared = _shared(first, second)
        if shared is None:
            continue
        difference, weight = shared
        normal[a, a] += weight
        normal[b, b] += weight
        normal[a, b] -= weight
        normal[b, a] -= weight
        right[a] += weight * difference
        right[b] -= weight * difference
    return np.asarray(np.linalg.solve(normal, right))


def _shared(first: Patch, second: Patch) -> tuple[NDArray[np.float64], float] | None:
    """Median log ratio second/first over the cells both see, and their number."""
    top, left = max(first.row, second.row), max(first.column, second.column)
    bottom = min(first.row + first.seen.shape[0], second.row + second.seen.shape[0])
    right = min(first.column + first.seen.shape[1], second.column + second.seen.shape[1])
    if bottom <= top or right <= left:
        return None
    windows = [(slice(top - p.row, bottom - p.row), slice(left - p.column, right - p.column)) for p in (first, second)]
    both = first.seen[windows[0]] & second.seen[windows[1]]
    if both.sum() < MIN_SHARED_CELLS:
        return None
    ratio = np.log(second.rgb[windows[1]][both] + 1.0) - np.log(first.rgb[windows[0]][both] + 1.0)
    return np.median(ratio, axis=0).astype(np.float64), float(both.sum())


def _common_colour(patches: dict[int, Patch], exposure: Array, grid: Grid) -> Array:
    total = np.zeros((*grid.node_shape(CELL), 3), dtype=np.float32)
    weight = np.zeros(total.shape[:2], dtype=np.float32)
    for number, patch in patches.items():
        inner = _inwardness(patch.seen)
        total[patch.area] += patch.rgb * exposure[number] * inner[..., None]
        weight[patch.area] += inner
    return np.asarray(total / np.maximum(weight, 1e-6)[..., None], dtype=np.float32)


def _inwardness(seen: NDArray[np.bool_]) -> Array:
    """Distance to the footprint's border in cells: votes fade in and out, so no step arises where a view begins."""
    padded = np.pad(seen.astype(np.uint8), 1)
    return np.asarray(cv2.distanceTransform(padded, cv2.DIST_L2, 3)[1:-1, 1:-1], dtype=np.float32)


def _field(patch: Patch, exposure: Array, common: Array) -> Array:
    """Smooth ratio of the common colour to the view's own."""
    mask = patch.seen.astype(np.float32)
    target = _blur(common * mask[..., None])
    own = _blur(patch.rgb * exposure)
    weight = _blur(mask)
    # One grey level of slack keeps dark water from ringing.
    slack = weight[..., None] + 1e-6
    return np.asarray((target + slack) / (own + slack), dtype=np.float32)


def _blur(values: Array) -> Array:
    return np.asarray(cv2.GaussianBlur(values, (0, 0), BLUR_CELLS, borderType=cv2.BORDER_CONSTANT), dtype=np.float32)
