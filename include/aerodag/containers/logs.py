"""A container's output, line by line: every line once, in order, however often the reading is taken up again."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import closing
from itertools import islice
from typing import TYPE_CHECKING

import structlog

from aerodag.containers.faults import NOT_FOUND, translated
from aerodag.containers.frames import Assembler, Frame, Line, frames

if TYPE_CHECKING:
    from docker import APIClient
    from requests import Response

log = structlog.get_logger(__name__)

_CHUNK_BYTES = 65536
# So many entries in a row, with their times to the nanosecond, do not come twice in one log.
_REMEMBERED = 32
_SMALLEST_TAIL = 2 * _REMEMBERED
_LARGEST_FIRST_TAIL = 4096
_GROWTH = 8

Window = Callable[[int | None], Generator[Frame]]


class LogReader:
    """A place in one container's log.

    Asking the engine for all that came *since* a time is slow, because it reads its whole file, and wrong, because
    times repeat and clocks are set back. So the last entries are asked for, and more of them until the last known ones
    are among them; what follows those is new. That costs the same at line 100 and at line 100 million.
    """

    def __init__(self) -> None:
        self._lines = Assembler()
        self._entries = 0
        self._last: deque[int] = deque(maxlen=_REMEMBERED)
        self._burst = 0

    @property
    def count(self) -> int:
        """How many lines were given out so far."""
        return self._lines.count

    def read(self, window: Window, ended: Callable[[], bool]) -> Iterator[Line]:
        """The lines beyond those given out so far. ``window`` reads the last entries of the log, or all (None).

        A last line without line feed is given out once ``ended`` says that nothing follows.
        """
        yield from self._new(window)
        if self._lines.unfinished and ended():
            yield from self._new(window)
            yield from self._lines.finish()

    def _new(self, window: Window) -> Iterator[Line]:
        before = self._entries
        with closing(self._unread(window)) as unread:
            for frame in unread:
                self._entries += 1
                self._last.append(_print_of(frame))
                if (line := self._lines.add(frame)) is not None:
                    yield line
        self._burst = self._entries - before

    def _unread(self, window: Window) -> Generator[Frame]:
        known = tuple(self._last)
        tail = min(max(_SMALLEST_TAIL, 2 * self._burst), _LARGEST_FIRST_TAIL)
        while known:
            with closing(window(tail)) as entries:
                other = _before_known_end(known, entries)
                if other is None:
                    yield from entries
                    return
            if other < tail:
                log.warning("the log does not hold its last known lines", lines=self.count, entries=other)
                break
            tail *= _GROWTH
        with closing(window(None)) as entries:
            yield from islice(entries, self._entries, None)


def log_window(client: APIClient, container: str) -> Window:
    """Reads the log of ``container``; a container that is gone has none.

    docker-py's own ``logs`` is not used: its stream takes the timeout off the connection, and would wait for ever for
    an engine that hangs.
    """

    def window(tail: int | None) -> Generator[Frame]:
        with translated("reading a log"), _ask(client, container, tail) as response:
            if response.status_code == NOT_FOUND:
                return
            _raise_for_status(response)
            yield from frames(response.iter_content(_CHUNK_BYTES))

    return window


def _ask(client: APIClient, container: str, tail: int | None) -> Response:
    params = {"stdout": 1, "stderr": 1, "timestamps": 1, "follow": 0, "tail": "all" if tail is None else tail}
    url = f"{client.base_url}/v{client.api_version}/containers/{container}/logs"
    response: Response = client.get(url, params=params, stream=True, timeout=client.timeout)
    return response


def _raise_for_status(response: Response) -> None:
    from docker.errors import create_api_error_from_http_exception
    from requests.exceptions import HTTPError

    try:
        response.raise_for_status()
    except HTTPError as error:
        create_api_error_from_http_exception(error)


def _before_known_end(known: tuple[int, ...], entries: Iterator[Frame]) -> int | None:
    """Reads up to the end of the ``known`` entries: None there, else how many other entries there were."""
    window: deque[int] = deque(maxlen=len(known))
    seen = 0
    for frame in entries:
        seen += 1
        window.append(_print_of(frame))
        if window[-1] == known[-1] and tuple(window) == known:
            return None
    return seen


def _print_of(frame: Frame) -> int:
    return hash((frame.stream, frame.payload))
