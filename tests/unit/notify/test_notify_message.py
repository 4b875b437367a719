"""The words of a notification, and who may get one."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import pytest

from aerodag.errors import ConfigError, EngineError
from aerodag.notify import TITLES, USUAL_EVENTS, Message, checked_events, recipient_of


def message(event: str = "run.failed", ui_url: str | None = None, **facts: Any) -> Message:
    return Message(
        id=uuid4(), event=event, happened_at=datetime(2026, 11, 21, 12, tzinfo=UTC), facts=facts, ui_url=ui_url
    )


DATASET = {"id": 7, "name": "flight.zip", "owner": "anna"}
RUN = {"id": 3, "dag_run_id": "manual_1", "state": "degraded"}


def test_the_sentence_is_that_of_the_error() -> None:
    error = EngineError("odm.no_result", "ODM made no orthophoto.", advice="See its log.")
    said = message(code=error.code, message=error.message, advice=error.advice).sentence
    assert said == str(error)


def test_a_failure_without_advice_says_no_none() -> None:
    assert message(code="a.b", message="M.", advice=None).sentence == "[a.b] M."


def test_a_run_without_failure_is_told_as_in_its_note() -> None:
    told = message("run.degraded", dataset=DATASET, run=RUN, code=None, message=None)
    assert told.sentence == "Dataset 7 (flight.zip): degraded."
    assert told.subject == "[Aerodag] flight.zip: finished with shortcomings"


def test_an_event_has_its_own_sentence() -> None:
    told = message("disk.warning", message="The disk is 76 % full.", dataset=None, run=None)
    assert told.sentence == "The disk is 76 % full."
    assert told.subject == "[Aerodag] the disk is filling up"
    assert told.links == {}


def test_links_need_to_know_where_the_ui_is() -> None:
    assert message(run=RUN).links == {}
    assert message(run=RUN, ui_url="http://a:8080").links == {"run": "http://a:8080/dags/process_dataset/runs/manual_1"}


def test_a_name_cannot_break_the_subject() -> None:
    told = message(dataset=DATASET | {"name": "a\r\nBcc: all@example.org"})
    assert told.subject == "[Aerodag] a Bcc: all@example.org: failed"


@pytest.mark.parametrize(
    ("given", "channel", "address"),
    [
        (" anna@Example.ORG ", "email", "anna@example.org"),
        ("Anna.B+x@example.org", "email", "Anna.B+x@example.org"),
        ("https://example.org/hook?a=1", "webhook", "https://example.org/hook?a=1"),
        ("http://[::1]:8080/", "webhook", "http://[::1]:8080/"),
    ],
)
def test_addresses(given: str, channel: str, address: str) -> None:
    recipient = recipient_of(given)
    assert (recipient.channel, recipient.address) == (channel, address)
    assert (recipient.secret is not None) == (channel == "webhook")
    assert "example" not in repr(recipient)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "anna",
        "@example.org",
        "anna@",
        "a b@example.org",
        "a@b.c, d@e.f",
        "a@b.c\nBcc: d@e.f",
        "Anna <a@b.c>",
        "ftp://example.org",
        "http://",
        "http://a:99999/",
    ],
)
def test_no_addresses(given: str) -> None:
    with pytest.raises(ConfigError) as caught:
        recipient_of(given)
    assert caught.value.code == "notify.address"


def test_secrets_differ() -> None:
    assert recipient_of("http://a").secret != recipient_of("http://a").secret


def test_events() -> None:
    assert checked_events(["run.failed", "disk.warning", "run.failed"]) == ["run.failed", "disk.warning"]
    assert set(USUAL_EVENTS) <= set(TITLES)
    with pytest.raises(ConfigError, match=r"run\.fail") as caught:
        checked_events(["run.fail"])
    assert "Did you mean run.failed?" in caught.value.advice


def test_that_a_notification_failed_is_never_told() -> None:
    with pytest.raises(ConfigError):
        checked_events(["notification.failed"])
