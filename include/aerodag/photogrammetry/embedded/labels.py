"""Which image paints which part of the mosaic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import cv2  # noqa: TID253 -- only the engine's child imports this module
import numpy as np
import shapely
from numpy.typing import NDArray

from aerodag.photogrammetry.embedded.cameras import View
from aerodag.photogrammetry.embedded.grid import Grid
from aerodag.photogrammetry.embedded.surface import Surface

NOBODY = -1
# Rays flatter than this (horizontal distance over height) smear the ground.
MAX_OBLIQUENESS = 1.7
SMOOTHING_NODES = 9


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one view sees of the node grid: the node rectangle, which nodes (bits) and how obliquely (float16)."""

    rows: slice
    columns: slice
    bits: NDArray[np.uint8]

    @property
    def shape(self) -> tuple[int, int]:
        """Node rows and columns."""
        return self.rows.stop - self.rows.start, self.columns.stop - self.columns.start

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Nodes the view sees, 2-D."""
        rows, columns = self.shape
        return np.unpackbits(self.bits, count=rows * columns).reshape(rows, columns).astype(bool)


@dataclass(frozen=True, slots=True)
class Labels:
    """The chosen view of every node (index into the views, or `NOBODY`) and all footprints."""

    step: int
    chosen: NDArray[np.int16]
    footprints: tuple[Footprint | None, ...]
    mean_overlap: float


def choose_views(views: Sequence[View], surface: Surface, grid: Grid, advance: Callable[[float], None]) -> Labels:
    """Nearest-nadir choice, then smoothed so that seams run straight instead of in crumbs."""
    step = grid.label_step
    chosen = np.full(grid.node_shape(step), NOBODY, dtype=np.int16)
    best = np.full(chosen.shape, np.inf, dtype=np.float32)
    times_seen = np.zeros(chosen.shape, dtype=np.uint16)
    footprints: list[Footprint | None] = []
    for number, view in enumerate(views):
        footprint, obliqueness = _footprint(view, surface, grid, step)
        footprints.append(footprint)
        if footprint is not None:
            area = footprint.rows, footprint.columns
            better = obliqueness < best[area]
            best[area][better] = obliqueness[better]
            chosen[area][better] = number
            times_seen[area] += footprint.seen
        advance(0.6 * (number + 1) / len(views))
    chosen[~_supported(surface, grid, step)] = NOBODY
    smooth = _smooth(chosen, footprints, advance)
    painted = times_seen[smooth != NOBODY]
    return Labels(step, smooth, tuple(footprints), float(painted.mean()) if painted.size else 0.0)


def _footprint(view: View, surface: Surface, grid: Grid, step: int) -> tuple[Footprint | None, NDArray[np.float32]]:
    empty = np.empty((0, 0), dtype=np.float32)
    rows, columns = _reach(view, surface, grid, step)
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return None, empty
    x, y = grid.nodes(step, rows, columns)
    z = surface.sample(x, y)
    u, v, valid = view.project(np.stack([x, y, z], axis=-1))
    # A node's view also paints the pixels up to the next node.
    margin = 2.0 + step * grid.gsd * view.camera.focal / max(float(view.centre[2] - np.median(z)), 1.0)
    width, height = view.camera.width, view.camera.height
    valid &= (u > margin) & (v > margin) & (u < width - 1 - margin) & (v < height - 1 - margin)
    centre = view.centre
    above = np.maximum(centre[2] - z, 1e-3)
    obliqueness = np.hypot(x - centre[0], y - centre[1]) / above
    valid &= obliqueness < MAX_OBLIQUENESS
    if not valid.any():
        return None, empty
    obliqueness[~valid] = np.inf
    return Footprint(rows, columns, np.packbits(valid)), obliqueness.astype(np.float32)


def _reach(view: View, surface: Surface, grid: Grid, step: int) -> tuple[slice, slice]:
    """Node rectangle that surely holds the view's footprint: where its border rays meet the lowest ground."""
    camera = view.camera
    slope = np.hypot(camera.width, camera.height) / 2.0 / camera.focal * 1.2
    tilt = np.arccos(np.clip(-view.axis[2], -1.0, 1.0))
    flattest = min(np.tan(min(np.arctan(slope) + tilt, 1.5)), MAX_OBLIQUENESS)
    radius = flattest * max(float(view.centre[2]) - float(surface.heights.min()), 0.0)
    span = step * grid.gsd
    shape = grid.node_shape(step)
    first_row = max(int((grid.north - view.centre[1] - radius) / span), 0)
    last_row = min(int((grid.north - view.centre[1] + radius) / span) + 2, shape[0])
    first_column = max(int((view.centre[0] - radius - grid.west) / span), 0)
    last_column = min(int((view.centre[0] + radius - grid.west) / span) + 2, shape[1])
    return slice(first_row, last_row), slice(first_column, last_column)


def _supported(surface: Surface, grid: Grid, step: int) -> NDArray[np.bool_]:
    """Nodes inside the area of the tie points."""
    mask = np.zeros(grid.node_shape(step), dtype=np.uint8)
    span = step * grid.gsd
    for polygon in shapely.get_parts(surface.area):
        ring = np.asarray(polygon.exterior.coords)
        nodes = np.column_stack([(ring[:, 0] - grid.west) / span, (grid.north - ring[:, 1]) / span])
        cv2.fillPoly(mask, [np.round(nodes).astype(np.int32)], 1)
    return mask.astype(bool)


def _smooth(
    chosen: NDArray[np.int16], footprints: Sequence[Footprint | None], advance: Callable[[float], None]
) -> NDArray[np.int16]:
    """Majority filter: at every painted node the view that holds most of the neighbourhood and sees the node."""
    votes = np.zeros(chosen.shape, dtype=np.float32)
    result = chosen.copy()
    for number, footprint in enumerate(footprints):
        if footprint is not None:
            area = footprint.rows, footprint.columns
            own = (chosen[area] == number).astype(np.float32)
            share = cv2.GaussianBlur(own, (SMOOTHING_NODES, SMOOTHING_NODES), 0)
            better = (share > votes[area]) & footprint.seen & (chosen[area] != NOBODY)
            votes[area][better] = share[better]
            result[area][better] = number
        advance(0.6 + 0.4 * (number + 1) / len(footprints))
    return result
