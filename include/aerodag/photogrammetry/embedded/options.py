"""Command line of the engine; option names follow ODM's where both know the thing."""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Options:
    """Parsed options.

    ``resolution_cm`` None is the native GSD, ``max_features`` None depends on the number of images,
    ``memory_limit_mb`` None is no limit, ``parent_pid`` is the process whose death must end this one.
    """

    project: Path
    resolution_cm: float | None
    threads: int
    neighbours: int
    max_features: int | None
    feature_size: int
    memory_limit_mb: int | None
    parent_pid: int | None

    @property
    def work(self) -> Path:
        """Scratch folder; its fixed name lets a run clear what a killed one left."""
        return self.project / ".embedded"


def parse(arguments: Sequence[str] | None) -> Options:
    """Parse ``arguments`` (None: the process's own); wrong ones exit with code 2, as in ODM."""
    parser = argparse.ArgumentParser(prog="python -m aerodag.photogrammetry.embedded", description=__doc__)
    parser.add_argument("--project-path", type=Path, required=True, help="folder that holds the project")
    parser.add_argument("name", help="project folder; its images lie in images/")
    parser.add_argument("--orthophoto-resolution", type=_positive, help="cm per pixel (default: native GSD)")
    parser.add_argument("--max-concurrency", type=_count, default=os.cpu_count() or 1, help="threads")
    parser.add_argument("--matcher-neighbors", type=_count, default=8, help="nearest images to match with")
    parser.add_argument("--min-num-features", type=_count, help="features kept per image")
    parser.add_argument("--feature-size", type=_count, default=1600, help="longer image side for features, pixels")
    parser.add_argument("--memory-limit-mb", type=_count, help="give up above this resident memory")
    parser.add_argument("--parent-pid", type=_count, help=argparse.SUPPRESS)
    raw = parser.parse_args(arguments)
    return Options(
        project=raw.project_path / raw.name,
        resolution_cm=raw.orthophoto_resolution,
        threads=raw.max_concurrency,
        neighbours=raw.matcher_neighbors,
        max_features=raw.min_num_features,
        feature_size=raw.feature_size,
        memory_limit_mb=raw.memory_limit_mb,
        parent_pid=raw.parent_pid,
    )


def _positive(text: str) -> float:
    value = float(text)
    if not 0.0 < value < 10_000.0:
        raise argparse.ArgumentTypeError(f"{text} is not between 0 and 10000")
    return value


def _count(text: str) -> int:
    value = int(text)
    if value < 1:
        raise argparse.ArgumentTypeError(f"{text} is not at least 1")
    return value
