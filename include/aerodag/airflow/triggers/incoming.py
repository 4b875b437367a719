"""The trigger that watches the incoming folder, and the ledger for runs that may start."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from aerodag.airflow.connection import open_ledger

if TYPE_CHECKING:
    from aerodag.storage import Storage


class IncomingTrigger(BaseTrigger):
    """Fires when the incoming folder holds a complete upload, or when a run may start for which there was no place.

    The folder is looked at every ``poll_seconds``, the ledger every ``ledger_seconds``.
    """

    def __init__(self, settle_seconds: float, poll_seconds: float, ledger_seconds: float, places: int) -> None:
        super().__init__()
        self.settle_seconds = settle_seconds
        self.poll_seconds = poll_seconds
        self.ledger_seconds = ledger_seconds
        self.places = places

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path and arguments by which a triggerer makes this trigger again."""
        arguments = {
            "settle_seconds": self.settle_seconds,
            "poll_seconds": self.poll_seconds,
            "ledger_seconds": self.ledger_seconds,
            "places": self.places,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look until there is something to do."""
        storage = await asyncio.to_thread(_open_storage)
        asked = time.monotonic()
        while True:
            uploads = await self._uploads(storage)
            starts = 0
            if time.monotonic() - asked >= self.ledger_seconds:
                starts = await self._starts(looked=uploads is not None)
                asked = time.monotonic()
            if uploads or starts:
                yield TriggerEvent({"uploads": uploads, "starts": starts})
                return
            await asyncio.sleep(self.poll_seconds)

    async def _uploads(self, storage: Storage) -> int | None:
        """How many uploads are complete. A server that is away for a moment is asked again at the next look."""
        from aerodag.errors import InfrastructureError
        from aerodag.pipeline.incoming import complete_uploads

        try:
            return len(await asyncio.to_thread(complete_uploads, storage, settle_seconds=self.settle_seconds))
        except InfrastructureError as error:
            self.log.warning("The incoming folder cannot be looked at now: %s", error)
            return None

    async def _starts(self, *, looked: bool) -> int:
        """How many runs may start; none while the database is away. Keeps the time of a look at the folder."""
        from psycopg import OperationalError

        try:
            return await asyncio.to_thread(_count_starts, self.places, looked)
        except OperationalError as error:
            self.log.warning("The ledger cannot be asked now: %s", error)
            return 0


def _open_storage() -> Storage:
    from aerodag.airflow.installation import installation
    from aerodag.storage import Storage

    return Storage.of(installation())


def _count_starts(places: int, looked: bool) -> int:
    from aerodag import ledger
    from aerodag.ledger import housekeeping as book

    with open_ledger() as conn:
        if looked:
            book.note(conn, kind="done", subject="incoming", now=datetime.now(UTC), details={})
        return len(ledger.starts_due(conn, places=places))
