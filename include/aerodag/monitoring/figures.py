"""What is asked of the ledger for monitoring; each record is a row of a query in ``sql/queries/metrics``.

Times are seconds, moments are seconds since 1970 (UTC).
"""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from aerodag import ledger
from aerodag.ledger.database import fetch_all, fetch_one

# Without a sign of progress for so long, a run is called stuck.
STUCK_MINUTES = 120
MOST_STUCK = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Waiting:
    """Datasets that wait for a place: for their ``first`` run, or a ``further`` one."""

    run: str
    upload_type: str
    datasets: int
    oldest_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveRuns:
    """Runs that are queued, running or in review."""

    state: str
    preset: str
    engine: str
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ActiveStep:
    """How many runs are at a step."""

    step: str
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentEnds:
    """Runs that ended in the last day or week (``period`` 1d, 7d); ``code`` and ``category`` are of failures."""

    period: str
    state: str
    preset: str
    engine: str
    code: str
    category: str
    runs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Endings:
    """Runs that ended since these totals are kept."""

    state: str
    preset: str
    engine: str
    code: str
    category: str
    runs: int
    images: int
    gpu_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Durations:
    """How many of a kind (run, step, stage) took at most ``bound`` seconds, and the sum of what those took."""

    kind: str
    name: str
    engine: str
    outcome: str
    bound: float
    times: int
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineAtWork:
    """Runs whose engine works now; ``unwatched_s`` is the longest time since the last look at a job."""

    engine: str
    gpu: bool
    runs: int
    gpus: int
    longest_s: float
    unwatched_s: float
    overdue: int


@dataclass(frozen=True, slots=True, kw_only=True)
class RecentEngine:
    """What an engine did in the last seven days, in the tries that ended well."""

    engine: str
    runs: int
    images: int
    seconds: float
    peak_memory_bytes: int
    gpu_granted: int
    gpu_used: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Condition:
    """What the ledger waits for; ``swept_at`` and ``looked_at`` are None where housekeeping and ingest never were."""

    reviews: int
    review_oldest_s: float
    late: int
    quarantined: int
    notifications: int
    notification_overdue_s: float
    notifications_dropped: int
    swept_at: float | None
    looked_at: float | None
    holds: list[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """Files of a storage class; ``version`` current or old; ``kind`` of product, or what was uploaded."""

    storage_class: str
    kind: str
    version: str
    files: int
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """All of it, at one moment."""

    waiting: list[Waiting]
    active_runs: list[ActiveRuns]
    active_steps: list[ActiveStep]
    recent_ends: list[RecentEnds]
    endings: list[Endings]
    durations: list[Durations]
    engines: list[EngineAtWork]
    recent_engines: list[RecentEngine]
    stored: list[Stored]
    condition: Condition
    stuck: int


def read_figures(conn: psycopg.Connection) -> Figures:
    """Ask the ledger; each question is a statement of its own, so that no transaction stays open between them."""
    condition = fetch_one(conn, "metrics_condition", Condition)
    assert condition is not None  # noqa: S101 - the query has always one row
    return Figures(
        waiting=fetch_all(conn, "metrics_queue", Waiting),
        active_runs=fetch_all(conn, "metrics_active_runs", ActiveRuns),
        active_steps=fetch_all(conn, "metrics_active_steps", ActiveStep),
        recent_ends=fetch_all(conn, "metrics_recent_ends", RecentEnds),
        endings=fetch_all(conn, "metrics_endings", Endings),
        durations=fetch_all(conn, "metrics_durations", Durations),
        engines=fetch_all(conn, "metrics_engine_jobs", EngineAtWork),
        recent_engines=fetch_all(conn, "metrics_recent_engine", RecentEngine),
        stored=_stored(conn),
        condition=condition,
        stuck=len(ledger.make_report(conn, "stuck", minutes=STUCK_MINUTES, limit=MOST_STUCK).rows),
    )


def _stored(conn: psycopg.Connection) -> list[Stored]:
    return [
        Stored(
            storage_class=row["class"], kind=row["kind"], version=row["version"], files=row["files"], bytes=row["bytes"]
        )
        for row in ledger.make_report(conn, "storage_by_class").records
    ]
