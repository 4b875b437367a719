"""What every photogrammetry engine offers to the pipeline."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

from aerodag.findings import Finding


@dataclass(frozen=True, slots=True)
class Plan:
    """What the engine shall do.

    ``orthophoto_resolution_cm`` is the wanted pixel size on the ground; None means the native GSD. ``options``
    are engine options by their long name without dashes in front (``{"matcher-neighbors": 8}``).
    """

    preset: str = "standard"
    orthophoto_resolution_cm: float | None = None
    max_concurrency: int = 1
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Progress:
    """One step forward; ``percent`` is 0-100 over the whole run and never falls. ``message`` is a log line."""

    stage: str
    percent: float
    message: str = ""


@dataclass(frozen=True, slots=True)
class Reconstruction:
    """Files and key figures of a finished run.

    ``gsd_cm`` is the orthophoto's pixel size; ``registered`` and ``unregistered`` name image files. ``stats``,
    ``shots`` and ``cameras`` are None where an engine made the orthophoto but lost its report; ``epsg`` is None for a
    CRS without such a code.
    """

    orthophoto: Path
    dsm: Path | None
    stats: Path | None
    shots: Path | None
    cameras: Path | None
    registered: tuple[str, ...]
    unregistered: tuple[str, ...]
    gsd_cm: float
    epsg: int | None
    engine: str
    version: str
    peak_rss_bytes: int
    findings: tuple[Finding, ...] = ()


class Engine(Protocol):
    """A photogrammetry engine; ``takes_ground_control`` tells whether it steers by ``gcp_list.txt``."""

    name: str
    takes_ground_control: bool

    def unavailable(self) -> list[str]:
        """Reasons why the engine cannot run on this host; empty if it can."""
        ...

    def run(self, project: Path, plan: Plan, sink: Callable[[Progress], None]) -> Reconstruction:
        """Process ``project`` (its ``images/`` folder) and write ODM's file names below it.

        Raises:
            AerodagError: of the class that says who can cure the failure.
        """
        ...
