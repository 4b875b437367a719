"""JSON lines on standard output: the engine's only language towards its parent."""

from __future__ import annotations

import json
import os
import sys
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TextIO

# Percent of the whole run at a stage's start and end, by CPU seconds of typical surveys.
STAGES: dict[str, tuple[float, float]] = {
    "prepare": (0.0, 5.0),
    "features": (5.0, 36.0),
    "matching": (36.0, 50.0),
    "mapping": (50.0, 57.0),
    "adjustment": (57.0, 60.0),
    "surface": (60.0, 70.0),
    "labels": (70.0, 73.0),
    "colour": (73.0, 75.0),
    "seam_cuts": (75.0, 80.0),
    "render": (80.0, 98.0),
    "report": (98.0, 100.0),
}


def claim_stdout() -> TextIO:
    """Keep standard output for events alone.

    Native libraries print to file descriptor 1; from now on that descriptor leads to standard error and the
    returned stream is the only way to the real output.
    """
    sys.stdout.flush()
    stream = os.fdopen(os.dup(1), "w", encoding="utf-8", buffering=1)
    os.dup2(2, 1)
    return stream


class Reporter:
    """Writes events; the overall percent is monotone even when a stage is done twice."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()
        self._percent = 0.0
        self._stage = ""

    @property
    def stage(self) -> str:
        """The stage last reported."""
        return self._stage

    def progress(self, stage: str, fraction: float) -> None:
        """Report ``fraction`` (0-1) of ``stage``; steps below half a percent are not worth a line."""
        start, end = STAGES[stage]
        self._advance(stage, start + (end - start) * min(max(fraction, 0.0), 1.0), fraction)

    def stage_progress(self, stage: str) -> Callable[[float], None]:
        """`progress` of one stage, to be handed to its code."""
        return partial(self.progress, stage)

    def relay(self, event: dict[str, Any]) -> None:
        """Pass on the progress event of a sub-process."""
        self._advance(event["stage"], float(event["percent"]), 1.0)

    def _advance(self, stage: str, percent: float, fraction: float) -> None:
        with self._lock:
            if stage == self._stage and percent < self._percent + 0.5 and fraction < 1.0:
                return
            self._percent = max(self._percent, percent)
            self._stage = stage
            self._write({"event": "stage", "stage": stage, "percent": round(self._percent, 1)})

    def log(self, message: str, **values: object) -> None:
        """One line for the task log."""
        with self._lock:
            self._write({"event": "log", "message": message, **values})

    def finish(self, event: dict[str, Any]) -> None:
        """The last line: ``done`` or ``error``."""
        with self._lock:
            self._write(event)

    def _write(self, event: dict[str, Any]) -> None:
        self._stream.write(json.dumps(event, default=str) + "\n")
        self._stream.flush()
