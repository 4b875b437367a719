"""The collector that Prometheus' client library asks at every scrape."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TooLate
from dataclasses import dataclass
from pathlib import Path

import psycopg
import structlog
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from aerodag.monitoring.disk import read_disk
from aerodag.monitoring.families import disk_families, ledger_families
from aerodag.monitoring.figures import Figures, read_figures

log = structlog.get_logger(__name__)

# Prometheus gives a scrape ten seconds.
MOST_SECONDS = 5.0
STATEMENT_TIMEOUT = "5s"


@dataclass(frozen=True, slots=True)
class Reading:
    """The ledger's figures, None while it is away; when they were read (monotonic clock) and how long that took."""

    figures: Figures | None
    read_at: float
    seconds: float


class LedgerCollector(Collector):
    """Reads the ledger at most once in ``cache_seconds``, however many ask, and says so when it does not answer.

    One connection is kept. It commits every statement for itself, so that no transaction stays open.
    """

    def __init__(
        self,
        connect: Callable[[], psycopg.Connection],
        disks: Mapping[str, Path],
        version: str,
        cache_seconds: float = 5.0,
        patience: float = MOST_SECONDS,
    ) -> None:
        self._connect = connect
        self._disks = disks
        self._version = version
        self._cache_seconds = cache_seconds
        self._patience = patience
        self._lock = threading.Lock()
        # A database that does not answer at all holds this thread, and no scrape.
        self._reader = ThreadPoolExecutor(1, "ledger")
        self._reading: Future[Reading] | None = None
        self._conn: psycopg.Connection | None = None
        self._away = False

    def describe(self) -> Iterable[Metric]:
        """Nothing: the registry would read the ledger for it."""
        return ()

    def collect(self) -> Iterable[Metric]:
        """All metrics; without those of the ledger, and ``aerodag_up`` 0, while it is away."""
        reading = self._current()
        figures = reading.figures if reading else None
        yield GaugeMetricFamily("aerodag_up", "1 while the ledger answers.", float(figures is not None))
        version = GaugeMetricFamily("aerodag_build_info", "The project's version.", labels=("version",))
        version.add_metric((self._version,), 1.0)
        yield version
        if figures is not None and reading is not None:
            yield GaugeMetricFamily(
                "aerodag_ledger_read_seconds", "How long it took to read these figures.", reading.seconds
            )
            yield from ledger_families(figures)
        yield from disk_families({place: read_disk(folder) for place, folder in self._disks.items()})

    def close(self) -> None:
        """Give the connection back."""
        self._reader.shutdown(wait=False, cancel_futures=True)
        if self._conn is not None:
            self._conn.close()

    def _current(self) -> Reading | None:
        """The figures of this moment or of a few seconds ago; None where the ledger takes too long."""
        with self._lock:
            if self._reading is None or self._is_old(self._reading):
                self._reading = self._reader.submit(self._read)
            reading = self._reading
        try:
            return reading.result(self._patience)
        except TooLate:
            return None

    def _is_old(self, reading: Future[Reading]) -> bool:
        return reading.done() and time.monotonic() - reading.result().read_at >= self._cache_seconds

    def _read(self) -> Reading:
        started = time.monotonic()
        try:
            figures = read_figures(self._connection())
        except Exception as error:
            self._give_up(error)
            return Reading(None, time.monotonic(), time.monotonic() - started)
        if self._away:
            log.warning("the ledger answers again")
        self._away = False
        return Reading(figures, time.monotonic(), time.monotonic() - started)

    def _connection(self) -> psycopg.Connection:
        if self._conn is None:
            conn = self._connect()
            conn.execute("select set_config('statement_timeout', %s, false)", [STATEMENT_TIMEOUT])
            self._conn = conn
        return self._conn

    def _give_up(self, error: Exception) -> None:
        """Begin anew with another connection; told once, not at every scrape."""
        if not self._away:
            log.warning("the ledger cannot be read", error=str(error).strip())
        self._away = True
        if self._conn is not None:
            self._conn.close()
            self._conn = None
