"""Entries of a ZIP as files, and whole entries with their size and checksum enforced."""

from __future__ import annotations

import io
import zlib
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self, cast

from aerodag.archive.format.directory import LOCAL_HEADER, LOCAL_MAGIC, Record, read_directory
from aerodag.archive.format.expansion import STORED, BrokenStreamError, Expander, expander
from aerodag.archive.format.limits import Limits
from aerodag.archive.format.refusal import damaged
from aerodag.archive.format.window import SizedFile, Window
from aerodag.errors import DataError, InfrastructureError

_BLOCK = 1 << 18
_HEADER_BUFFER = 16 * 1024


class Reader:
    """An open ZIP; one instance serves any number of threads, for nothing is shared but the open file.

    Entries are found by their readable path (`Entry.path`). Nothing read through it is more than the directory claims
    for the entry, and no call takes more than a few megabytes besides what it returns (LZMA: its dictionary of up to
    64 MiB, as far as the entry really fills it).

    Raises:
        DataError: ``archive.unreadable``, ``.split``, ``.too_many_entries`` or ``.bad_name``.
        InfrastructureError: ``archive.not_opened``.
    """

    def __init__(self, path: Path, limits: Limits | None = None) -> None:
        try:
            self._file = cast("BinaryIO", path.open("rb", buffering=0))
        except OSError as error:
            raise InfrastructureError(
                "archive.not_opened",
                f"{path} could not be opened: {error}.",
                advice="Check that the storage is mounted and readable.",
            ) from error
        try:
            self.directory = read_directory(self._file, (limits or Limits.installed()).entries)
        except BaseException:
            self._file.close()
            raise
        self._records = {record.path: record for record in self.directory.records if not record.is_folder}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the archive; streams of its entries cannot be read any more."""
        self._file.close()

    def record(self, zip_path: str) -> Record:
        """What the directory states; raises ``archive.missing_entry``."""
        try:
            return self._records[zip_path]
        except KeyError as error:
            raise DataError(
                "archive.missing_entry",
                f"{zip_path!r} is not in the ZIP.",
                advice="The ZIP was changed after it was registered; upload it again under a new name.",
                numbers={"entry": zip_path},
            ) from error

    def open(self, zip_path: str) -> BinaryIO:
        """One entry for reading here and there, as headers need it; the checksum is not looked at.

        A stored entry is a window on the archive, so bytes skipped are never read. A packed one is unpacked up to
        where one reads, and again from its beginning when one goes back.

        Raises:
            DataError: ``archive.missing_entry``, ``archive.damaged``, ``archive.method``, the last two also by the
                file's own ``read``.
        """
        return cast("BinaryIO", io.BufferedReader(self._raw(self.record(zip_path)), _HEADER_BUFFER))

    def read(self, zip_path: str) -> bytes:
        """A whole entry, its size and CRC-32 checked; errors as of `blocks`."""
        return b"".join(self.blocks(zip_path))

    def blocks(self, zip_path: str) -> Iterator[bytes]:
        """A whole entry in blocks; the last one comes only when size and CRC-32 are as the directory claims.

        Raises:
            DataError: ``archive.missing_entry``, ``archive.damaged``, ``archive.method``.
        """
        record = self.record(zip_path)
        raw = self._raw(record)
        size, crc, held = 0, 0, b""
        while block := raw.read(_BLOCK):
            if held:
                yield held
            held = block
            size += len(block)
            crc = zlib.crc32(block, crc)
        if size != record.size:
            raise damaged([zip_path], f"{size} bytes instead of {record.size}")
        if crc != record.crc:
            raise damaged([zip_path], f"checksum {crc:08x} instead of {record.crc:08x}")
        if isinstance(raw, _Unpacked):
            raw.refuse_more()
        yield held

    def _raw(self, record: Record) -> Window | _Unpacked:
        packed = self._packed(record)
        if record.method != STORED:
            return _Unpacked(record, packed)
        if record.packed_size != record.size:
            raise damaged([record.path], f"stored as {record.packed_size} bytes, claimed to be {record.size}")
        return packed

    def _packed(self, record: Record) -> Window:
        """The packed bytes; only the lengths in the local header are needed to find them."""
        inside = 0 <= record.offset < self.directory.start
        header = Window(self._file, record.offset, LOCAL_HEADER.size).read() if inside else b""
        if len(header) < LOCAL_HEADER.size or not header.startswith(LOCAL_MAGIC):
            raise damaged([record.path], f"no entry begins at byte {record.offset}")
        start = record.offset + LOCAL_HEADER.size + sum(LOCAL_HEADER.unpack(header)[-2:])
        if start + record.packed_size > self.directory.start:
            raise damaged([record.path], "it reaches into the directory")
        return Window(self._file, start, record.packed_size)


class _Unpacked(SizedFile):
    """A packed entry as a file: unpacked forwards, from the beginning again when one reads farther back."""

    def __init__(self, record: Record, packed: Window) -> None:
        super().__init__(record.size)
        self._record, self._packed = record, packed
        self._restart()

    def read_block(self, most: int) -> bytes:
        """Up to ``most`` bytes at the position."""
        if self._position < self._unpacked:
            self._restart()
        while self._unpacked < self._position:
            self._unpack(min(_BLOCK, self._position - self._unpacked))
        block = self._unpack(most)
        self._position = self._unpacked
        return block

    def refuse_more(self) -> None:
        """At the end: raise ``archive.damaged`` when the packed bytes hold more than the entry may."""
        while not self._expander.done:
            hungry = self._expander.hungry
            packed = self._packed.read(self._expander.piece) if hungry else b""
            if self._expand(packed, 1):
                raise damaged([self._record.path], f"it expands to more than the {self._record.size} bytes claimed")
            if hungry and not packed:
                return

    def _restart(self) -> None:
        self._packed.seek(0)
        self._unpacked = 0
        try:
            self._expander: Expander = expander(self._record, cast("BinaryIO", self._packed))
        except BrokenStreamError as error:
            raise damaged([self._record.path], str(error)) from error

    def _unpack(self, most: int) -> bytes:
        """The next bytes, between 1 and ``most`` of them."""
        while not self._expander.done:
            hungry = self._expander.hungry
            packed = self._packed.read(self._expander.piece) if hungry else b""
            if block := self._expand(packed, most):
                self._unpacked += len(block)
                return block
            if hungry and not packed:
                break
        raise damaged([self._record.path], f"it ends after {self._unpacked} of {self._record.size} bytes")

    def _expand(self, packed: bytes, most: int) -> bytes:
        try:
            return self._expander.expand(packed, most)
        except BrokenStreamError as error:
            raise damaged([self._record.path], str(error)) from error
