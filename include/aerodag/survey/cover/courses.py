"""The direction of flight at every exposure, from the track; without times, from the nearest neighbours."""

from __future__ import annotations

import numpy as np
from scipy.spatial import KDTree

from aerodag.survey.columns import Columns, Floats, Ints
from aerodag.survey.timeline import UNKNOWN, sequences

_LEAST_MOVE_M = 0.3
_BINS = 36  # of 5 degrees; a course and its reverse are one
_PARALLEL_DEG = 25.0
_SMOOTHING = (1.0, 2.0, 3.0, 2.0, 1.0)


def courses(table: Columns, numbers: Ints, points: Floats) -> Floats:
    """Course in degrees clockwise from the y axis of the plane ``points`` (n, 2; metres) lie in; NaN where unknown.

    An exposure has two candidates, the step to it and the step from it (its two nearest neighbours where the time is
    unknown; then the course may be the reverse). On a line both agree and their sum is taken; else the one along which
    more of its flight's steps run, so at the end of a line it is the line's, not the turn's.
    """
    candidates = np.full((len(table), 2, 2), np.nan)
    timed = np.zeros(len(table), dtype=np.bool_)
    for flight in sequences(table, numbers):
        steps = np.diff(points[flight.first], axis=0)
        steps[np.linalg.norm(steps, axis=1) < _LEAST_MOVE_M] = np.nan
        for station, members in enumerate(flight.members):
            timed[members] = True
            if station > 0:
                candidates[members, 0] = steps[station - 1]
            if station < len(steps):
                candidates[members, 1] = steps[station]
    loose = np.flatnonzero(table.located & ~timed)
    candidates[loose] = _neighbours(points, loose)
    found = np.full(len(table), np.nan)
    groups = np.where(timed, numbers, UNKNOWN)
    for group in np.unique(groups):
        members = np.flatnonzero(groups == group)
        found[members] = _supported(candidates[members])
    return found


def _supported(candidates: Floats) -> Floats:
    """Of each pair of steps (m, 2, 2) the course (m,) that has more company among all of them."""
    azimuth = np.degrees(np.arctan2(candidates[..., 0], candidates[..., 1])) % 360.0
    bins = np.where(np.isnan(azimuth), 0, np.nan_to_num(azimuth) % 180.0 / (180.0 / _BINS)).astype(np.int64) % _BINS
    counts = np.bincount(bins[~np.isnan(azimuth)], minlength=_BINS).astype(np.float64)
    half = len(_SMOOTHING) // 2
    support = sum(weight * np.roll(counts, shift - half) for shift, weight in enumerate(_SMOOTHING))
    company = np.where(np.isnan(azimuth), -1.0, np.asarray(support)[bins])
    chosen: Floats = azimuth[np.arange(len(azimuth)), np.argmax(company, axis=1)]
    first, second = candidates[:, 0], candidates[:, 1]
    same_way = np.where(np.sum(first * second, axis=1) < 0, -1.0, 1.0)
    both = first + second * same_way[:, None]
    on_line = np.abs((azimuth[:, 1] - azimuth[:, 0] + 90.0) % 180.0 - 90.0) <= _PARALLEL_DEG
    return np.where(on_line, np.degrees(np.arctan2(both[:, 0], both[:, 1])) % 360.0, chosen)


def _neighbours(points: Floats, members: Ints) -> Floats:
    """Steps (m, 2, 2) to the two nearest places that are not the same place."""
    found = np.full((len(members), 2, 2), np.nan)
    if len(members) < 2:
        return found
    places = np.unique(np.round(points[members], 1), axis=0)
    near = min(3, len(places))
    if near < 2:
        return found
    index = KDTree(places).query(points[members], k=near)[1]
    steps = places[index[:, 1:]] - points[members][:, None]
    steps[np.linalg.norm(steps, axis=2) < _LEAST_MOVE_M] = np.nan
    found[:, : near - 1] = steps
    return found
