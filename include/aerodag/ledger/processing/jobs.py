"""Jobs of engines that work outside Airflow: what was started, how far it is, why it was stopped, that it is gone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg

from aerodag.errors import InfrastructureError
from aerodag.ledger.database import execute, fetch_all, fetch_one


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineJob:
    """One start of an engine: ``job`` is the container's or the node's id, ``attempt`` the try that started it.

    ``stop_reason`` (timeout, stalled, disk_full or cancelled) is written before the job is stopped; ``lines_shown`` of
    its output are in the task log.
    """

    id: int
    run_id: int
    attempt: int
    engine: str
    job: str
    name: str
    submitted_at: datetime
    deadline: datetime
    rerun_from: str | None
    watched_at: datetime | None
    lines_shown: int
    peak_memory_bytes: int | None
    expected_at: datetime | None
    stop_reason: str | None
    ended_at: datetime | None
    exit_code: int | None
    failure_code: str | None
    failed_stage: str | None
    remedy: str | None
    discarded_at: datetime | None


def open_job(
    conn: psycopg.Connection,
    *,
    run_id: int,
    attempt: int,
    engine: str,
    job: str,
    name: str,
    deadline: datetime,
    rerun_from: str | None = None,
) -> EngineJob:
    """Record a job that was started, or find its row."""
    row = fetch_one(
        conn,
        "open_job",
        EngineJob,
        run_id=run_id,
        attempt=attempt,
        engine=engine,
        job=job,
        name=name,
        deadline=deadline,
        rerun_from=rerun_from,
    )
    assert row is not None  # noqa: S101 - the statement returns a row or raises
    return row


def find_job(conn: psycopg.Connection, *, engine: str, job: str) -> EngineJob | None:
    """The job of that id."""
    return fetch_one(conn, "find_job", EngineJob, engine=engine, job=job)


def get_job(conn: psycopg.Connection, *, engine: str, job: str) -> EngineJob:
    """The job of that id.

    Raises:
        InfrastructureError: ``engine.job_unknown``.
    """
    row = find_job(conn, engine=engine, job=job)
    if row is None:
        raise InfrastructureError(
            "engine.job_unknown", f"The ledger has no {engine} job {job}.", advice="Clear the odm task."
        )
    return row


def last_job(conn: psycopg.Connection, *, run_id: int) -> EngineJob | None:
    """The newest job of a run."""
    return fetch_one(conn, "last_job", EngineJob, run_id=run_id)


def open_jobs(conn: psycopg.Connection, *, engine: str) -> list[EngineJob]:
    """Jobs of an engine that are not known to be gone."""
    return fetch_all(conn, "open_jobs", EngineJob, engine=engine)


def watch_job(
    conn: psycopg.Connection,
    *,
    engine: str,
    job: str,
    lines_shown: int,
    peak_memory_bytes: int | None = None,
    expected_at: datetime | None = None,
) -> None:
    """Record a look at a job; counts never fall."""
    execute(
        conn,
        "watch_job",
        engine=engine,
        job=job,
        lines_shown=lines_shown,
        peak_memory_bytes=peak_memory_bytes,
        expected_at=expected_at,
    )


def stop_job(conn: psycopg.Connection, *, engine: str, job: str, reason: str) -> None:
    """Record why the job is about to be stopped; the first reason stays."""
    execute(conn, "stop_job", engine=engine, job=job, reason=reason)


def end_job(
    conn: psycopg.Connection,
    *,
    engine: str,
    job: str,
    exit_code: int | None,
    failure_code: str | None = None,
    failed_stage: str | None = None,
    remedy: str | None = None,
) -> None:
    """Record how its end was judged, and what the next try does differently."""
    execute(
        conn,
        "end_job",
        engine=engine,
        job=job,
        exit_code=exit_code,
        failure_code=failure_code,
        failed_stage=failed_stage,
        remedy=remedy,
    )


def discard_job(conn: psycopg.Connection, *, engine: str, job: str) -> None:
    """Record that the job is removed and verified to be gone."""
    execute(conn, "discard_job", engine=engine, job=job)
