"""Logs of Airflow's tasks and services, which Airflow itself keeps for ever."""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

from aerodag.pipeline.housekeeping.round import Counts, Round
from aerodag.storage.local import remove_older

LOGS = "logs"
# Everything is walked for them, and a sweep by itself writes hundreds a day.
EVERY_HOURS = 24.0


def remove_old_logs(sweep: Round) -> Counts:
    """Remove log files that are older than is kept, and a day later the folders that they lay in."""
    days = sweep.settings.housekeeping.log_days
    if sweep.most_due([LOGS], hours=EVERY_HOURS) is None:
        return {"logs": 0}
    _remove_empty(sweep.log_folder, sweep.ago(hours=EVERY_HOURS).timestamp())
    count = remove_older(sweep.log_folder, "*", sweep.ago(days=days).timestamp())
    if count:
        sweep.tell("logs.removed", f"{count} log files were older than {days:g} days and were removed.", files=count)
    sweep.done(LOGS)
    return {"logs": count}


def _remove_empty(root: Path, unchanged_since: float) -> None:
    """Only folders that were empty the day before: a task makes its folder a moment before its file."""
    for name, _, _ in os.walk(root, topdown=False):
        folder = Path(name)
        with suppress(OSError):  # one that still holds something stays
            if folder != root and folder.stat().st_mtime < unchanged_since:
                folder.rmdir()
