"""Go, review or no-go: what the findings and the predicted needs mean for the run."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from aerodag.findings import Finding, Severity
from aerodag.preflight.amounts import count_of, data_size, duration, percent
from aerodag.preflight.predict import Prediction
from aerodag.settings import Checks


class Decision(StrEnum):
    """What to do with the upload."""

    GO = "go"
    REVIEW = "review"
    NO_GO = "no_go"


@dataclass(frozen=True, slots=True, kw_only=True)
class Resources:
    """What this installation has to give to the run; None was not measured."""

    free_disk_bytes: int | None = None
    memory_bytes: int | None = None
    cores: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What the verdict rests on, beside findings and predictions.

    ``images`` is the whole upload; ``rejected`` of them are left out for a fault of their own (images of a sensor that
    was not chosen are no fault). ``positions_needed`` is false where ground control or the engine makes up for
    missing positions. ``share_touching``, ``gap_share`` (of the area) and ``rtk_fix_ratio`` are 0..1.
    """

    images: int
    usable: int
    rejected: int = 0
    with_position: int = 0
    min_images: int = 3
    positions_needed: bool = True
    share_touching: float | None = None
    gap_share: float | None = None
    rtk_expected: bool = False
    rtk_fix_ratio: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reason:
    """One reason; ``decision`` is what it alone would lead to (a reason to go is a remark), ``code`` its finding's."""

    decision: Decision
    code: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The decision and its reasons, most important first."""

    decision: Decision
    reasons: tuple[Reason, ...] = ()


_RANK: Final = {Decision.NO_GO: 0, Decision.REVIEW: 1, Decision.GO: 2}
_SERIOUS: Final = (Severity.ERROR, Severity.DEGRADED)


def judge(
    evidence: Evidence,
    findings: Sequence[Finding] = (),
    prediction: Prediction | None = None,
    resources: Resources | None = None,
    checks: Checks | None = None,
) -> Verdict:
    """Weigh everything: no-go only where the run must fail, review where a person may know better, else go."""
    checks = checks or Checks()
    reasons = [
        *_images(evidence, checks),
        *_footprints(evidence, checks),
        *_rtk(evidence, checks),
        *_findings(findings, checks),
    ]
    if prediction is not None:
        reasons += _needs(prediction, resources or Resources(), checks)
    reasons.sort(key=lambda reason: _RANK[reason.decision])
    decision = reasons[0].decision if reasons else Decision.GO
    return Verdict(decision=decision, reasons=tuple(reasons))


def _images(evidence: Evidence, checks: Checks) -> Iterator[Reason]:
    images = count_of(evidence.images, "image")
    if evidence.positions_needed and evidence.images and not evidence.with_position:
        yield _no_go("imagery.no_gps", f"None of the {images} knows where it was taken.")
    if evidence.usable < evidence.min_images:
        yield _no_go(
            "imagery.too_few_usable",
            f"{evidence.usable} of {images} can be used; the engine needs at least {evidence.min_images}.",
        )
    share = evidence.rejected / evidence.images if evidence.images else 0.0
    if share > checks.max_rejected_share:
        yield _review(
            "imagery.many_rejected",
            f"{evidence.rejected} of {images} ({percent(share)}) are left out for faults of their own; "
            f"more than {percent(checks.max_rejected_share)} is worth a look.",
        )


def _footprints(evidence: Evidence, checks: Checks) -> Iterator[Reason]:
    if evidence.share_touching == 0.0 and evidence.usable > 1:
        yield _no_go(
            "survey.no_overlap",
            "No image overlaps another one on the ground, so that nothing can be matched.",
        )
    if evidence.gap_share is not None and evidence.gap_share > checks.max_gap_share:
        yield _review(
            "survey.gaps",
            f"{percent(evidence.gap_share)} of the area lies in gaps that too few images see; "
            f"more than {percent(checks.max_gap_share)} is worth a look.",
        )


def _rtk(evidence: Evidence, checks: Checks) -> Iterator[Reason]:
    ratio = evidence.rtk_fix_ratio
    if evidence.rtk_expected and ratio is not None and ratio < checks.min_rtk_fix_ratio:
        yield _review(
            "rtk.low_fix_ratio",
            f"Only {percent(ratio)} of the images have a fixed RTK position; "
            f"below {percent(checks.min_rtk_fix_ratio)} the promised accuracy is in doubt.",
        )


def _findings(findings: Iterable[Finding], checks: Checks) -> Iterator[Reason]:
    """One reason per code: an error or a degraded result always, a warning if its code is on the list."""
    groups: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.severity in _SERIOUS or (finding.severity == Severity.WARNING and finding.code in checks.reviewing):
            groups.setdefault(finding.code, []).append(finding)
    for code, group in groups.items():
        # An image that is left out is counted among the rejected; it alone is no doubt about the survey.
        if code in checks.rejecting and all(finding.image for finding in group):
            continue
        more = f" (and {len(group) - 1} more of this kind)" if len(group) > 1 else ""
        yield _review(code, f"{group[0].message}{more}")


def _needs(prediction: Prediction, resources: Resources, checks: Checks) -> Iterator[Reason]:
    disk, memory, time = prediction.disk_bytes, prediction.memory_bytes, prediction.seconds
    yield from _disk(disk.low, disk.likely, disk.high, resources.free_disk_bytes)
    if (available := resources.memory_bytes) is not None and memory.likely > available:
        yield _review(
            "resources.memory",
            f"The engine will need about {data_size(memory.likely)} of memory "
            f"({data_size(memory.low)} to {data_size(memory.high)}); {data_size(available)} are there.",
        )
    if time.likely > checks.max_hours * 3600:
        yield _review(
            "resources.time",
            f"The run will take about {duration(time.likely)}; "
            f"more than {checks.max_hours:g} hours comes near the engine's time limit.",
        )


def _disk(low: int, likely: int, high: int, free: int | None) -> Iterator[Reason]:
    if free is None or high <= free:
        return
    there = f"{data_size(free)} are free."
    if low > free:
        yield _no_go("resources.disk", f"The run needs at least {data_size(low)} of disk; {there}")
    elif likely > free:
        yield _review("resources.disk", f"The run will need about {data_size(likely)} of disk; {there}")
    else:
        yield Reason(
            decision=Decision.GO,
            code="resources.disk",
            message=f"The run may need up to {data_size(high)} of disk; {there}",
        )


def _reason_of(decision: Decision) -> Callable[[str, str], Reason]:
    return lambda code, message: Reason(decision=decision, code=code, message=message)


_no_go: Final = _reason_of(Decision.NO_GO)
_review: Final = _reason_of(Decision.REVIEW)
