"""A stand-in for prom/statsd-exporter, which no registry at hand has: its mapping file and StatsD with InfluxDB's tags.

Of the mapping it knows what ``deploy/monitoring/statsd.yml`` uses, and refuses anything else; written after
https://github.com/prometheus/statsd_exporter.
"""

from __future__ import annotations

import fnmatch
import re
import socket
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from prometheus_client import CollectorRegistry, start_http_server
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector

KEYS = {"match", "match_type", "name", "help", "labels", "action", "ttl", "histogram_options"}
LINE = re.compile(
    r"(?P<name>[^,:]+)(?:,(?P<tags>[^:]*))?:(?P<value>[+-]?[\d.eE+-]+)\|(?P<type>c|g|ms)(?:\|@(?P<rate>[\d.]+))?"
)
Labels = frozenset[tuple[str, str]]


@dataclass
class Series:
    """One metric: a number by labels, or the observations of a timer in seconds."""

    kind: str
    help: str
    buckets: list[float]
    values: dict[Labels, float] = field(default_factory=dict)
    observed: dict[Labels, list[float]] = field(default_factory=dict)


class StatsdMetrics(Collector):
    """What was received, under the names of the mapping."""

    def __init__(self, mapping: Path) -> None:
        document = yaml.safe_load(mapping.read_text())
        self.default_buckets: list[float] = document["defaults"]["histogram_options"]["buckets"]
        assert document["defaults"]["observer_type"] == "histogram"
        self.rules: list[dict[str, Any]] = document["mappings"]
        for rule in self.rules:
            assert rule.keys() <= KEYS, rule
        self.series: dict[str, Series] = {}
        self.received: set[str] = set()
        self.refused: list[str] = []
        self._lock = threading.Lock()

    def receive(self, packet: str) -> None:
        """Take in the lines of a packet."""
        with self._lock:
            for line in packet.splitlines():
                self._take(line)

    def collect(self) -> Iterable[Metric]:
        with self._lock:
            families = [self._family(name, series) for name, series in self.series.items()]
        yield from families

    def rule_of(self, name: str) -> dict[str, Any] | None:
        """Globs come before regular expressions, whatever their order."""
        for kind, matches in (("glob", self._glob), ("regex", re.search)):
            for rule in self.rules:
                if rule.get("match_type", "glob") == kind and matches(rule["match"], name):
                    return rule
        return None

    @staticmethod
    def _glob(pattern: str, name: str) -> bool:
        parts, wanted = name.split("."), pattern.split(".")
        return len(parts) == len(wanted) and all(map(fnmatch.fnmatchcase, parts, wanted))

    def _take(self, line: str) -> None:
        match = LINE.fullmatch(line)
        if match is None:
            self.refused.append(line)
            return
        name = match["name"]
        self.received.add(name)
        rule = self.rule_of(name)
        if rule and rule.get("action") == "drop":
            return
        tags = dict(tag.split("=", 1) for tag in (match["tags"] or "").split(",") if tag)
        labels = frozenset((tags | (rule or {}).get("labels", {})).items())
        target = rule["name"] if rule else re.sub(r"\W", "_", name)
        buckets = (rule or {}).get("histogram_options", {}).get("buckets", self.default_buckets)
        series = self.series.setdefault(target, Series(match["type"], (rule or {}).get("help", ""), buckets))
        assert series.kind == match["type"], f"{target} is two kinds of metric"
        self._add(series, labels, match)

    @staticmethod
    def _add(series: Series, labels: Labels, match: re.Match[str]) -> None:
        value = float(match["value"])
        if series.kind == "c":
            series.values[labels] = series.values.get(labels, 0.0) + value / float(match["rate"] or 1)
        elif series.kind == "g":
            relative = match["value"][0] in "+-"
            series.values[labels] = value + (series.values.get(labels, 0.0) if relative else 0.0)
        else:
            series.observed.setdefault(labels, []).append(value / 1000)

    @staticmethod
    def _family(name: str, series: Series) -> Metric:
        names = sorted({label for labels in {**series.values, **series.observed} for label, _ in labels})
        if series.kind == "ms":
            histogram = HistogramMetricFamily(name, series.help, labels=names)
            for labels, seconds in series.observed.items():
                buckets = [(str(bound), sum(one <= bound for one in seconds)) for bound in series.buckets]
                histogram.add_metric(
                    [dict(labels).get(label, "") for label in names], [*buckets, ("+Inf", len(seconds))], sum(seconds)
                )
            return histogram
        family = (CounterMetricFamily if series.kind == "c" else GaugeMetricFamily)(name, series.help, labels=names)
        for labels, value in series.values.items():
            family.add_metric([dict(labels).get(label, "") for label in names], value)
        return family


@dataclass(frozen=True)
class StatsdExporter:
    """Where it listens, and what it has."""

    udp_port: int
    http_port: int
    metrics: StatsdMetrics


@contextmanager
def statsd_exporter(mapping: Path) -> Iterator[StatsdExporter]:
    """Listen for StatsD by UDP and answer scrapes, both at free ports of 127.0.0.1."""
    metrics = StatsdMetrics(mapping)
    registry = CollectorRegistry()
    registry.register(metrics)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as incoming:
        incoming.bind(("127.0.0.1", 0))
        incoming.settimeout(0.2)
        stopping = threading.Event()

        def listen() -> None:
            while not stopping.is_set():
                try:
                    metrics.receive(incoming.recv(65536).decode())
                except TimeoutError:
                    continue

        listener = threading.Thread(target=listen, daemon=True)
        listener.start()
        server, _ = start_http_server(0, "127.0.0.1", registry)
        try:
            yield StatsdExporter(incoming.getsockname()[1], server.server_port, metrics)
        finally:
            stopping.set()
            listener.join()
            server.shutdown()
            server.server_close()
