"""``geo.txt``: positions and their accuracy, image by image, in OpenDroneMap's format.

Written where an engine cannot see them itself: ODM reads deviations from XMP, but neither mark files nor the kind of
solution, and takes 10 m for everything else. Read by the embedded engine, and from uploads that were post-processed::

    EPSG:4326
    DJI_0001.JPG 10.98 48.07 650.12 [yaw pitch roll [horizontal vertical accuracy]]
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from dataclasses import dataclass

import pyproj

from aerodag.findings import Finding, Severity
from aerodag.photogrammetry.srs import read_srs, text_lines
from aerodag.rtk import CameraPosition, Solution, solution

# Receivers are too sure of themselves: least horizontal deviation believed of each kind of solution, metres.
LEAST_STD_M = {Solution.FIXED: 0.02, Solution.FLOAT: 0.3, Solution.SINGLE: 3.0}
VERTICAL = 1.5  # a single point is so much worse in height


def write_geo(positions: Mapping[str, CameraPosition]) -> str:
    """The file's text, ``positions`` being ``{engine name: position}``; names hold no blanks.

    All nine columns: name, longitude, latitude, height (EPSG:4326), three angles left to the image, horizontal and
    vertical accuracy in metres. Images without height, deviations or a known kind of solution are left out and keep
    what their EXIF says; a position that came in such a file goes on as it was given.
    """
    lines = ["EPSG:4326"]
    for name, position in sorted(positions.items()):
        line = _line(name, position)
        if line:
            lines.append(line)
    return "\n".join(lines) + "\n"


def _line(name: str, position: CameraPosition) -> str | None:
    if position.source == "geo":
        return _given(name, position)
    kind = solution(position.flag)
    horizontal, vertical = position.std_horizontal_m, position.std_u_m
    if position.longitude is None or position.latitude is None or position.altitude is None:
        return None
    if kind not in LEAST_STD_M or horizontal is None or vertical is None:
        return None
    least = LEAST_STD_M[kind]
    factor = VERTICAL if kind is Solution.SINGLE else 1.0
    return (
        f"{name} {position.longitude:.10f} {position.latitude:.10f} {position.altitude:.4f} nan nan nan "
        f"{max(horizontal, least):.4f} {max(vertical, least) * factor:.4f}"
    )


def _given(name: str, position: CameraPosition) -> str:
    words = [name, f"{position.longitude:.10f}", f"{position.latitude:.10f}"]
    if position.altitude is not None:
        words.append(f"{position.altitude:.4f}")
        if position.std_horizontal_m is not None and position.std_u_m is not None:
            words += ["nan", "nan", "nan", f"{position.std_horizontal_m:.4f}", f"{position.std_u_m:.4f}"]
    return " ".join(words)


def is_needed(positions: Collection[CameraPosition]) -> bool:
    """Whether the images themselves do not tell the engine enough: marks, a file of positions, or mixed solutions."""
    kinds = {solution(position.flag) for position in positions}
    return any(position.source in {"mrk", "geo"} for position in positions) or len(kinds & LEAST_STD_M.keys()) > 1


@dataclass(frozen=True, slots=True)
class GeoFile:
    """Positions by the image's name as the file has it, in WGS84; ``bad_lines`` counts lines that are none."""

    name: str
    positions: Mapping[str, CameraPosition]
    bad_lines: int = 0
    findings: tuple[Finding, ...] = ()


def read_geo(content: bytes, name: str) -> GeoFile:
    """Read what is readable; the rest is counted.

    Findings: ``geo.srs_unknown`` (nothing is used), ``geo.bad_lines``.
    """
    lines = text_lines(content)
    header = next(lines, "")
    srs = read_srs(header)
    if not srs:
        return GeoFile(name, {}, findings=(_unknown_srs(name, header),))
    transform = pyproj.Transformer.from_crs(srs, "EPSG:4326", always_xy=True)
    positions: dict[str, CameraPosition] = {}
    bad = 0
    for line in lines:
        row = _row(line, transform)
        if row is None:
            bad += 1
        else:
            positions[row[0]] = row[1]
    return GeoFile(name, positions, bad, (_bad_lines(name, len(positions), bad),) if bad else ())


def _row(line: str, transform: pyproj.Transformer) -> tuple[str, CameraPosition] | None:
    image, *words = line.split()
    try:
        numbers = [float(word) for word in words[:8]]
    except ValueError:
        return None
    if len(numbers) < 2 or not all(math.isfinite(number) for number in numbers[:3]):
        return None
    longitude, latitude = transform.transform(numbers[0], numbers[1])
    if not (abs(longitude) <= 180 and abs(latitude) <= 90):
        return None
    horizontal, vertical = (_accuracy(numbers[6]), _accuracy(numbers[7])) if len(numbers) == 8 else (None, None)
    return image, CameraPosition(
        longitude=longitude,
        latitude=latitude,
        altitude=numbers[2] if len(numbers) > 2 else None,
        std_e_m=horizontal,
        std_n_m=horizontal,
        std_u_m=vertical,
        source="geo",
    )


def _accuracy(value: float) -> float | None:
    return value if math.isfinite(value) and value > 0 else None


def _unknown_srs(name: str, header: str) -> Finding:
    return Finding(
        Severity.DEGRADED,
        "geo.srs_unknown",
        f"The positions in {name} are not used: its first line names no coordinate system: {header[:80]!a}.",
        "First line: EPSG:n, WGS84 UTM 32N or a +proj text; then one line per image: name x y z.",
        numbers={"file": name},
    )


def _bad_lines(name: str, good: int, bad: int) -> Finding:
    return Finding(
        Severity.WARNING,
        "geo.bad_lines",
        f"{bad} of {good + bad} lines of {name} are no positions and are skipped.",
        "Each line needs the image's name without blanks, x and y, and better z and the accuracies too.",
        numbers={"file": name, "lines": good + bad, "bad_lines": bad},
    )
