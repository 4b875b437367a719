"""Questions put to a person before the engine starts, and what was answered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from aerodag.ledger.database import execute, fetch_all


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One question of a run; ``answered_at`` is None while it is open, ``refused`` says why an answer did not count.

    ``verdict`` is go, review or no_go; ``answer`` is Accept, Reject images or Abort.
    """

    id: int
    run_id: int
    asked_at: datetime
    due_at: datetime
    verdict: str
    question: str
    default_answer: str
    answered_at: datetime | None
    answer: str | None
    images: list[str]
    answered_by: str | None
    by_default: bool
    note: str | None
    refused: str | None


def ask_review(
    conn: psycopg.Connection, *, run_id: int, due_at: datetime, verdict: str, question: str, default_answer: str
) -> None:
    """Record that a run waits for a person; of one run only the newest question is open."""
    execute(
        conn,
        "ask_review",
        run_id=run_id,
        due_at=due_at,
        verdict=verdict,
        question=question,
        default_answer=default_answer,
    )


def answer_review(
    conn: psycopg.Connection,
    *,
    run_id: int,
    answered_at: datetime,
    answer: str,
    images: Sequence[str],
    answered_by: str | None,
    by_default: bool,
    note: str | None,
    refused: str | None = None,
) -> None:
    """Record the answer to the open question; ``refused`` where it could not be followed."""
    execute(
        conn,
        "answer_review",
        run_id=run_id,
        answered_at=answered_at,
        answer=answer,
        images=list(images),
        answered_by=answered_by,
        by_default=by_default,
        note=note,
        refused=refused,
    )


def list_reviews(conn: psycopg.Connection, *, run_id: int) -> list[Review]:
    """All questions of a run, oldest first."""
    return fetch_all(conn, "list_reviews", Review, run_id=run_id)


def reject_images(conn: psycopg.Connection, *, dataset_id: int, run_id: int, paths: Sequence[str], reason: str) -> int:
    """Leave assigned images out of a run, also when it assesses its images again; returns how many were met."""
    with conn.transaction():
        execute(conn, "exclude_images", run_id=run_id, paths=list(paths))
        return execute(conn, "reject_images", dataset_id=dataset_id, paths=list(paths), reason=reason)
