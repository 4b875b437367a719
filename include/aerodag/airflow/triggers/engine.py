"""The trigger that watches an engine's job while its task is deferred."""

from __future__ import annotations

import asyncio
import contextvars
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import structlog
from airflow.triggers.base import BaseTrigger, TriggerEvent

from aerodag.airflow.connection import open_ledger
from aerodag.airflow.triggers.shown import last_line_shown

SETTLE_ROUNDS = 100
SETTLE_SECONDS = 0.1

# An engine that hangs holds a thread for minutes; asyncio's own few threads are there for all triggers.
_WATCHERS = ThreadPoolExecutor(16, thread_name_prefix="engine-watch")


class EngineTrigger(BaseTrigger):
    """Shows a job's output in the task log, records its progress, and fires when it has ended.

    A triggerer that is killed leaves the job alone; the next one goes on at the line where the log ends. Only what a
    person does to the task (mark it, clear it) stops the job.
    """

    def __init__(self, engine: str, job: str, dataset_id: int, run_id: int, poll_seconds: float) -> None:
        super().__init__()
        self.engine = engine
        self.job = job
        self.dataset_id = dataset_id
        self.run_id = run_id
        self.poll_seconds = poll_seconds

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """The class path and arguments by which a triggerer makes this trigger again."""
        arguments = {
            "engine": self.engine,
            "job": self.job,
            "dataset_id": self.dataset_id,
            "run_id": self.run_id,
            "poll_seconds": self.poll_seconds,
        }
        return f"{type(self).__module__}.{type(self).__qualname__}", arguments

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Look at the job until it has ended."""
        with structlog.contextvars.bound_contextvars(dataset=self.dataset_id, run=self.run_id, step="odm"):
            watch = await self._open_watch()
            while True:
                ended = await _in_thread(lambda: watch.look(datetime.now(UTC)))
                if ended is not None:
                    shown = await self._settle(ended.lines_shown)
                    yield TriggerEvent({"job": self.job, "shown": shown, "stop": ended.stop_reason})
                    return
                await asyncio.sleep(self.poll_seconds)

    async def _settle(self, shown: int) -> int:
        """Wait for the last lines to reach the task log; returns how many are there.

        Once a trigger has fired, Airflow writes what still comes of its log into the triggerer's own.
        """
        there: int | None = shown
        for _ in range(SETTLE_ROUNDS):
            there = await asyncio.to_thread(last_line_shown, self.task_instance, self.job)
            if there is None or there >= shown:
                return shown
            await asyncio.sleep(SETTLE_SECONDS)
        return there or 0

    async def on_kill(self) -> None:
        """A person ended the task: stop the job, keep its log, remove it."""
        with structlog.contextvars.bound_contextvars(dataset=self.dataset_id, run=self.run_id, step="odm"):
            await asyncio.to_thread(self._cancel)

    async def _open_watch(self) -> Any:
        """The watch; a database that is away for a moment must not end a job of many hours."""
        from psycopg import OperationalError

        from aerodag.errors import InfrastructureError

        while True:
            try:
                return await _in_thread(self._make_watch)
            except (OperationalError, InfrastructureError) as error:
                self.log.warning("The job cannot be watched yet, and is tried again: %s", error)
                await asyncio.sleep(max(self.poll_seconds, 5.0))

    def _make_watch(self) -> Any:
        from aerodag.airflow.installation import installation
        from aerodag.pipeline.engine_jobs.watch import open_watch

        shown = last_line_shown(self.task_instance, self.job)
        return open_watch(installation(), open_ledger, self.engine, self.job, shown=shown)

    def _cancel(self) -> None:
        from aerodag import photogrammetry
        from aerodag.airflow.installation import installation
        from aerodag.pipeline.engine_jobs.end import cancel

        with open_ledger() as conn:
            settings = installation()
            cancel(conn, settings, photogrammetry.jobs(self.engine, settings), engine=self.engine, job=self.job)


async def _in_thread(work: Callable[[], Any]) -> Any:
    """What `asyncio.to_thread` does, in the threads of the watches."""
    context = contextvars.copy_context()
    return await asyncio.get_running_loop().run_in_executor(_WATCHERS, context.run, work)
