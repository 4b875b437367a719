"""Bursts taken on one spot: no baseline between them, so no depth, and matching that costs as much as any."""

from __future__ import annotations

import numpy as np

from aerodag.findings import Finding, Severity
from aerodag.settings import Checks
from aerodag.survey.checks.positions import frozen_runs
from aerodag.survey.columns import Columns, Flags, Floats, Ints
from aerodag.survey.cover.plane import plane_about
from aerodag.survey.timeline import Flight

_SHARE_OF_HEIGHT = 0.25


def stationary_findings(table: Columns, flights: list[Flight], checks: Checks) -> list[Finding]:
    """``image.stationary`` for every image of a burst after its first exposure.

    A burst is ``stationary_images`` or more exposures in a row, all within ``stationary_m`` of the first one (rule of
    hotosm/drone-tm), in plan and height. Below 20 m the distance shrinks with the height, because there even a
    proper survey takes a picture every few metres. Stretches of a frozen position say nothing about movement.
    """
    found = []
    for flight in flights:
        if len(flight.first) < checks.stationary_images:
            continue
        frozen = frozen_runs(table, flight, checks)
        stuck = np.isin(np.arange(len(flight.first)), np.concatenate(frozen) if frozen else [])
        points, reach = _points(table, flight.first), _reach(table, flight.first, checks)
        for start, stop in bursts(points, reach, stuck, checks.stationary_images):
            first = table.path(flight.first[start])
            for index in flight.exposures(np.arange(start + 1, stop)):
                found.append(_stationary(table.path(index), first, stop - start, reach[start], checks))
    return found


def bursts(points: Floats, reach: Floats, broken: Flags, least: int) -> list[tuple[int, int]]:
    """Start and stop of each burst among points (n, 3) in metres; no burst goes through a ``broken`` point."""
    found, start = [], 0
    while start + least <= len(points):
        length = _length(points[start:], reach[start], broken[start:])
        if length >= least:
            found.append((start, start + length))
        start += length if length >= least else 1
    return found


def _length(points: Floats, reach: float, broken: Flags) -> int:
    """How many points from the first on stay near it; looked at in growing pieces, for most bursts are short."""
    done, piece = 0, 16
    while done < len(points):
        part = slice(done, done + piece)
        away = (np.linalg.norm(points[part] - points[0], axis=1) > reach) | broken[part]
        if away.any():
            return done + int(np.argmax(away))
        done, piece = done + piece, piece * 2
    return len(points)


def _points(table: Columns, members: Ints) -> Floats:
    longitude, latitude = table.longitude[members], table.latitude[members]
    plan = plane_about(longitude, latitude).metres(longitude, latitude)
    height = table.relative_altitude[members]
    if np.isnan(height).any():
        height = table.altitude[members]
    return np.column_stack([plan, np.zeros(len(plan)) if np.isnan(height).any() else height])


def _reach(table: Columns, members: Ints, checks: Checks) -> Floats:
    height = table.relative_altitude[members]
    low = np.where(height > 0, height * _SHARE_OF_HEIGHT, checks.stationary_m)
    return np.minimum(checks.stationary_m, low)


def _stationary(path: str, first: str, count: int, reach: float, checks: Checks) -> Finding:
    return Finding(
        Severity.WARNING,
        "image.stationary",
        f"One of {count} exposures in a row within {reach:.1f} m of {first}; {checks.stationary_images} such make a "
        "burst of which one is enough.",
        "Leave out all but the first of the burst; stop the camera's timer while the drone hovers.",
        path,
        {"first": first, "in_burst": count, "within_m": round(float(reach), 2)},
    )
