"""Legs of a flight and the places on them where exposures are missing."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from aerodag.findings import Finding, Severity
from aerodag.settings import Checks
from aerodag.survey.columns import Columns, Floats, Ints, distances, turn
from aerodag.survey.timeline import Flight

_TURN_DEG = 45.0
_LEAST_MOVE_M = 0.5
_LISTED = 20


@dataclass(frozen=True, slots=True)
class FrontGap:
    """A step along a leg that is longer than usual: paths of the exposures at its ends, lengths in metres."""

    before: str
    after: str
    metres: float
    usual_m: float


def front_gaps(table: Columns, flights: list[Flight], checks: Checks) -> list[FrontGap]:
    """Steps of more than ``front_gap_ratio`` medians along the legs, longest first; legs end at turns of 45 degrees."""
    return sorted(
        (gap for flight in flights for gap in _gaps(table, flight, checks)), key=lambda gap: (-gap.metres, gap.before)
    )


def front_gap_findings(table: Columns, flights: list[Flight], checks: Checks) -> list[Finding]:
    """``survey.gap``: one finding for all; a few gaps are information, more than ``front_gaps`` a warning."""
    gaps = front_gaps(table, flights, checks)
    if not gaps:
        return []
    worst = gaps[0]
    many = len(gaps) > checks.front_gaps
    return [
        Finding(
            Severity.WARNING if many else Severity.INFO,
            "survey.gap",
            f"{len(gaps)} {'gap' if len(gaps) == 1 else 'gaps'} along the flight lines (more than {checks.front_gaps} "
            f"are too many): the longest step is {worst.metres:.1f} m where {worst.usual_m:.1f} m are usual, from "
            f"{worst.before} to {worst.after}; above {checks.front_gap_ratio:g} times the usual step is a gap.",
            "Look for images that were left on the card, or fly these stretches again.",
            numbers={
                "gaps": len(gaps),
                "front_gaps": checks.front_gaps,
                "front_gap_ratio": checks.front_gap_ratio,
                "longest": [
                    {"before": gap.before, "after": gap.after, "metres": round(gap.metres, 2)} for gap in gaps[:_LISTED]
                ],
            },
        )
    ]


def leg_steps(azimuth: Floats, metres: Floats) -> Ints:
    """Indices of the steps that belong to a leg: the course of a neighbouring step is the same within 45 degrees."""
    moves = np.flatnonzero(metres >= _LEAST_MOVE_M)
    straight = turn(azimuth[moves[:-1]], azimuth[moves[1:]]) <= _TURN_DEG
    on_leg = np.zeros(len(moves), dtype=np.bool_)
    on_leg[:-1] |= straight
    on_leg[1:] |= straight
    return moves[on_leg]


def _gaps(table: Columns, flight: Flight, checks: Checks) -> list[FrontGap]:
    first = flight.first
    azimuth, metres = distances(table.longitude[first], table.latitude[first])
    steps = leg_steps(azimuth, metres)
    if len(steps) < 3:
        return []
    usual = float(np.median(metres[steps]))
    long = steps[metres[steps] > checks.front_gap_ratio * usual]
    return [FrontGap(table.path(first[k]), table.path(first[k + 1]), float(metres[k]), usual) for k in long]
