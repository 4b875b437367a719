"""How full the disk of the data root is: a warning, then no new engine runs until there is room again."""

from __future__ import annotations

from typing import Any

from aerodag.ledger import housekeeping as book
from aerodag.pipeline.housekeeping.round import Counts, DiskUsage, Round

HOLD = "disk"
WARNED = "disk.warning"
# A level is left only this far below it, so that a disk at the level does not flutter.
HYSTERESIS = 0.02


def watch_disk(sweep: Round) -> Counts:
    """Tell each change of level once; above the upper one, new engine runs are held."""
    usage = sweep.disk_usage(sweep.settings.data)
    share = usage.used / max(usage.used + usage.free, 1)
    if share >= sweep.settings.disk.stop_share:
        _stop(sweep, share, usage)
    elif share < sweep.settings.disk.stop_share - HYSTERESIS:
        _resume(sweep, share, usage)
    _warn(sweep, share, usage)
    return {"used_percent": round(share * 100)}


def _stop(sweep: Round, share: float, usage: DiskUsage) -> None:
    reason = (
        f"The disk of {sweep.settings.data} is {share:.1%} full, {usage.free / 1e9:.1f} GB are free; from "
        f"{sweep.settings.disk.stop_share:.0%} on, no new engine run starts."
    )
    with sweep.ledger.transaction():
        if book.put_hold(sweep.ledger, kind=HOLD, reason=reason, now=sweep.now):
            sweep.tell("disk.stopped", f"{reason} Free space or move the data root.", **_numbers(share, usage))
        # Said already, and more than that.
        sweep.untold(WARNED, [HOLD])


def _resume(sweep: Round, share: float, usage: DiskUsage) -> None:
    with sweep.ledger.transaction():
        if book.lift_hold(sweep.ledger, kind=HOLD):
            sweep.tell(
                "disk.resumed",
                f"The disk of {sweep.settings.data} is {share:.1%} full, {usage.free / 1e9:.1f} GB are free; engine "
                "runs start again.",
                **_numbers(share, usage),
            )


def _warn(sweep: Round, share: float, usage: DiskUsage) -> None:
    level = sweep.settings.disk.warn_share
    if share < level - HYSTERESIS:
        sweep.watch(WARNED, [])
    elif share >= level and sweep.untold(WARNED, [HOLD]):
        sweep.tell(
            WARNED,
            f"The disk of {sweep.settings.data} is {share:.1%} full, {usage.free / 1e9:.1f} GB are free; from "
            f"{sweep.settings.disk.stop_share:.0%} on, no new engine run starts.",
            **_numbers(share, usage),
        )


def _numbers(share: float, usage: DiskUsage) -> dict[str, Any]:
    return {"share": round(share, 4), "used_bytes": usage.used, "free_bytes": usage.free, "total_bytes": usage.total}
