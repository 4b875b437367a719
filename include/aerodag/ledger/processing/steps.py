"""Steps: every try of every task of a run, written as it starts and ends."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from aerodag.errors import AerodagError
from aerodag.ledger.database import execute, fetch_all


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a step failed, for machines and for a person."""

    code: str
    category: str | None
    message: str
    advice: str | None

    @classmethod
    def of(cls, error: AerodagError) -> Failure:
        """The failure that a pipeline error describes."""
        return cls(error.code, error.category.value, error.message, error.advice)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One try of one task; ``state`` is running, succeeded, failed, retrying or skipped, ``duration_s`` in seconds."""

    run_id: int
    name: str
    map_index: int
    try_number: int
    state: str
    host: str | None
    started_at: datetime | None
    finished_at: datetime | None
    duration_s: float | None
    metrics: dict[str, Any]
    failure_code: str | None
    failure_category: str | None
    message: str | None
    advice: str | None


def step_started(
    conn: psycopg.Connection,
    *,
    dag_run_id: str,
    name: str,
    map_index: int,
    try_number: int,
    host: str | None,
    started_at: datetime,
) -> None:
    """Record that a try of a task runs; does nothing while the DAG run has no run row yet."""
    execute(
        conn,
        "step_started",
        dag_run_id=dag_run_id,
        name=name,
        map_index=map_index,
        try_number=try_number,
        host=host,
        started_at=started_at,
    )


def step_finished(
    conn: psycopg.Connection,
    *,
    dag_run_id: str,
    name: str,
    map_index: int,
    try_number: int,
    host: str | None,
    started_at: datetime | None,
    finished_at: datetime,
    state: str,
    failure: Failure | None,
) -> None:
    """Record how a try of a task ended, whether or not its start was recorded.

    Args:
        conn: The ledger.
        dag_run_id: Airflow's run id; without a run row nothing is recorded.
        name: Task id.
        map_index: -1 where the task is not mapped.
        try_number: As Airflow counts.
        host: Where it ran.
        started_at: By the worker's clock.
        finished_at: By the worker's clock.
        state: succeeded, failed, retrying (failed, Airflow will try again) or skipped.
        failure: Why, for failed and retrying.
    """
    execute(
        conn,
        "step_finished",
        dag_run_id=dag_run_id,
        name=name,
        map_index=map_index,
        try_number=try_number,
        host=host,
        started_at=started_at,
        finished_at=finished_at,
        state=state,
        code=failure.code if failure else None,
        category=failure.category if failure else None,
        message=failure.message if failure else None,
        advice=failure.advice if failure else None,
    )


def skip_steps(conn: psycopg.Connection, *, run_id: int, reasons: Mapping[str, str]) -> None:
    """Record the steps that a run will not start, by name, and why."""
    execute(conn, "skip_steps", run_id=run_id, reasons=dict(reasons))


def add_metrics(
    conn: psycopg.Connection, *, run_id: int, name: str, map_index: int, try_number: int, metrics: Mapping[str, Any]
) -> None:
    """Merge figures into the metrics of a try; names say the unit (``peak_rss_bytes``)."""
    execute(
        conn,
        "add_metrics",
        run_id=run_id,
        name=name,
        map_index=map_index,
        try_number=try_number,
        metrics=metrics,
    )


def list_steps(conn: psycopg.Connection, *, run_id: int) -> list[Step]:
    """All tries of a run's steps: steps in the order of their first start, the newest try of each last."""
    return fetch_all(conn, "list_steps", Step, run_id=run_id)
