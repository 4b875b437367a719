"""What a run of ODM left in the project directory: whether it is a result, and what it lacks."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from statistics import median
from typing import Final

from aerodag.errors import EngineError, Retry
from aerodag.findings import Finding, Severity
from aerodag.photogrammetry.engine import Reconstruction
from aerodag.photogrammetry.odm.judging.degraded import findings_of
from aerodag.photogrammetry.odm.judging.placement import Orthophoto, place, read_orthophoto
from aerodag.photogrammetry.odm.judging.stats import Figures, figures, read_json, registered
from aerodag.photogrammetry.odm.planning.boundary import reach_m
from aerodag.photogrammetry.odm.planning.plan import OdmPlan
from aerodag.photogrammetry.odm.watching.facts import LogFacts
from aerodag.photogrammetry.outputs import outputs

MISPLACED_M: Final = 1000.0
STRAY_RATIO: Final = 4.0
_CLOCK_SECONDS: Final = 60.0  # a project on another host's disk has that host's times
_USUAL_MEGAPIXELS: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """What the result is compared with.

    ``images``: longitude and latitude in WGS84 degrees, or None, by engine name. ``started_at`` is when the work on
    this project directory began, the first attempt's where later ones resumed. ``peak_rss_bytes`` as measured.
    """

    plan: OdmPlan
    images: Mapping[str, tuple[float, float] | None]
    started_at: datetime
    peak_rss_bytes: int = 0


@dataclass(frozen=True, slots=True)
class Result:
    """The reconstruction with its findings, the figures of ODM's statistics, and why images are not in it."""

    reconstruction: Reconstruction
    figures: Figures
    unregistered: Mapping[str, str]


def judge_result(project: Path, expected: Expected, facts: LogFacts) -> Result:
    """Look at what lies in ``project`` after a run that did not fail.

    Where nothing tells which images are registered, none is named and a finding says so.

    Raises:
        EngineError: no orthophoto, or one that is old (``engine.stale_result``), broken, empty, without a place
            (``engine.not_georeferenced``) or over a kilometre away from its cameras (``engine.misplaced``).
    """
    path = project / "odm_orthophoto" / "odm_orthophoto.tif"
    orthophoto = read_orthophoto(path)
    _require_new(path, expected.started_at)
    numbers = figures(read_json(project / "odm_report" / "stats.json"))
    stray = _check_place(project, orthophoto, expected, numbers)
    placed = registered(project, expected.images.keys())
    kinds = outputs(project)
    reasons = _reasons(expected, placed, facts)
    findings = findings_of(expected.plan, facts, len(expected.images), placed, kinds.keys(), numbers)
    return Result(
        reconstruction=Reconstruction(
            orthophoto=path,
            dsm=kinds.get("dsm"),
            stats=kinds.get("statistics"),
            shots=kinds.get("shots"),
            cameras=kinds.get("cameras"),
            registered=tuple(sorted(placed or ())),
            unregistered=tuple(sorted(reasons)),
            gsd_cm=orthophoto.gsd_m * 100,
            epsg=orthophoto.epsg,
            engine="odm",
            version=_version(project, expected.plan, facts),
            peak_rss_bytes=expected.peak_rss_bytes,
            findings=(*stray, *findings),
        ),
        figures=numbers,
        unregistered=reasons,
    )


def _require_new(path: Path, started_at: datetime) -> None:
    age = started_at.timestamp() - path.stat().st_mtime
    if age <= _CLOCK_SECONDS:
        return
    raise EngineError(
        "engine.stale_result",
        f"The orthophoto is {age / 3600:.1f} h older than the run that should have made it.",
        advice="It is made again; look at the clocks of the worker and of the Docker host if this repeats.",
        numbers={"seconds": age, "stage": "odm_orthophoto"},
        retry=Retry.CLEAN_STAGE,
    )


def _check_place(project: Path, orthophoto: Orthophoto, expected: Expected, numbers: Figures) -> tuple[Finding, ...]:
    cameras = [point for point in expected.images.values() if point and all(map(math.isfinite, point))]
    reach = reach_m(_gsd_cm(orthophoto, numbers), _megapixels(project))
    placement = place(orthophoto, cameras, reach)
    if placement is None:
        return ()
    if placement.off_m > MISPLACED_M:
        raise EngineError(
            "engine.misplaced",
            f"The orthophoto lies {placement.off_m / 1000:.1f} km away from the area of its {len(cameras)} cameras.",
            advice="Check the images' positions, geo.txt and the ground control points' coordinate system.",
            numbers={"metres": _finite(placement.off_m), "cameras": len(cameras)},
        )
    if placement.ratio <= STRAY_RATIO:
        return ()
    return (
        Finding(
            Severity.DEGRADED,
            "engine.stray_extent",
            f"The orthophoto's canvas of {orthophoto.width} x {orthophoto.height} pixels is "
            f"{placement.ratio:.1f} times the area that the cameras cover: stray points lie far outside.",
            "Give a boundary, or leave out images that show the horizon; the middle of the map can be sound.",
            numbers={
                "ratio": _finite(placement.ratio),
                "width": orthophoto.width,
                "height": orthophoto.height,
                "valid_ratio": orthophoto.valid_ratio,
            },
        ),
    )


def _finite(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _gsd_cm(orthophoto: Orthophoto, numbers: Figures) -> float:
    """Of the images, not of the orthophoto, which may be coarser: then the cameras' reach is rather overrated."""
    average = numbers.get("average_gsd_cm")
    known = isinstance(average, int | float) and 0 < average <= orthophoto.gsd_m * 100
    return float(average) if average is not None and known else orthophoto.gsd_m * 100


def _megapixels(project: Path) -> float:
    content = read_json(project / "images.json")
    sizes = [
        item["width"] * item["height"] / 1e6
        for item in (content if isinstance(content, list) else [])
        if isinstance(item, Mapping) and all(isinstance(item.get(key), int) for key in ("width", "height"))
    ]
    return max(0.1, median(sizes)) if sizes else _USUAL_MEGAPIXELS


def _reasons(expected: Expected, placed: frozenset[str] | None, facts: LogFacts) -> dict[str, str]:
    """Why which image is not in the reconstruction."""
    corrupt = expected.images.keys() & set(facts.corrupt_images)
    missing = expected.images.keys() - (placed if placed is not None else expected.images.keys())
    return {
        name: "ODM could not read it." if name in corrupt else "ODM could not place it."
        for name in sorted(missing | corrupt)
        if placed is None or name not in placed
    }


def _version(project: Path, plan: OdmPlan, facts: LogFacts) -> str:
    content = read_json(project / "log.json")
    said = content.get("odmVersion") if isinstance(content, Mapping) else None
    return facts.version or (said if isinstance(said, str) else None) or plan.image.version or "unknown"
