"""What the triggers share that wait for the ledger to say something."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import AsyncIterator
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent


class LedgerTrigger(BaseTrigger):
    """Asks the ledger every ``poll_seconds``, and fires with its answer as soon as there is one."""

    def __init__(self, poll_seconds: float) -> None:
        super().__init__()
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path and arguments by which a triggerer makes this trigger again."""
        return f"{type(self).__module__}.{type(self).__qualname__}", {"poll_seconds": self.poll_seconds}

    @abstractmethod
    def answer(self) -> dict[str, Any] | None:
        """What the event says; None while there is nothing to say. Runs in a thread."""

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Ask until there is an answer; a ledger that is away for a moment is asked again."""
        from psycopg import OperationalError

        from aerodag.errors import InfrastructureError

        while True:
            try:
                if (answer := await asyncio.to_thread(self.answer)) is not None:
                    yield TriggerEvent(answer)
                    return
            except (OperationalError, InfrastructureError) as error:
                self.log.warning("The ledger cannot be asked, and is asked again: %s", error)
            await asyncio.sleep(self.poll_seconds)
