"""The text files that say where things are: their lines, and the coordinate system that the first one names."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator

import pyproj
from pyproj.exceptions import CRSError

MAX_LINE = 1_000  # characters

_BOMS = ((codecs.BOM_UTF8, "utf-8"), (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"))
_LINE = re.compile(r"[^\r\n\0]+")
_EPSG = re.compile(r"epsg:\s*([0-9]{3,6})", re.IGNORECASE)
_UTM = re.compile(r"WGS\s?84\s*/?\s*UTM(?:\s+zone)?\s+([0-9]{1,2})\s?([NS])", re.IGNORECASE)
# Nothing that would make PROJ open a file of the uploader's choice.
_PROJ = re.compile(r"(?:\+(?!init|nadgrids|geoidgrids|grids|file)\w{1,20}(?:=[\w.,-]{1,60})?\s*){1,30}", re.ASCII)


def text_lines(content: bytes) -> Iterator[str]:
    """Lines with something on them, stripped, without comments; one longer than ``MAX_LINE`` is cut behind it."""
    for match in _LINE.finditer(_decoded(content)):
        line = match[0][: MAX_LINE + 1].strip()
        if line and not line.startswith("#"):
            yield line


def _decoded(content: bytes) -> str:
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return content[len(mark) :].decode(encoding, "replace")
    try:
        return content.decode()
    except UnicodeDecodeError:
        return content.decode("cp1252", "replace")


def read_srs(header: str) -> str:
    """The header as ODM reads it, checked; empty if it is no coordinate system on the ground."""
    header = header.strip("'\" ")
    utm, epsg = _UTM.fullmatch(header), _EPSG.fullmatch(header)
    if utm:
        zone, south = int(utm[1]), utm[2].upper() == "S"
        srs = f"EPSG:{(32700 if south else 32600) + zone}" if 1 <= zone <= 60 else ""
    elif epsg:
        srs = f"EPSG:{int(epsg[1])}"
    else:
        srs = " ".join(header.split()) if "+proj" in header and _PROJ.fullmatch(header) else ""
    return srs if srs and _is_horizontal(srs) else ""


def _is_horizontal(srs: str) -> bool:
    try:
        crs = pyproj.CRS.from_user_input(srs)
    except CRSError:
        return False
    return crs.is_geographic or crs.is_projected
