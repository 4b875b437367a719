"""Runs on a real ledger as they happen now, and what a scrape says of them."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.parser import text_string_to_metric_families

from aerodag import ledger
from aerodag.monitoring import LedgerCollector
from cases.ledger import Flow


@dataclass
class LiveFlow(Flow):
    """A DAG run that begins now; each step takes a minute."""

    begun: datetime = field(default_factory=lambda: datetime.now(UTC))

    @property
    def now(self) -> datetime:
        return self.begun + timedelta(minutes=self.minutes)

    def resume(self) -> None:
        """A person clears the run."""
        self.begun, self.minutes = datetime.now(UTC), 0

    def engine(self, **metrics: Any) -> None:
        """The odm step, with the figures that it tells."""
        self.start("odm")
        self.conn.execute(
            "update aerodag.step set metrics = %s where run_id = %s and name = 'odm' and try_number = %s",
            [ledger.database.jsonb(metrics), self.run.id, self.tries["odm"]],
        )
        self.end("odm")

    def job(self, *, seconds: float, attempt: int = 1, failure_code: str | None = None) -> None:
        """An engine job that ended after so many seconds."""
        submitted = datetime.now(UTC) + timedelta(milliseconds=1)
        self.conn.execute(
            "insert into aerodag.engine_job "
            "(run_id, attempt, engine, job, name, submitted_at, deadline, ended_at, failure_code) "
            "values (%s, %s, 'odm', %s, 'job', %s, %s, %s, %s)",
            [
                self.run.id,
                attempt,
                f"{self.run.id}-{attempt}",
                submitted,
                submitted + timedelta(days=1),
                submitted + timedelta(seconds=seconds),
                failure_code,
            ],
        )

    def plan(self, **plan: Any) -> None:
        ledger.set_plan(self.conn, run_id=self.run.id, engine="odm", plan=plan)


def dataset(conn: psycopg.Connection, number: int, **columns: Any) -> int:
    """A registered upload, ``number`` tells it from others."""
    facts = {"name": f"flight_{number}.zip", "owner": "anna", "source_uri": f"file:///incoming/{number}.zip"}
    facts |= {"content_sha256": f"{number:064x}", "size_bytes": 10**9, "upload_type": "raw_images_zip"}
    return ledger.register(conn, **(facts | columns)).dataset.id


@dataclass(frozen=True)
class Scrape:
    """The samples of one scrape, by name and labels."""

    text: str
    samples: dict[tuple[str, frozenset[tuple[str, str]]], float]

    @staticmethod
    def of(text: str) -> Scrape:
        families = text_string_to_metric_families(text)
        return Scrape(text, {(s.name, frozenset(s.labels.items())): s.value for f in families for s in f.samples})

    def __call__(self, name: str, **labels: str) -> float:
        """The one sample of that name that has these labels."""
        found = self.all(name, **labels)
        assert len(found) == 1, (name, labels, found)
        return found[0]

    def all(self, name: str, **labels: str) -> list[float]:
        """All samples of that name that have these labels."""
        return [
            value
            for (metric, have), value in self.samples.items()
            if metric == name and labels.items() <= dict(have).items()
        ]


@contextmanager
def scraper(url: str, disks: Path | dict[str, Path], **options: Any) -> Iterator[Any]:
    """A function that scrapes a collector on the ledger at ``url``; nothing is cached unless asked for."""
    places = disks if isinstance(disks, dict) else {"data": disks}
    collector = LedgerCollector(lambda: ledger.connect(url), places, "1.2.3", **({"cache_seconds": 0.0} | options))
    registry = CollectorRegistry()
    registry.register(collector)
    try:
        yield lambda: Scrape.of(generate_latest(registry).decode())
    finally:
        collector.close()
