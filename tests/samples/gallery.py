"""A ledger with a few datasets that somebody may look around in."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256
from typing import Any

import psycopg

from aerodag import ledger
from aerodag.ledger import Artifact, Dataset, ImageRecord, Run

TASKS = ("odm_processing", "geotiff", "cog", "thumbnail", "metadata")


def add_dataset(
    conn: psycopg.Connection,
    name: str,
    *,
    owner: str = "anna",
    access: str = "public",
    upload_type: str = "raw_images_zip",
    project: str | None = None,
) -> Dataset:
    found = ledger.register(
        conn,
        name=name,
        owner=owner,
        source_uri=f"file:///incoming/{name}",
        content_sha256=sha256(name.encode()).hexdigest(),
        size_bytes=1_000,
        upload_type=upload_type,
        description=ledger.Description(access=access, project=project),
    )
    return found.dataset


def request(conn: psycopg.Connection, dataset: Dataset, dag_run_id: str) -> None:
    """Ask for a further run of a dataset."""
    ledger.request_start(
        conn, dataset_id=dataset.id, dag_run_id=dag_run_id, conf={}, priority=3, reason="failed", requested_by="sweep"
    )


def add_run(conn: psycopg.Connection, dataset: Dataset, state: str = "succeeded", dag_run_id: str | None = None) -> Run:
    """A run that came that far: queued, running, or the state it ended in."""
    run = ledger.open_run(
        conn,
        dataset_id=dataset.id,
        dag_run_id=dag_run_id or f"{dataset.name}_run",
        task_types=TASKS,
        preset="standard",
        engine="auto",
        options={},
        priority=3,
    )
    if state != "queued":
        step(conn, run, "stage")
    if state == "failed":
        failure = ledger.Failure("odm.out_of_memory", "resources", "ODM needed more than 64 GB.", "Use fewer images.")
        step(conn, run, "odm", "failed", failure)
    elif state == "succeeded":
        step(conn, run, "finish")
    elif state == "running":
        start_step(conn, run, "odm")
        ledger.record_stage(conn, run_id=run.id, stage="opensfm", percent=40, started_at=run.created_at)
    return ledger.get_run(conn, run_id=run.id)


def start_step(conn: psycopg.Connection, run: Run, name: str, try_number: int = 1) -> None:
    ledger.step_started(
        conn,
        dag_run_id=run.dag_run_id,
        name=name,
        map_index=-1,
        try_number=try_number,
        host="gpu-1",
        started_at=run.created_at,
    )


def step(
    conn: psycopg.Connection, run: Run, name: str, state: str = "succeeded", failure: ledger.Failure | None = None
) -> None:
    ledger.step_finished(
        conn,
        dag_run_id=run.dag_run_id,
        name=name,
        map_index=-1,
        try_number=1,
        host="worker-1",
        started_at=run.created_at,
        finished_at=run.created_at,
        state=state,
        failure=failure,
    )


def add_product(
    conn: psycopg.Connection, run: Run, kind: str, bbox: Sequence[float] | None = None, name: str = "", **given: Any
) -> Artifact:
    """A product on record; there is a file only where ``uri`` names one."""
    defaults = {"uri": f"file:///products/{run.id}/{kind}{name}.tif", "bytes": 10, "sha256": "0" * 64}
    return ledger.record_artifact(conn, run_id=run.id, kind=kind, name=name, bbox=bbox, **(defaults | given))


def image(name: str, longitude: float | None = None, latitude: float | None = None, **given: Any) -> ImageRecord:
    return ImageRecord(zip_path=name, longitude=longitude, latitude=latitude, **({"status": "assigned"} | given))
