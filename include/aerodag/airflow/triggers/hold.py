"""The trigger that waits until new engine runs may start again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent

from aerodag.airflow.connection import open_ledger


class HoldTrigger(BaseTrigger):
    """Fires when nothing holds new engine runs back, asking the ledger every ``poll_seconds``."""

    def __init__(self, poll_seconds: float) -> None:
        super().__init__()
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path and arguments by which a triggerer makes this trigger again."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {"poll_seconds": self.poll_seconds}

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask until there is no hold; a ledger that is away for a moment is asked again."""
        from psycopg import OperationalError

        while True:
            try:
                if await asyncio.to_thread(_is_free):
                    yield TriggerEvent({"lifted": True})
                    return
            except OperationalError as error:
                self.log.warning("The ledger cannot be asked, and is asked again: %s", error)
            await asyncio.sleep(self.poll_seconds)


def _is_free() -> bool:
    from aerodag.ledger.housekeeping import find_hold

    with open_ledger() as conn:
        return find_hold(conn) is None
