"""A part of an open file as a file of its own, with a bound on what may be read of it."""

from __future__ import annotations

import os
from typing import BinaryIO

_BUDGET = 64 * 1024**2


class Section:
    """``length`` bytes from ``start`` of a seekable file, read on demand.

    Raises:
        OSError: more than 64 MiB have been read. No honest header needs that; a hostile one makes a reader fetch the
            same bytes again and again.
    """

    def __init__(self, file: BinaryIO, start: int, length: int) -> None:
        self._file, self._start, self._length = file, start, length
        self._position, self._budget = 0, _BUDGET

    @classmethod
    def whole(cls, file: BinaryIO) -> Section:
        """The file from its beginning to its end."""
        return cls(file, 0, file.seek(0, os.SEEK_END))

    def read(self, size: int = -1, /) -> bytes:
        """At most ``size`` bytes; all that is left for -1."""
        left = max(0, self._length - self._position)
        wanted = left if size < 0 else min(size, left)
        self._budget -= wanted
        if self._budget < 0:
            raise OSError(f"the header asks for more than {_BUDGET >> 20} MiB")
        self._file.seek(self._start + self._position)
        block = self._file.read(wanted)
        self._position += len(block)
        return block

    def seek(self, offset: int, whence: int = os.SEEK_SET, /) -> int:
        """Move; a place before the beginning is an OSError, as for a real file."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._length}[whence]
        if base + offset < 0:
            raise OSError(22, "seek before the beginning of the section")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Where the next read begins."""
        return self._position
