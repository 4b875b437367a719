"""What a survey covers, in numbers and outlines."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from aerodag.findings import Finding

GeoJson = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Gap:
    """Ground inside the hull that too few images see: WGS84 polygon and its area."""

    area_m2: float
    polygon: GeoJson


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """Estimate from metadata alone, on the plane through the take-off point; None is unknown, ``reason`` says why.

    Shares 0..1 of the hull's area seen by at least 2, 3 and 5 images; overlaps are medians, as shares of a footprint;
    ``gaps`` are the largest of ``gap_count``; ``spacing_m`` and ``line_spacing_m`` the median steps along and across
    the lines. GeoJSON and ``bbox`` (west, south, east, north) in degrees WGS84, areas on ``crs``. ``groups`` counts the
    images of each connected piece of ground, ``outside`` names those that are not in the largest. Fit for JSON.
    """

    images: int
    footprints: int
    reason: str | None = None
    crs: str | None = None
    bbox: tuple[float, float, float, float] | None = None
    area_m2: float | None = None
    outline: GeoJson | None = None
    hull_m2: float | None = None
    hull: GeoJson | None = None
    share_2: float | None = None
    share_3: float | None = None
    share_5: float | None = None
    gaps: tuple[Gap, ...] = ()
    gap_count: int = 0
    gap_m2: float | None = None
    forward_overlap: float | None = None
    side_overlap: float | None = None
    spacing_m: float | None = None
    line_spacing_m: float | None = None
    flight_lines: int | None = None
    gsd_cm: float | None = None
    gsd_min_cm: float | None = None
    gsd_max_cm: float | None = None
    groups: tuple[int, ...] = ()
    outside: tuple[str, ...] = ()
    findings: tuple[Finding, ...] = ()
