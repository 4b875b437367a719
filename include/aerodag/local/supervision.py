"""Keeps the embedded set-up alive: what dies is started again, what hangs is ended, what a death leaves is cleared."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

import psutil
import structlog

from aerodag.local.health import Health
from aerodag.local.postgres import EmbeddedPostgres
from aerodag.local.processes import kill, session_members, stop, strays
from aerodag.local.state import StateFolder

log = structlog.get_logger(__name__)

AIRFLOW_SERVICES = ("api-server", "scheduler", "dag-processor", "triggerer")
LOOK_SECONDS = 0.5
# Something that cannot work is started again so often, no more.
PAUSE_SECONDS = 10.0


@dataclass(slots=True)
class Service:
    """One start of one of Airflow's services, which leads a session of its own."""

    process: subprocess.Popen[bytes]
    started: float


class Supervisor:
    """Starts Airflow's services and watches over them and the database, from one thread."""

    def __init__(
        self, state: StateFolder, database: EmbeddedPostgres, environment: Mapping[str, str], health: Health
    ) -> None:
        self._state = state
        self._database = database
        self._environment = dict(environment)
        self._health = health
        self._services: dict[str, Service] = {}
        self._database_started = time.monotonic()

    def start(self) -> None:
        """Start all services; what a supervisor left that was killed is ended first."""
        kill(session_members(self._state.sessions()))
        for name in AIRFLOW_SERVICES:
            self._start(name)

    def watch(self, stopping: threading.Event) -> None:
        """Mend until ``stopping``; what goes wrong while mending is tried again at the next look."""
        while not stopping.wait(LOOK_SECONDS):
            for mend in (self._mend_database, self._mend_services, self._end_strays, self._end_stuck):
                self._try(mend)

    def stop(self) -> None:
        """End the services and everything that they started."""
        stop(session_members(self._sessions()))
        self._state.remember_sessions([])

    def _try(self, mend: Callable[[], None]) -> None:
        try:
            mend()
        except (OSError, psutil.Error, subprocess.SubprocessError) as error:
            log.warning("mending failed and is tried again", what=mend.__name__.strip("_"), error=str(error))

    def _mend_database(self) -> None:
        if self._database.alive or time.monotonic() - self._database_started < PAUSE_SECONDS:
            return
        log.warning("the database ended and is started again")
        self._database_started = time.monotonic()
        self._database.start_again()

    def _mend_services(self) -> None:
        for name, service in self._services.items():
            code = service.process.poll()
            if code is None:
                continue
            # What outlives its service works for nobody: the next scheduler gives its tasks to workers of its own.
            kill(session_members({service.process.pid}))
            if time.monotonic() - service.started > PAUSE_SECONDS:
                log.warning("service ended and is started again", service=name, exit_code=code)
                self._start(name)

    def _end_strays(self) -> None:
        for stray in strays(self._sessions()):
            log.warning("process lost its parent and is ended", pid=stray.pid)
            kill([stray])

    def _end_stuck(self) -> None:
        started = {name: service.started for name, service in self._services.items()}
        for name, reason in self._health.stuck(started, time.monotonic()).items():
            log.warning("service hangs and is ended", service=name, reason=reason)
            self._services[name].process.kill()

    def _start(self, name: str) -> None:
        with (self._state.logs / f"{name}.log").open("ab") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "airflow", name],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._services[name] = Service(process, time.monotonic())
        self._state.remember_sessions(sorted(self._sessions()))

    def _sessions(self) -> set[int]:
        return {service.process.pid for service in self._services.values()}
