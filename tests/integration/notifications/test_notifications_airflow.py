"""The notify DAG's parts: what waits, and what sends."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import psycopg
import pytest
from airflow.sdk.exceptions import TaskDeferred
from psycopg.conninfo import conninfo_to_dict

from aerodag import ledger
from aerodag.airflow.operators.deliver import DeliverOperator
from aerodag.airflow.triggers.outbox import OutboxTrigger
from aerodag.notify.addresses import new_secret
from aerodag.settings import get_settings
from servers.notifications import Hook, hook_server


def connect_airflow(monkeypatch: pytest.MonkeyPatch, url: str, **changes: Any) -> None:
    parts = conninfo_to_dict(url) | changes
    connection = {"conn_type": "postgres", "host": parts["host"], "schema": parts["dbname"], "port": parts.get("port")}
    login = {"login": parts["user"], "password": parts["password"]}
    monkeypatch.setenv("AIRFLOW_CONN_AERODAG", json.dumps(connection | login))


@pytest.fixture
def conn(
    ledger_connection: psycopg.Connection, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> Iterator[psycopg.Connection]:
    """The ledger that Airflow's connection names too."""
    connect_airflow(monkeypatch, database_url)
    get_settings.cache_clear()
    yield ledger_connection
    get_settings.cache_clear()


@pytest.fixture
def hook(conn: psycopg.Connection) -> Iterator[Hook]:
    with hook_server() as server:
        ledger.subscribe(conn, channel="webhook", address=server.url, events=["disk.warning"], secret=new_secret())
        yield server


def happen(conn: psycopg.Connection) -> None:
    ledger.add_event(conn, kind="disk.warning", message="76 % full.")


async def fires(trigger: OutboxTrigger) -> None:
    await asyncio.wait_for(anext(trigger.run()), 10)


def test_the_trigger_fires_when_there_is_something_to_tell(conn: psycopg.Connection, hook: Hook) -> None:
    trigger = OutboxTrigger(poll_seconds=0.05)

    async def told_meanwhile() -> None:
        waiting = asyncio.ensure_future(fires(trigger))
        await asyncio.sleep(0.3)
        assert not waiting.done()
        happen(conn)
        await waiting

    asyncio.run(told_meanwhile())


def test_a_database_that_is_away_for_a_moment_only_delays(
    conn: psycopg.Connection, hook: Hook, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    happen(conn)
    connect_airflow(monkeypatch, database_url, host="127.0.0.1", port=1)

    async def back_meanwhile() -> None:
        waiting = asyncio.ensure_future(fires(OutboxTrigger(poll_seconds=0.05)))
        await asyncio.sleep(0.5)
        assert not waiting.done()
        connect_airflow(monkeypatch, database_url)
        await waiting

    asyncio.run(back_meanwhile())


def test_a_triggerer_can_make_the_trigger_again() -> None:
    path, arguments = OutboxTrigger(poll_seconds=3.0).serialize()
    module, name = path.rsplit(".", 1)
    assert getattr(import_module(module), name)(**arguments).serialize() == (path, {"poll_seconds": 3.0})


def test_the_task_waits_without_a_slot_and_then_sends(conn: psycopg.Connection, hook: Hook) -> None:
    task = DeliverOperator(task_id="deliver")
    with pytest.raises(TaskDeferred) as deferred:
        task.execute({})
    assert isinstance(deferred.value.trigger, OutboxTrigger)
    assert deferred.value.method_name == "execute"
    happen(conn)
    assert task.execute({}, {}) == {"sent": 1, "delayed": 0, "failed": 0, "skipped": 0}
    assert len(hook.got) == 1
