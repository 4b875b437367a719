"""Moving a file's bytes over SFTP, with many requests under way at once."""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from typing import Protocol

from aerodag.storage.remote.sftp.protocol import (
    CREATE,
    FSYNC,
    READ,
    SLOW_SECONDS,
    WRITE,
    BrokenError,
    Channel,
    Handle,
    Kind,
    Packet,
    RefusedError,
    Status,
    accepted,
    open_file,
)

# 16 MB under way keep 1 Gbit/s busy over 130 ms; the answers to so many writes fit into a pipe.
_UNDER_WAY = 64


class Source(Protocol):
    """Bytes to send, by position."""

    def seek(self, offset: int, /) -> int:
        """Go to a position."""

    def read(self, size: int, /) -> bytes:
        """So many bytes, fewer at the end."""

    def readinto(self, buffer: memoryview, /) -> int:
        """Fill a buffer as far as there are bytes; returns how many."""


class WriteRefusedError(RefusedError):
    """The server refused to take bytes."""


def send(channel: Channel, source: Source, path: str, start: int, size: int) -> int:
    """Write bytes ``start`` to ``size`` of ``source`` to the same place of a file; returns where the source ended.

    They are on the server's disk then, where it offers that. Raises ``WriteRefusedError``, ``BrokenError``.
    """
    try:
        with open_file(channel, path, WRITE | CREATE) as handle:
            end = _write(channel, handle, source, start, size)
            if FSYNC in channel.extensions:
                channel.extended(FSYNC, handle.field, seconds=SLOW_SECONDS)
            return end
    except RefusedError as error:
        raise WriteRefusedError(error.status, str(error)) from error


def _write(channel: Channel, handle: Handle, source: Source, start: int, size: int) -> int:
    source.seek(start)
    buffer = memoryview(bytearray(channel.block_bytes))
    waiting = 0
    offset = start
    while offset < size and (got := source.readinto(buffer[: size - offset])):
        channel.request(Kind.WRITE, handle.field, struct.pack(">QI", offset, got), tail=buffer[:got])
        offset += got
        waiting += 1
        if waiting == _UNDER_WAY:
            accepted(channel.answer()[1])
            waiting -= 1
    for _ in range(waiting):
        accepted(channel.answer()[1])
    return offset


def receive(channel: Channel, path: str, start: int, size: int, take: Callable[[memoryview], object]) -> int:
    """Read bytes ``start`` to ``size`` of a file and hand them over in order; returns where the file ended.

    Raises ``RefusedError``, ``BrokenError``.
    """
    with open_file(channel, path, READ) as handle:
        return _Reading(channel, handle, start, size, take).run()


class _Reading:
    """Reads under way. Answers may be shorter than asked for and in any order."""

    def __init__(
        self, channel: Channel, handle: Handle, start: int, size: int, take: Callable[[memoryview], object]
    ) -> None:
        self._channel, self._handle, self._take = channel, handle, take
        self._asked, self._size = start, size
        self._pending: deque[tuple[int, int, int]] = deque()
        self._early: dict[int, bytes | Packet] = {}
        self._buffer = memoryview(bytearray(channel.block_bytes))
        self._delivered = start

    def run(self) -> int:
        while self._ask_more():
            number, got = self._channel.data_into(self._buffer)
            content: memoryview | bytes | Packet | None = self._buffer[:got] if isinstance(got, int) else got
            if number != self._pending[0][0]:
                self._early[number] = got if isinstance(got, Packet) else bytes(self._buffer[:got])
                continue
            while content is not None:
                if not self._deliver(content):
                    return self._delivered
                content = self._early.pop(self._pending[0][0], None) if self._pending else None
        return self._delivered

    def _ask_more(self) -> bool:
        while self._asked < self._size and len(self._pending) < _UNDER_WAY:
            length = min(len(self._buffer), self._size - self._asked)
            self._pending.append(self._ask(self._asked, length))
            self._asked += length
        return bool(self._pending)

    def _ask(self, offset: int, length: int) -> tuple[int, int, int]:
        place = struct.pack(">QI", offset, length)
        return self._channel.request(Kind.READ, self._handle.field, place), offset, length

    def _deliver(self, content: memoryview | bytes | Packet) -> bool:
        """Hand over the answer to the first pending read; False at the end of the file."""
        _, offset, length = self._pending.popleft()
        if isinstance(content, Packet):
            try:
                accepted(content)
            except RefusedError as error:
                if error.status == Status.EOF:
                    return False
                raise
            raise BrokenError("no data in answer to a read")
        got = len(content)
        self._take(memoryview(content))
        self._delivered += got
        if 0 < got < length:
            self._pending.appendleft(self._ask(offset + got, length - got))
        return got > 0
