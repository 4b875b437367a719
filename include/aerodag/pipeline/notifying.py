"""The outbox is sent: each notification until its recipient's server has taken it, at most three times."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Final
from uuid import uuid4

import psycopg
import structlog

from aerodag import ledger, notify
from aerodag.errors import AerodagError, Retry
from aerodag.settings import Settings

log = structlog.get_logger(__name__)

# After the first try, after the second; there is no fourth.
DELAYS: Final = (timedelta(minutes=5), timedelta(minutes=30))
MAX_ATTEMPTS: Final = len(DELAYS) + 1
AT_ONCE: Final = 8
SENDER_DIED: Final = "The process that sent it ended in each try; whether it arrived is not known."


@dataclass(frozen=True, slots=True)
class Delivered:
    """What became of the notifications that were due."""

    sent: int = 0
    delayed: int = 0
    failed: int = 0
    skipped: int = 0


def deliver_due(conn: psycopg.Connection, settings: Settings, *, now: datetime | None = None) -> Delivered:
    """Send all that is due, a few at a time; any number of senders may do so at once.

    A sender that is killed between sending and recording leaves its rows to the next one, after their lease: such a
    message is sent once more, under the same id.

    Args:
        conn: The ledger, autocommit.
        settings: Mail server, time limits and the address of the UI.
        now: The present where it is not the clocks'; for the schedule only.
    """
    done = _drop(conn, now)
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="notify") as pool:
        while taken := ledger.take_notifications(conn, limit=AT_ONCE, max_attempts=MAX_ATTEMPTS, now=now):
            sending = {pool.submit(_send, one, settings): one for one in taken}
            for future in as_completed(sending):
                done = _record(conn, sending[future], future, done, now)
    return done


def send_test(subscription: ledger.Subscription, settings: Settings) -> None:
    """Send a message without a fact behind it to a subscriber, now.

    Raises:
        AerodagError: It was not taken; the sentence says why.
    """
    message = notify.Message(
        id=uuid4(),
        event=notify.TEST_EVENT,
        happened_at=datetime.now(UTC),
        facts={"message": "This is a test; notifications reach you."},
        ui_url=settings.webhooks.ui_url,
    )
    recipient = notify.Recipient(subscription.channel, subscription.address, subscription.secret)
    notify.send(message, recipient, settings.mail, settings.webhooks, datetime.now(UTC))


def _send(one: ledger.Notification, settings: Settings) -> None:
    message = notify.Message(
        id=one.message_id,
        event=one.event,
        happened_at=one.created_at,
        facts=one.payload,
        ui_url=settings.webhooks.ui_url,
    )
    recipient = notify.Recipient(one.channel, one.recipient, one.secret)
    notify.send(message, recipient, settings.mail, settings.webhooks, datetime.now(UTC))


def _record(
    conn: psycopg.Connection,
    one: ledger.Notification,
    future: Future[None],
    done: Delivered,
    now: datetime | None,
) -> Delivered:
    error = future.exception()
    if error is None:
        ledger.notification_sent(conn, notification_id=one.id)
        return replace(done, sent=done.sent + 1)
    final = one.attempts >= MAX_ATTEMPTS or getattr(error, "retry", Retry.SAME) is Retry.NEVER
    with conn.transaction():
        held = ledger.notification_failed(
            conn,
            notification_id=one.id,
            attempts=one.attempts,
            error=str(error) or type(error).__name__,
            retry_after=None if final else DELAYS[one.attempts - 1],
            now=now,
        )
        if held and final:
            _give_up(conn, one, error.code if isinstance(error, AerodagError) else type(error).__name__)
    if not held:
        return done
    return replace(done, failed=done.failed + 1) if final else replace(done, delayed=done.delayed + 1)


def _drop(conn: psycopg.Connection, now: datetime | None) -> Delivered:
    with conn.transaction():
        dropped = ledger.drop_notifications(conn, max_attempts=MAX_ATTEMPTS, error=SENDER_DIED, now=now)
        failed = [one for one in dropped if one.state == "failed"]
        for one in failed:
            _give_up(conn, one, "notify.sender_died")
    return Delivered(failed=len(failed), skipped=len(dropped) - len(failed))


def _give_up(conn: psycopg.Connection, one: ledger.Notification | ledger.DroppedNotification, code: str) -> None:
    """Tell the journal, which people read who may not know the address or the server's words about it."""
    log.warning("notification given up", notification=one.id, told=one.event, channel=one.channel, code=code)
    ledger.add_event(
        conn,
        kind="notification.failed",
        message=f"Notification {one.id} ({one.event}, {one.channel}) was given up after try {one.attempts}: {code}. "
        "`aerodag notify list` says more.",
        run_id=one.run_id,
        details={"notification_id": one.id, "event": one.event, "channel": one.channel, "code": code},
    )
