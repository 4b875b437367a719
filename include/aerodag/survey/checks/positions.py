"""Positions that cannot be right, or are not there."""

from __future__ import annotations

import numpy as np
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial import KDTree

from aerodag.findings import Finding, Severity
from aerodag.settings import Checks
from aerodag.survey.columns import GEOD, Columns, Floats, Ints
from aerodag.survey.timeline import Flight

_EARTH_RADIUS_M = 6_371_008.8
_FEW = 3
_LISTED = 20


def missing_findings(table: Columns, checks: Checks) -> list[Finding]:
    """``survey.positions_missing``: information while enough images know their place, else a warning."""
    total, unknown = len(table), int(np.count_nonzero(~table.located))
    if unknown == 0:
        return []
    share = (total - unknown) / total
    enough = share >= checks.min_gps_share
    advice = (
        "The images without a position are placed by their neighbours; nothing needs to be done."
        if enough
        else "Upload the original files from the camera's card (messengers and editors strip positions), or add a "
        "ground control or geo file."
    )
    return [
        Finding(
            Severity.INFO if enough else Severity.WARNING,
            "survey.positions_missing",
            f"{unknown} of {total} images ({100 * (1 - share):.0f} %) do not say where they were taken; at least "
            f"{100 * checks.min_gps_share:.0f} % should.",
            advice,
            numbers={
                "images": total,
                "missing": unknown,
                "share_located": round(share, 4),
                "min_gps_share": checks.min_gps_share,
                "paths": [table.path(i) for i in np.flatnonzero(~table.located)[:_LISTED]],
            },
        )
    ]


def stray_findings(table: Columns, checks: Checks) -> list[Finding]:
    """``image.position_outlier`` and ``image.wrong_mission``, or ``survey.scattered`` where no place has a majority.

    Images nearer than ``outlier_m`` to each other are at one place (single linkage). The place with most images is
    the survey; an image farther than ``wrong_mission_m`` from its middle is of another mission, and a few images at
    a place of their own are outliers.
    """
    located = np.flatnonzero(table.located)
    if len(located) < 2:
        return []
    points = _globe(table.longitude[located], table.latitude[located])
    places = _places(points, checks.outlier_m)
    sizes = np.bincount(places)
    if len(sizes) == 1:
        return []
    main = int(np.argmax(sizes))
    if sizes[main] * 2 <= len(located):
        return [_scattered(points, places, sizes, checks)]
    middle = _middle(table, located[places == main])
    survey = KDTree(points[places == main])
    few = max(_FEW, int(checks.outlier_share * len(located)))
    found = []
    for place in range(len(sizes)):
        if place == main:
            continue
        members = places == place
        apart = survey.query(points[members])[0]
        if apart.min() > checks.outlier_m:
            found += _strays(table, located[members], apart, middle, len(located), few, checks)
    return found


def frozen_findings(table: Columns, flights: list[Flight], checks: Checks) -> list[Finding]:
    """``survey.position_frozen``: many stations in a row, at different times, with identical coordinates."""
    found = []
    for flight in flights:
        for run in frozen_runs(table, flight, checks):
            first, last = int(flight.first[run[0]]), int(flight.first[run[-1]])
            found.append(_frozen(table, first, last, len(run), flight.number, checks))
    return found


def frozen_runs(table: Columns, flight: Flight, checks: Checks) -> list[Ints]:
    """Stations of each run whose position did not move by a digit while the clock did."""
    longitude, latitude = table.longitude[flight.first], table.latitude[flight.first]
    moved = (np.diff(longitude) != 0) | (np.diff(latitude) != 0)
    runs = np.split(np.arange(len(flight.first)), np.flatnonzero(moved) + 1)
    return [run for run in runs if len(run) >= checks.frozen_images]


def _globe(longitude: Floats, latitude: Floats) -> Floats:
    """Places on a sphere, metres (n, 3): chords are distances, also at the poles and across the antimeridian."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    unit = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    return unit * _EARTH_RADIUS_M


def _places(points: Floats, metres: float) -> Ints:
    """Number of the place of each point: single linkage of cells a fifth of ``metres`` wide, so bounded in memory."""
    cells, cell_of = np.unique(np.floor(points / (metres / 5.0)).astype(np.int64), axis=0, return_inverse=True)
    cell_of = cell_of.reshape(-1)
    counts = np.bincount(cell_of)
    means = np.stack([np.bincount(cell_of, points[:, axis]) / counts for axis in range(3)], axis=1)
    pairs = KDTree(means).query_pairs(metres, output_type="ndarray")
    graph = coo_array((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), shape=(len(cells), len(cells)))
    labels = connected_components(graph, directed=False)[1][cell_of]
    # Numbered by first appearance, that is by path: ties never depend on the order of cells.
    _, first = np.unique(labels, return_index=True)
    rank = np.empty(labels.max() + 1, dtype=np.int64)
    rank[labels[np.sort(first)]] = np.arange(len(first))
    places: Ints = rank[labels]
    return places


def _middle(table: Columns, members: Ints) -> tuple[float, float]:
    """The member nearest to the median place; it exists wherever the survey is on the globe."""
    points = _globe(table.longitude[members], table.latitude[members])
    index = members[int(np.argmin(np.sum((points - np.median(points, axis=0)) ** 2, axis=1)))]
    return float(table.longitude[index]), float(table.latitude[index])


def _strays(
    table: Columns, members: Ints, apart: Floats, middle: tuple[float, float], of: int, few: int, checks: Checks,
) -> list[Finding]:  # fmt: skip
    found = []
    for index, metres in zip(members, apart, strict=True):
        away = GEOD.inv(*middle, float(table.longitude[index]), float(table.latitude[index]))[2]
        if away > checks.wrong_mission_m:
            found.append(_wrong_mission(table, index, away, checks))
        elif len(members) <= few:
            found.append(_outlier(table, index, float(metres), len(members), of, checks))
    return found


def _wrong_mission(table: Columns, index: int, away: float, checks: Checks) -> Finding:
    return Finding(
        Severity.WARNING,
        "image.wrong_mission",
        f"Taken {away / 1000:,.0f} km from the middle of the survey; more than {checks.wrong_mission_m / 1000:g} km is "
        "another mission.",
        "Leave this image out, or upload it with the survey it belongs to.",
        table.path(index),
        {"distance_km": round(away / 1000, 3), "wrong_mission_km": checks.wrong_mission_m / 1000},
    )


def _outlier(table: Columns, index: int, metres: float, together: int, of: int, checks: Checks) -> Finding:
    company = "alone" if together == 1 else f"in a group of {together}"
    return Finding(
        Severity.WARNING,
        "image.position_outlier",
        f"Stands {company}, {metres / 1000:.2f} km from the nearest image of the survey ({of} images); the limit is "
        f"{checks.outlier_m / 1000:g} km.",
        "Leave it out if it is a test shot or its GPS had no fix yet; one stray makes the engine map the way to it.",
        table.path(index),
        {"distance_km": round(metres / 1000, 3), "outlier_km": checks.outlier_m / 1000, "together": together},
    )


def _scattered(points: Floats, places: Ints, sizes: Ints, checks: Checks) -> Finding:
    middles = np.stack([points[places == place].mean(axis=0) for place in range(len(sizes))])
    widest = float(np.max(np.linalg.norm(middles - middles[0], axis=1)))
    order = np.sort(sizes)[::-1]
    return Finding(
        Severity.WARNING,
        "survey.scattered",
        f"The images lie at {len(sizes)} places more than {checks.outlier_m / 1000:g} km apart (up to "
        f"{widest / 1000:,.1f} km), and the largest holds {int(order[0])} of {len(points)}: no place is the survey.",
        "Upload each place as a survey of its own.",
        numbers={"places": [int(size) for size in order[:_LISTED]], "distance_km": round(widest / 1000, 3)},
    )


def _frozen(table: Columns, first: int, last: int, count: int, flight: int, checks: Checks) -> Finding:
    seconds = float(table.seconds[last] - table.seconds[first])
    return Finding(
        Severity.WARNING,
        "survey.position_frozen",
        f"{count} exposures in a row of flight {flight}, from {table.path(first)} to {table.path(last)}, carry the "
        f"very same coordinates for {seconds:.0f} s; {checks.frozen_images} such tell that the GPS stood still.",
        "Check the aircraft's GPS log; give a geo file with true positions, or leave these images out.",
        numbers={
            "images": count,
            "first": table.path(first),
            "last": table.path(last),
            "seconds": round(seconds, 3),
            "flight": flight,
            "longitude": float(table.longitude[first]),
            "latitude": float(table.latitude[first]),
        },
    )
