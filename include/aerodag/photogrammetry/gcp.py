"""Ground control points as OpenDroneMap reads them: ``gcp_list.txt``.

The first line names the coordinate system, each other one says where in an image a point is seen::

    EPSG:32617
    333158.20 3102916.18 3.0 2699.45 1668.70 DJI_0065.JPG [label] [extras]
"""

from __future__ import annotations

import re
from dataclasses import dataclass

import pyproj

from aerodag.findings import Finding, Severity
from aerodag.photogrammetry.srs import MAX_LINE, read_srs, text_lines

MAX_BYTES = 8 * 1024**2
MAX_ROWS = 50_000

_ADVICE = (
    "First line: EPSG:n, WGS84 UTM 32N or a +proj text; then one line per observation: "
    "x y z pixel_x pixel_y image [label]. The survey is processed without control points."
)
_NUMBER = r"([-+]?(?:[0-9]{1,30}(?:\.[0-9]{0,30})?|\.[0-9]{1,30})(?:[eE][-+]?[0-9]{1,2})?)"
_ROW = re.compile(r"\s+".join([_NUMBER] * 5) + r"\s+(\S.*)")
# A name may hold blanks: it ends with the suffix of an image, or else at the first blank.
_IMAGE = re.compile(r"(.*?\.(?:jpe?g|png|tiff?|dng))\"?(?:\s+|$)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ControlRow:
    """One observation: the point in the file's coordinate system, the pixel (origin top left) and the image's name."""

    x: float
    y: float
    z: float
    px: float
    py: float
    image: str
    label: str = ""
    extras: str = ""

    @property
    def point(self) -> tuple[float, float, float]:
        """What makes observations belong to one point, as in ODM."""
        return self.x, self.y, self.z

    @property
    def is_check(self) -> bool:
        """Whether it is there to measure the result and must not steer it (a label ``CHK-``, after ODX)."""
        return self.label.upper().startswith("CHK-")


@dataclass(frozen=True, slots=True)
class GroundControl:
    """One file; ``srs`` in a form every ODM understands, empty if it is unknown, and then there are no rows.

    ``bad_lines`` counts the lines that are no observation.
    """

    name: str
    srs: str
    rows: tuple[ControlRow, ...]
    bad_lines: int = 0
    findings: tuple[Finding, ...] = ()

    @property
    def crs(self) -> pyproj.CRS:
        """The coordinate system; axes are x east, y north whatever EPSG says."""
        return pyproj.CRS.from_user_input(self.srs)


def parse(content: bytes, name: str) -> GroundControl:
    """Read what is readable; the rest is counted.

    Findings: ``gcp.too_large``, ``gcp.empty``, ``gcp.srs_missing``, ``gcp.srs_unknown``, ``gcp.bad_lines``. With any
    but the last there are no rows.
    """
    if len(content) > MAX_BYTES:
        return _unusable(name, "too_large", f"has {len(content)} bytes, more than {MAX_BYTES}", bytes=len(content))
    lines = text_lines(content)
    header = next(lines, None)
    if header is None:
        return _unusable(name, "empty", "holds nothing but blanks and comments", bytes=len(content))
    if _row(header) is not None:
        return _unusable(name, "srs_missing", "does not name its coordinate system in the first line")
    srs = read_srs(header)
    if not srs:
        return _unusable(name, "srs_unknown", f"names a coordinate system that is not known: {header[:80]!a}")
    rows: list[ControlRow] = []
    bad: list[str] = []
    for line in lines:
        if len(rows) + len(bad) == MAX_ROWS:
            return _unusable(name, "too_large", f"has more than {MAX_ROWS} lines", limit=MAX_ROWS)
        row = _row(line)
        if row is None:
            bad.append(line)
        else:
            rows.append(row)
    if not rows:
        return _unusable(name, "empty", f"holds no observation in {len(bad)} lines", bad_lines=len(bad))
    findings = (_bad_lines(name, len(rows), bad),) if bad else ()
    return GroundControl(name, srs, tuple(rows), len(bad), findings)


def _row(line: str) -> ControlRow | None:
    match = _ROW.fullmatch(line) if len(line) <= MAX_LINE else None
    if match is None:
        return None
    *numbers, rest = match.groups()
    image, rest = _split_image(rest)
    label, _, extras = rest.partition("\t") if "\t" in rest else rest.partition(" ")
    if not image:
        return None
    x, y, z, px, py = (float(number) for number in numbers)
    return ControlRow(x, y, z, px, py, image, "_".join(label.split()), " ".join(extras.split()))


def _split_image(rest: str) -> tuple[str, str]:
    found = _IMAGE.match(rest)
    name, after = (found[1], rest[found.end() :]) if found else (*rest.split(maxsplit=1), "")[:2]
    return name.strip("\"' \t"), after.strip()


def _unusable(name: str, code: str, why: str, **numbers: int) -> GroundControl:
    finding = Finding(
        Severity.DEGRADED,
        f"gcp.{code}",
        f"The control points in {name} cannot be used: the file {why}.",
        _ADVICE,
        numbers={"file": name, **numbers},
    )
    return GroundControl(name, "", (), findings=(finding,))


def _bad_lines(name: str, good: int, bad: list[str]) -> Finding:
    first = ascii(bad[0][:120])
    return Finding(
        Severity.WARNING,
        "gcp.bad_lines",
        f"{len(bad)} of {good + len(bad)} lines of {name} are no observations and are skipped; the first: {first}.",
        "Each line needs x y z pixel_x pixel_y image, parted by blanks or tabs, with decimal points.",
        numbers={"file": name, "lines": good + len(bad), "bad_lines": len(bad), "first_bad_line": first},
    )
