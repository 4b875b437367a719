"""Docker's log stream: the frames it comes in, and the lines they make."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

# Stream (1 stdout, 2 stderr), three empty bytes, length of the payload.
_HEADER = struct.Struct(">BxxxL")

# Docker itself cuts a line into pieces of 16 KiB; a line without end must not fill this process's memory.
LONGEST_LINE_BYTES = 1024**2


@dataclass(frozen=True, slots=True)
class Frame:
    """One entry of the log: a line, or a piece of one; ``payload`` begins with its time."""

    stream: int
    payload: bytes


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a container's output, counted from 1."""

    number: int
    text: str
    at: datetime | None


def frames(chunks: Iterable[bytes]) -> Iterator[Frame]:
    """Frames of a stream that comes in pieces of any size; one that is cut off at the end is left out."""
    rest = b""
    for chunk in chunks:
        rest = rest + chunk if rest else chunk
        begin = 0
        while len(rest) - begin >= _HEADER.size:
            stream, length = _HEADER.unpack_from(rest, begin)
            end = begin + _HEADER.size + length
            if end > len(rest):
                break
            yield Frame(stream, rest[begin + _HEADER.size : end])
            begin = end
        rest = rest[begin:]


class Assembler:
    """Joins the pieces of long lines; stdout and stderr may come interleaved. Counts the lines.

    What it makes of a sequence of frames depends on nothing else, so that reading again numbers the lines the same.
    """

    def __init__(self) -> None:
        self.count = 0
        self._open: dict[int, tuple[bytes, bytearray]] = {}

    @property
    def unfinished(self) -> bool:
        """Whether there is a piece whose line has not ended yet."""
        return bool(self._open)

    def add(self, frame: Frame) -> Line | None:
        """The line that ends with this frame, if one does."""
        moment, _, text = frame.payload.partition(b" ")
        moment, piece = self._open.pop(frame.stream, (moment, bytearray()))
        piece += text
        if not piece.endswith(b"\n") and len(piece) < LONGEST_LINE_BYTES:
            self._open[frame.stream] = (moment, piece)
            return None
        return self._line(moment, piece)

    def finish(self) -> Iterator[Line]:
        """Last lines that ended with the process instead of a line feed."""
        for stream in sorted(self._open):
            yield self._line(*self._open.pop(stream))

    def _line(self, moment: bytes, piece: bytearray) -> Line:
        self.count += 1
        return Line(self.count, _shown(piece.decode("utf-8", errors="replace")), _time(moment))


def _shown(text: str) -> str:
    """What a terminal would show at the end: of a progress bar, its last state."""
    text = text.rstrip("\r\n")
    return next((state for state in reversed(text.split("\r")) if state), "")


def _time(moment: bytes) -> datetime | None:
    try:
        return datetime.fromisoformat(moment.decode("ascii"))
    except ValueError:
        return None
