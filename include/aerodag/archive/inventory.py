"""What a ZIP holds and whether it is safe, told from its central directory alone."""

from __future__ import annotations

import re
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from zipfile import ZipInfo

from aerodag.archive.safety import Limits, opened, refuse_hostile, refuse_method, special_mode
from aerodag.errors import DataError

IMAGE_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".tif", ".tiff", ".dng"})
RTK_SUFFIXES = frozenset({".mrk", ".rtk", ".rtl", ".rtb", ".rpos", ".rts", ".imu", ".obs", ".nav", ".bin"})
_RINEX = re.compile(r"\.\d\d[onpg]$")  # RINEX 2 names: 14601736.18o
_CONTROL_FILES = {"gcp_list.txt": "gcp", "gcp.txt": "gcp", "geo.txt": "geo"}
_ARCHIVE_SUFFIXES = frozenset({".zip", ".7z", ".rar", ".tar", ".gz", ".tgz", ".bz2", ".xz"})


@dataclass(frozen=True, slots=True)
class Entry:
    """One file to use; sizes in bytes, ``crc`` is the CRC-32 the directory claims."""

    path: str
    size: int
    packed_size: int
    crc: int


@dataclass(frozen=True, slots=True)
class Ignored:
    """One file left out, with a machine-readable reason."""

    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a ZIP holds, each group sorted by path; ``total_bytes`` is the unpacked size of all but the ignored."""

    images: tuple[Entry, ...]
    rtk: tuple[Entry, ...]
    gcp: tuple[Entry, ...]
    geo: tuple[Entry, ...]
    ignored: tuple[Ignored, ...]
    total_bytes: int


def inspect(path: Path, limits: Limits | None = None) -> Inventory:
    """Read the central directory only and sort its entries.

    Raises:
        DataError: ``archive.unreadable``, ``.empty``, ``.too_many_entries``, ``.traversal``, ``.symlink``,
            ``.encrypted``, ``.duplicate_name``, ``.overlap``, ``.too_large``, ``.ratio``, ``.method``, ``.nested`` or
            ``.too_few_images``.
    """
    limits = limits or Limits()
    with opened(path) as bundle:
        infos = [info for info in bundle.infolist() if not info.is_dir() or special_mode(info)]
        refuse_hostile(infos, limits, bundle.start_dir)
    groups: dict[str, list[Entry]] = defaultdict(list)
    ignored: list[Ignored] = []
    for info in sorted(infos, key=lambda info: info.filename):
        kind, reason = _kind(info)
        if kind is None:
            ignored.append(Ignored(info.filename, reason))
            continue
        refuse_method(info)
        groups[kind].append(Entry(info.filename, info.file_size, info.compress_size, info.CRC))
    _refuse_few(len(groups["image"]), ignored, limits)
    return Inventory(
        images=tuple(groups["image"]),
        rtk=tuple(groups["rtk"]),
        gcp=tuple(groups["gcp"]),
        geo=tuple(groups["geo"]),
        ignored=tuple(ignored),
        total_bytes=sum(entry.size for group in groups.values() for entry in group),
    )


def _refuse_few(count: int, ignored: list[Ignored], limits: Limits) -> None:
    if count >= limits.min_images:
        return
    nested = [item.path for item in ignored if item.reason == "nested_archive"]
    if nested:
        raise DataError(
            "archive.nested",
            f"The ZIP holds {count} images and {len(nested)} further archives, the first {nested[0]}.",
            advice="Unpack the inner archives and pack their images into one ZIP.",
            numbers={"images": count, "archives": len(nested)},
        )
    raise DataError(
        "archive.too_few_images",
        f"The ZIP holds {count} usable images; at least {limits.min_images} are needed.",
        advice="Add the images (jpg, jpeg, png, tif, tiff or dng) of the whole flight and upload again.",
        numbers={"images": count, "limit": limits.min_images},
    )


def _kind(info: ZipInfo) -> tuple[str | None, str]:
    """Group of an entry, or None and the reason why it is left out."""
    name = PurePosixPath(info.filename)
    suffix, lowered = name.suffix.lower(), name.name.lower()
    if "__MACOSX" in name.parts or lowered.startswith("._"):
        return None, "macos_metadata"
    if any(part.startswith(".") for part in name.parts):
        return None, "hidden"
    if lowered in {"thumbs.db", "desktop.ini"}:
        return None, "system_file"
    if info.file_size == 0:
        return None, "empty"
    if suffix in IMAGE_SUFFIXES:
        return "image", ""
    if suffix in RTK_SUFFIXES or _RINEX.search(lowered):
        return "rtk", ""
    if lowered in _CONTROL_FILES:
        return _CONTROL_FILES[lowered], ""
    return None, "nested_archive" if suffix in _ARCHIVE_SUFFIXES else "unknown_type"
