"""Runs: one DAG run of one dataset each. Their state is derived from their steps by the database."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg
from psycopg import errors

from aerodag.errors import ConfigError
from aerodag.ledger.data.datasets import unknown_dataset
from aerodag.ledger.database import execute, fetch_all, fetch_one


@dataclass(frozen=True, slots=True, kw_only=True)
class PastEngineRun:
    """What a successful run of an engine took: megapixels of one image, bytes, seconds; None was not measured."""

    engine: str
    preset: str
    images: int
    megapixels: float
    peak_rss_bytes: int | None = None
    seconds: float | None = None
    disk_bytes: int | None = None
    input_bytes: int | None = None
    cores: int | None = None
    host: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One run; ``state`` is queued, running, succeeded, degraded, failed or cancelled."""

    id: int
    dataset_id: int
    dag_run_id: str
    task_types: list[str]
    preset: str
    options: dict[str, Any]
    engine: str
    engine_digest: str | None
    include_images: list[str]
    exclude_images: list[str]
    gpu: str
    resume_from: str | None
    review: bool | None
    preflight: dict[str, Any] | None
    plan: dict[str, Any] | None
    pipeline_version: str | None
    state: str
    priority: int
    created_at: datetime
    attempt_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    failure_code: str | None
    failure_category: str | None
    message: str | None
    advice: str | None


def open_run(
    conn: psycopg.Connection,
    *,
    dataset_id: int,
    dag_run_id: str,
    task_types: Sequence[str],
    preset: str,
    engine: str,
    options: Mapping[str, Any],
    priority: int,
    include_images: Sequence[str] = (),
    exclude_images: Sequence[str] = (),
    gpu: str = "auto",
    resume_from: str | None = None,
    review: bool | None = None,
    pipeline_version: str | None = None,
) -> Run:
    """Open the run of a DAG run; the same DAG run again is the same row, made active again if it had ended.

    Raises:
        ConfigError: ``run.active`` when another run of the dataset is queued or running, ``run.other_dataset`` when
            the DAG run worked on another dataset before, ``dataset.unknown``.
    """
    try:
        run = fetch_one(
            conn,
            "open_run",
            Run,
            dataset_id=dataset_id,
            dag_run_id=dag_run_id,
            task_types=list(task_types),
            preset=preset,
            engine=engine,
            options=options,
            priority=priority,
            include_images=list(include_images),
            exclude_images=list(exclude_images),
            gpu=gpu,
            resume_from=resume_from,
            review=review,
            pipeline_version=pipeline_version,
        )
    except errors.UniqueViolation as error:
        raise _active(dataset_id, fetch_one(conn, "find_active_run", Run, dataset_id=dataset_id)) from error
    except errors.ForeignKeyViolation as error:
        raise unknown_dataset(dataset_id) from error
    if run is None:
        raise ConfigError(
            "run.other_dataset",
            f"DAG run {dag_run_id} belongs to another dataset than {dataset_id}.",
            advice="Start a new DAG run for this dataset.",
            numbers={"dataset_id": dataset_id},
        )
    return run


def find_run(conn: psycopg.Connection, *, dag_run_id: str) -> Run | None:
    """The run of a DAG run, or None before it was opened."""
    return fetch_one(conn, "find_run", Run, dag_run_id=dag_run_id)


def get_run(conn: psycopg.Connection, *, run_id: int) -> Run:
    """The run of that id.

    Raises:
        ConfigError: ``run.unknown``.
    """
    run = fetch_one(conn, "get_run", Run, run_id=run_id)
    if run is None:
        raise unknown_run(run_id)
    return run


def resume_run(conn: psycopg.Connection, *, run_id: int) -> Run:
    """A step starts working on a run: it is running and its failure is cleared.

    Raises:
        ConfigError: ``run.active`` when another run of the dataset is queued or running, ``run.unknown``.
    """
    try:
        run = fetch_one(conn, "resume_run", Run, run_id=run_id)
    except errors.UniqueViolation as error:
        other = fetch_one(conn, "find_active_sibling", Run, run_id=run_id)
        raise _active(get_run(conn, run_id=run_id).dataset_id, other) from error
    if run is None:
        raise unknown_run(run_id)
    return run


def set_plan(
    conn: psycopg.Connection, *, run_id: int, engine: str, plan: Mapping[str, Any], engine_digest: str | None = None
) -> None:
    """Record which engine (and which build of it) the run uses, and with what.

    Raises:
        ConfigError: ``run.unknown``.
    """
    if not execute(conn, "set_plan", run_id=run_id, engine=engine, plan=plan, engine_digest=engine_digest):
        raise unknown_run(run_id)


def set_preflight(conn: psycopg.Connection, *, run_id: int, report: Mapping[str, Any]) -> None:
    """Record the pre-flight report.

    Raises:
        ConfigError: ``run.unknown``.
    """
    if not execute(conn, "set_preflight", run_id=run_id, report=report):
        raise unknown_run(run_id)


def past_engine_runs(conn: psycopg.Connection) -> list[PastEngineRun]:
    """The newest successful engine runs of this installation, at most 200."""
    return fetch_all(conn, "past_engine_runs", PastEngineRun)


def close_run(
    conn: psycopg.Connection,
    *,
    dag_run_id: str,
    state: str,
    code: str | None = None,
    message: str | None = None,
    advice: str | None = None,
    category: str | None = None,
) -> Run | None:
    """Airflow says the run ended: close it, and what it left open of its steps, if it is still active.

    The failure of a step, where one is on record, says more and is taken instead of the words given here.

    Args:
        conn: The ledger.
        dag_run_id: Airflow's run id.
        state: succeeded, degraded, failed or cancelled.
        code: Machine code of the failure.
        message: One sentence, with the numbers.
        advice: What a person can do.
        category: Of the failure; ``cancelled`` is understood for a cancelled run.

    Returns:
        The closed run, or None when there was nothing to close.
    """
    with conn.transaction():
        run = fetch_one(
            conn,
            "close_run",
            Run,
            dag_run_id=dag_run_id,
            state=state,
            code=code,
            category=category,
            message=message,
            advice=advice,
        )
        if run is not None:
            execute(conn, "close_steps", run_id=run.id)
    return run


def unknown_run(run_id: int) -> ConfigError:
    """The error for an id that no run has."""
    return ConfigError(
        "run.unknown",
        f"There is no run {run_id}.",
        advice="Look the run up in the list of the dataset's runs.",
        numbers={"run_id": run_id},
    )


def _active(dataset_id: int, other: Run | None) -> ConfigError:
    name = f"run {other.id} ({other.dag_run_id}, {other.state})" if other else "another run, which ended just now,"
    return ConfigError(
        "run.active",
        f"Dataset {dataset_id} is already being worked on by {name}.",
        advice="Wait for that run to end, or stop it, and then start this one again.",
        numbers={"dataset_id": dataset_id, "active_run_id": other.id if other else None},
    )
