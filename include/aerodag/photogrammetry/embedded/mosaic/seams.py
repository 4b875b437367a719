"""How far the two images of a seam disagree, measured where they meet."""

from __future__ import annotations

from dataclasses import dataclass

import cv2  # noqa: TID253 -- only the engine's child imports this module
import numpy as np
from numpy.typing import NDArray

from aerodag.photogrammetry.embedded.mosaic.grid import STEP, Window
from aerodag.photogrammetry.embedded.mosaic.labels import NOBODY, Labels
from aerodag.photogrammetry.embedded.mosaic.orthophoto import Mosaic, positions
from aerodag.photogrammetry.embedded.mosaic.pixels import sample

PATCH = 96
MAX_PATCHES = 120
# A correlation peak below this does not stand out of the noise.
MIN_RESPONSE = 0.15


@dataclass(frozen=True, slots=True)
class SeamError:
    """Displacement across seams in orthophoto pixels; None where no seam could be measured.

    ``tried`` patches, of which ``measured`` gave a correlation peak: vegetation and water mostly do not.
    """

    median_px: float | None
    p90_px: float | None
    tried: int
    measured: int


def measure_seams(mosaic: Mosaic) -> SeamError:
    """Phase correlation of both images in patches spread over all seams."""
    places = _places(mosaic.labels)
    shifts = [shift for place in places if (shift := _shift(mosaic, *place)) is not None]
    if not shifts:
        return SeamError(None, None, len(places), 0)
    return SeamError(float(np.median(shifts)), float(np.percentile(shifts, 90)), len(places), len(shifts))


def _places(labels: Labels) -> list[tuple[int, int, int, int]]:
    """(node row, node column, view, other view) along seams, evenly thinned, ordered by views for the cache."""
    chosen = labels.chosen
    left, right = chosen[:, :-1], chosen[:, 1:]
    rows, columns = np.nonzero((left != right) & (left != NOBODY) & (right != NOBODY))
    if not rows.size:
        return []
    thinned = np.random.default_rng(0).permutation(rows.size)[:MAX_PATCHES]
    pairs = [
        (int(r), int(c), int(left[r, c]), int(right[r, c]))
        for r, c in zip(rows[thinned], columns[thinned], strict=True)
    ]
    return sorted(pairs, key=lambda place: (min(place[2:]), max(place[2:])))


def _shift(mosaic: Mosaic, node_row: int, node_column: int, first: int, second: int) -> float | None:
    labels, grid = mosaic.labels, mosaic.grid
    half = PATCH // 2 // STEP * STEP
    row = min(max(node_row * labels.step - half, 0), (grid.height - PATCH) // STEP * STEP)
    column = min(max(node_column * labels.step - half, 0), (grid.width - PATCH) // STEP * STEP)
    if row < 0 or column < 0:
        return None
    window = Window(row, column, PATCH, PATCH)
    one, other = _grey(mosaic, first, window), _grey(mosaic, second, window)
    if one is None or other is None:
        return None
    hanning = cv2.createHanningWindow((PATCH, PATCH), cv2.CV_32F)
    (dx, dy), response = cv2.phaseCorrelate(one, other, hanning)
    return float(np.hypot(dx, dy)) if response >= MIN_RESPONSE else None


def _grey(mosaic: Mosaic, number: int, window: Window) -> NDArray[np.float32] | None:
    view = mosaic.views[number]
    u, v = positions(view, mosaic.surface, mosaic.grid, window)
    if u.min() < 0 or v.min() < 0 or u.max() > view.camera.width - 1 or v.max() > view.camera.height - 1:
        return None
    image = sample(mosaic.cache.get(view.path), view.camera.width, u, v, cv2.INTER_LINEAR)
    return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.float32)
