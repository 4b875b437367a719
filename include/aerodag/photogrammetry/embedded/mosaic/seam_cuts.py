"""Moves seams away from what two images show differently: roofs, trees, cars."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any

import cv2  # noqa: TID253 -- only the engine's child imports this module
import numpy as np
from numpy.typing import NDArray

from aerodag.photogrammetry.embedded.ground.surface import Surface
from aerodag.photogrammetry.embedded.mosaic.colour import Gains
from aerodag.photogrammetry.embedded.mosaic.grid import Grid, Window
from aerodag.photogrammetry.embedded.mosaic.labels import NOBODY, Footprint, Labels
from aerodag.photogrammetry.embedded.mosaic.pixels import decode, sample
from aerodag.photogrammetry.embedded.poses.cameras import View

Mask = NDArray[np.uint8]

# A seam may wander this share of the flying height to either side of where nearest-nadir put it.
REACH_RATIO = 0.12


@dataclass(slots=True)
class Claim:
    """What one view may paint: nodes from (row, column) on, their colour and a 0/255 mask that the cuts shrink."""

    row: int
    column: int
    rgb: NDArray[np.uint8]
    mask: Mask


def cut_seams(
    views: Sequence[View],
    surface: Surface,
    grid: Grid,
    labels: Labels,
    gains: Gains,
    flying_height: float,
    threads: int,
    advance: Callable[[float], None],
) -> Labels:
    """Widen every view's part over the seams, then part each overlapping pair by a minimum cut.

    The cut runs where both images have the same colour and gradient (Kwatra et al., Graphcut Textures, 2003; OpenCV's
    GraphCutSeamFinder). Pairs are cut one after the other, so memory holds one pair's graph.
    """
    reach = max(int(REACH_RATIO * flying_height / (grid.gsd * labels.step)), 1)

    def claim(number: int) -> Claim | None:
        return _claim(views[number], number, surface, grid, labels, gains, reach)

    claims: list[Claim | None] = []
    with ThreadPoolExecutor(threads) as pool:
        for item in pool.map(claim, range(len(views))):
            claims.append(item)
            advance(0.5 * len(claims) / len(views))
    present = [item for item in claims if item is not None]
    pairs = [pair for pair in combinations(present, 2) if _overlap(*pair)]
    for done, pair in enumerate(pairs, start=1):
        _part(*pair)
        advance(0.5 + 0.5 * done / len(pairs))
    return replace(labels, chosen=_painted(labels.chosen, claims))


def _claim(
    view: View, number: int, surface: Surface, grid: Grid, labels: Labels, gains: Gains, reach: int
) -> Claim | None:
    footprint = labels.footprints[number]
    if footprint is None:
        return None
    own = (labels.chosen[footprint.rows, footprint.columns] == number).astype(np.uint8)
    if not own.any():
        return None
    kernel = cv2.getStructuringElement(cv2.MORPH_RECT, (2 * reach + 1, 2 * reach + 1))
    painted = labels.chosen[footprint.rows, footprint.columns] != NOBODY
    mask = cv2.dilate(own, kernel) * (footprint.seen & painted)
    rows, columns = np.flatnonzero(mask.any(axis=1)), np.flatnonzero(mask.any(axis=0))
    inner = slice(int(rows[0]), int(rows[-1]) + 1), slice(int(columns[0]), int(columns[-1]) + 1)
    rgb = _colours(view, number, surface, grid, labels, gains, footprint, inner)
    row, column = footprint.rows.start + inner[0].start, footprint.columns.start + inner[1].start
    return Claim(row, column, rgb, np.ascontiguousarray(mask[inner]) * np.uint8(255))


def _colours(
    view: View,
    number: int,
    surface: Surface,
    grid: Grid,
    labels: Labels,
    gains: Gains,
    footprint: Footprint,
    inner: tuple[slice, slice],
) -> NDArray[np.uint8]:
    """Corrected colour of one view at its nodes, uint8 (rows, columns, 3)."""
    step = labels.step
    rows = slice(footprint.rows.start + inner[0].start, footprint.rows.start + inner[0].stop)
    columns = slice(footprint.columns.start + inner[1].start, footprint.columns.start + inner[1].stop)
    x, y = grid.nodes(step, rows, columns)
    z = surface.sample(x, y)
    u, v, _ = view.project(np.stack([x, y, z], axis=-1))
    pixels_per_node = step * grid.gsd * view.camera.focal / max(float(view.centre[2] - np.median(z)), 1.0)
    image = decode(view.path, max(pixels_per_node, 1.0))
    rgb = sample(image, view.camera.width, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR)
    window = Window(rows.start * step, columns.start * step, x.shape[0], x.shape[1])
    return np.asarray(np.clip(rgb * gains.at_nodes(number, window, step), 0, 255), dtype=np.uint8)


def _overlap(first: Claim, second: Claim) -> bool:
    """Whether both masks share a node."""
    windows = _shared(first, second)
    return windows is not None and bool((first.mask[windows[0]] & second.mask[windows[1]]).any())


def _shared(first: Claim, second: Claim) -> list[tuple[slice, slice]] | None:
    top, left = max(first.row, second.row), max(first.column, second.column)
    bottom = min(first.row + first.mask.shape[0], second.row + second.mask.shape[0])
    right = min(first.column + first.mask.shape[1], second.column + second.mask.shape[1])
    if bottom <= top or right <= left:
        return None
    return [(slice(top - c.row, bottom - c.row), slice(left - c.column, right - c.column)) for c in (first, second)]


def _part(first: Claim, second: Claim) -> None:
    """Give each node of the overlap to one of the two."""
    # Typed as Any: OpenCV's stubs know only UMat here, its converter takes arrays, too.
    finder: Any = cv2.detail.GraphCutSeamFinder("COST_COLOR_GRAD")
    images = [claim.rgb.astype(np.float32) for claim in (first, second)]
    corners = [(claim.column, claim.row) for claim in (first, second)]
    masks = finder.find(images, corners, [first.mask, second.mask])
    first.mask, second.mask = (np.asarray(mask.get(), dtype=np.uint8) for mask in masks)


def _painted(chosen: NDArray[np.int16], claims: Sequence[Claim | None]) -> NDArray[np.int16]:
    result = chosen.copy()
    for number, claim in enumerate(claims):
        if claim is not None:
            height, width = claim.mask.shape
            part = result[claim.row : claim.row + height, claim.column : claim.column + width]
            part[claim.mask > 0] = number
    return result
