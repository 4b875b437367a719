"""When a running job has to be stopped, when to warn, and how long it will take; time and readings are given."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from aerodag.findings import Finding, Severity
from aerodag.photogrammetry.odm.judging.causes import StopReason
from aerodag.settings import Odm

_GIB: Final = 1024**3


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """Seconds without a line of output, for single stages too, and free bytes on the project's disk."""

    quiet_seconds: float
    quiet_stage_seconds: Mapping[str, float] = field(default_factory=dict)
    disk_soft_bytes: int = 0
    disk_hard_bytes: int = 0

    @classmethod
    def of(cls, settings: Odm) -> Limits:
        """As the installation sets them."""
        return cls(
            quiet_seconds=settings.quiet_hours * 3600,
            quiet_stage_seconds={stage: hours * 3600 for stage, hours in settings.quiet_stage_hours.items()},
            disk_soft_bytes=settings.disk_soft_bytes,
            disk_hard_bytes=settings.disk_hard_bytes,
        )

    def quiet(self, stage: str | None) -> float:
        """The most seconds of silence in this stage."""
        return self.quiet_stage_seconds.get(stage or "", self.quiet_seconds)


@dataclass(frozen=True, slots=True)
class Stop:
    """Why the job has to end now, and the same for a person."""

    reason: StopReason
    message: str


def verdict(
    now: datetime,
    deadline: datetime | None,
    stage: str | None,
    last_line_at: datetime | None,
    free_bytes: int | None,
    limits: Limits,
) -> Stop | None:
    """Whether to stop; what is None is not known and stops nothing.

    ``last_line_at`` is when the newest line was heard, the job's start before the first one. A full disk comes first:
    it destroys what a later stop could still save.
    """
    if free_bytes is not None and free_bytes < limits.disk_hard_bytes:
        return Stop(
            StopReason.DISK_FULL,
            f"{free_bytes / _GIB:.1f} GiB are free on the work folder's disk, under the limit of "
            f"{limits.disk_hard_bytes / _GIB:.1f} GiB.",
        )
    if deadline is not None and now >= deadline:
        return Stop(StopReason.TIMEOUT, f"The deadline {deadline:%Y-%m-%d %H:%M:%S %Z} is over.")
    if last_line_at is not None and (now - last_line_at).total_seconds() > limits.quiet(stage):
        hours = (now - last_line_at).total_seconds() / 3600
        return Stop(
            StopReason.STALLED,
            f"No line for {hours:.1f} h in stage {stage or 'unknown'}, where {limits.quiet(stage) / 3600:.1f} h are "
            "the most.",
        )
    return None


@dataclass(slots=True)
class DiskWarning:
    """Warns of little space once; again only after there was plenty in between."""

    warned: bool = False

    def look(self, free_bytes: int | None, limits: Limits) -> Finding | None:
        """The warning when it is due."""
        if free_bytes is None:
            return None
        low = free_bytes < limits.disk_soft_bytes
        due, self.warned = low and not self.warned, low
        if not due:
            return None
        return Finding(
            Severity.WARNING,
            "engine.disk_low",
            f"{free_bytes / _GIB:.1f} GiB are free on the work folder's disk while ODM runs; at "
            f"{limits.disk_hard_bytes / _GIB:.1f} GiB it is stopped.",
            "Free space there now: later is too late for this run.",
            numbers={"free_bytes": free_bytes, "soft": limits.disk_soft_bytes, "hard": limits.disk_hard_bytes},
        )


def remaining_seconds(percent: float, elapsed: float, predicted_seconds: float | None) -> float | None:
    """Seconds left: the prediction at the beginning, the pace so far towards the end, weighed by the progress.

    ``percent`` is 0-100, ``elapsed`` and ``predicted_seconds`` are seconds of the whole run. None while nothing is
    known. ODM's percentages are no clock, so the pace alone misleads early; a prediction that is overdue counts as
    the pace says.
    """
    share = min(1.0, max(0.0, percent / 100)) if math.isfinite(percent) else 0.0
    if share >= 1.0:
        return 0.0
    pace = elapsed / share - elapsed if share > 0 and elapsed > 0 else None
    if predicted_seconds is None or not math.isfinite(predicted_seconds) or predicted_seconds <= 0:
        return pace
    left = predicted_seconds - elapsed
    if pace is None:
        return max(0.0, left)
    if left <= 0:
        return pace
    return share * pace + (1 - share) * left
