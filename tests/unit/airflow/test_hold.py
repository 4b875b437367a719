"""New engine runs are held back while the ledger says so, and only new ones."""

import asyncio
import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from airflow.sdk.exceptions import TaskDeferred
from psycopg.conninfo import conninfo_to_dict

from aerodag import ledger
from aerodag.airflow.operators.odm import OdmOperator
from aerodag.airflow.triggers.hold import HoldTrigger
from aerodag.ledger.housekeeping import lift_hold, put_hold
from aerodag.pipeline.context import StepContext
from cases.housekeeping import House

REASON = "The disk of /data is 91.0% full."


@pytest.fixture
def house(ledger_connection, database_url, tmp_path, monkeypatch):
    parts = conninfo_to_dict(database_url)
    connection = {
        "conn_type": "postgres", "host": parts["host"], "schema": parts["dbname"], "login": parts["user"],
        "password": parts["password"], "port": parts.get("port"),
    }  # fmt: skip
    monkeypatch.setenv("AIRFLOW_CONN_AERODAG", json.dumps(connection))
    return House(ledger_connection, tmp_path)


def hold(house):
    assert put_hold(house.conn, kind="disk", reason=REASON, now=datetime.now(UTC))


def fired(trigger, seconds):
    async def first():
        async for event in trigger.run():
            return event.payload
        return None

    return asyncio.run(asyncio.wait_for(first(), seconds))


def test_the_trigger_waits_until_the_hold_is_lifted(house):
    hold(house)
    trigger = HoldTrigger(poll_seconds=0.05)
    with pytest.raises(TimeoutError):
        fired(trigger, 0.5)

    async def lifted_meanwhile():
        waiting = asyncio.ensure_future(trigger.run().__anext__())
        await asyncio.sleep(0.3)
        assert not waiting.done()
        lift_hold(house.conn, kind="disk")
        return await asyncio.wait_for(waiting, 10)

    assert asyncio.run(lifted_meanwhile()).payload == {"lifted": True}


def test_a_ledger_that_is_away_for_a_moment_is_asked_again(house, monkeypatch):
    with monkeypatch.context() as patch:
        patch.setenv("AIRFLOW_CONN_AERODAG", json.dumps({"conn_type": "postgres", "host": "/nowhere", "schema": "x"}))
        with pytest.raises(TimeoutError):
            fired(HoldTrigger(poll_seconds=0.05), 0.5)
    assert fired(HoldTrigger(poll_seconds=0.05), 10) == {"lifted": True}


def test_a_triggerer_can_make_the_trigger_again():
    path, arguments = HoldTrigger(60.0).serialize()
    assert path == "aerodag.airflow.triggers.hold.HoldTrigger"
    assert HoldTrigger(**arguments).serialize() == (path, arguments)


@pytest.mark.parametrize("engine", ["embedded", "nodeodm"])
def test_an_engine_that_has_not_started_is_held(house, engine, node):
    house.run(house.dataset(), engine=engine)
    house.settings = house.settings.model_copy(
        update={"nodeodm": house.settings.nodeodm.model_copy(update={"url": node.url, "token": node.token})}
    )
    step = StepContext.of(house.conn, house.settings, "first")
    operator = OdmOperator(task_id="odm")
    operator._wait_while_held(step, detached=engine != "embedded")
    hold(house)
    with pytest.raises(TaskDeferred) as deferred:
        operator._wait_while_held(step, detached=engine != "embedded")
    assert (deferred.value.method_name, deferred.value.timeout) == ("go_on", None)
    assert isinstance(deferred.value.trigger, HoldTrigger)


def test_a_job_that_exists_is_looked_after_whatever_is_held(house, monkeypatch):
    house.run(house.dataset(), engine="odm")
    hold(house)
    step = StepContext.of(house.conn, house.settings, "first")
    operator = OdmOperator(task_id="odm")
    monkeypatch.setattr(operator, "_jobs", lambda _: SimpleNamespace(find=lambda run_id: "c0ffee"))
    operator._wait_while_held(step, detached=True)


def test_a_hold_of_two_kinds_ends_with_the_last(house):
    hold(house)
    put_hold(house.conn, kind="maintenance", reason="The host is rebooted tonight.", now=datetime.now(UTC))
    lift_hold(house.conn, kind="disk")
    with pytest.raises(TimeoutError):
        fired(HoldTrigger(poll_seconds=0.05), 0.3)
    lift_hold(house.conn, kind="maintenance")
    assert fired(HoldTrigger(poll_seconds=0.05), 10) == {"lifted": True}


def test_after_the_hold_the_task_begins_as_ever(house, monkeypatch):
    run = house.run(house.dataset(), engine="embedded")
    hold(house)
    context = {"dag_run": SimpleNamespace(run_id="first")}
    monkeypatch.setenv("AERODAG_DATA_ROOT", str(house.storage.root))
    with pytest.raises(TaskDeferred):
        OdmOperator(task_id="odm").go_on(context, {"lifted": True})  # held again meanwhile
    assert ledger.get_run(house.conn, run_id=run.id).state == "running"
