"""Refusals: everything about a ZIP that is hostile or that cannot be read, before one byte touches the disk."""

from __future__ import annotations

import posixpath
import re
import stat
import struct
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from zipfile import ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from aerodag.errors import DataError

_METHODS = {9: "Deflate64", 12: "BZIP2", 14: "LZMA", 93: "Zstandard", 95: "XZ", 98: "PPMd", 99: "AES"}
_ENCRYPTED_FLAGS = 0x01 | 0x40
LOCAL_HEADER = struct.Struct("<4s22xHH")
_SMALL_ENTRY = 1 << 20  # text and sidecars compress extremely well and cannot hurt below this
_SHOWN = 20


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds on what a ZIP may claim: number of entries, bytes, expansion (unpacked / packed), usable images."""

    entries: int = 50_000
    entry_bytes: int = 4 << 30
    total_bytes: int = 500 << 30
    ratio: float = 100.0
    min_images: int = 3


def opened(path: Path) -> ZipFile:
    """Open for reading; raises ``archive.unreadable``."""
    try:
        return ZipFile(path)
    except (BadZipFile, NotImplementedError, ValueError, EOFError, struct.error, OverflowError) as error:
        raise DataError(
            "archive.unreadable",
            f"{path.name} is no readable ZIP: {error}.",
            advice="Was the upload complete? Pack the images as a plain ZIP and upload it again.",
            numbers={"bytes": path.stat().st_size},
        ) from error


def refuse_hostile(infos: list[ZipInfo], limits: Limits, end: int) -> None:
    """Look at every file of the central directory; ``end`` is the offset where that directory begins."""
    if not infos:
        raise DataError("archive.empty", "The ZIP holds no file.", advice="Pack the images and upload it again.")
    if len(infos) > limits.entries:
        raise DataError(
            "archive.too_many_entries",
            f"The ZIP holds {len(infos)} entries, more than {limits.entries}.",
            advice="Split it into one ZIP per survey.",
            numbers={"entries": len(infos), "limit": limits.entries},
        )
    for info in infos:
        _refuse_name(info)
        if special_mode(info):
            raise hostile("symlink", info.filename, "is a link or another special file")
        if info.flag_bits & _ENCRYPTED_FLAGS:
            raise hostile("encrypted", info.filename, "is encrypted", "Pack the images without a password.")
    _refuse_duplicates(infos)
    _refuse_overlap(infos, end)
    _refuse_sizes(infos, limits)


def _refuse_name(info: ZipInfo) -> None:
    """Look at the name as stored too: zipfile cuts it at a NUL."""
    for name in (info.filename, info.orig_filename):
        escapes = (
            name.startswith(("/", "~"))
            or "\\" in name
            or "\x00" in name
            or re.match(r"^[A-Za-z]:", name)
            or ".." in name.split("/")
        )
        if escapes:
            raise hostile("traversal", name.replace("\x00", "?"), "would be written outside its folder")


def _refuse_duplicates(infos: list[ZipInfo]) -> None:
    counts = Counter(posixpath.normpath(info.filename) for info in infos)
    name, times = counts.most_common(1)[0]
    if times > 1:
        raise hostile("duplicate_name", name, f"occurs {times} times")


def _refuse_overlap(infos: list[ZipInfo], end: int) -> None:
    """Entries sharing the same bytes are the non-recursive ZIP bomb: small on disk, without a bound unpacked."""
    ordered = sorted(infos, key=lambda info: info.header_offset)
    for info, following in zip(ordered, [*(info.header_offset for info in ordered[1:]), end], strict=True):
        if info.header_offset < 0 or info.header_offset + LOCAL_HEADER.size + info.compress_size > following:
            raise hostile("overlap", info.filename, "overlaps the entry behind it")


def _refuse_sizes(infos: list[ZipInfo], limits: Limits) -> None:
    total, packed = sum(info.file_size for info in infos), sum(info.compress_size for info in infos)
    largest = max(infos, key=lambda info: info.file_size)
    for name, size, limit in (
        (largest.filename, largest.file_size, limits.entry_bytes),
        ("the whole ZIP", total, limits.total_bytes),
    ):
        if size > limit:
            raise DataError(
                "archive.too_large",
                f"Unpacked, {name} takes {size} bytes, more than the limit of {limit}.",
                advice="Split the upload, or have an operator raise the limit.",
                numbers={"bytes": size, "limit": limit},
            )
    candidates = [(info.filename, info.file_size, info.compress_size) for info in infos]
    for name, size, small in [*candidates, ("the whole ZIP", total, packed)]:
        if size > _SMALL_ENTRY and size > limits.ratio * small:
            raise DataError(
                "archive.ratio",
                f"{name} expands {size / max(1, small):.0f} times, more than the limit of {limits.ratio:.0f}.",
                advice="Photographs never do; pack only the images and upload again.",
                numbers={"bytes": size, "packed_bytes": small, "limit": limits.ratio},
            )


def refuse_method(info: ZipInfo) -> None:
    """Only stored and deflated entries can be read with a bound on what they expand to."""
    if info.compress_type not in {ZIP_STORED, ZIP_DEFLATED}:
        method = _METHODS.get(info.compress_type, "unknown")
        raise DataError(
            "archive.method",
            f"{info.filename} is packed by method {info.compress_type} ({method}), which cannot be read.",
            advice="Pack again with method 'Store' or 'Deflate'; Windows Explorer takes Deflate64 above 2 GB, "
            "7-Zip with 'zip' and 'Store' does not.",
            numbers={"method": info.compress_type},
        )


def special_mode(info: ZipInfo) -> bool:
    """Is the entry a link, device, pipe or socket by its Unix mode."""
    return stat.S_IFMT(info.external_attr >> 16) not in {0, stat.S_IFDIR if info.is_dir() else stat.S_IFREG}


def hostile(code: str, name: str, what: str, advice: str = "Pack only the images and upload again.") -> DataError:
    """A refusal of one entry."""
    return DataError(f"archive.{code}", f"Entry {name!r} {what}.", advice=advice, numbers={"entry": name})


def damaged(paths: list[str]) -> DataError:
    """The error that names the damaged entries, the first twenty of them."""
    return DataError(
        "archive.damaged",
        f"{len(paths)} entries of the ZIP are damaged: {', '.join(paths[:_SHOWN])}.",
        advice="The upload or the ZIP is corrupt; pack the images from the card and upload again.",
        numbers={"entries": paths[:_SHOWN], "count": len(paths)},
    )
