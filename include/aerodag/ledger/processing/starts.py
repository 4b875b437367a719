"""Runs to start: first ones of new datasets, and further ones that somebody requested."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from aerodag.ledger.data.datasets import MOST_START_ASKS
from aerodag.ledger.database import execute, fetch_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A run that may start now; ``request_id`` is None for a dataset's first run."""

    dataset_id: int
    request_id: int | None
    dag_run_id: str
    conf: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A dataset that may have to be processed again. ``failures``: failed runs since the last that ended well.

    ``engine``, ``engine_digest`` and ``made_by_version`` are those of the run whose orthophoto is valid now.
    """

    dataset_id: int
    name: str
    first_run_id: str
    upload_type: str
    quarantined: bool
    runs: int
    active: bool
    failures: int
    requested: bool
    has_product: bool
    state: str | None
    failure_code: str | None
    failure_category: str | None
    pipeline_version: str | None
    preset: str
    task_types: list[str]
    options: dict[str, Any]
    include_images: list[str]
    exclude_images: list[str]
    engine: str | None
    engine_digest: str | None
    made_by_version: str | None


def starts_due(conn: psycopg.Connection, *, places: int) -> list[Start]:
    """What may start now, the most urgent and then the oldest first.

    A run may start while fewer than ``places`` runs of the same kind of upload that are as urgent or more are under
    way: a long queue of one kind or class holds up no other. What Airflow was asked for `MOST_START_ASKS` times is left
    to a person.
    """
    return fetch_all(conn, "starts_due", Start, places=places, most_asks=MOST_START_ASKS)


def asked_to_start(conn: psycopg.Connection, start: Start) -> None:
    """Note that Airflow was asked, so that the run is not offered again while Airflow starts it."""
    if start.request_id is None:
        execute(conn, "ask_to_start", dataset_id=start.dataset_id)
    else:
        execute(conn, "ask_to_start_again", request_id=start.request_id)


def reprocessing_candidates(
    conn: psycopg.Connection, *, uploaded_from: datetime, uploaded_to: datetime
) -> list[Candidate]:
    """Every dataset uploaded in a time span, its end excluded; the most urgent and then the oldest first."""
    return fetch_all(conn, "reprocessing_candidates", Candidate, uploaded_from=uploaded_from, uploaded_to=uploaded_to)


def request_start(
    conn: psycopg.Connection,
    *,
    dataset_id: int,
    dag_run_id: str,
    conf: Mapping[str, Any],
    priority: int,
    reason: str,
    requested_by: str,
) -> bool:
    """Request a further run of a dataset; False when that very run was requested before."""
    return bool(
        execute(
            conn,
            "request_start",
            dataset_id=dataset_id,
            dag_run_id=dag_run_id,
            conf=conf,
            priority=priority,
            reason=reason,
            requested_by=requested_by,
        )
    )
