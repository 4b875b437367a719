"""Writes ZIPs record by record without a single check, so that any of them can lie."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import inflate64

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4 + b"\xff\xd9"
BOMB_BYTES = 100 << 20
FULL16, FULL32 = 0xFFFF, 0xFFFFFFFF


@dataclass(frozen=True, slots=True)
class Part:
    """One entry; what is None is told from ``content``, what is given is written as it is, true or not."""

    name: bytes
    content: bytes = JPEG
    method: int = 0
    packed: bytes | None = None
    flags: int = 0
    size: int | None = None
    packed_size: int | None = None
    crc: int | None = None
    mode: int = 0
    extra: bytes = b""
    local_name: bytes | None = None
    local_magic: bytes = b"PK\x03\x04"
    offset: int | None = None
    disk: int = 0
    hole: int = 0

    def data(self) -> bytes:
        return self.content if self.packed is None else self.packed


@dataclass(frozen=True, slots=True)
class End:
    """What the end of the archive states instead of the truth."""

    count: int | None = None
    size: int | None = None
    offset: int | None = None
    disk: int = 0
    comment: bytes = b""
    zip64: bool = False
    zip64_magic: bytes = b"PK\x06\x06"


def write(pieces: Mapping[int, bytes], path: Path) -> Path:
    """Write a ZIP, with holes between the pieces."""
    with path.open("wb") as file:
        for offset, piece in pieces.items():
            file.seek(offset)
            file.write(piece)
    return path


def forge(*parts: Part, end: End | None = None, prefix: bytes = b"", tail: bytes = b"") -> dict[int, bytes]:
    """A ZIP record by record, without a single check."""
    pieces = {0: prefix} if prefix else {}
    at, records = len(prefix), []
    for part in parts:
        head = _local(part)
        pieces[at] = head + part.data()
        records.append(_central(part, (at - len(prefix)) % (1 << 32)))
        at += len(pieces[at]) + part.hole
    directory = b"".join(records)
    pieces[at] = directory + _end(end or End(), len(parts), len(directory), at - len(prefix)) + tail
    return pieces


def flat(pieces: Mapping[int, bytes]) -> bytes:
    """The ZIP in one piece, without holes."""
    return b"".join(pieces.values())


def _sizes(part: Part) -> tuple[int, int, int]:
    crc = zlib.crc32(part.content) if part.crc is None else part.crc
    packed_size = len(part.data()) + part.hole if part.packed_size is None else part.packed_size
    return crc, packed_size, len(part.content) + part.hole if part.size is None else part.size


def _local(part: Part) -> bytes:
    crc, packed, size = (0, 0, 0) if part.flags & 0x08 else _sizes(part)
    if part.size == FULL32:  # the ZIP64 field stands in the directory
        packed, size = len(part.data()), len(part.content)
    name = part.name if part.local_name is None else part.local_name
    fields = (20, part.flags, part.method, 0, 0x21, crc, min(packed, FULL32), min(size, FULL32), len(name), 0)
    return struct.pack("<4s5H3L2H", part.local_magic, *fields) + name


def _central(part: Part, at: int) -> bytes:
    crc, packed, size = _sizes(part)
    lengths = (len(part.name), len(part.extra), 0, part.disk, 0)
    times = (0x31E, 20, part.flags, part.method, 0, 0x21)
    offset = at if part.offset is None else part.offset
    fields = (*times, crc, packed, size, *lengths, part.mode << 16, offset)
    return struct.pack("<4s6H3L5H2L", b"PK\x01\x02", *fields) + part.name + part.extra


def _end(end: End, count: int, size: int, offset: int) -> bytes:
    stated = (
        count if end.count is None else end.count,
        size if end.size is None else end.size,
        offset if end.offset is None else end.offset,
    )
    record = b""
    if end.zip64:
        full = (end.zip64_magic, 44, 45, 45, 0, 0, count, count, size, offset)
        record = struct.pack("<4sQ2H2L4Q", *full) + struct.pack("<4sLQL", b"PK\x06\x07", 0, offset + size, 1)
        stated = tuple(full if given is None else given for given, full in zip(
            (end.count, end.size, end.offset), (FULL16, FULL32, FULL32), strict=True
        ))  # type: ignore[assignment]  # fmt: skip
    counts = (stated[0] & FULL16, stated[0] & FULL16, stated[1], stated[2] % (1 << 32))
    return record + struct.pack("<4s4H2LH", b"PK\x05\x06", end.disk, end.disk, *counts, len(end.comment)) + end.comment


def photos(count: int = 4, **changes: object) -> tuple[Part, ...]:
    """Good images; ``changes`` apply to each."""
    return tuple(
        Part(f"flight/DJI_{index:04}.JPG".encode(), JPEG + bytes([index]), **changes)  # type: ignore[arg-type]
        for index in range(1, count + 1)
    )


def compress(method: int, content: bytes) -> bytes:
    """``content`` as the method of that number packs it."""
    match method:
        case 8:
            stream = zlib.compressobj(9, zlib.DEFLATED, -15)
            return stream.compress(content) + stream.flush()
        case 9:
            deflater = inflate64.Deflater()
            return bytes(deflater.deflate(content) + deflater.flush())
        case 12:
            return bz2.compress(content)
        case 14:
            alone = lzma.compress(content, lzma.FORMAT_ALONE, preset=1)
            return b"\x15\x05\x05\x00" + alone[:5] + alone[13:]
    return content


@cache
def zeros(method: int) -> bytes:
    """100 MB of nothing, packed to some kilobytes."""
    return compress(method, bytes(BOMB_BYTES))


def unicode_path(name: str, raw: bytes) -> bytes:
    """Info-ZIP's extra field with the name in UTF-8."""
    content = struct.pack("<BL", 1, zlib.crc32(raw)) + name.encode()
    return struct.pack("<HH", 0x7075, len(content)) + content


def zip64_field(*values: int) -> bytes:
    return struct.pack(f"<HH{len(values)}Q", 1, 8 * len(values), *values)
