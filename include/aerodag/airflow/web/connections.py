"""Connections to the ledger that requests take in turns."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from queue import Empty, Full, LifoQueue

import psycopg
from psycopg.pq import TransactionStatus


@dataclass(frozen=True, slots=True)
class _Kept:
    connection: psycopg.Connection
    closing: ExitStack


class Connections:
    """Keeps a few connections that nobody uses, for a new one is slow: its backend has yet to read the catalogue.

    As many are open at once as requests are under way. One that died meanwhile is replaced.
    """

    def __init__(self, make: Callable[[], AbstractContextManager[psycopg.Connection]], most_idle: int) -> None:
        self._make = make
        self._idle: LifoQueue[_Kept] = LifoQueue(most_idle)

    @contextmanager
    def one(self) -> Iterator[psycopg.Connection]:
        """A connection for one request, in autocommit and UTC."""
        kept = self._living() or self._new()
        try:
            yield kept.connection
        finally:
            self._give_back(kept)

    def close(self) -> None:
        """Close what nobody uses."""
        while (kept := self._taken()) is not None:
            kept.closing.close()

    def _living(self) -> _Kept | None:
        while (kept := self._taken()) is not None:
            try:
                kept.connection.execute("select 1")
            except psycopg.Error:
                kept.closing.close()
            else:
                return kept
        return None

    def _taken(self) -> _Kept | None:
        try:
            return self._idle.get_nowait()
        except Empty:
            return None

    def _new(self) -> _Kept:
        with ExitStack() as closing:
            connection = closing.enter_context(self._make())
            # A prepared statement would be planned for any parameters, which these queries are not made for.
            connection.prepare_threshold = None
            connection.execute("set timezone to 'UTC'")
            return _Kept(connection, closing.pop_all())

    def _give_back(self, kept: _Kept) -> None:
        try:
            if kept.connection.info.transaction_status is TransactionStatus.IDLE:
                self._idle.put_nowait(kept)
                return
        except Full:
            pass
        kept.closing.close()
