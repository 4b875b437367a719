"""Flight tails: pictures of the way to the survey and back, known by their straight course and the turn after it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aerodag.findings import Finding, Severity
from aerodag.settings import Checks
from aerodag.survey.columns import Columns, Flags, Floats, distances, turn
from aerodag.survey.timeline import Flight

_LEAST_STATIONS = 10
_VERTICAL_M_S, _VERTICAL_LATERAL_M = 2.0, 10.0
_WINDOW, _WINDOW_SHARE = 30, 4
_LEAST_MOVE_M = 5.0
_SAMPLES, _STRAIGHT_DEG = 5, 30.0
_SAME_COURSE_DEG, _TURN_DEG, _CONFIRMED_DEG = 45.0, 60.0, 10.0
_REVERSAL_DEG = 150.0
_LEAST_TAIL, _MOST_SHARE = 5, 0.25


@dataclass(frozen=True, slots=True)
class Steps:
    """The n - 1 steps between n stations: azimuth in degrees; ``moves`` are the level ones long enough for a course."""

    azimuth: Floats
    moves: Flags


def tail_findings(table: Columns, flights: list[Flight], checks: Checks) -> list[Finding]:
    """``image.flight_tail`` for every image before the survey's first line and after its last."""
    if not checks.flight_tails:
        return []
    found = []
    for flight in flights:
        before, after = tails(_steps(table, flight))
        count = len(flight.first)
        found += _tail(table, flight, range(before), "before the first")
        found += _tail(table, flight, range(count - after, count), "after the last")
    return found


def tails(steps: Steps) -> tuple[int, int]:
    """How many stations at the start and at the end of a flight are tail.

    The rule of hotosm/drone-tm: within min(30, n/4) stations of an end the first five courses, straight to 30 degrees,
    make the base line; a course that differs by more than 60 degrees and is kept to 10 degrees for five more steps is
    the turn, and what lies before it (at least five stations) is the tail. Both together above 25 % of the flight are
    no tail. Beyond that rule: a reversal (more than 150 degrees) is the turn between two survey lines.
    """
    count = len(steps.azimuth) + 1
    if count < _LEAST_STATIONS:
        return 0, 0
    backwards = Steps(steps.azimuth[::-1], steps.moves[::-1])
    before, after = _tail_length(steps), _tail_length(backwards)
    return (0, 0) if before + after > _MOST_SHARE * count else (before, after)


def _tail_length(steps: Steps) -> int:
    window = min(_WINDOW, (len(steps.azimuth) + 1) // _WINDOW_SHARE)
    moves = np.flatnonzero(steps.moves)
    course = steps.azimuth[moves]
    within = int(np.searchsorted(moves, window))
    if within <= _SAMPLES or _spread(course[:_SAMPLES]) > _STRAIGHT_DEG:
        return 0
    base = _mean(course[:_SAMPLES])
    for k in range(_SAMPLES, within):
        change = float(turn(base, course[k]))
        if change < _SAME_COURSE_DEG:
            base = _mean([base, float(course[k])])
        elif change > _TURN_DEG and _confirmed(course, k):
            station = int(moves[k])
            return station if station >= _LEAST_TAIL and change <= _REVERSAL_DEG else 0
    return 0


def _confirmed(course: Floats, k: int) -> bool:
    kept = course[k + 1 : k + 1 + _SAMPLES]
    return len(kept) == _SAMPLES and bool(np.all(turn(float(course[k]), kept) <= _CONFIRMED_DEG))


def _spread(course: Floats) -> float:
    return float(np.max(turn(course[:, None], course[None, :])))


def _mean(course: Sequence[float] | Floats) -> float:
    """Circular mean, degrees."""
    radians = np.radians(course)
    return math.degrees(math.atan2(float(np.sin(radians).mean()), float(np.cos(radians).mean())))


def _steps(table: Columns, flight: Flight) -> Steps:
    first = flight.first
    azimuth, metres = distances(table.longitude[first], table.latitude[first])
    height = table.altitude[first]
    if np.isnan(height).any():
        height = table.relative_altitude[first]
    climb = np.nan_to_num(np.abs(np.diff(height)))
    vertical = (climb >= _VERTICAL_M_S * np.diff(table.seconds[first])) & (climb > 0) & (metres <= _VERTICAL_LATERAL_M)
    return Steps(azimuth, (metres >= _LEAST_MOVE_M) & ~vertical)


def _tail(table: Columns, flight: Flight, stations: range, where: str) -> list[Finding]:
    indices = flight.exposures(np.array(stations, dtype=np.int64))
    return [_on_the_way(table.path(index), flight, len(stations), where) for index in indices]


def _on_the_way(path: str, flight: Flight, count: int, where: str) -> Finding:
    total = len(flight.first)
    return Finding(
        Severity.WARNING,
        "image.flight_tail",
        f"One of {count} exposures on the straight way {where} line of flight {flight.number} ({total} exposures).",
        "Leave it out if it lies outside the area; start the camera at the first line.",
        path,
        {"flight": flight.number, "in_tail": count, "in_flight": total},
    )
