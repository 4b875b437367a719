"""`aerodag notify`, on a real ledger."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import psycopg
import pytest
from standardwebhooks import Webhook

from aerodag import ledger
from aerodag.cli import main
from aerodag.settings import get_settings
from servers.notifications import Hook, hook_server

Command = Callable[..., tuple[int, str]]


@pytest.fixture
def hook() -> Iterator[Hook]:
    with hook_server() as server:
        yield server


@pytest.fixture
def notify(database_url: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Command]:
    """Runs ``aerodag notify``; returns exit code and all that it printed."""
    monkeypatch.setenv("AERODAG_DATABASE_URL", database_url)
    monkeypatch.setenv("COLUMNS", "200")
    get_settings.cache_clear()

    def run(*arguments: str) -> tuple[int, str]:
        code = main(["notify", *arguments])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    yield run
    get_settings.cache_clear()


def test_people_choose(ledger_connection: psycopg.Connection, notify: Command) -> None:
    code, text = notify("subscribe", "https://example.org/hook", "--events", "run.failed", "disk.warning")
    assert code == 0
    (hook,) = ledger.list_subscriptions(ledger_connection)
    assert hook.events == ["disk.warning", "run.failed"]
    assert hook.secret
    assert hook.secret in text

    assert notify("subscribe", "anna@Example.org", "--owner", "anna")[0] == 0
    code, text = notify("list")
    assert code == 0
    assert "anna@example.org" in text
    assert "run.degraded" in text
    assert hook.secret not in text

    assert notify("unsubscribe", "anna@example.org")[0] == 0
    assert [one.address for one in ledger.list_subscriptions(ledger_connection)] == ["https://example.org/hook"]


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (("subscribe", "nobody"), "notify.address"),
        (("subscribe", "a@b.c", "--events", "run.exploded"), "notify.event_unknown"),
        (("unsubscribe", "a@b.c"), "notify.not_subscribed"),
        (("test", "a@b.c"), "notify.not_subscribed"),
    ],
)
def test_mistakes(notify: Command, arguments: tuple[str, ...], code: str) -> None:
    status, text = notify(*arguments)
    assert status == 1
    assert code in text


def test_a_test_message_arrives_or_says_why_not(
    ledger_connection: psycopg.Connection, notify: Command, hook: Hook
) -> None:
    notify("subscribe", hook.url)
    assert notify("test", hook.url) == (0, "sent\n")
    ((headers, body),) = hook.got
    secret = ledger.list_subscriptions(ledger_connection)[0].secret
    assert secret
    assert Webhook(secret).verify(body, headers)["type"] == "notify.test"
    assert json.loads(body)["data"]["sentence"] == "This is a test; notifications reach you."
    hook.status = 500
    status, text = notify("test", hook.url)
    assert status == 1
    assert "[notify.webhook_failed] The webhook answered 500" in text
    assert ledger_connection.execute("select count(*) from aerodag.outbox").fetchone() == (0,)
