"""Notifications come into being together with what they tell, once for each recipient."""

from __future__ import annotations

import threading
from typing import Any

import psycopg
import pytest
from psycopg import errors

from aerodag import ledger
from aerodag.findings import Finding, Severity
from cases.ledger import OUT_OF_MEMORY, PIPELINE, Flow

ENDS = ("run.succeeded", "run.degraded", "run.failed", "run.cancelled")


def subscribe(
    conn: psycopg.Connection, *events: str, address: str = "op@example.org", owner: str | None = None
) -> None:
    ledger.subscribe(conn, channel="email", address=address, events=events, owner=owner)


def told(conn: psycopg.Connection) -> list[tuple[str, str]]:
    return conn.execute("select event, recipient from aerodag.outbox order by id").fetchall()


def payload(conn: psycopg.Connection) -> dict[str, Any]:
    ((found,),) = conn.execute("select payload from aerodag.outbox").fetchall()
    return dict(found)


def test_a_run_that_succeeds(flow: Flow) -> None:
    subscribe(flow.conn, *ENDS)
    flow.open()
    flow.play(*PIPELINE)
    assert flow.run.state == "succeeded"
    assert told(flow.conn) == [("run.succeeded", "op@example.org")]
    facts = payload(flow.conn)
    assert facts["dataset"] == {"id": flow.dataset_id, "name": "flight.zip", "owner": "anna"}
    assert (facts["run"]["dag_run_id"], facts["run"]["state"]) == ("manual_1", "succeeded")
    assert (facts["code"], facts["findings"]) == (None, [])


def test_a_run_that_fails_says_why(flow: Flow) -> None:
    subscribe(flow.conn, *ENDS)
    flow.open()
    flow.start("odm")
    flow.end("odm", "retrying", OUT_OF_MEMORY)
    assert told(flow.conn) == [], "it is tried again"
    flow.start("odm")
    flow.end("odm", "failed", OUT_OF_MEMORY)
    assert told(flow.conn) == [("run.failed", "op@example.org")]
    facts = payload(flow.conn)
    assert facts["code"] == OUT_OF_MEMORY.code
    assert facts["category"] == "resources"
    assert (facts["message"], facts["advice"]) == (OUT_OF_MEMORY.message, OUT_OF_MEMORY.advice)


def test_a_degraded_run_says_what_is_wrong_with_it(flow: Flow) -> None:
    subscribe(flow.conn, *ENDS)
    run = flow.open()
    degraded = [Finding(Severity.DEGRADED, "odm.holes", f"Hole {n}.", "Fly again.") for n in range(9)]
    info = Finding(Severity.INFO, "a.b", "Fine.")
    ledger.replace_findings(flow.conn, run_id=run.id, step="odm", findings=[info, *degraded])
    flow.play(*PIPELINE)
    assert told(flow.conn) == [("run.degraded", "op@example.org")]
    findings = payload(flow.conn)["findings"]
    assert [one["message"] for one in findings] == [f"Hole {n}." for n in range(5)]


@pytest.mark.parametrize("state", ["failed", "cancelled", "succeeded", "degraded"])
def test_a_run_that_airflow_ends(flow: Flow, state: str) -> None:
    subscribe(flow.conn, *ENDS)
    flow.open()
    ledger.close_run(flow.conn, dag_run_id="manual_1", state=state, code="run.ended", message="M.", advice="A.")
    assert told(flow.conn) == [(f"run.{state}", "op@example.org")]


def test_a_rollback_leaves_none(flow: Flow) -> None:
    subscribe(flow.conn, "run.failed", "disk.warning")
    flow.open()
    with pytest.raises(KeyboardInterrupt), flow.conn.transaction():  # noqa: PT012
        flow.start("odm")
        flow.end("odm", "failed", OUT_OF_MEMORY)
        ledger.add_event(flow.conn, kind="disk.warning", message="76 % full.")
        assert len(told(flow.conn)) == 2
        raise KeyboardInterrupt
    assert flow.run.state == "queued"
    assert told(flow.conn) == []


def test_each_end_of_a_run_is_told_once(flow: Flow) -> None:
    """Cleared and failed again, then cleared and succeeded; another run of the dataset is told anew."""
    subscribe(flow.conn, *ENDS)
    flow.open()
    for _ in range(2):
        flow.start("odm")
        flow.end("odm", "failed", OUT_OF_MEMORY)
        assert flow.run.state == "failed"
    flow.play(*PIPELINE)
    assert [event for event, _ in told(flow.conn)] == ["run.failed", "run.succeeded"]
    again = Flow(flow.conn, flow.dataset_id, dag_run_id="manual_2")
    again.open()
    again.start("odm")
    again.end("odm", "failed", OUT_OF_MEMORY)
    assert [event for event, _ in told(flow.conn)] == ["run.failed", "run.succeeded", "run.failed"]


def test_a_run_that_two_processes_close_at_once(flow: Flow, database_url: str) -> None:
    subscribe(flow.conn, *ENDS)
    flow.open()

    def close() -> None:
        with ledger.connect(database_url) as conn:
            ledger.close_run(conn, dag_run_id="manual_1", state="failed", code="run.ended", message="M.", advice="A.")

    closers = [threading.Thread(target=close) for _ in range(6)]
    for closer in closers:
        closer.start()
    for closer in closers:
        closer.join()
    assert told(flow.conn) == [("run.failed", "op@example.org")]


def test_an_owner_hears_of_own_datasets_only(flow: Flow) -> None:
    subscribe(flow.conn, "run.failed", address="anna@example.org", owner="anna")
    subscribe(flow.conn, "run.failed", "disk.warning", address="bo@example.org", owner="bo")
    subscribe(flow.conn, "run.failed", "disk.warning", address="op@example.org")
    flow.open()
    ledger.close_run(flow.conn, dag_run_id="manual_1", state="failed", code="run.ended")
    ledger.add_event(flow.conn, kind="disk.warning", message="76 % full.")
    assert told(flow.conn) == [
        ("run.failed", "anna@example.org"),
        ("run.failed", "op@example.org"),
        ("disk.warning", "op@example.org"),
    ]


def test_two_subscriptions_of_one_address_tell_it_once(flow: Flow) -> None:
    subscribe(flow.conn, "run.failed")
    subscribe(flow.conn, "run.failed", owner="anna")
    flow.open()
    ledger.close_run(flow.conn, dag_run_id="manual_1", state="failed", code="run.ended")
    assert told(flow.conn) == [("run.failed", "op@example.org")]


def test_events_of_a_run_are_told_once_and_those_of_none_each(flow: Flow) -> None:
    subscribe(flow.conn, "review.needed", "disk.warning", "quarantine.expired")
    run = flow.open()
    for _ in range(2):
        ledger.add_event(flow.conn, kind="review.needed", message="Look.", run_id=run.id)
        ledger.add_event(flow.conn, kind="quarantine.expired", message="Old.", dataset_id=flow.dataset_id)
        ledger.add_event(flow.conn, kind="disk.warning", message="76 % full.")
        ledger.add_event(flow.conn, kind="nobody.cares", message="No.")
    events = [event for event, _ in told(flow.conn)]
    assert sorted(events) == ["disk.warning"] * 2 + ["quarantine.expired"] * 2 + ["review.needed"]
    rows = flow.conn.execute(
        "select event, payload -> 'dataset' ->> 'name', payload -> 'run' ->> 'id', payload ->> 'message'"
        " from aerodag.outbox order by id limit 3"
    ).fetchall()
    assert rows == [
        ("review.needed", "flight.zip", str(run.id), "Look."),
        ("quarantine.expired", "flight.zip", None, "Old."),
        ("disk.warning", None, None, "76 % full."),
    ]


def test_that_a_notification_failed_is_never_told(flow: Flow) -> None:
    subscribe(flow.conn, "notification.failed")
    ledger.add_event(flow.conn, kind="notification.failed", message="No.", dataset_id=flow.dataset_id)
    assert told(flow.conn) == []


def test_preferences_change(flow: Flow) -> None:
    conn = flow.conn
    subscribe(conn, "disk.warning")
    ledger.add_event(conn, kind="disk.warning", message="76 %")
    subscribe(conn, "disk.stopped", "disk.stopped")
    ledger.add_event(conn, kind="disk.warning", message="77 %")
    ledger.add_event(conn, kind="disk.stopped", message="91 %")
    assert [event for event, _ in told(conn)] == ["disk.warning", "disk.stopped"]
    (one,) = ledger.list_subscriptions(conn)
    assert (one.events, one.waiting, one.sent) == (["disk.stopped"], 2, 0)

    assert ledger.unsubscribe(conn, address="op@example.org") == 1
    assert ledger.unsubscribe(conn, address="op@example.org") == 0
    assert ledger.list_subscriptions(conn) == []
    ledger.add_event(conn, kind="disk.stopped", message="92 %")
    assert len(told(conn)) == 2


def test_a_new_secret_comes_with_a_new_subscription_only(flow: Flow) -> None:
    hook = {"channel": "webhook", "address": "https://example.org/"}

    def secret_after(secret: str) -> str | None:
        ledger.subscribe(flow.conn, **hook, events=["run.failed"], secret=secret)
        return ledger.list_subscriptions(flow.conn)[0].secret

    assert secret_after("whsec_one") == "whsec_one"
    assert secret_after("whsec_two") == "whsec_one"
    ledger.unsubscribe(flow.conn, address=hook["address"])
    assert secret_after("whsec_two") == "whsec_two"
    assert "whsec" not in repr(ledger.list_subscriptions(flow.conn))
    with pytest.raises(errors.CheckViolation):
        ledger.subscribe(flow.conn, channel="webhook", address="https://b/", events=["run.failed"])
