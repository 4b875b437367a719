"""The trigger that watches the outbox."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from aerodag.airflow.connection import open_ledger


class OutboxTrigger(BaseTrigger):
    """Fires when a notification is due."""

    def __init__(self, poll_seconds: float) -> None:
        super().__init__()
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path and arguments by which a triggerer makes this trigger again."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {"poll_seconds": self.poll_seconds}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask the ledger now and then; a database that is away for a moment only delays."""
        from psycopg import OperationalError

        from aerodag.errors import InfrastructureError

        while True:
            try:
                if await asyncio.to_thread(_due):
                    yield TriggerEvent({})
                    return
            except (OperationalError, InfrastructureError) as error:
                self.log.warning("The outbox cannot be read, and is tried again: %s", error)
            await asyncio.sleep(self.poll_seconds)


def _due() -> bool:
    from aerodag import ledger

    with open_ledger() as conn:
        return ledger.notifications_due(conn)
