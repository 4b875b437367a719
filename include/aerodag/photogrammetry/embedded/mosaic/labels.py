"""Which image paints which part of the mosaic."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

import cv2  # noqa: TID253 -- only the engine's child imports this module
import numpy as np
import shapely
from numpy.typing import NDArray

from aerodag.photogrammetry.embedded.ground.surface import Surface
from aerodag.photogrammetry.embedded.mosaic.grid import Grid
from aerodag.photogrammetry.embedded.mosaic.visibility import hidden
from aerodag.photogrammetry.embedded.poses.cameras import View

NOBODY = -1
# Rays flatter than this (horizontal distance over height) smear the ground.
MAX_OBLIQUENESS = 1.7
SMOOTHING_NODES = 9
# Any free line of sight, however oblique, comes before a hidden one.
HIDDEN_PENALTY = 100.0


@dataclass(frozen=True, slots=True)
class Footprint:
    """What one view sees of the node grid: the node rectangle, and which of its nodes, as packed bits."""

    rows: slice
    columns: slice
    bits: NDArray[np.uint8]

    @property
    def seen(self) -> NDArray[np.bool_]:
        """Nodes the view sees, 2-D."""
        rows, columns = self.rows.stop - self.rows.start, self.columns.stop - self.columns.start
        return np.unpackbits(self.bits, count=rows * columns).reshape(rows, columns).astype(bool)


@dataclass(frozen=True, slots=True)
class Labels:
    """The chosen view of every node (index into the views, or `NOBODY`) and all footprints."""

    step: int
    chosen: NDArray[np.int16]
    footprints: tuple[Footprint | None, ...]
    mean_overlap: float


@dataclass(frozen=True, slots=True)
class _Look:
    """A view's nodes in its image: how obliquely it sees them (inf: outside), and where something stands before."""

    rows: slice
    columns: slice
    obliqueness: NDArray[np.float32]
    hidden: NDArray[np.bool_]


def choose_views(
    views: Sequence[View], surface: Surface, grid: Grid, threads: int, advance: Callable[[float], None]
) -> Labels:
    """Nearest-nadir choice among the views with a free line of sight, then smoothed so that seams run straight.

    Ground that every view sees only behind something is painted all the same, by the nearest view.
    """
    step = grid.label_step
    best = np.full(grid.node_shape(step), np.inf, dtype=np.float32)
    chosen = np.full(best.shape, NOBODY, dtype=np.int16)
    times_seen = np.zeros(best.shape, dtype=np.uint16)
    footprints: list[Footprint | None] = []
    with ThreadPoolExecutor(threads) as pool:
        looks = pool.map(lambda view: _look(view, surface, grid, step), views)
        for number, look in enumerate(looks):
            footprints.append(None if look is None else _footprint(look))
            if look is not None:
                area = look.rows, look.columns
                penalised = look.obliqueness + np.where(look.hidden, HIDDEN_PENALTY, 0.0).astype(np.float32)
                better = penalised < best[area]
                best[area][better] = penalised[better]
                chosen[area][better] = number
                times_seen[area] += np.isfinite(look.obliqueness)
            advance(0.7 * (number + 1) / len(views))
    chosen[~_supported(surface, grid, step)] = NOBODY
    footprints = [_with_own(footprint, chosen, number) for number, footprint in enumerate(footprints)]
    smooth = _smooth(chosen, footprints, advance)
    painted = times_seen[smooth != NOBODY]
    return Labels(step, smooth, tuple(footprints), float(painted.mean()) if painted.size else 0.0)


def _look(view: View, surface: Surface, grid: Grid, step: int) -> _Look | None:
    rows, columns = _reach(view, surface, grid, step)
    if rows.stop <= rows.start or columns.stop <= columns.start:
        return None
    x, y = grid.nodes(step, rows, columns)
    z = surface.sample(x, y)
    u, v, valid = view.project(np.stack([x, y, z], axis=-1))
    # A node's view also paints the pixels up to the next node.
    margin = 2.0 + step * grid.gsd * view.camera.focal / max(float(view.centre[2] - np.median(z)), 1.0)
    width, height = view.camera.width, view.camera.height
    valid &= (u > margin) & (v > margin) & (u < width - 1 - margin) & (v < height - 1 - margin)
    centre = view.centre
    obliqueness = np.hypot(x - centre[0], y - centre[1]) / np.maximum(centre[2] - z, 1e-3)
    valid &= obliqueness < MAX_OBLIQUENESS
    if not valid.any():
        return None
    obliqueness[~valid] = np.inf
    behind = hidden(view, x, y, z, surface, max(step * grid.gsd, surface.spacing))
    return _Look(rows, columns, obliqueness.astype(np.float32), behind & valid)


def _footprint(look: _Look) -> Footprint:
    return Footprint(look.rows, look.columns, np.packbits(np.isfinite(look.obliqueness) & ~look.hidden))


def _with_own(footprint: Footprint | None, chosen: NDArray[np.int16], number: int) -> Footprint | None:
    """The footprint with the nodes that fell to this view for want of a better one."""
    if footprint is None:
        return None
    own = chosen[footprint.rows, footprint.columns] == number
    return replace(footprint, bits=np.packbits(footprint.seen | own))


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
        advance(0.7 + 0.3 * (number + 1) / len(footprints))
    return result
