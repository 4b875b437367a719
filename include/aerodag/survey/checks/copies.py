"""The same picture twice: byte for byte, or one exposure in two files."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from aerodag.findings import Finding, Severity
from aerodag.survey.columns import Columns, camera
from aerodag.survey.exposure import Exposure


@dataclass(frozen=True, slots=True)
class Duplicate:
    """``zip_path`` has the same bytes as ``kept``."""

    zip_path: str
    kept: str


def duplicates(exposures: Sequence[Exposure]) -> list[Duplicate]:
    """Images with equal SHA-256; of each set the first by path is kept."""
    kept: dict[str, str] = {}
    found = []
    for exposure in sorted(exposures, key=lambda exposure: exposure.zip_path):
        if not exposure.sha256:
            continue
        first = kept.setdefault(exposure.sha256, exposure.zip_path)
        if first != exposure.zip_path:
            found.append(Duplicate(exposure.zip_path, first))
    return found


def same_exposure_findings(table: Columns) -> list[Finding]:
    """``image.same_exposure``: other bytes, but camera, band, size, time to the microsecond and pose are equal."""
    sets: defaultdict[tuple[object, ...], list[Exposure]] = defaultdict(list)
    for index in np.flatnonzero(table.located & table.timed):
        exposure = table.exposures[index]
        pose = (exposure.longitude, exposure.latitude, exposure.altitude, exposure.yaw, exposure.pitch)
        sensor = (*camera(exposure), exposure.sensor_group, exposure.band, exposure.width, exposure.height)
        sets[*sensor, exposure.captured_at, *pose].append(exposure)
    return [
        _same(other, images[0])
        for images in sets.values()
        for other in images[1:]
        if other.sha256 is None or other.sha256 != images[0].sha256
    ]


def _same(other: Exposure, first: Exposure) -> Finding:
    return Finding(
        Severity.WARNING,
        "image.same_exposure",
        f"The same exposure as {first.zip_path}: camera, size, capture time ({other.captured_at}) and position are "
        "equal, the bytes are not.",
        "Upload each photograph once; an edited or re-saved copy adds nothing and may harm the matching.",
        other.zip_path,
        {"first": first.zip_path},
    )
