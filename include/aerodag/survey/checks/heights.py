"""Heights of the flights against each other: another zero point, another flying height, single wrong values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from aerodag.findings import Finding, Severity
from aerodag.settings import Checks
from aerodag.survey.columns import Columns, Floats, Ints
from aerodag.survey.timeline import Flight

_LEAST = 3
_RTK_FIXED = 50
_MAD_TO_SIGMA, _SIGMAS = 1.4826, 6.0
_MOST_OUTLIERS = 0.25
_LISTED = 20


@dataclass(frozen=True, slots=True)
class Datum:
    """A stretch of one flight with one zero of its altitudes: AbsoluteAltitude - RelativeAltitude in metres."""

    flight: int
    first: str
    images: int
    zero_m: float


def datum_findings(table: Columns, flights: list[Flight], checks: Checks) -> list[Finding]:
    """``survey.datum_jump``: the altitude of the take-off point steps by more than ``datum_jump_m``.

    Without RTK the drone sets its altitude anew at every power cycle, by tens of metres (the engine then meets the same
    ground at several heights). Stretches whose majority is RTK fixed share one datum and are left out.
    """
    parts = [part for flight in flights for part in _datums(table, flight, checks)]
    if len(parts) < 2:
        return []
    zeros = [part.zero_m for part in parts]
    jump = max(zeros) - min(zeros)
    return [_jumped(parts, jump, checks)] if jump > checks.datum_jump_m else []


def mixed_findings(table: Columns, numbers: Ints, checks: Checks) -> list[Finding]:
    """``survey.mixed_heights``: the flights' ground sampling distances (or, unknown, heights) differ by a factor."""
    with np.errstate(divide="ignore", invalid="ignore"):
        gsd = 100.0 * np.where(table.relative_altitude > 0, table.relative_altitude, np.nan) / table.focal_px
    gsd = np.where(np.isnan(gsd), table.gsd_cm, gsd)
    for values, name, unit in ((gsd, "GSD", "cm"), (table.relative_altitude, "flying height", "m")):
        medians = _medians(values, numbers)
        if len(medians) < 2:
            continue
        low, high = min(medians, key=medians.__getitem__), max(medians, key=medians.__getitem__)
        if medians[high] > checks.height_ratio * medians[low]:
            return [_mixed(low, high, medians, f"{name} in {unit}", checks)]
        return []
    return []


def altitude_findings(table: Columns, numbers: Ints, checks: Checks) -> list[Finding]:
    """``image.altitude_outlier``: far from its flight's median altitude, and few in the flight are."""
    found = []
    for number in np.unique(numbers):
        members = np.flatnonzero((numbers == number) & np.isfinite(table.altitude))
        if len(members) < 2 * _LEAST:
            continue
        values = table.altitude[members]
        median = float(np.median(values))
        spread = _SIGMAS * _MAD_TO_SIGMA * float(np.median(np.abs(values - median)))
        limit = max(checks.altitude_outlier_m, spread)
        odd = np.flatnonzero(np.abs(values - median) > limit)
        if len(odd) <= _MOST_OUTLIERS * len(members):
            found += [_odd_altitude(table.path(members[k]), float(values[k]), median, limit) for k in odd]
    return found


def _datums(table: Columns, flight: Flight, checks: Checks) -> list[Datum]:
    zero = table.altitude[flight.first] - table.relative_altitude[flight.first]
    known = np.isfinite(zero)
    zero, first = zero[known], flight.first[known]
    parts = np.split(np.arange(len(zero)), np.flatnonzero(np.abs(np.diff(zero)) > checks.datum_jump_m) + 1)
    return [
        Datum(flight.number, table.path(first[part[0]]), len(part), float(np.median(zero[part])))
        for part in parts
        if len(part) >= _LEAST and not _rtk_fixed(table, first[part])
    ]


def _rtk_fixed(table: Columns, members: Ints) -> bool:
    flags = (table.exposures[int(index)].rtk_flag for index in members)
    return 2 * sum(1 for flag in flags if flag is not None and flag >= _RTK_FIXED) > len(members)


def _medians(values: Floats, numbers: Ints) -> dict[int, float]:
    """Median of the positive values of every flight that has enough of them."""
    found = {}
    for number in np.unique(numbers[numbers > 0]):
        known = values[(numbers == number) & (values > 0)]
        if len(known) >= _LEAST:
            found[int(number)] = float(np.median(known))
    return found


def _jumped(parts: list[Datum], jump: float, checks: Checks) -> Finding:
    listed: list[dict[str, Any]] = [
        {"flight": part.flight, "first": part.first, "images": part.images, "zero_m": round(part.zero_m, 2)}
        for part in parts[:_LISTED]
    ]
    zeros = ", ".join(f"{part.zero_m:.0f} m (flight {part.flight}, {part.images} images)" for part in parts[:5])
    more = f" and {len(parts) - 5} more" if len(parts) > 5 else ""
    return Finding(
        Severity.WARNING,
        "survey.datum_jump",
        f"The altitude of the take-off point changes by {jump:.1f} m within the survey (limit "
        f"{checks.datum_jump_m:g} m): {zeros}{more}.",
        "If the drone took off from the same height each time, its altitudes have different zeros: use RTK or ground "
        "control, or process the flights one by one.",
        numbers={"jump_m": round(jump, 2), "datum_jump_m": checks.datum_jump_m, "parts": listed},
    )


def _mixed(low: int, high: int, medians: dict[int, float], quantity: str, checks: Checks) -> Finding:
    ratio = medians[high] / medians[low]
    return Finding(
        Severity.WARNING,
        "survey.mixed_heights",
        f"The flights differ {ratio:.1f} times in {quantity}: {medians[low]:.1f} in flight {low}, {medians[high]:.1f} "
        f"in flight {high}; above {checks.height_ratio:g} times images of the two hardly match.",
        "Process flights of very different height as surveys of their own, or fly one between them.",
        numbers={
            "ratio": round(ratio, 3),
            "height_ratio": checks.height_ratio,
            "quantity": quantity,
            "flights": {str(number): round(value, 3) for number, value in list(medians.items())[:_LISTED]},
        },
    )


def _odd_altitude(path: str, altitude: float, median: float, limit: float) -> Finding:
    return Finding(
        Severity.WARNING,
        "image.altitude_outlier",
        f"The altitude of {altitude:.1f} m is {abs(altitude - median):.0f} m from its flight's median of {median:.1f} "
        f"m; the limit is {limit:.0f} m.",
        "Leave it out if its altitude is a GPS error; the engine would lift or sink the map around it.",
        path,
        {"altitude_m": round(altitude, 2), "median_m": round(median, 2), "limit_m": round(limit, 2)},
    )
