"""Notifications to send: each recipient is told once of each event of a run."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import psycopg

from aerodag.ledger.database import execute, fetch_all

LEASE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message to one recipient; ``attempts`` counts this one."""

    id: int
    run_id: int
    event: str
    recipient: str
    payload: dict[str, Any]
    attempts: int


def queue_notification(
    conn: psycopg.Connection, *, run_id: int, event: str, recipient: str, payload: Mapping[str, Any]
) -> bool:
    """Queue a notification; returns False when this recipient was already told of this event."""
    return bool(execute(conn, "queue_notification", run_id=run_id, event=event, recipient=recipient, payload=payload))


def take_notifications(conn: psycopg.Connection, *, limit: int, lease: timedelta = LEASE) -> list[Notification]:
    """Take what is due; others leave it alone until the lease runs out, when its sender is taken for dead."""
    return fetch_all(conn, "take_notifications", Notification, limit=limit, lease=lease)


def notification_sent(conn: psycopg.Connection, *, notification_id: int) -> None:
    """Record that a notification went out."""
    execute(conn, "notification_sent", notification_id=notification_id)


def notification_failed(
    conn: psycopg.Connection, *, notification_id: int, error: str, retry_at: datetime | None
) -> None:
    """Record that a notification did not go out; None for ``retry_at`` gives it up."""
    execute(conn, "notification_failed", notification_id=notification_id, error=error, retry_at=retry_at)
