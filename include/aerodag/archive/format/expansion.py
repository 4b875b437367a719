"""Unpacking piece by piece, with a bound on what one call can bring forth whatever the packed bytes say."""

from __future__ import annotations

import bz2
import lzma
import struct
import zlib
from typing import BinaryIO, Protocol

import inflate64

from aerodag.archive.format.directory import Record
from aerodag.errors import DataError

METHODS = {
    0: "Store", 1: "Shrink", 6: "Implode", 8: "Deflate", 9: "Deflate64", 12: "BZip2", 14: "LZMA", 93: "Zstandard",
    94: "MP3", 95: "XZ", 96: "JPEG", 97: "WavPack", 98: "PPMd", 99: "AES",
}  # fmt: skip
STORED, DEFLATED, DEFLATED64, BZIP2, LZMA = 0, 8, 9, 12, 14
READABLE = frozenset({STORED, DEFLATED, DEFLATED64, BZIP2, LZMA})
_LZMA_END_MARKED = 0x02
_LZMA_LARGEST_DICTIONARY = 64 << 20  # the strongest setting of 7-Zip


class BrokenStreamError(Exception):
    """The packed bytes make no sense."""


class Expander(Protocol):
    """One packed stream: feed it ``piece`` bytes whenever it is ``hungry``, until it is ``done``."""

    piece: int

    @property
    def hungry(self) -> bool:
        """Has it used up all it was fed."""

    @property
    def done(self) -> bool:
        """Has the end of the stream been reached."""

    def expand(self, packed: bytes, most: int) -> bytes:
        """Up to ``most`` unpacked bytes; raises `BrokenStreamError`."""


def expander(record: Record, packed: BinaryIO) -> Expander:
    """What unpacks an entry; ``packed`` stands at its first byte and afterwards behind any header of the method.

    Raises:
        DataError: ``archive.method``.
        BrokenStreamError: The header of the method is damaged.
    """
    match record.method:
        case 8:
            return _Deflate()
        case 9:
            return _Deflate64()
        case 12:
            return _Limited(bz2.BZ2Decompressor())
        case 14:
            return _Limited(_lzma_decompressor(record, packed))
    raise unreadable_method(record.method, [record.path])


def unreadable_method(method: int, paths: list[str]) -> DataError:
    """The refusal of entries packed by a method that is not read."""
    return DataError(
        "archive.method",
        f"{len(paths)} entries, the first {paths[0]!r}, are packed by method {method} "
        f"({METHODS.get(method, 'unknown')}), which is not read.",
        advice="Pack again with method 'Store' or 'Deflate'; 7-Zip does with format 'zip' and level 'Store'.",
        numbers={"method": method, "entry": paths[0], "count": len(paths)},
    )


class _Deflate:
    piece = 1 << 16

    def __init__(self) -> None:
        self._stream = zlib.decompressobj(-zlib.MAX_WBITS)

    @property
    def hungry(self) -> bool:
        return not self._stream.unconsumed_tail

    @property
    def done(self) -> bool:
        return self._stream.eof

    def expand(self, packed: bytes, most: int) -> bytes:
        try:
            return self._stream.decompress(packed or self._stream.unconsumed_tail, most)
        except zlib.error as error:
            raise BrokenStreamError(str(error)) from error


class _Deflate64:
    """Deflate64 copies up to 65,538 bytes for 18 bits, 29,000 times; the library has no bound, so it is fed in sips."""

    piece = 128  # at most 3.8 MB at a time

    def __init__(self) -> None:
        self._stream = inflate64.Inflater()
        self._held = memoryview(b"")

    @property
    def hungry(self) -> bool:
        return not self._held

    @property
    def done(self) -> bool:
        return not self._held and bool(self._stream.eof)

    def expand(self, packed: bytes, most: int) -> bytes:
        if packed:
            try:
                self._held = memoryview(self._stream.inflate(packed))
            except (ValueError, EOFError) as error:
                raise BrokenStreamError(str(error)) from error
        block, left = self._held[:most], self._held[most:]
        self._held = left or memoryview(b"")  # an empty rest would keep the whole sip in memory
        return bytes(block)


class _Limited:
    """bzip2 and LZMA, whose decompressors keep what they were not allowed to unpack yet."""

    piece = 1 << 16

    def __init__(self, stream: bz2.BZ2Decompressor | lzma.LZMADecompressor) -> None:
        self._stream = stream

    @property
    def hungry(self) -> bool:
        return self._stream.needs_input

    @property
    def done(self) -> bool:
        return self._stream.eof

    def expand(self, packed: bytes, most: int) -> bytes:
        try:
            return self._stream.decompress(packed, most)
        except (OSError, lzma.LZMAError, ValueError, EOFError) as error:
            raise BrokenStreamError(str(error)) from error


def _lzma_decompressor(record: Record, packed: BinaryIO) -> lzma.LZMADecompressor:
    """LZMA in ZIP (APPNOTE 5.8) turned into a .lzma stream, which the library reads within a memory limit.

    Nothing can be copied from farther back than the entry is long, so a dictionary that claims more than that is cut
    down: a small image that was packed with a dictionary of gigabytes does not take gigabytes.
    """
    head = packed.read(9)
    if len(head) < 9 or head[2:4] != b"\x05\x00":
        raise BrokenStreamError("no LZMA properties")
    properties, claimed = struct.unpack("<BL", head[4:])
    dictionary = max(4096, min(claimed, record.size))
    if dictionary > _LZMA_LARGEST_DICTIONARY:
        raise unreadable_method(LZMA, [record.path])
    size = b"\xff" * 8 if record.flags & _LZMA_END_MARKED else struct.pack("<Q", record.size)
    stream = lzma.LZMADecompressor(lzma.FORMAT_ALONE, memlimit=_LZMA_LARGEST_DICTIONARY + (16 << 20))
    try:
        stream.decompress(struct.pack("<BL", properties, dictionary) + size, 0)
    except lzma.LZMAError as error:
        raise BrokenStreamError(str(error)) from error
    return stream
