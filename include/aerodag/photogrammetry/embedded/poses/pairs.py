"""Which images to match: neighbours in space, and in file order where the position is unknown."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import Delaunay, QhullError, cKDTree

Array = NDArray[np.float64]


def pairs_to_match(positions: Array, neighbours: int) -> list[tuple[int, int]]:
    """Index pairs (low, high), sorted.

    Nearest neighbours alone may all lie in the image's own flight line when forward overlap is much larger than
    side overlap; the edges of the Delaunay triangulation join neighbouring lines at any spacing.

    Args:
        positions: shape (n, >=2), metres; rows with NaN are images without position. Only east and north count.
        neighbours: nearest neighbours per image.
    """
    known = np.flatnonzero(np.isfinite(positions[:, :2]).all(axis=1))
    plane = positions[known, :2]
    pairs = _nearest(plane, neighbours) | _triangulated(plane)
    named = {_ordered(int(known[a]), int(known[b])) for a, b in pairs}
    unknown = np.setdiff1d(np.arange(len(positions)), known)
    return sorted(named | _sequential(unknown, len(positions), neighbours))


def _ordered(a: int, b: int) -> tuple[int, int]:
    return (a, b) if a < b else (b, a)


def _nearest(plane: Array, neighbours: int) -> set[tuple[int, int]]:
    if len(plane) < 2:
        return set()
    count = min(neighbours + 1, len(plane))
    _, nearest = cKDTree(plane).query(plane, k=count)
    return {_ordered(a, int(b)) for a, row in enumerate(nearest) for b in row if a != b}


def _triangulated(plane: Array) -> set[tuple[int, int]]:
    """Delaunay edges no longer than four times the median edge (long ones run along the hull)."""
    if len(plane) < 4:
        return set()
    try:
        simplices = Delaunay(plane).simplices
    except QhullError:  # all positions on one line
        return set()
    edges = np.unique(np.sort(np.vstack([simplices[:, [0, 1]], simplices[:, [1, 2]], simplices[:, [2, 0]]]), 1), axis=0)
    length = np.linalg.norm(plane[edges[:, 0]] - plane[edges[:, 1]], axis=1)
    return {(int(a), int(b)) for a, b in edges[length <= 4.0 * np.median(length)]}


def _sequential(unknown: NDArray[np.intp], total: int, reach: int) -> set[tuple[int, int]]:
    near = {(int(a), b) for a in unknown for b in range(max(a - reach, 0), min(a + reach + 1, total))}
    return {_ordered(a, int(b)) for a, b in near if a != b}
