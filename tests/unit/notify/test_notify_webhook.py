"""Webhooks, sent to a real server and verified with the reference library."""

from __future__ import annotations

import json
import socket
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from standardwebhooks import Webhook, WebhookVerificationError

from aerodag.errors import AerodagError, Retry
from aerodag.notify.addresses import Recipient, new_secret
from aerodag.notify.message import Message
from aerodag.notify.webhook import send_webhook
from aerodag.settings import Webhooks
from servers.notifications import Hook, hook_server

MESSAGE = Message(
    id=uuid4(),
    event="run.failed",
    happened_at=datetime(2026, 11, 21, 12, tzinfo=UTC),
    facts={
        "code": "odm.out_of_memory",
        "message": "ODM needed more than 64 GB – ü.",
        "advice": "Use fewer images.",
        "dataset": {"id": 7, "name": "flight.zip", "owner": "anna"},
        "run": {"id": 3, "dag_run_id": "a/b c", "state": "failed"},
    },
    ui_url="https://airflow.example.org/",
)


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hook_server() as server:
        yield server


def post(hook: Hook, secret: str | None = None, seconds: float = 5.0, now: datetime | None = None) -> None:
    recipient = Recipient("webhook", hook.url, secret or new_secret())
    send_webhook(MESSAGE, recipient, Webhooks(seconds=seconds), now or datetime.now(UTC))


def failure(hook: Hook, **how: float) -> AerodagError:
    with pytest.raises(AerodagError) as caught:
        post(hook, seconds=how.get("seconds", 5.0))
    return caught.value


def test_the_reference_library_verifies_it(hook: Hook) -> None:
    secret = new_secret()
    post(hook, secret)
    ((headers, body),) = hook.got
    said = Webhook(secret).verify(body, headers)
    assert said["type"] == "run.failed"
    assert said["timestamp"] == "2026-11-21T12:00:00+00:00"
    data = said["data"]
    assert data["sentence"] == "[odm.out_of_memory] ODM needed more than 64 GB – ü. Use fewer images."
    assert data["dataset"]["name"] == "flight.zip"
    assert data["links"] == {"run": "https://airflow.example.org/dags/process_dataset/runs/a%2Fb%20c"}
    assert headers["content-type"] == "application/json"
    assert headers["webhook-id"] == f"msg_{MESSAGE.id}"
    with pytest.raises(WebhookVerificationError):
        Webhook(new_secret()).verify(body, headers)
    with pytest.raises(WebhookVerificationError):
        Webhook(secret).verify(body.replace("anna", "bo"), headers)


def test_a_repeat_has_the_same_id_and_body_and_its_own_time(hook: Hook) -> None:
    now = datetime.now(UTC)
    post(hook, now=now)
    post(hook, now=now + timedelta(minutes=5))
    (first, first_body), (second, second_body) = hook.got
    assert first["webhook-id"] == second["webhook-id"]
    assert first_body == second_body
    assert int(second["webhook-timestamp"]) - int(first["webhook-timestamp"]) == 300


@pytest.mark.parametrize("status", [200, 202, 204, 299])
def test_taken(hook: Hook, status: int) -> None:
    hook.status = status
    post(hook)
    assert len(hook.got) == 1


@pytest.mark.parametrize(
    ("status", "retry"),
    [
        (400, Retry.NEVER),
        (404, Retry.NEVER),
        (410, Retry.NEVER),
        (408, Retry.SAME),
        (429, Retry.SAME),
        (500, Retry.SAME),
        (503, Retry.SAME),
    ],
)
def test_not_taken(hook: Hook, status: int, retry: Retry) -> None:
    hook.status = status
    error = failure(hook)
    assert error.retry is retry
    assert f"{status}: so it is" in error.message


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(hook: Hook, status: int) -> None:
    with hook_server() as elsewhere:
        hook.status, hook.location = status, elsewhere.url
        assert failure(hook).retry is Retry.NEVER
        assert elsewhere.got == []


def test_a_server_that_does_not_answer_in_time(hook: Hook) -> None:
    hook.delay = 3
    begun = time.monotonic()
    error = failure(hook, seconds=0.5)
    assert (error.code, error.retry) == ("notify.webhook_unreachable", Retry.SAME)
    assert time.monotonic() - begun < 2


def test_a_server_that_answers_byte_by_byte_holds_nobody(hook: Hook) -> None:
    hook.drip = True
    begun = time.monotonic()
    assert failure(hook, seconds=0.8).code == "notify.webhook_unreachable"
    assert time.monotonic() - begun < 2.5


def test_nobody_there() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    error = failure(Hook(url=f"http://127.0.0.1:{port}/"))
    assert (error.code, error.retry) == ("notify.webhook_unreachable", Retry.SAME)


@pytest.mark.parametrize("url", ["ftp://example.org/x", "file:///etc/passwd", "http://", "http://a:b:c/"])
def test_only_the_web(url: str) -> None:
    assert failure(Hook(url=url)).retry is Retry.NEVER


@pytest.mark.parametrize("secret", ["whsec_", "whsec_?", "whsec_abc"])
def test_a_damaged_secret_sends_nothing(hook: Hook, secret: str) -> None:
    with pytest.raises(AerodagError) as caught:
        post(hook, secret=secret)
    assert caught.value.retry is Retry.NEVER
    assert hook.got == []


def test_json_is_for_machines_of_all_kinds() -> None:
    assert MESSAGE.to_json().isascii()
    assert json.loads(MESSAGE.to_json())["data"]["message"].endswith("ü.")
