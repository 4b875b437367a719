"""The API that a frontend follows a run by; Airflow's own starts and stops it.

It has Airflow's logins, and whoever may see the runs of ``process_dataset`` there may ask here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict
from typing import Annotated

import psycopg
from airflow.api_fastapi.auth.managers.models.resource_details import DagAccessEntity
from airflow.api_fastapi.core_api.security import requires_access_dag
from fastapi import Depends, FastAPI, HTTPException, Path

from aerodag import ledger
from aerodag.airflow.connection import open_ledger
from aerodag.airflow.defaults import PROCESS_DAG_ID
from aerodag.airflow.web.models import RunStatus
from aerodag.settings import get_settings

OPEN_STATES = frozenset({"waiting", "queued", "running"})

app = FastAPI(
    title="Aerodag",
    description="How datasets and their runs are.",
    dependencies=[Depends(requires_access_dag("GET", DagAccessEntity.RUN, PROCESS_DAG_ID))],
)


def _ledger() -> Iterator[psycopg.Connection]:
    with open_ledger() as connection:
        yield connection


Ledger = Annotated[psycopg.Connection, Depends(_ledger)]


@app.get("/api/runs/{dag_run_id}")
def get_run(dag_run_id: str, conn: Ledger) -> RunStatus:
    """How the run of that id is, also while it waits to be started."""
    found = ledger.run_status(conn, dag_run_id=dag_run_id)
    if found is None:
        raise HTTPException(404, f"Nothing is known of a run {dag_run_id!r}; Airflow may not have started it yet.")
    place = ledger.QueuePlace()
    if found.state in OPEN_STATES and found.dataset_id is not None:
        place = ledger.queue_place(conn, dataset_id=found.dataset_id, places=get_settings().max_active_runs)
    known = {name: value for name, value in asdict(place).items() if value is not None}
    return RunStatus.model_validate(
        {"position": None, "expected_start": None} | asdict(found) | known | {"ended": found.state not in OPEN_STATES}
    )


@app.get("/api/datasets/{dataset_id}/run")
def get_run_of_dataset(dataset_id: Annotated[int, Path(ge=1)], conn: Ledger) -> RunStatus:
    """How a dataset's run is: the one under way, else the next one, else the last one."""
    dag_run_id = ledger.newest_run_of_dataset(conn, dataset_id=dataset_id)
    if dag_run_id is None:
        raise HTTPException(404, f"There is no dataset {dataset_id}.")
    return get_run(dag_run_id, conn)
