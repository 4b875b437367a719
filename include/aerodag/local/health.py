"""Which services live without working: seen from outside, through Airflow's own API."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta

from aerodag.local.client import NO_ANSWER, AirflowClient

LOOK_SECONDS = 10.0
# A start takes half a minute on two idle cores, and several times that beside other work.
SILENT_SECONDS = 180.0
# A worker takes a queued task within seconds; with none to take it, Airflow would wait for ten minutes and fail it.
QUEUED_SECONDS = 120.0
SERVICE_OF_COMPONENT = {"scheduler": "scheduler", "dag_processor": "dag-processor", "triggerer": "triggerer"}


class Health:
    """Remembers since when a service has given no sign of life; it is asked in a thread of its own.

    A worker that is killed while it holds the lock of the executor's queue shuts all others out for ever: the scheduler
    is healthy then, and every task stays queued.
    """

    def __init__(self, client: AirflowClient) -> None:
        self._client = client
        self._silent: dict[str, float] = {}
        self._waiting: float | None = None

    def start(self, stopping: threading.Event) -> None:
        """Look again and again until ``stopping``."""
        threading.Thread(target=self._keep_looking, args=(stopping,), name="health", daemon=True).start()

    def look(self, now: float) -> None:
        """Ask once; ``now`` is the monotonic time in seconds."""
        missing = self._client.missing_components()
        if "api_server" in missing:
            self._silent = {"api-server": self._silent.get("api-server", now)}
            self._waiting = None
        elif "metadatabase" in missing:  # says nothing about the others
            self._silent, self._waiting = {}, None
        else:
            services = [service for component, service in SERVICE_OF_COMPONENT.items() if component in missing]
            self._silent = {service: self._silent.get(service, now) for service in services}
            self._waiting = now if self._tasks_wait() else None

    def stuck(self, started: Mapping[str, float], now: float) -> dict[str, str]:
        """Services to end, with the reason; one gets its time from its start on."""
        found = {
            service: f"no sign of life for {now - since:.0f} s"
            for service, since in self._silent.items()
            if now - max(since, started[service]) > SILENT_SECONDS
        }
        if self._waiting is not None and now - started["scheduler"] > QUEUED_SECONDS:
            found.setdefault("scheduler", f"tasks have been queued for more than {QUEUED_SECONDS:.0f} s")
            self._waiting = None
        return found

    def _keep_looking(self, stopping: threading.Event) -> None:
        while not stopping.wait(LOOK_SECONDS):
            self.look(time.monotonic())

    def _tasks_wait(self) -> bool:
        try:
            return self._client.queued_tasks(datetime.now(UTC) - timedelta(seconds=QUEUED_SECONDS)) > 0
        except NO_ANSWER:
            return False
