"""A whole file of exposure marks, however its lines were mangled on the way here."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from dataclasses import dataclass

from aerodag.errors import DataError
from aerodag.findings import Finding, Severity
from aerodag.rtk.mrk import MAX_LINE, MrkRecord, parse_record

MAX_BYTES = 32 * 1024**2  # a long day of exposures is 2 MB
MAX_LINES = 200_000

_ADVICE = "Upload the _Timestamp.MRK file as the drone wrote it, or leave it out."
_ENCODINGS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
# A power cut leaves runs of NUL bytes, also in the middle of a line.
_LINE = re.compile(r"[^\r\n\0]+")


@dataclass(frozen=True, slots=True)
class MarkFile:
    """One mark file: ``records`` in the order of its lines, empty if the file is refused.

    ``bad_lines`` counts what could not be read, ``repeated_lines`` the lines that say again what another said.
    """

    name: str
    records: tuple[MrkRecord, ...]
    bad_lines: int = 0
    repeated_lines: int = 0
    findings: tuple[Finding, ...] = ()


def read_marks(content: bytes, name: str) -> MarkFile:
    """Read every line that is an exposure mark; the others are counted, and if most are others the file is refused.

    ``content`` beyond ``MAX_BYTES`` and ``MAX_LINES`` is not looked at: such a file is refused. Findings:
    ``rtk.mrk_empty``, ``rtk.mrk_too_large``, ``rtk.mrk_unknown_layout``, ``rtk.mrk_bad_lines``.
    """
    if len(content) > MAX_BYTES:
        return _too_large(name, {"bytes": len(content), "limit": MAX_BYTES}, f"{len(content)} bytes")
    records: dict[MrkRecord, None] = {}
    good = bad = 0
    first_bad = ""
    for line in _lines(content):
        if good + bad == MAX_LINES:
            return _too_large(name, {"lines": MAX_LINES + 1, "limit": MAX_LINES}, f"more than {MAX_LINES} lines")
        try:
            records[parse_record(line)] = None
            good += 1
        except DataError:
            bad += 1
            first_bad = first_bad or line
    if bad > good:
        return MarkFile(name, (), bad, findings=(_unknown_layout(name, good, bad, first_bad),))
    if not records:
        return MarkFile(name, (), findings=(_empty(name, len(content)),))
    findings = (_bad_lines(name, good, bad, first_bad),) if bad else ()
    return MarkFile(name, tuple(records), bad, good - len(records), findings)


def _lines(content: bytes) -> Iterator[str]:
    """Lines that are not blank, cut where they are too long to be one."""
    encoding, start = "latin-1", 0
    for mark, name in _ENCODINGS:
        if content.startswith(mark):
            encoding, start = name, len(mark)
    text = content[start:].decode(encoding, "replace")
    for match in _LINE.finditer(text):
        line = match[0][: MAX_LINE + 1]
        if not line.isspace():
            yield line


def _empty(name: str, size: int) -> Finding:
    return Finding(
        Severity.WARNING,
        "rtk.mrk_empty",
        f"{name} holds no exposure mark; its {size} bytes are blank.",
        _ADVICE,
        numbers={"file": name, "bytes": size},
    )


def _too_large(name: str, numbers: dict[str, int], size: str) -> MarkFile:
    finding = Finding(
        Severity.WARNING,
        "rtk.mrk_too_large",
        f"{name} has {size}; that is no file of exposure marks (limit {numbers['limit']}).",
        _ADVICE,
        numbers={"file": name, **numbers},
    )
    return MarkFile(name, (), findings=(finding,))


def _unknown_layout(name: str, good: int, bad: int, line: str) -> Finding:
    return Finding(
        Severity.WARNING,
        "rtk.mrk_unknown_layout",
        f"{bad} of {good + bad} lines of {name} are no exposure marks; the file is not used. The first: {_cut(line)}.",
        _ADVICE,
        numbers={"file": name, "lines": good + bad, "bad_lines": bad, "first_bad_line": _cut(line)},
    )


def _bad_lines(name: str, good: int, bad: int, line: str) -> Finding:
    return Finding(
        Severity.WARNING,
        "rtk.mrk_bad_lines",
        f"{bad} of {good + bad} lines of {name} are damaged and skipped; the first: {_cut(line)}.",
        "The images of these lines keep their own position; copy the file from the card again if they matter.",
        numbers={"file": name, "lines": good + bad, "bad_lines": bad, "first_bad_line": _cut(line)},
    )


def _cut(line: str) -> str:
    """Safe to show and to store: lone surrogates and control characters are escaped."""
    return ascii(line.strip()[:120])
