"""Refusals of what is hostile in a central directory, before one byte touches the disk."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from aerodag.archive.format.directory import LOCAL_HEADER, Record
from aerodag.archive.format.expansion import READABLE, unreadable_method
from aerodag.archive.format.limits import Limits
from aerodag.archive.format.paths import refuse_path
from aerodag.archive.format.refusal import hostile
from aerodag.errors import DataError

_ENCRYPTED_FLAGS = 0x01 | 0x40 | 0x2000
_SMALL_ENTRY = 1 << 20  # text and sidecars compress extremely well and cannot hurt below this


def refuse_hostile(records: Sequence[Record], end: int) -> None:
    """Look at every entry, used or not; ``end`` is the offset where the directory begins.

    Raises:
        DataError: ``archive.traversal``, ``.bad_name``, ``.symlink``, ``.duplicate_name`` or ``.overlap``.
    """
    for record in records:
        refuse_path(record.name, record.raw)
        if record.is_special:
            raise hostile("symlink", record.path, f"is a link or another special file (mode {record.mode:o})")
    _refuse_duplicates(records)
    _refuse_overlap(records, end)


def refuse_unusable(records: Sequence[Record], limits: Limits) -> None:
    """Look at the entries to be used; the others are never unpacked, so their size or method does no harm.

    Raises:
        DataError: ``archive.encrypted``, ``.method``, ``.too_large`` or ``.ratio``.
    """
    encrypted = [record.path for record in records if record.flags & _ENCRYPTED_FLAGS]
    if encrypted:
        what = f"is encrypted, one of {len(encrypted)}"
        raise hostile("encrypted", encrypted[0], what, "Pack the images without a password.")
    unread = [record for record in records if record.method not in READABLE]
    if unread:
        method = unread[0].method
        raise unreadable_method(method, [record.path for record in unread if record.method == method])
    _refuse_sizes(records, limits)


def _refuse_duplicates(records: Sequence[Record]) -> None:
    counts = Counter(record.path for record in records if not record.is_folder)
    for name, times in counts.most_common(1):
        if times > 1:
            raise hostile("duplicate_name", name, f"occurs {times} times")


def _refuse_overlap(records: Sequence[Record], end: int) -> None:
    """Entries sharing the same bytes are the non-recursive ZIP bomb: small on disk, without a bound unpacked."""
    ordered = sorted(records, key=lambda record: record.offset)
    for record, following in zip(ordered, [*(record.offset for record in ordered[1:]), end], strict=True):
        if record.offset + LOCAL_HEADER.size + record.packed_size > following:
            raise hostile("overlap", record.path, "overlaps the entry behind it or the directory")


def _refuse_sizes(records: Sequence[Record], limits: Limits) -> None:
    total, packed = sum(record.size for record in records), sum(record.packed_size for record in records)
    entries = [(record.path, record.size, record.packed_size, limits.entry_bytes) for record in records]
    for name, size, small, limit in [*entries, ("the whole ZIP", total, packed, limits.total_bytes)]:
        if size > limit:
            raise DataError(
                "archive.too_large",
                f"Unpacked, {name!r} takes {size} bytes, more than the limit of {limit}.",
                advice="Split the upload, or have an operator raise the limit.",
                numbers={"entry": name, "bytes": size, "limit": limit},
            )
        if size > _SMALL_ENTRY and size > limits.ratio * small:
            raise DataError(
                "archive.ratio",
                f"{name!r} expands {size / max(1, small):.0f} times, more than the limit of {limits.ratio:.0f}.",
                advice="Photographs never do; pack only the images and upload again.",
                numbers={"entry": name, "bytes": size, "packed_bytes": small, "limit": limits.ratio},
            )
