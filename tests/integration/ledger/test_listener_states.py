"""How the listener tells a try that is repeated from one that was the last, in each process that calls it."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from airflow.sdk import TaskInstanceState as WorkerState
from airflow.utils.state import TaskInstanceState as SchedulerState
from psycopg.conninfo import conninfo_to_dict

from aerodag import ledger
from aerodag.airflow.defaults import PROCESS_DAG_ID
from aerodag.airflow.listener import on_task_instance_failed
from aerodag.errors import InfrastructureError
from cases.ledger import Flow

DISK = InfrastructureError("storage.disk_full", "3 MB are free, 5 GB are needed.", advice="Free some space.")


@pytest.fixture
def flow(flow: Flow, database_url: str, monkeypatch: pytest.MonkeyPatch) -> Flow:
    parts = conninfo_to_dict(database_url)
    connection = {"conn_type": "postgres", "host": parts["host"], "schema": parts["dbname"], "port": parts.get("port")}
    login = {"login": parts["user"], "password": parts["password"]}
    monkeypatch.setenv("AIRFLOW_CONN_AERODAG", json.dumps(connection | login))
    return flow


def failed_try(states: type[WorkerState] | type[SchedulerState], state: str, **changes: object) -> SimpleNamespace:
    """What the listener sees of a task instance."""
    described = {
        "dag_id": PROCESS_DAG_ID,
        "run_id": "manual_1",
        "task_id": "stage",
        "map_index": -1,
        "try_number": 1,
        "hostname": "worker-1",
        "start_date": datetime.now(UTC),
        "state": states[state],
    }
    return SimpleNamespace(**described | changes)


@pytest.mark.parametrize("states", [WorkerState, SchedulerState], ids=["worker", "scheduler"])
@pytest.mark.parametrize(
    ("state", "recorded", "run_state"), [("UP_FOR_RETRY", "retrying", "running"), ("FAILED", "failed", "failed")]
)
def test_a_try_that_is_repeated_does_not_fail_the_run(flow, states, state, recorded, run_state):
    flow.open()
    flow.start("stage")
    on_task_instance_failed(WorkerState.RUNNING, failed_try(states, state), DISK)
    (step,) = ledger.list_steps(flow.conn, run_id=flow.run.id)
    assert (step.state, step.failure_code) == (recorded, "storage.disk_full")
    assert flow.run.state == run_state


@pytest.mark.parametrize(("state", "told"), [("UP_FOR_RETRY", 0), ("FAILED", 1)])
def test_a_run_is_refused_when_its_claim_is_not_tried_again(flow, state, told):
    on_task_instance_failed(WorkerState.RUNNING, failed_try(WorkerState, state, task_id="claim"), DISK)
    query = "select count(*) from aerodag.event where kind = 'run.refused'"
    assert flow.conn.execute(query).fetchone() == (told,)
