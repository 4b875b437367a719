"""What is told about a run while it goes: findings, stages of the engine, events."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from aerodag.ledger.database import execute, fetch_all, fetch_one


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """Something worth telling; ``severity`` is info, warning, degraded or error."""

    id: int
    run_id: int
    severity: str
    code: str
    image: str | None
    message: str
    advice: str | None
    numbers: dict[str, Any]
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStage:
    """A stage of the photogrammetry engine; ``percent`` (0 to 100) is of the whole job."""

    run_id: int
    stage: str
    percent: float | None
    started_at: datetime
    finished_at: datetime | None


def add_finding(
    conn: psycopg.Connection,
    *,
    run_id: int,
    severity: str,
    code: str,
    message: str,
    advice: str | None,
    image: str | None = None,
    numbers: Mapping[str, Any] | None = None,
) -> None:
    """Record a finding; the same sentence about the same image again is the same finding.

    A finding of severity degraded or error makes a run that finishes degraded.
    """
    execute(
        conn,
        "add_finding",
        run_id=run_id,
        severity=severity,
        code=code,
        message=message,
        advice=advice,
        image=image,
        numbers=numbers or {},
    )


def list_findings(conn: psycopg.Connection, *, run_id: int) -> list[Finding]:
    """All findings of a run, in the order they were made."""
    return fetch_all(conn, "list_findings", Finding, run_id=run_id)


def record_stage(
    conn: psycopg.Connection, *, run_id: int, stage: str, percent: float | None, started_at: datetime
) -> None:
    """Record progress (``percent`` 0 to 100 of the whole job); a new stage finishes those that started before it."""
    execute(conn, "record_stage", run_id=run_id, stage=stage, percent=percent, started_at=started_at)


def current_stage(conn: psycopg.Connection, *, run_id: int) -> EngineStage | None:
    """The stage the engine is in, the last one it was in, or None."""
    return fetch_one(conn, "current_stage", EngineStage, run_id=run_id)


def add_event(
    conn: psycopg.Connection,
    *,
    kind: str,
    message: str,
    dataset_id: int | None = None,
    run_id: int | None = None,
    details: Mapping[str, Any] | None = None,
) -> None:
    """Append to the journal; a run's event is its dataset's too."""
    execute(conn, "add_event", kind=kind, message=message, dataset_id=dataset_id, run_id=run_id, details=details or {})
