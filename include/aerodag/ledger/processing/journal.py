"""What is told about a run while it goes: findings, stages of the engine, events."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

import psycopg

from aerodag.findings import Finding, Severity
from aerodag.ledger.database import execute, fetch_all, fetch_one, jsonb, query


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordedFinding:
    """A finding and the run and step that made it; ``severity`` is info, warning, degraded or error."""

    id: int
    run_id: int
    step: str
    severity: str
    code: str
    image: str | None
    message: str
    advice: str | None
    numbers: dict[str, Any]
    created_at: datetime

    @property
    def finding(self) -> Finding:
        """The finding itself."""
        return Finding(Severity(self.severity), self.code, self.message, self.advice or "", self.image, self.numbers)


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineStage:
    """A stage of the photogrammetry engine; ``percent`` (0 to 100) is of the whole job."""

    run_id: int
    stage: str
    percent: float | None
    started_at: datetime
    finished_at: datetime | None


def replace_findings(conn: psycopg.Connection, *, run_id: int, step: str, findings: Sequence[Finding]) -> None:
    """Make these the findings of a step of the run: what an earlier try of it found is gone.

    A finding of severity degraded or error makes a run that finishes degraded.
    """
    with conn.transaction():
        execute(conn, "delete_findings", run_id=run_id, step=step)
        execute(conn, "insert_findings", run_id=run_id, step=step, findings=jsonb([asdict(one) for one in findings]))


def list_findings(conn: psycopg.Connection, *, run_id: int) -> list[RecordedFinding]:
    """All findings of a run, in the order they were made."""
    return fetch_all(conn, "list_findings", RecordedFinding, run_id=run_id)


def record_stage(
    conn: psycopg.Connection, *, run_id: int, stage: str, percent: float | None, started_at: datetime
) -> None:
    """Record progress (``percent`` 0 to 100 of the whole job); a new stage finishes those that started before it."""
    execute(conn, "record_stage", run_id=run_id, stage=stage, percent=percent, started_at=started_at)


def current_stage(conn: psycopg.Connection, *, run_id: int) -> EngineStage | None:
    """The stage the engine is in, the last one it was in, or None."""
    return fetch_one(conn, "current_stage", EngineStage, run_id=run_id)


def list_stages(conn: psycopg.Connection, *, run_id: int) -> list[EngineStage]:
    """All stages the engine has been in, in order of their start."""
    return fetch_all(conn, "list_stages", EngineStage, run_id=run_id)


def save_stages(conn: psycopg.Connection, *, run_id: int, stages: Sequence[Mapping[str, Any]]) -> None:
    """Record stages with their start and end: ``stage``, ``percent``, ``started_at`` and ``finished_at`` of each."""
    execute(conn, "save_stages", run_id=run_id, stages=jsonb(stages))


def clear_stages(conn: psycopg.Connection, *, run_id: int, keep: Sequence[str]) -> None:
    """The engine is about to do all stages again but these."""
    execute(conn, "clear_stages", run_id=run_id, keep=list(keep))


def runs_with_stages(conn: psycopg.Connection, *, dataset_id: int, before: int) -> list[int]:
    """Ids of the dataset's other runs in which an engine made something, newest first, at most 20."""
    rows = conn.execute(query("runs_with_stages"), {"dataset_id": dataset_id, "before": before}).fetchall()
    return [int(row[0]) for row in rows]


def copy_stages(conn: psycopg.Connection, *, run_id: int, from_run_id: int) -> None:
    """A run goes on with what another run's engine made."""
    execute(conn, "copy_stages", run_id=run_id, from_run_id=from_run_id)


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
