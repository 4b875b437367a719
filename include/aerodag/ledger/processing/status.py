"""How one run is, for whoever asked for it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg

from aerodag.ledger.database import fetch_one, query
from aerodag.ledger.reports import make_report

# A position farther back than this is not told.
QUEUE_LENGTH = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class RunStatus:
    """One run. ``state`` is waiting, queued, running, succeeded, degraded, failed or cancelled.

    ``percent`` is the engine's; ``position`` the place in the queue, from 1; expected times are estimates from what
    earlier runs took. What is unknown is None.
    """

    dag_run_id: str
    run_id: int | None
    dataset_id: int | None
    dataset: str | None
    state: str
    step: str | None
    waits_for_review: bool
    waits_for_engine: bool
    stage: str | None
    percent: float | None
    preset: str | None
    priority: int | None
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expected_end: datetime | None
    code: str | None
    message: str | None
    advice: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class QueuePlace:
    """Where a run is in the queue: its place, from 1, and estimates of when it starts and ends."""

    position: int | None = None
    expected_start: datetime | None = None
    expected_end: datetime | None = None


def run_status(conn: psycopg.Connection, *, dag_run_id: str) -> RunStatus | None:
    """How the run of that Airflow id is, also before it started; None where nothing is known of it."""
    return fetch_one(conn, "run_status", RunStatus, dag_run_id=dag_run_id)


def newest_run_of_dataset(conn: psycopg.Connection, *, dataset_id: int) -> str | None:
    """Airflow's id of a dataset's run: the one under way, else the next one, else the last one."""
    row = conn.execute(query("newest_run_of_dataset"), {"dataset_id": dataset_id}).fetchone()
    return None if row is None else str(row[0])


def queue_place(conn: psycopg.Connection, *, dataset_id: int, places: int) -> QueuePlace:
    """A dataset's place in the queue; empty where it is not in it."""
    queue = make_report(conn, "queue", places=places, limit=QUEUE_LENGTH)
    for row in queue.rows:
        entry = dict(zip(queue.columns, row, strict=True))
        if entry["dataset_id"] == dataset_id:
            return QueuePlace(**{name: entry[name] for name in QueuePlace.__dataclass_fields__})
    return QueuePlace()
