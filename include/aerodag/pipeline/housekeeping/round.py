"""What each concern of a sweep gets, and how it tells what it did."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Protocol

import psycopg
import structlog

from aerodag import ledger
from aerodag.ledger import housekeeping as book
from aerodag.settings import Settings
from aerodag.storage import Storage

log = structlog.get_logger(__name__)

Counts = dict[str, int]
DONE = "done"


class AirflowRuns(Protocol):
    """What Airflow knows of the runs of datasets. Both raise where it does not answer, which says nothing of a run."""

    def active(self, dag_run_ids: Sequence[str]) -> set[str]:
        """Those of them that are queued or running."""

    def state(self, dag_run_id: str) -> str | None:
        """queued, running, success or failed; None where Airflow has no such run."""


class DiskUsage(Protocol):
    """Bytes of a disk."""

    @property
    def total(self) -> int:
        """With a reserve that may be neither used nor free."""

    @property
    def used(self) -> int:
        """By files."""

    @property
    def free(self) -> int:
        """For this user."""


@dataclass(frozen=True, slots=True)
class Round:
    """One sweep: the moment it is made at, and what it looks at; ``log_folder`` is Airflow's."""

    ledger: psycopg.Connection
    settings: Settings
    storage: Storage
    airflow: AirflowRuns
    log_folder: Path
    now: datetime
    disk_usage: Callable[[Path], DiskUsage] = field(default=shutil.disk_usage)

    def ago(self, *, minutes: float = 0.0, hours: float = 0.0, days: float = 0.0) -> datetime:
        """A moment before this sweep."""
        return self.now - timedelta(minutes=minutes, hours=hours, days=days)

    def tell(
        self,
        kind: str,
        message: str,
        *,
        dataset_id: int | None = None,
        run_id: int | None = None,
        **numbers: Any,
    ) -> None:
        """An event, and a line of the log."""
        log.warning(message, kind=kind, dataset=dataset_id, run=run_id, **numbers)
        ledger.add_event(self.ledger, kind=kind, message=message, dataset_id=dataset_id, run_id=run_id, details=numbers)

    def watch(self, kind: str, amiss: Collection[str]) -> Mapping[str, book.Observation]:
        """Remember what is amiss now and forget what is not any more; returns what is, with the time it began."""
        known = book.observations(self.ledger, kind=kind)
        if new := [subject for subject in amiss if subject not in known]:
            book.observe(self.ledger, kind=kind, subjects=new, now=self.now)
        if gone := [subject for subject in known if subject not in amiss]:
            book.observations_end(self.ledger, kind=kind, subjects=gone)
        return book.observations(self.ledger, kind=kind) if amiss else {}

    def untold(self, kind: str, amiss: Collection[str], *, minutes: float = 0.0) -> list[str]:
        """Of what is amiss now, that which has been for so long and was never told; it counts as told from now on."""
        since = self.ago(minutes=minutes)
        found = [
            subject for subject, seen in self.watch(kind, amiss).items() if seen.told_at is None and seen.since <= since
        ]
        if found:
            book.observation_told(self.ledger, kind=kind, subjects=found, now=self.now)
        return found

    def most_due(self, names: Collection[str], *, hours: float) -> str | None:
        """Of slow things, the one that was done the longest ago; None where all were done within so many hours."""
        done = book.observations(self.ledger, kind=DONE)
        due = [name for name in names if name not in done or self.now - done[name].since >= timedelta(hours=hours)]
        never = datetime.min.replace(tzinfo=UTC)
        return min(due, key=lambda name: done[name].since if name in done else never, default=None)

    def done(self, name: str) -> None:
        """Something slow was done."""
        book.note(self.ledger, kind=DONE, subject=name, now=self.now, details={})
