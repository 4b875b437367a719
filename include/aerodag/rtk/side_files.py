"""What the other files of an RTK flight are; they are recorded for post-processing elsewhere, never parsed."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import PurePosixPath

from aerodag.rtk.mrk import GPS_EPOCH, gps_to_utc

HEAD_BYTES = 8192  # a RINEX header rarely needs more before the time of its first epoch

# Kinds by DJI's manuals of the Zenmuse L1 and P1 and of the Phantom 4 RTK.
_KINDS = {
    ".mrk": "exposure_marks",
    ".rtk": "receiver_log",
    ".rts": "second_antenna_log",
    ".rtl": "lever_arm",
    ".rtb": "base_station_log",
    ".rpos": "realtime_positions",
    ".imu": "inertial_log",
    ".obs": "observations",
    ".nav": "navigation",
    ".bin": "raw_log",
}
_RINEX_2 = {"o": "observations", "n": "navigation", "g": "navigation", "p": "navigation"}
_RINEX_2_NAME = re.compile(r"\.[0-9]{2}([ongp])$")
_VERSION = re.compile(r"\s{0,8}([0-9]{1,2}\.[0-9]{1,2})")
_LABEL = 60  # column of a header line's label


@dataclass(frozen=True, slots=True)
class SideFile:
    """Kind of a file, and what a RINEX header says: version, and the first epoch in UTC if it is in GPS time.

    ``is_blank`` is a file whose beginning holds nothing but NUL bytes and white space.
    """

    kind: str
    rinex_version: str | None = None
    first_epoch: datetime | None = None
    is_blank: bool = False


def describe_side_file(name: str, head: bytes) -> SideFile:
    """Tell the kind from the name, and from the RINEX header where ``head`` (``HEAD_BYTES`` of the file) has one."""
    lowered = PurePosixPath(name).name.lower()
    numbered = _RINEX_2_NAME.search(lowered)
    kind = _RINEX_2[numbered[1]] if numbered else _KINDS.get(PurePosixPath(lowered).suffix, "unknown")
    lines = head[:HEAD_BYTES].decode("latin-1").splitlines()
    first = lines[0] if lines else ""
    version = _VERSION.match(first)
    if version is None or not first[_LABEL:].startswith("RINEX VERSION"):
        return SideFile(kind, is_blank=not head.strip(b"\0 \t\r\n"))
    return SideFile(_rinex_kind(first) or kind, version[1], _first_epoch(lines))


def _rinex_kind(first: str) -> str | None:
    """File type by column 21; the words after it are free text."""
    letter = first[20:21].upper()
    if letter == "O":
        return "observations"
    return "navigation" if letter in {"N", "G", "H"} else None


def _first_epoch(lines: list[str]) -> datetime | None:
    """Found by the label's words: its column is not always kept."""
    for line in lines:
        if "END OF HEADER" in line:
            return None
        values, label, _ = line.partition("TIME OF FIRST OBS")
        if label:
            parts = values.split()
            return _from_gps(parts) if parts[6:7] in ([], ["GPS"]) else None
    return None


def _from_gps(parts: list[str]) -> datetime | None:
    """A calendar date in GPS time, which counts no leap seconds, as UTC."""
    try:
        year, month, day, hour, minute = (int(part) for part in parts[:5])
        clock = datetime(year, month, day, hour, minute, tzinfo=UTC) + timedelta(seconds=float(parts[5]))
        return gps_to_utc(0, (clock - GPS_EPOCH).total_seconds()) if clock >= GPS_EPOCH else None
    except (ValueError, IndexError, OverflowError):
        return None
