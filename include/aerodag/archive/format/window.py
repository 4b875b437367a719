"""Files that are no files of the file system: their position is their own."""

from __future__ import annotations

import io
import os
from abc import abstractmethod
from typing import BinaryIO

_BLOCK = 1 << 18


class SizedFile(io.RawIOBase):
    """A readable, seekable file of ``size`` bytes; what `read_block` gives makes the difference."""

    def __init__(self, size: int) -> None:
        self._size, self._position = size, 0

    @abstractmethod
    def read_block(self, most: int) -> bytes:
        """Between 1 and ``most`` bytes at the position, which is inside the file; advances it."""

    def readable(self) -> bool:
        """Always."""
        return True

    def seekable(self) -> bool:
        """Always."""
        return True

    def tell(self) -> int:
        """Position in bytes."""
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Any position from 0 on, beyond the end too; costs nothing before the next read."""
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(22, "seek before the beginning of the file")
        self._position = base + offset
        return self._position

    def read(self, size: int | None = -1) -> bytes:
        """Up to ``size`` bytes, none only at the end; all that is left without a size."""
        if size is None or size < 0:
            return self.readall()
        wanted = min(size, self._size - self._position)
        return self.read_block(wanted) if wanted > 0 else b""

    def readall(self) -> bytes:
        """All that is left."""
        return b"".join(iter(lambda: self.read(_BLOCK), b""))

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """As `read`, into ``buffer``."""
        block = self.read(len(buffer))
        buffer[: len(block)] = block
        return len(block)


class Window(SizedFile):
    """Bytes ``start`` to ``start + size`` of ``file``, read in place.

    The position of the file itself is neither used nor moved, so any number of windows serve any number of threads.
    Where the file ends earlier, so does the window.
    """

    def __init__(self, file: BinaryIO, start: int, size: int) -> None:
        super().__init__(size)
        self._file, self._start = file, start

    def read_block(self, most: int) -> bytes:
        """Up to ``most`` bytes at the position."""
        # fileno() of a closed file raises, where a remembered number could by then be another file's.
        block = os.pread(self._file.fileno(), most, self._start + self._position)
        self._position += len(block)
        return block
