"""How good the positions of a whole dataset are."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass
from statistics import median

from aerodag.rtk.position import CameraPosition, Solution, solution


@dataclass(frozen=True, slots=True)
class RtkFigures:
    """Counts by kind of solution and deviations in metres (horizontal: the greater of east and north).

    ``fix_ratio`` is fixed over all images. ``has_rtk_data`` is true only with a fixed image: a flight without
    corrections has mark files as well. What is None has its reason in ``unknown``, by field.
    """

    images: int
    solutions: dict[Solution, int]
    sources: dict[str, int]
    fix_ratio: float | None
    median_horizontal_m: float | None
    worst_horizontal_m: float | None
    median_vertical_m: float | None
    worst_vertical_m: float | None
    unmatched_images: int
    unmatched_records: int
    has_rtk_data: bool
    unknown: dict[str, str]


def figures(
    positions: Collection[CameraPosition], *, unmatched_images: int = 0, unmatched_records: int = 0
) -> RtkFigures:
    """Sum up the best position of every image (``best_position``), whatever its source."""
    counts = Counter(solution(position.flag) for position in positions)
    flagged = any(position.flag is not None for position in positions)
    horizontal = [std for position in positions if (std := position.std_horizontal_m) is not None]
    vertical = [position.std_u_m for position in positions if position.std_u_m is not None]
    unknown: dict[str, str] = {}
    if not flagged:
        unknown["fix_ratio"] = "no image says how its position was found"
    if not horizontal:
        unknown["horizontal_m"] = "no image gives the deviation of its position"
    if not vertical:
        unknown["vertical_m"] = "no image gives the deviation of its height"
    return RtkFigures(
        images=len(positions),
        solutions={kind: counts[kind] for kind in Solution},
        sources=dict(sorted(Counter(position.source or "none" for position in positions).items())),
        fix_ratio=counts[Solution.FIXED] / len(positions) if flagged else None,
        median_horizontal_m=median(horizontal) if horizontal else None,
        worst_horizontal_m=max(horizontal, default=None),
        median_vertical_m=median(vertical) if vertical else None,
        worst_vertical_m=max(vertical, default=None),
        unmatched_images=unmatched_images,
        unmatched_records=unmatched_records,
        has_rtk_data=counts[Solution.FIXED] > 0,
        unknown=unknown,
    )
