"""All checks of one upload's exposures in one call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aerodag.findings import Finding
from aerodag.settings import Checks
from aerodag.survey.checks.copies import same_exposure_findings
from aerodag.survey.checks.heights import altitude_findings, datum_findings, mixed_findings
from aerodag.survey.checks.legs import front_gap_findings
from aerodag.survey.checks.positions import frozen_findings, missing_findings, stray_findings
from aerodag.survey.checks.stationary import stationary_findings
from aerodag.survey.checks.tails import tail_findings
from aerodag.survey.checks.views import pitch_findings, sun_findings, zoom_findings
from aerodag.survey.columns import columns
from aerodag.survey.exposure import Exposure
from aerodag.survey.timeline import UNKNOWN, flight_numbers, sequences


@dataclass(frozen=True, slots=True)
class Examination:
    """Findings by code and image, and the flight of every exposure that could be placed, by path."""

    findings: tuple[Finding, ...]
    flights: dict[str, int]


def examine(exposures: Sequence[Exposure], checks: Checks) -> Examination:
    """Check the exposures that take part in a survey; codes in the room's docstring. The order does not matter."""
    table = columns(exposures)
    numbers = flight_numbers(table, checks)
    flown = sequences(table, numbers)
    found = [
        *pitch_findings(table, checks),
        *sun_findings(table, checks),
        *zoom_findings(table),
        *same_exposure_findings(table),
        *missing_findings(table, checks),
        *stray_findings(table, checks),
        *frozen_findings(table, flown, checks),
        *altitude_findings(table, numbers, checks),
        *stationary_findings(table, flown, checks),
        *tail_findings(table, flown, checks),
        *front_gap_findings(table, flown, checks),
        *datum_findings(table, flown, checks),
        *mixed_findings(table, numbers, checks),
    ]
    found.sort(key=lambda finding: (finding.code, finding.image or "", finding.message))
    return Examination(
        findings=tuple(found),
        flights={table.path(i): int(numbers[i]) for i in np.flatnonzero(numbers != UNKNOWN)},
    )
