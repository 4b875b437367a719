"""Who wants to be told of what, and the notifications to send. Triggers of the database make them with the fact."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg

from aerodag.ledger.database import execute, fetch_all, query

LEASE = timedelta(minutes=10)


@dataclass(frozen=True, slots=True, kw_only=True)
class Notification:
    """One message to one recipient; ``attempts`` counts this one, ``message_id`` is the same in each of them."""

    id: int
    message_id: UUID
    run_id: int | None
    event: str
    channel: str
    recipient: str
    secret: str | None = field(repr=False)
    payload: dict[str, Any]
    attempts: int
    created_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class DroppedNotification:
    """A notification that is not tried again; ``state`` is failed, or skipped after an unsubscription."""

    id: int
    run_id: int | None
    event: str
    channel: str
    attempts: int
    state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What one address (channel email or webhook) is told of; None for ``owner`` is of all datasets and of none."""

    id: int
    channel: str
    address: str
    owner: str | None
    events: list[str]
    secret: str | None = field(repr=False)
    created_at: datetime
    waiting: int
    sent: int
    failed: int
    last_error: str | None


def subscribe(
    conn: psycopg.Connection,
    *,
    channel: str,
    address: str,
    events: Sequence[str],
    owner: str | None = None,
    secret: str | None = None,
) -> None:
    """Tell ``address`` of ``events`` from now on, instead of those it chose before for the same ``owner``.

    A webhook needs a ``secret``; one that is subscribed already keeps its own.
    """
    execute(conn, "subscribe", channel=channel, address=address, owner=owner, events=sorted(set(events)), secret=secret)


def unsubscribe(conn: psycopg.Connection, *, address: str) -> int:
    """Tell ``address`` nothing more, also not what waits to be sent; returns how many subscriptions ended."""
    return execute(conn, "unsubscribe", address=address)


def list_subscriptions(conn: psycopg.Connection) -> list[Subscription]:
    """All that are active, with what became of their notifications."""
    return fetch_all(conn, "list_subscriptions", Subscription)


def notifications_due(conn: psycopg.Connection) -> bool:
    """Whether there is something to send now; cheap."""
    row = conn.execute(query("notifications_due")).fetchone()
    return bool(row and row[0])


def take_notifications(
    conn: psycopg.Connection, *, limit: int, max_attempts: int, lease: timedelta = LEASE, now: datetime | None = None
) -> list[Notification]:
    """Take what is due; others leave it alone until the lease runs out, when its sender is taken for dead.

    Time is the database's, here and below, where ``now`` is not given.
    """
    return fetch_all(
        conn, "take_notifications", Notification, limit=limit, max_attempts=max_attempts, lease=lease, now=now
    )


def drop_notifications(
    conn: psycopg.Connection, *, max_attempts: int, error: str, now: datetime | None = None
) -> list[DroppedNotification]:
    """Give up, with ``error``, what is due after its last try, and skip what is due to who has unsubscribed."""
    return fetch_all(conn, "drop_notifications", DroppedNotification, max_attempts=max_attempts, error=error, now=now)


def notification_sent(conn: psycopg.Connection, *, notification_id: int) -> None:
    """Record that a notification went out."""
    execute(conn, "notification_sent", notification_id=notification_id)


def notification_failed(
    conn: psycopg.Connection,
    *,
    notification_id: int,
    attempts: int,
    error: str,
    retry_after: timedelta | None,
    now: datetime | None = None,
) -> bool:
    """Record that try number ``attempts`` did not go out; None for ``retry_after`` gives it up.

    Returns False when another sender has taken it over meanwhile.
    """
    return bool(
        execute(
            conn,
            "notification_failed",
            notification_id=notification_id,
            attempts=attempts,
            error=error,
            retry_after=retry_after,
            now=now,
        )
    )
