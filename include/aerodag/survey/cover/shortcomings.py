"""What a coverage estimate says against a survey, in findings."""

from __future__ import annotations

from aerodag.findings import Finding, Severity
from aerodag.settings import Checks
from aerodag.survey.cover.extent import Coverage

_LISTED = 50
_SHOWN = 5


def coverage_findings(estimate: Coverage, checks: Checks) -> list[Finding]:
    """Findings of one estimate, in fixed order; codes in the room's docstring."""
    found = (
        _sparse(estimate, checks),
        _unmeasured(estimate),
        _overlap(estimate, checks),
        _gaps(estimate, checks),
        _disjoint(estimate),
    )
    return [finding for finding in found if finding is not None]


def _sparse(estimate: Coverage, checks: Checks) -> Finding | None:
    if estimate.images > checks.sparse_images:
        return None
    return Finding(
        Severity.WARNING,
        "survey.sparse",
        f"Only {estimate.images} {'image takes' if estimate.images == 1 else 'images take'} part; a survey of "
        f"{checks.sparse_images} or fewer hardly makes a map.",
        "Upload all images of the flight; a map needs at least a few lines of overlapping images.",
        numbers={"images": estimate.images, "sparse_images": checks.sparse_images},
    )


def _unmeasured(estimate: Coverage) -> Finding | None:
    if estimate.reason is None:
        return None
    return Finding(
        Severity.INFO,
        "survey.no_footprints",
        f"Coverage and overlap rest on {estimate.footprints} of {estimate.images} images. {estimate.reason}",
        "Upload the original files: editors and messengers strip height, position and focal length from the header.",
        numbers={"images": estimate.images, "footprints": estimate.footprints},
    )


def _overlap(estimate: Coverage, checks: Checks) -> Finding | None:
    low = []
    for name, value, least in (
        ("forward", estimate.forward_overlap, checks.min_overlap),
        ("side", estimate.side_overlap, checks.min_side_overlap),
    ):
        if value is not None and value < least:
            low.append(f"{name} overlap is {100 * value:.1f} % (at least {100 * least:.0f} %)")
    if not low:
        return None
    return Finding(
        Severity.WARNING,
        "survey.low_overlap",
        f"By the height above take-off the {' and the '.join(low)} in the median: the engine may not connect "
        "the images.",
        "Fly with 75 % forward and 65 % side overlap, higher or slower; more over ground above the take-off point.",
        numbers={
            "forward_overlap": estimate.forward_overlap,
            "min_overlap": checks.min_overlap,
            "side_overlap": estimate.side_overlap,
            "min_side_overlap": checks.min_side_overlap,
            "spacing_m": estimate.spacing_m,
            "line_spacing_m": estimate.line_spacing_m,
        },
    )


def _gaps(estimate: Coverage, checks: Checks) -> Finding | None:
    if not estimate.gaps or not estimate.gap_m2 or not estimate.hull_m2:
        return None
    count = estimate.gap_count
    share = estimate.gap_m2 / estimate.hull_m2
    return Finding(
        Severity.WARNING,
        "survey.gaps",
        f"{count} {'gap' if count == 1 else 'gaps'} of {estimate.gap_m2:,.0f} m2 together ({100 * share:.1f} % of the "
        f"survey's {estimate.hull_m2:,.0f} m2), where fewer than {checks.min_views} images see the ground; the largest "
        f"has {estimate.gaps[0].area_m2:,.0f} m2.",
        "Look for images that were not uploaded, or fly the gaps again; the map has holes or stretched ground there.",
        numbers={
            "gaps": count,
            "gap_m2": estimate.gap_m2,
            "hull_m2": estimate.hull_m2,
            "share": round(share, 4),
            "largest_m2": estimate.gaps[0].area_m2,
            "min_views": checks.min_views,
        },
    )


def _disjoint(estimate: Coverage) -> Finding | None:
    if len(estimate.groups) < 2:
        return None
    sizes = ", ".join(str(size) for size in estimate.groups[:_SHOWN])
    more = ", ..." if len(estimate.groups) > _SHOWN else ""
    names = ", ".join(estimate.outside[:_SHOWN]) + (", ..." if len(estimate.outside) > _SHOWN else "")
    return Finding(
        Severity.WARNING,
        "survey.disjoint",
        f"The ground seen falls into {len(estimate.groups)} pieces without any overlap, of {sizes}{more} images; "
        f"outside the largest are {names}.",
        "Upload each piece as a survey of its own, or add the images that connect them: the engine keeps one piece.",
        numbers={"groups": list(estimate.groups[:_LISTED]), "outside": list(estimate.outside[:_LISTED])},
    )
