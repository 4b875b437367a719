"""What a ZIP holds and whether it is safe, told from its central directory alone."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import structlog

from aerodag.archive.format.directory import Record
from aerodag.archive.format.limits import Limits
from aerodag.archive.format.reader import Reader
from aerodag.archive.format.signatures import archive_kind
from aerodag.archive.kinds import Reason, Use, classify
from aerodag.archive.remarks import Ignored, about_container, about_ignored, about_names
from aerodag.archive.safety import refuse_hostile, refuse_unusable
from aerodag.errors import DataError
from aerodag.findings import Finding

log = structlog.get_logger(__name__)

_SNIFFED_ENTRIES, _SNIFFED_BYTES = 20, 512


@dataclass(frozen=True, slots=True)
class Entry:
    """One file to use; sizes in bytes, ``crc`` is the CRC-32 the directory claims.

    ``path`` is the readable name with folders parted by slashes; `Reader` finds the entry by it.
    """

    path: str
    size: int
    packed_size: int
    crc: int


@dataclass(frozen=True, slots=True)
class Inventory:
    """What a ZIP holds, each group sorted by path; ``total_bytes`` is the unpacked size of all but the ignored."""

    images: tuple[Entry, ...]
    rtk: tuple[Entry, ...]
    gcp: tuple[Entry, ...]
    geo: tuple[Entry, ...]
    ignored: tuple[Ignored, ...]
    findings: tuple[Finding, ...]
    total_bytes: int

    @property
    def used(self) -> tuple[Entry, ...]:
        """All that is not ignored."""
        return (*self.images, *self.rtk, *self.gcp, *self.geo)


def inspect(path: Path, limits: Limits | None = None) -> Inventory:
    """Read the central directory only and sort its entries; ``limits`` are those of this installation by default.

    Raises:
        DataError: ``archive.unreadable``, ``.split``, ``.empty``, ``.too_many_entries``, ``.traversal``, ``.bad_name``,
            ``.symlink``, ``.duplicate_name``, ``.overlap``, ``.encrypted``, ``.method``, ``.too_large``, ``.ratio``,
            ``.nested`` or ``.too_few_images``.
        InfrastructureError: ``archive.not_opened``.
    """
    limits = limits or Limits.installed()
    with Reader(path, limits) as reader:
        directory = reader.directory
        files = sorted((record for record in directory.records if not record.is_folder), key=lambda item: item.path)
        if not files:
            raise DataError("archive.empty", "The ZIP holds no file.", advice="Pack the images and upload it again.")
        refuse_hostile(directory.records, directory.start)
        groups, ignored = _sorted_out(files)
        used = [record for group in groups.values() for record in group]
        refuse_unusable(used, limits)
        if len(groups[Use.IMAGE]) < limits.min_images:
            raise _too_few(len(groups[Use.IMAGE]), limits.min_images, ignored, reader)
    findings = (*about_container(directory), *about_names(used), *about_ignored(ignored))
    log.info("archive inspected", archive=str(path), used=len(used), ignored=len(ignored))
    return Inventory(
        images=_entries(groups[Use.IMAGE]),
        rtk=_entries(groups[Use.RTK]),
        gcp=_entries(groups[Use.GCP]),
        geo=_entries(groups[Use.GEO]),
        ignored=tuple(ignored),
        findings=findings,
        total_bytes=sum(record.size for record in used),
    )


def _sorted_out(files: Sequence[Record]) -> tuple[dict[Use, list[Record]], list[Ignored]]:
    groups: dict[Use, list[Record]] = defaultdict(list)
    ignored: list[Ignored] = []
    for record in files:
        match classify(record.path, record.size):
            case Use() as use:
                groups[use].append(record)
            case reason:
                ignored.append(Ignored(record.path, reason, record.size))
    return groups, ignored


def _entries(records: Sequence[Record]) -> tuple[Entry, ...]:
    return tuple(Entry(record.path, record.size, record.packed_size, record.crc) for record in records)


def _too_few(count: int, least: int, ignored: Sequence[Ignored], reader: Reader) -> DataError:
    nested = _archives_among(ignored, reader)
    if nested:
        return DataError(
            "archive.nested",
            f"The ZIP holds {count} images, {least} are needed, and {len(nested)} further archives, the first "
            f"{nested[0]!r}.",
            advice="Unpack the inner archives and pack their images into one ZIP.",
            numbers={"images": count, "archives": len(nested), "entries": nested[:_SNIFFED_ENTRIES]},
        )
    reasons = Counter(item.reason for item in ignored)
    left_out = ", ".join(f"{number} as {reason}" for reason, number in reasons.most_common())
    return DataError(
        "archive.too_few_images",
        f"The ZIP holds {count} usable images; at least {least} are needed."
        + (f" Left out are {left_out}." if left_out else ""),
        advice="Add the images (jpg, jpeg, png, tif, tiff or dng) of the whole flight and upload again.",
        numbers={"images": count, "limit": least, "ignored": dict(reasons)},
    )


def _archives_among(ignored: Sequence[Ignored], reader: Reader) -> list[str]:
    """Inner archives by name, else by the first bytes of the first few files that nothing else is known of."""
    nested = [item.path for item in ignored if item.reason == Reason.NESTED_ARCHIVE]
    unknown = [item.path for item in ignored if item.reason == Reason.UNKNOWN_TYPE]
    return nested or [path for path in unknown[:_SNIFFED_ENTRIES] if _is_archive(reader, path)]


def _is_archive(reader: Reader, path: str) -> bool:
    try:
        with reader.open(path) as file:
            return archive_kind(file.read(_SNIFFED_BYTES)) is not None
    except DataError:
        return False
