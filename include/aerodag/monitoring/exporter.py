"""The exporter: serves the metrics over HTTP until it is told to stop."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable

import psycopg
from prometheus_client import CollectorRegistry, ProcessCollector, start_http_server

from aerodag.errors import ConfigError
from aerodag.monitoring.collector import LedgerCollector
from aerodag.settings import Settings


def serve(
    settings: Settings,
    connect: Callable[[], psycopg.Connection],
    *,
    address: str,
    port: int,
    started: Callable[[int], None],
) -> None:
    """Answer scrapes at ``http://ADDRESS:PORT/metrics`` until SIGTERM or SIGINT.

    Args:
        settings: Of the installation.
        connect: Opens the ledger; it is asked anew after every failure.
        address: To listen at.
        port: 0 for any free one.
        started: Is told the port as soon as scrapes are answered.

    Raises:
        ConfigError: ``exporter.port``, where it cannot listen there.
    """
    registry = CollectorRegistry()
    collector = LedgerCollector(connect, {"data": settings.data, **settings.disk.places}, settings.pipeline_version)
    registry.register(collector)
    ProcessCollector(registry=registry)
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    try:
        server, answering = start_http_server(port, address, registry)
    except OSError as error:
        raise ConfigError(
            "exporter.port", f"The exporter cannot listen at {address}:{port}: {error}.", advice="Give it another port."
        ) from error
    started(server.server_port)
    stopping.wait()
    server.shutdown()
    server.server_close()
    answering.join()
    collector.close()
