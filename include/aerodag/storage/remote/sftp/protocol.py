"""The SFTP protocol, version 3, over a pair of pipes: draft-ietf-secsh-filexfer-02 and OpenSSH's PROTOCOL extensions.

Requests are pipelined: the caller sends several before it takes the first answer.
"""

from __future__ import annotations

import os
import select
import struct
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from enum import IntEnum

MAX_PACKET = 256 * 1024
# What OpenSSH's server takes in one read or write; limits@openssh.com says the same since 8.5.
BLOCK_BYTES = MAX_PACKET - 1024
FALLBACK_BLOCK_BYTES = 32 * 1024
READ, WRITE, CREATE, TRUNCATE, EXCLUSIVE = 0x01, 0x02, 0x08, 0x10, 0x20
FSYNC, POSIX_RENAME, HARD_LINK = "fsync@openssh.com", "posix-rename@openssh.com", "hardlink@openssh.com"
STATVFS, LIMITS, COPY_DATA = "statvfs@openssh.com", "limits@openssh.com", "copy-data"

# What the server does without a word while it works; that the host still lives is what keep-alive watches.
SLOW_SECONDS = 900.0

_SIZE, _OWNER, _MODE, _TIMES, _EXTENDED = 0x01, 0x02, 0x04, 0x08, 0x80000000
_VERSION = 3
_AHEAD = 8


class Kind(IntEnum):
    """Packet types."""

    INIT = 1
    VERSION = 2
    OPEN = 3
    CLOSE = 4
    READ = 5
    WRITE = 6
    LSTAT = 7
    OPENDIR = 11
    READDIR = 12
    REMOVE = 13
    MKDIR = 14
    STAT = 17
    RENAME = 18
    STATUS = 101
    HANDLE = 102
    DATA = 103
    NAME = 104
    ATTRS = 105
    EXTENDED = 200
    EXTENDED_REPLY = 201


class Status(IntEnum):
    """Status codes of version 3."""

    OK = 0
    EOF = 1
    NO_SUCH_FILE = 2
    PERMISSION_DENIED = 3
    FAILURE = 4
    BAD_MESSAGE = 5
    NO_CONNECTION = 6
    CONNECTION_LOST = 7
    UNSUPPORTED = 8


class RefusedError(Exception):
    """The server answered a request with a status other than success."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class BrokenError(Exception):
    """The connection ended, fell silent or spoke nonsense in the middle."""


@dataclass(frozen=True, slots=True)
class Attributes:
    """Size in bytes, modification time in seconds since 1970, type and permissions as in ``st_mode``."""

    size: int
    modified: int
    mode: int


@dataclass(frozen=True, slots=True)
class Named:
    """A folder's entry."""

    name: str
    attributes: Attributes


class Packet:
    """Reads the fields of one answer."""

    def __init__(self, kind: int, body: memoryview) -> None:
        self.kind = kind
        self._body = body
        self._at = 0

    @property
    def finished(self) -> bool:
        """Whether all of it was read."""
        return self._at >= len(self._body)

    def number(self) -> int:
        """A uint32."""
        return self._unpack(">I")

    def long(self) -> int:
        """A uint64."""
        return self._unpack(">Q")

    def text(self) -> str:
        """A string, as a name of this system."""
        return os.fsdecode(bytes(self.blob()))

    def blob(self) -> memoryview:
        """A string's bytes."""
        length = self.number()
        self._at += length
        if self._at > len(self._body):
            raise BrokenError("a field is longer than its packet")
        return self._body[self._at - length : self._at]

    def attributes(self) -> Attributes:
        """File attributes; 0 for what the server leaves out."""
        flags = self.number()
        size = self.long() if flags & _SIZE else 0
        if flags & _OWNER:
            self.long()
        mode = self.number() if flags & _MODE else 0
        modified = (self.number(), self.number())[1] if flags & _TIMES else 0
        for _ in range(self.number() if flags & _EXTENDED else 0):
            self.blob(), self.blob()
        return Attributes(size, modified, mode)

    def _unpack(self, layout: str) -> int:
        try:
            (value,) = struct.unpack_from(layout, self._body, self._at)
        except struct.error as error:
            raise BrokenError("an answer ends too early") from error
        self._at += struct.calcsize(layout)
        return int(value)


def string(value: bytes | str) -> bytes:
    """A string field."""
    content = os.fsencode(value) if isinstance(value, str) else value
    return struct.pack(">I", len(content)) + content


class Channel:
    """Requests and answers over two pipes; ``idle_seconds`` without a byte break it."""

    def __init__(self, read: int, write: int, idle_seconds: float) -> None:
        self._read, self._write = read, write
        self._idle = idle_seconds
        self._next_id = 0
        self._readable, self._writable = select.poll(), select.poll()
        self._readable.register(read, select.POLLIN)
        self._writable.register(write, select.POLLOUT)
        os.set_blocking(read, False)
        os.set_blocking(write, False)
        self.extensions: dict[str, str] = {}
        self.block_bytes = FALLBACK_BLOCK_BYTES

    def greet(self, seconds: float) -> None:
        """Agree on the version; ``seconds`` is how long login and greeting may take."""
        self._send(struct.pack(">IBI", 5, Kind.INIT, _VERSION))
        answer = self._packet(seconds)
        if answer.kind != Kind.VERSION:
            raise BrokenError(f"a packet of type {answer.kind} in place of the version")
        answer.number()
        while not answer.finished:
            name = answer.text()
            self.extensions[name] = answer.text()
        if LIMITS in self.extensions:
            limits = self.extended(LIMITS)
            limits.long()
            self.block_bytes = max(1, min(BLOCK_BYTES, limits.long(), limits.long()))

    def request(self, kind: Kind, *fields: bytes, tail: memoryview | bytes = b"") -> int:
        """Send a request without awaiting its answer; returns its number. ``tail`` is sent without being copied."""
        self._next_id = (self._next_id + 1) & 0xFFFFFFFF
        body = b"".join(fields)
        head = struct.pack(">IBI", 5 + len(body) + len(tail), kind, self._next_id)
        self._send(head + body, tail)
        return self._next_id

    def answer(self, seconds: float | None = None) -> tuple[int, Packet]:
        """The next answer and the number of its request, whatever it says."""
        packet = self._packet(seconds)
        return packet.number(), packet

    def call(self, kind: Kind, *fields: bytes, seconds: float | None = None) -> Packet:
        """Send one request and take its answer. Raises ``RefusedError``."""
        number = self.request(kind, *fields)
        while True:
            answered, packet = self.answer(seconds)
            # Answers to earlier requests are of no use to anybody once this one was sent.
            if answered == number:
                return accepted(packet)

    def extended(self, name: str, *fields: bytes, seconds: float | None = None) -> Packet:
        """An extension's request. Raises ``RefusedError``, also where the server does not have the extension."""
        if name not in self.extensions:
            raise RefusedError(Status.UNSUPPORTED, f"no {name}")
        return self.call(Kind.EXTENDED, string(name), *fields, seconds=seconds)

    def data_into(self, buffer: memoryview) -> tuple[int, int | Packet]:
        """The next answer to a read: its request's number and how many bytes are in ``buffer`` now, or a status."""
        head = memoryview(bytearray(13))
        self._fill(head[:9], self._idle)
        length, kind, number = struct.unpack(">IBI", head[:9])
        if kind != Kind.DATA:
            return number, Packet(kind, self._rest(length - 5))
        self._fill(head[9:], self._idle)
        (size,) = struct.unpack(">I", head[9:])
        if size > len(buffer) or size != length - 9:
            raise BrokenError(f"{size} bytes in answer to a read of {len(buffer)}")
        self._fill(buffer[:size], self._idle)
        return number, size

    def _packet(self, seconds: float | None) -> Packet:
        head = memoryview(bytearray(5))
        self._fill(head, seconds or self._idle)
        length, kind = struct.unpack(">IB", head)
        return Packet(kind, self._rest(length - 1))

    def _rest(self, length: int) -> memoryview:
        if not 0 <= length <= MAX_PACKET:
            raise BrokenError(f"a packet of {length} bytes")
        body = memoryview(bytearray(length))
        self._fill(body, self._idle)
        return body

    def _fill(self, buffer: memoryview, seconds: float) -> None:
        while buffer:
            try:
                got = os.readv(self._read, [buffer])
            except BlockingIOError:
                self._await(self._readable, seconds)
                continue
            except OSError as error:
                raise BrokenError(str(error)) from error
            if not got:
                raise BrokenError("the connection was closed")
            buffer = buffer[got:]

    def _send(self, head: bytes, tail: memoryview | bytes = b"") -> None:
        parts = [memoryview(head), memoryview(tail)]
        while parts:
            try:
                sent = os.writev(self._write, parts)
            except BlockingIOError:
                self._await(self._writable, self._idle)
                continue
            except OSError as error:
                raise BrokenError(str(error)) from error
            while parts and sent >= len(parts[0]):
                sent -= len(parts.pop(0))
            if parts:
                parts[0] = parts[0][sent:]

    def _await(self, poll: select.poll, seconds: float) -> None:
        started = time.monotonic()
        if not poll.poll(seconds * 1000):
            raise BrokenError(f"no byte for {time.monotonic() - started:.0f} s")


def accepted(packet: Packet) -> Packet:
    """The same packet. Raises ``RefusedError`` for a status other than success."""
    if packet.kind == Kind.STATUS:
        status = packet.number()
        if status != Status.OK:
            raise RefusedError(status, "" if packet.finished else packet.text())
    return packet


class Handle:
    """An open file or folder of the server; closes itself at the end of its block."""

    def __init__(self, channel: Channel, packet: Packet) -> None:
        self._channel = channel
        self.field = string(bytes(packet.blob()))

    def __enter__(self) -> Handle:
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        # After an interruption in the middle of a packet there is nothing to say on this channel any more.
        if kind is not None and not issubclass(kind, Exception):
            return
        # What came before decides: a close that fails behind a failed write says nothing new.
        with suppress(RefusedError, BrokenError):
            self._channel.call(Kind.CLOSE, self.field)


def open_file(channel: Channel, path: str, flags: int) -> Handle:
    """Open a file with the flags of this module. Raises ``RefusedError``."""
    return Handle(channel, channel.call(Kind.OPEN, string(path), struct.pack(">II", flags, 0)))


def read_folder(channel: Channel, path: str) -> list[Named]:
    """Entries of a folder, without ``.`` and ``..``; several requests at once. Raises ``RefusedError``."""
    found: list[Named] = []
    with Handle(channel, channel.call(Kind.OPENDIR, string(path))) as handle:
        for _ in range(_AHEAD):
            channel.request(Kind.READDIR, handle.field)
        while True:
            _, packet = channel.answer()
            try:
                found.extend(_names(accepted(packet)))
            except RefusedError as error:
                if error.status == Status.EOF:
                    return found
                raise
            channel.request(Kind.READDIR, handle.field)


def _names(packet: Packet) -> Iterator[Named]:
    for _ in range(packet.number()):
        name = packet.text()
        packet.blob()
        attributes = packet.attributes()
        if name not in {".", ".."}:
            yield Named(name, attributes)
