"""Senders and the outbox: the schedule, several at once, and one that is killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row
from standardwebhooks import Webhook

from aerodag import ledger
from aerodag.ledger.notifications import LEASE
from aerodag.notify.addresses import new_secret
from aerodag.pipeline.notifying import AT_ONCE, Delivered, deliver_due
from aerodag.settings import Mail, Settings, Webhooks
from cases.ledger import OUT_OF_MEMORY, Flow
from servers.notifications import Hook, Post, hook_server, post_server

SECRET = new_secret()
LATER = datetime.now(UTC) + timedelta(hours=1)
SENDER = """
import sys
from aerodag import ledger
from aerodag.pipeline.notifying import deliver_due
from aerodag.settings import Settings
with ledger.connect(sys.argv[1]) as conn:
    print(deliver_due(conn, Settings()))
"""


@pytest.fixture
def conn(ledger_connection: psycopg.Connection) -> psycopg.Connection:
    return ledger_connection


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hook_server() as server:
        yield server


@pytest.fixture
def post() -> Iterator[Post]:
    with post_server() as server:
        yield server


def settings(post: Post | None = None, seconds: float = 5.0) -> Settings:
    mail = Mail(host="127.0.0.1", port=post.port, starttls=False, seconds=seconds) if post else Mail()
    return Settings(mail=mail, webhooks=Webhooks(seconds=seconds, ui_url="http://ui"))


def subscribe(conn: psycopg.Connection, hook: Hook, *events: str) -> None:
    ledger.subscribe(conn, channel="webhook", address=hook.url, events=events or ["disk.warning"], secret=SECRET)


def happen(conn: psycopg.Connection, times: int = 1) -> None:
    for number in range(times):
        ledger.add_event(conn, kind="disk.warning", message=f"Warning {number}.")


def outbox(conn: psycopg.Connection) -> list[dict[str, Any]]:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("select * from aerodag.outbox order by id").fetchall()


def given_up(conn: psycopg.Connection) -> list[tuple[int | None, str]]:
    query = "select run_id, message from aerodag.event where kind = 'notification.failed'"
    return conn.execute(query).fetchall()


def test_a_failure_reaches_mail_and_webhook_in_the_same_words(flow: Flow, hook: Hook, post: Post) -> None:
    conn = flow.conn
    subscribe(conn, hook, "run.failed")
    ledger.subscribe(conn, channel="email", address="op@example.org", events=["run.failed"])
    flow.open()
    flow.start("odm")
    flow.end("odm", "failed", OUT_OF_MEMORY)
    assert ledger.notifications_due(conn)
    assert deliver_due(conn, settings(post)) == Delivered(sent=2)
    assert not ledger.notifications_due(conn)
    assert deliver_due(conn, settings(post)) == Delivered()

    ((headers, body),) = hook.got
    data = Webhook(SECRET).verify(body, headers)["data"]
    (note,) = [row[0] for row in conn.execute(ledger.query("run_note"), {"dag_run_id": "manual_1"}).fetchall()]
    assert data["sentence"] == note
    assert data["links"] == {"run": "http://ui/dags/process_dataset/runs/manual_1"}
    (mail,) = post.got
    text = mail.get_body(("plain",))
    assert text
    assert note in " ".join(str(text.get_content()).split())
    identities = {str(row["message_id"]) for row in outbox(conn)}
    assert {headers["webhook-id"].removeprefix("msg_"), mail["Message-ID"].strip("<>").split("@")[0]} == identities
    assert {(row["state"], row["attempts"], row["error"]) for row in outbox(conn)} == {("sent", 1, None)}


def test_the_schedule(flow: Flow, hook: Hook) -> None:
    """5 minutes after the first try, 30 after the second, and after the third never again."""
    conn = flow.conn
    subscribe(conn, hook, "run.cancelled")
    run = flow.open()
    ledger.close_run(conn, dag_run_id="manual_1", state="cancelled", code="run.stopped", message="M.", advice="A.")
    hook.status = 503
    second, almost = timedelta(seconds=1), timedelta(minutes=5) - timedelta(seconds=1)

    def tries(now: datetime) -> int:
        deliver_due(conn, settings(), now=now)
        return len(hook.got)

    assert tries(LATER) == 1
    assert tries(LATER + almost) == 1
    assert tries(LATER + almost + second) == 2
    third = LATER + timedelta(minutes=35)
    assert tries(third - second) == 2
    assert outbox(conn)[0]["state"] == "pending"
    assert given_up(conn) == []
    assert tries(third) == 3
    assert tries(third + timedelta(days=365)) == 3
    (row,) = outbox(conn)
    assert (row["state"], row["attempts"]) == ("failed", 3)
    assert "The webhook answered 503: so it is" in row["error"]
    assert len(set(hook.ids)) == 1
    ((about, message),) = given_up(conn)
    assert about == run.id
    assert "notify.webhook_failed" in message
    assert hook.url not in message


def test_it_goes_out_at_the_second_try(conn: psycopg.Connection, hook: Hook) -> None:
    subscribe(conn, hook)
    happen(conn)
    hook.status = 429
    assert deliver_due(conn, settings(), now=LATER) == Delivered(delayed=1)
    hook.status = 200
    assert deliver_due(conn, settings(), now=LATER + timedelta(minutes=5)) == Delivered(sent=1)
    (row,) = outbox(conn)
    assert (row["state"], row["attempts"], row["error"]) == ("sent", 2, None)


@pytest.mark.parametrize("status", [302, 401, 404, 410])
def test_a_refusal_is_final(conn: psycopg.Connection, hook: Hook, status: int) -> None:
    subscribe(conn, hook)
    happen(conn)
    hook.status = status
    assert deliver_due(conn, settings()) == Delivered(failed=1)
    assert len(given_up(conn)) == 1
    assert [one.failed for one in ledger.list_subscriptions(conn)] == [1]


def test_a_failed_notification_tells_nobody(conn: psycopg.Connection, hook: Hook) -> None:
    subscribe(conn, hook, "disk.warning", "notification.failed")
    happen(conn)
    hook.status = 404
    assert deliver_due(conn, settings()) == Delivered(failed=1)
    assert deliver_due(conn, settings()) == Delivered()
    assert len(hook.got) == 1


def test_without_a_mail_server_mail_is_given_up_at_once(conn: psycopg.Connection) -> None:
    ledger.subscribe(conn, channel="email", address="op@example.org", events=["disk.warning"])
    happen(conn)
    assert deliver_due(conn, settings()) == Delivered(failed=1)
    assert "AERODAG_MAIL__HOST" in outbox(conn)[0]["error"]
    ((_, message),) = given_up(conn)
    assert "op@example.org" not in message


def test_who_has_unsubscribed_gets_nothing_that_waits(conn: psycopg.Connection, hook: Hook) -> None:
    subscribe(conn, hook)
    happen(conn, 2)
    ledger.unsubscribe(conn, address=hook.url)
    assert deliver_due(conn, settings()) == Delivered(skipped=2)
    assert hook.got == []
    assert {row["state"] for row in outbox(conn)} == {"skipped"}
    assert given_up(conn) == []
    assert not ledger.notifications_due(conn)


def test_two_senders_send_each_once(conn: psycopg.Connection, database_url: str, hook: Hook) -> None:
    subscribe(conn, hook)
    happen(conn, 60)
    hook.delay = 0.02
    done: list[Delivered] = []

    def deliver() -> None:
        with ledger.connect(database_url) as other:
            done.append(deliver_due(other, settings()))

    senders = [threading.Thread(target=deliver) for _ in range(2)]
    for sender in senders:
        sender.start()
    for sender in senders:
        sender.join()
    assert sum(one.sent for one in done) == 60
    assert all(one.sent for one in done), "both had a share"
    assert Counter(hook.ids).most_common(1)[0][1] == 1
    assert len(hook.got) == 60


def test_one_that_does_not_answer_keeps_nobody_waiting(conn: psycopg.Connection, hook: Hook) -> None:
    with hook_server() as slow:
        slow.delay = 30
        subscribe(conn, slow)
        happen(conn, 24)
        subscribe(conn, hook)
        happen(conn)
        sender = threading.Thread(target=deliver_due, args=(conn, settings(seconds=2.0)))
        sender.start()
        assert hook.arrived.wait(30)
        assert len(slow.got) <= AT_ONCE, "it was among the first, not after 24 others"
        sender.join()
    states = Counter(row["state"] for row in outbox(conn))
    assert states == {"pending": 25, "sent": 1}


@pytest.fixture
def held(conn: psycopg.Connection, database_url: str, hook: Hook) -> subprocess.Popen[str]:
    """A sender in a process of its own, whose message has arrived and is not answered yet."""
    subscribe(conn, hook)
    happen(conn)
    hook.delay = 30
    process = subprocess.Popen(
        [sys.executable, "-c", SENDER, database_url], stdout=subprocess.PIPE, text=True, env=dict(os.environ)
    )
    assert hook.arrived.wait(30)
    hook.delay = 0
    return process


def test_a_killed_sender_is_followed_by_one_repeat_under_the_same_id(
    conn: psycopg.Connection, hook: Hook, held: subprocess.Popen[str]
) -> None:
    held.send_signal(signal.SIGKILL)
    held.wait()
    assert outbox(conn)[0]["state"] == "sending"
    assert deliver_due(conn, settings()) == Delivered(), "the lease holds"
    now = datetime.now(UTC) + LEASE
    assert deliver_due(conn, settings(), now=now) == Delivered(sent=1)
    assert deliver_due(conn, settings(), now=now + timedelta(days=1)) == Delivered()
    assert len(hook.ids) == 2
    assert len(set(hook.ids)) == 1
    assert (outbox(conn)[0]["state"], outbox(conn)[0]["attempts"]) == ("sent", 2)


def test_senders_that_die_each_time_are_given_up(conn: psycopg.Connection, hook: Hook) -> None:
    subscribe(conn, hook)
    happen(conn)
    for number in range(3):
        (taken,) = ledger.take_notifications(conn, limit=9, max_attempts=3, now=LATER + number * LEASE)
        assert taken.attempts == number + 1
    assert deliver_due(conn, settings(), now=LATER + 3 * LEASE) == Delivered(failed=1)
    assert hook.got == []
    assert "not known" in outbox(conn)[0]["error"]
    assert len(given_up(conn)) == 1


def test_a_sender_that_was_taken_for_dead_changes_nothing(conn: psycopg.Connection, hook: Hook) -> None:
    subscribe(conn, hook)
    happen(conn)
    (slow,) = ledger.take_notifications(conn, limit=9, max_attempts=3, lease=timedelta(0))
    (other,) = ledger.take_notifications(conn, limit=9, max_attempts=3)
    ledger.notification_sent(conn, notification_id=other.id)
    held = ledger.notification_failed(
        conn, notification_id=slow.id, attempts=slow.attempts, error="slow", retry_after=timedelta(0)
    )
    assert not held
    assert outbox(conn)[0]["state"] == "sent"
