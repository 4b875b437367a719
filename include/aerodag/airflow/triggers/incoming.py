"""The trigger that watches the incoming folder."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from airflow.triggers.base import BaseTrigger, TriggerEvent


class IncomingTrigger(BaseTrigger):
    """Fires when ``folder`` holds a complete ZIP, or after ``wake_seconds`` when datasets wait for a free place."""

    def __init__(self, folder: str, settle_seconds: float, poll_seconds: float, wake_seconds: float | None) -> None:
        super().__init__()
        self.folder = folder
        self.settle_seconds = settle_seconds
        self.poll_seconds = poll_seconds
        self.wake_seconds = wake_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path and arguments by which a triggerer makes this trigger again."""
        arguments = {
            "folder": self.folder,
            "settle_seconds": self.settle_seconds,
            "poll_seconds": self.poll_seconds,
            "wake_seconds": self.wake_seconds,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look at the folder until there is something to do."""
        from aerodag.pipeline.incoming import complete_uploads

        folder = Path(self.folder)
        started = time.monotonic()
        while True:
            uploads = await asyncio.to_thread(complete_uploads, folder, settle_seconds=self.settle_seconds)
            waited = time.monotonic() - started
            if uploads or (self.wake_seconds is not None and waited >= self.wake_seconds):
                yield TriggerEvent({"uploads": len(uploads)})
                return
            await asyncio.sleep(self.poll_seconds)
