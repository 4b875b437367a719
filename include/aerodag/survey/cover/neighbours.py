"""Neighbouring exposures along and across the flight lines, whatever order the images came in."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from aerodag.survey.columns import Flags, Floats, Ints

_NEAREST = 64
_PARALLEL_DEG = 25.0
_CONE = math.tan(math.radians(20.0))
_SAME_PLACE_M, _SAME_PLACE_SHARE = 0.3, 0.04
_ABREAST = 0.6
_BROKEN = 2.0
_LEAST_LINE = 3


@dataclass(frozen=True, slots=True)
class Shifts:
    """From exposures ``of`` (indices, shape (m,)) to neighbours ``to``: signed metres along or across the course."""

    of: Ints
    to: Ints
    metres: Floats

    def sample(self, most: int) -> Shifts:
        """At most so many of them, evenly chosen: enough for a median."""
        every = max(1, -(-len(self.of) // most))
        return Shifts(self.of[::every], self.to[::every], self.metres[::every])

    @property
    def median_m(self) -> float | None:
        """Median length; None without any."""
        return float(np.median(np.abs(self.metres))) if len(self.metres) else None


@dataclass(frozen=True, slots=True)
class Neighbourhood:
    """``along`` leads to the next exposures ahead and behind, ``across`` to the lines left and right."""

    along: Shifts
    across: Shifts
    lines: int


@dataclass(frozen=True, slots=True)
class _Offsets:
    """From every station to its nearest ones, each array (s, k); not ``usable`` is no neighbour on a parallel line."""

    index: Ints
    along: Floats
    across: Floats
    usable: Flags


def neighbourhood(points: Floats, course: Floats, numbers: Ints, side_m: float) -> Neighbourhood:
    """Neighbours of stations ``points`` (s, 2; metres) with known ``course`` (degrees from y) and flight number.

    ``side_m`` is the side of a typical footprint (0 unknown): exposures within 4 % of it stand at one place. Ahead and
    behind mean within 20 degrees of the course in the same flight; left and right are the nearest parallel tracks that
    have an exposure abreast.
    """
    if len(points) < 2:
        nothing = Shifts(np.empty(0, np.int64), np.empty(0, np.int64), np.empty(0))
        return Neighbourhood(nothing, nothing, 0)
    near = max(_SAME_PLACE_M, _SAME_PLACE_SHARE * side_m)
    offsets = _offsets(points, course, near)
    same_flight = numbers[offsets.index] == numbers[:, None]
    inline = offsets.usable & same_flight & (np.abs(offsets.across) <= _CONE * np.abs(offsets.along))
    along = _both_ways(offsets.index, offsets.along, inline)
    step = along.median_m
    abreast = offsets.usable & (np.abs(offsets.across) > np.abs(offsets.along)) & (np.abs(offsets.across) > near)
    if step is not None:
        abreast &= np.abs(offsets.along) <= _ABREAST * step
    across = _both_ways(offsets.index, offsets.across, abreast)
    return Neighbourhood(along, across, _lines(along, len(points)))


def overlaps(polygons: NDArray[np.object_], course: Floats, shifts: Shifts, across: float) -> Floats:
    """Share (m,) of each exposure's polygon that it has in common with itself moved to the neighbour's line.

    ``across`` is the angle added to the course for the direction of the shift: 0 along, 90 across it.
    """
    direction = np.radians(course[shifts.of] + across)
    move = np.stack([np.sin(direction), np.cos(direction)], axis=1) * shifts.metres[:, None]
    here = polygons[shifts.of]
    coordinates, owner = shapely.get_coordinates(here, return_index=True)
    moved = shapely.set_coordinates(here.copy(), coordinates + move[owner])
    shared: Floats = shapely.area(shapely.intersection(here, moved)) / shapely.area(here)
    return shared


def _offsets(points: Floats, course: Floats, near: float) -> _Offsets:
    count = len(points)
    index = KDTree(points).query(points, k=min(count, _NEAREST + 1))[1].reshape(count, -1)
    delta = points[index] - points[:, None]
    sine, cosine = np.sin(np.radians(course))[:, None], np.cos(np.radians(course))[:, None]
    apart = np.abs((course[index] - course[:, None] + 90.0) % 180.0 - 90.0)  # a course and its reverse are parallel
    return _Offsets(
        index=index,
        along=delta[..., 0] * sine + delta[..., 1] * cosine,
        across=delta[..., 0] * cosine - delta[..., 1] * sine,
        usable=(np.hypot(delta[..., 0], delta[..., 1]) > near) & (apart <= _PARALLEL_DEG),
    )


def _both_ways(index: Ints, metres: Floats, usable: Flags) -> Shifts:
    """The nearest usable neighbour on the positive and on the negative side of every station."""
    rows = np.arange(len(index))
    of, to, found = [], [], []
    for side in (1.0, -1.0):
        reach = np.where(usable & (side * metres > 0), np.abs(metres), np.inf)
        nearest = np.argmin(reach, axis=1)
        known = np.isfinite(reach[rows, nearest])
        of.append(rows[known])
        to.append(index[rows, nearest][known])
        found.append(metres[rows, nearest][known])
    return Shifts(np.concatenate(of), np.concatenate(to), np.concatenate(found))


def _lines(along: Shifts, count: int) -> int:
    """Number of chains of at least three stations; a chain breaks where the step is twice the usual."""
    step = along.median_m
    if step is None:
        return 0
    linked = np.abs(along.metres) <= _BROKEN * step
    of, to = along.of[linked], along.to[linked]
    graph = coo_array((np.ones(len(of)), (of, to)), shape=(count, count))
    chains = connected_components(graph, directed=False)[1]
    return int(np.count_nonzero(np.bincount(chains) >= _LEAST_LINE))
