"""What the footprints cover: area, views, gaps, overlap and ground sampling distance of a survey."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from aerodag.settings import Checks
from aerodag.survey.columns import Columns, Floats, Ints, columns
from aerodag.survey.cover.courses import courses
from aerodag.survey.cover.density import Views, connected, views
from aerodag.survey.cover.extent import Coverage, Gap, GeoJson
from aerodag.survey.cover.footprints import NO_POSITION, Footprints, footprints
from aerodag.survey.cover.neighbours import Shifts, neighbourhood, overlaps
from aerodag.survey.cover.plane import Plane, bounds, plane_about
from aerodag.survey.cover.shortcomings import coverage_findings
from aerodag.survey.exposure import Exposure
from aerodag.survey.timeline import flight_numbers

_MOST_GAPS = 50
_SAMPLE = 2_000
_OUTLINE_SHARE = 0.02  # of a footprint's side: how far the outline may be simplified
_DIGITS = 7  # of a degree, about 1 cm


@dataclass(frozen=True, slots=True)
class _Survey:
    """Located exposures on the survey's plane: places (n, 2) in metres, courses from its y axis, footprints on it."""

    table: Columns
    numbers: Ints
    plane: Plane
    points: Floats
    course: Floats
    prints: Footprints
    polygons: NDArray[np.object_]

    @property
    def side_m(self) -> float:
        """Side of a square as large as the median footprint; 0 without footprints."""
        known = self.polygons[self.prints.known]
        return float(np.sqrt(np.median(shapely.area(known)))) if len(known) else 0.0


def coverage(exposures: Sequence[Exposure], checks: Checks) -> Coverage:
    """Estimate from positions, heights and angles alone; the images' order does not matter.

    Without a single footprint (no relative altitude, no GSD) the areas and overlaps are None, spacing and lines stay.
    """
    table = columns(exposures)
    if not table.located.any():
        reason = _reason(Counter({NO_POSITION: len(table)}), len(table))
        return _judged(Coverage(images=len(table), footprints=0, reason=reason), checks)
    survey = _survey(table, checks)
    estimate = Coverage(
        images=len(table),
        footprints=int(survey.prints.known.sum()),
        reason=_reason(_missing(len(table), survey.prints), len(table)),
        crs=survey.plane.crs,
        **_tracks(survey),
        **_resolution(survey.prints),
        **_ground(survey, checks),
    )
    return _judged(estimate, checks)


def outlines(exposures: Sequence[Exposure], checks: Checks) -> dict[str, GeoJson]:
    """Footprint of every exposure that has one as GeoJSON in degrees WGS84, by path."""
    table = columns(exposures)
    if not table.located.any():
        return {}
    survey = _survey(table, checks)
    return {
        survey.table.path(i): _geojson(survey.plane, survey.polygons[i]) for i in np.flatnonzero(survey.prints.known)
    }


def _judged(estimate: Coverage, checks: Checks) -> Coverage:
    return replace(estimate, findings=tuple(coverage_findings(estimate, checks)))


def _survey(table: Columns, checks: Checks) -> _Survey:
    numbers, located = flight_numbers(table, checks), table.located
    table, numbers = table.where(located), numbers[located]
    plane = plane_about(table.longitude, table.latitude)
    points = plane.metres(table.longitude, table.latitude)
    course = courses(table, numbers, points)
    on_plane = replace(table, yaw=table.yaw + plane.north(table.longitude, table.latitude))
    prints = footprints(on_plane, course)
    return _Survey(table, numbers, plane, points, course, prints, _moved(prints.polygons, points))


def _moved(polygons: NDArray[np.object_], points: Floats) -> NDArray[np.object_]:
    coordinates, owner = shapely.get_coordinates(polygons, return_index=True)
    moved: NDArray[np.object_] = shapely.set_coordinates(polygons.copy(), coordinates + points[owner])
    return moved


def _missing(images: int, prints: Footprints) -> Counter[str]:
    missing = Counter(reason for reason in prints.reasons if reason is not None)
    missing[NO_POSITION] += images - len(prints.reasons)
    return missing


def _reason(missing: Counter[str], images: int) -> str | None:
    missing = +missing
    if not missing:
        return None if images else "There are no images."
    listed = "; ".join(f"{reason} ({count} images)" for reason, count in missing.most_common())
    return f"{missing.total()} of {images} images have no footprint: {listed}."


def _resolution(prints: Footprints) -> dict[str, Any]:
    known = 100.0 * prints.gsd_m[np.isfinite(prints.gsd_m)]
    if len(known) == 0:
        return {}
    values = {"gsd_cm": np.median(known), "gsd_min_cm": known.min(), "gsd_max_cm": known.max()}
    return {name: round(float(value), 4) for name, value in values.items()}


def _tracks(survey: _Survey) -> dict[str, Any]:
    """Spacing, lines and overlap, each place taken once."""
    usable = np.isfinite(survey.course)
    measured = usable & survey.prints.known
    stations = np.flatnonzero(measured if measured.any() else usable)
    places = np.column_stack([np.round(survey.points[stations], 1), survey.numbers[stations]])
    stations = stations[np.sort(np.unique(places, axis=0, return_index=True)[1])] if len(stations) else stations
    course = survey.course[stations]
    near = neighbourhood(survey.points[stations], course, survey.numbers[stations], survey.side_m)

    def overlap(shifts: Shifts, across: float) -> float | None:
        if not measured.any() or len(shifts.of) == 0:
            return None
        return round(float(np.median(overlaps(survey.polygons[stations], course, shifts.sample(_SAMPLE), across))), 4)

    return {
        "spacing_m": _rounded(near.along.median_m),
        "line_spacing_m": _rounded(near.across.median_m),
        "flight_lines": near.lines,
        "forward_overlap": overlap(near.along, 0.0),
        "side_overlap": overlap(near.across, 90.0),
    }


def _ground(survey: _Survey, checks: Checks) -> dict[str, Any]:
    plane, known = survey.plane, np.flatnonzero(survey.prints.known)
    if len(known) == 0:
        area = shapely.convex_hull(shapely.MultiPoint(survey.points))
        found = {"hull": _geojson(plane, area), "hull_m2": _rounded(area.area)} if area.area > 0 else {}
        return {"bbox": _bbox(plane, area), **found}
    polygons, side = survey.polygons[known], survey.side_m
    union = shapely.union_all(polygons)
    groups = connected(polygons, union)
    return {
        "bbox": _bbox(plane, union),
        "area_m2": _rounded(union.area),
        "outline": _geojson(plane, union.simplify(_OUTLINE_SHARE * side)),
        "groups": tuple(len(group) for group in groups),
        "outside": tuple(sorted(survey.table.path(known[i]) for group in groups[1:] for i in group)),
        **_inside(plane, views(polygons, groups, side, checks)),
    }


def _inside(plane: Plane, seen: Views | None) -> dict[str, Any]:
    if seen is None:
        return {}
    gaps = tuple(Gap(round(float(gap.area), 2), _geojson(plane, gap)) for gap in seen.gaps[:_MOST_GAPS])
    return {
        "hull": _geojson(plane, seen.hull),
        "hull_m2": _rounded(seen.hull.area),
        "share_2": seen.share(2),
        "share_3": seen.share(3),
        "share_5": seen.share(5),
        "gaps": gaps,
        "gap_count": len(seen.gaps),
        "gap_m2": _rounded(sum(gap.area for gap in seen.gaps)),
    }


def _bbox(plane: Plane, geometry: Any) -> tuple[float, float, float, float]:
    west, south, east, north = (round(value, _DIGITS) for value in bounds(plane.degrees(geometry)))
    return west, south, east, north


def _geojson(plane: Plane, geometry: Any) -> GeoJson:
    rounded = shapely.transform(plane.degrees(geometry), lambda points: np.round(points, _DIGITS))
    found: GeoJson = json.loads(shapely.to_geojson(rounded))
    return found


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), 3)
