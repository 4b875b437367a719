"""Task bodies of the ingest DAG."""

from __future__ import annotations

from typing import Any

from aerodag.airflow.connection import open_ledger
from aerodag.settings import get_settings
from aerodag.storage import Storage


def register_complete() -> dict[str, int]:
    """Register every complete upload; returns how many were new, known and refused."""
    import dataclasses

    from aerodag.pipeline.incoming import complete_uploads, register_uploads

    settings = get_settings()
    storage = Storage.of(settings)
    uploads = complete_uploads(storage.incoming, settle_seconds=settings.settle_seconds)
    with open_ledger() as conn:
        return dataclasses.asdict(register_uploads(conn, storage, uploads))


def runs_to_start() -> list[dict[str, Any]]:
    """Arguments of the runs to start: waiting datasets by priority, as many as there are free places."""
    from aerodag import ledger
    from aerodag.pipeline.incoming import dag_run_id

    settings = get_settings()
    with open_ledger() as conn:
        free = settings.max_active_runs - ledger.places_taken(conn)
        waiting = ledger.waiting_datasets(conn, limit=max(free, 0))
        for dataset in waiting:
            ledger.ask_to_start(conn, dataset_id=dataset.id)
    return [{"trigger_run_id": dag_run_id(dataset), "conf": {"dataset_id": dataset.id}} for dataset in waiting]
