"""The central directory of a ZIP, read record by record (PKWARE APPNOTE 6.3.10, section 4.3).

It alone says what an archive holds: every part of this package reads it through this one module, so there is no second
view of the archive in which something could hide. Names and sizes in local headers are not looked at, for that reason
and because honest tools leave them empty or in another encoding. Python's zipfile is not used here: it takes the
directory into memory whole, however large, decodes names by rules that change between versions, and fails with half a
dozen kinds of exception.
"""

from __future__ import annotations

import io
import os
import stat
import struct
from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import BinaryIO, cast

from aerodag.archive.format.paths import decode_name, extra_fields, normalised
from aerodag.archive.format.refusal import hostile, unreadable
from aerodag.archive.format.signatures import archive_kind
from aerodag.archive.format.window import Window
from aerodag.errors import DataError

LOCAL_HEADER = struct.Struct("<4s5H3L2H")
LOCAL_MAGIC = b"PK\x03\x04"
_RECORD = struct.Struct("<4s6H3L5H2L")
_END = struct.Struct("<4s4H2LH")
_END64 = struct.Struct("<4sQ2H2L4Q")
_LOCATOR = struct.Struct("<4sLQL")
_LONGEST_COMMENT = 0xFFFF
_MANY, _BIG = 0xFFFF, 0xFFFFFFFF
_WRAP = 1 << 32
_LONGEST_NAME = 1024
_SIZES_FOLLOW = 0x08


@dataclass(frozen=True, slots=True)
class Record:
    """One entry as the directory states it; sizes and ``offset`` (of its local header in the file) in bytes.

    ``path`` is the readable name with folders parted by slashes, ``name`` the decoded name before that, ``raw`` the
    stored bytes; ``guessed`` tells that their encoding is unknown; ``mode`` is the Unix mode or 0.
    """

    path: str
    name: str
    raw: bytes
    guessed: bool
    flags: int
    method: int
    crc: int
    packed_size: int
    size: int
    offset: int
    mode: int

    @property
    def is_folder(self) -> bool:
        """Folders are entries with a slash at the end, and hold nothing."""
        return self.name.endswith(("/", "\\"))

    @property
    def is_special(self) -> bool:
        """A link, device, pipe or socket by its Unix mode."""
        return stat.S_IFMT(self.mode) not in {0, stat.S_IFDIR if self.is_folder else stat.S_IFREG}


@dataclass(frozen=True, slots=True)
class Directory:
    """All entries in the order of the directory, which begins at byte ``start``; ``prefix`` bytes precede the ZIP."""

    records: tuple[Record, ...]
    start: int
    prefix: int


@dataclass(frozen=True, slots=True)
class _End:
    """What the end of the archive says about the directory; ``at`` is the offset of the record that says it."""

    count: int
    size: int
    offset: int
    at: int
    zip64: bool


def read_directory(file: BinaryIO, most: int) -> Directory:
    """Read the directory of an open file, at most ``most`` entries of it.

    Raises:
        DataError: ``archive.unreadable``, ``archive.split``, ``archive.too_many_entries``, ``archive.bad_name``.
    """
    end = _find_end(file, most)
    start = end.at - end.size
    prefix = start - end.offset
    if start < 0 or prefix < 0:
        raise unreadable(f"its directory of {end.size} bytes at {end.offset} does not fit into {end.at} bytes")
    records = tuple(_records(file, start, end, most))
    if prefix == 0:
        return Directory(records, start, 0)
    if _read(file, 0, 4) != LOCAL_MAGIC:
        return Directory(tuple(replace(r, offset=r.offset + prefix) for r in records), start, prefix)
    if prefix % _WRAP == 0 and not end.zip64:
        return Directory(tuple(_unwrapped(records, end, prefix)), start, 0)
    raise unreadable(f"its directory leaves out the first {prefix} bytes, which begin another ZIP", bytes=prefix)


def _read(file: BinaryIO, at: int, size: int) -> bytes:
    """As many of ``size`` bytes as there are at ``at``, which may be any 64-bit number that a file states."""
    return os.pread(file.fileno(), size, at) if 0 <= at < os.fstat(file.fileno()).st_size else b""


def _find_end(file: BinaryIO, most: int) -> _End:
    """The end record: the last one whose comment reaches the end of the file, else the last one."""
    length = os.fstat(file.fileno()).st_size
    base = max(0, length - _END.size - _LONGEST_COMMENT)
    tail = _read(file, base, length - base)
    found: list[int] = []
    at = len(tail) - _END.size + 4
    while (at := tail.rfind(b"PK\x05\x06", 0, max(0, at))) >= 0:
        if at + _END.size <= len(tail):
            found.append(at)
        at += 3
    if not found:
        raise _endless(file, length, most)
    exact = (at for at in found if at + _END.size + _END.unpack_from(tail, at)[-1] == len(tail))
    at = next(exact, found[0])
    _, disk, first_disk, here, count, size, offset, _ = _END.unpack_from(tail, at)
    if (end := _find_end64(file, base + at, (count, size, offset))) is not None:
        return end
    if disk or first_disk or here != count:
        raise _split(disk)
    return _End(count, size, offset, base + at, zip64=False)


def _find_end64(file: BinaryIO, at: int, small: tuple[int, int, int]) -> _End | None:
    locator = _read(file, at - _LOCATOR.size, _LOCATOR.size)
    if len(locator) < _LOCATOR.size or not locator.startswith(b"PK\x06\x07"):
        return None
    _, disk, offset, _ = _LOCATOR.unpack(locator)
    # Bytes before the ZIP shift the record away from where the locator says it is.
    for place in (offset, at - _LOCATOR.size - _END64.size):
        record = _read(file, place, _END64.size)
        if len(record) == _END64.size and record.startswith(b"PK\x06\x06") and place < at:
            break
    else:
        raise unreadable("its ZIP64 end record is missing")
    _, _, _, _, here_disk, first_disk, here, count, size, start = _END64.unpack(record)
    if disk or here_disk or first_disk or here != count:
        raise _split(here_disk)
    for old, new, full in zip(small, (count, size, start), (_MANY, _BIG, _BIG), strict=True):
        if old not in {new, full}:
            raise unreadable(f"its two end records disagree, {old} and {new}")
    return _End(count, size, start, place, zip64=True)


def _records(file: BinaryIO, start: int, end: _End, most: int) -> Iterator[Record]:
    stream = cast("BinaryIO", io.BufferedReader(Window(file, start, end.size), 1 << 16))
    count = 0
    while (head := stream.read(_RECORD.size)) and not head.startswith(b"PK\x05\x05"):  # a digital signature ends it
        if len(head) < _RECORD.size or not head.startswith(b"PK\x01\x02"):
            raise unreadable(f"its directory is damaged behind entry {count}", entries=count)
        count += 1
        if count > most:
            raise _too_many(max(count, end.count), most)
        yield _record(head, stream)
    # Tools without ZIP64 let the 16-bit count overflow.
    if count != end.count and (end.zip64 or count % (_MANY + 1) != end.count):
        raise unreadable(f"its directory lists {count} entries and claims {end.count}", entries=count)


def _record(head: bytes, stream: BinaryIO) -> Record:
    _, _, _, flags, method, _, _, crc, packed, size, *lengths, disk, _, attributes, offset = _RECORD.unpack(head)
    raw, extra, comment = (stream.read(length) for length in lengths)
    if [len(raw), len(extra), len(comment)] != lengths:
        raise unreadable("its directory ends in the middle of an entry")
    name, guessed = decode_name(raw, flags, extra)
    if len(raw) > _LONGEST_NAME or len(name) > _LONGEST_NAME:
        raise hostile("bad_name", name[:100], f"has a name of {len(raw)} bytes, more than {_LONGEST_NAME}")
    size, packed, offset, disk = _large(name, extra, size, packed, offset, disk)
    if disk:
        raise _split(disk)
    path = normalised(name)
    return Record(path, name, raw, guessed, flags, method, crc, packed, size, offset, mode=attributes >> 16)


def _large(name: str, extra: bytes, size: int, packed: int, offset: int, disk: int) -> list[int]:
    """Sizes, offset and disk, those at their maximum from the ZIP64 field, which holds just these in this order."""
    fields = [size, packed, offset, disk]
    content = next((content for kind, content in extra_fields(extra) if kind == 1), b"")
    at = 0
    for index, (full, form) in enumerate(((_BIG, "<Q"), (_BIG, "<Q"), (_BIG, "<Q"), (_MANY, "<L"))):
        if fields[index] != full:
            continue
        if at + struct.calcsize(form) > len(content):
            raise unreadable(f"entry {name!r} lacks its ZIP64 sizes", entry=name)
        (fields[index],) = struct.unpack_from(form, content, at)
        at += struct.calcsize(form)
    return fields


def _unwrapped(records: tuple[Record, ...], end: _End, prefix: int) -> Iterator[Record]:
    """Entries of a ZIP above 4 GiB without ZIP64, as the Finder of macOS writes it: offsets are modulo 2**32.

    Entries lie in the order of the directory, so wherever an offset falls behind the one before, it has overflowed.
    """
    last = wraps = 0
    for record in records:
        wraps += record.offset < last
        last = record.offset
        yield replace(record, offset=record.offset + wraps * _WRAP)
    wraps += end.offset < last
    if wraps * _WRAP != prefix:
        raise unreadable(
            f"it is larger than 4 GiB and its offsets, which have overflowed, {wraps} of {prefix // _WRAP} times, "
            "cannot be restored",
            "The Finder writes such ZIPs; pack with 'zip -r' in the Terminal or in parts below 4 GB.",
        )


def _endless(file: BinaryIO, length: int, most: int) -> DataError:
    """Why there is no end record: another format, or the rest is missing, with what there is."""
    head = _read(file, 0, 512)
    kind = archive_kind(head)
    if kind not in {None, "ZIP"}:
        return unreadable(f"it is of type {kind}", "Pack the images as a plain ZIP and upload it again.", bytes=length)
    if not head.startswith(LOCAL_MAGIC):
        return unreadable(f"its {length} bytes hold no directory", bytes=length)
    entries, at = 0, 0
    while entries < most and len(local := _read(file, at, LOCAL_HEADER.size)) == LOCAL_HEADER.size:
        magic, _, flags, _, _, _, _, packed, _, *lengths = LOCAL_HEADER.unpack(local)
        if magic != LOCAL_MAGIC:
            break
        entries += 1
        if flags & _SIZES_FOLLOW or packed == _BIG:
            break
        at += LOCAL_HEADER.size + sum(lengths) + packed
    return unreadable(
        f"it is cut off after {length} bytes; at least {entries} entries begin in it, the list of them is missing",
        "The upload was interrupted; upload the whole file again.",
        bytes=length,
        entries=entries,
    )


def _split(disk: int) -> DataError:
    return DataError(
        "archive.split",
        f"The upload is part {disk + 1} of a ZIP that was split into several files.",
        advice="Join the parts ('zip -s 0 parts.zip --out whole.zip') or pack without splitting, and upload one file.",
        numbers={"part": disk + 1},
    )


def _too_many(count: int, most: int) -> DataError:
    return DataError(
        "archive.too_many_entries",
        f"The ZIP holds {count} entries or more, the limit is {most}.",
        advice="Split it into one ZIP per survey.",
        numbers={"entries": count, "limit": most},
    )
