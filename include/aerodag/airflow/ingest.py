"""Task bodies of the ingest DAG."""

from __future__ import annotations

from contextlib import closing
from typing import Any

from aerodag.airflow.connection import open_ledger
from aerodag.airflow.installation import installation
from aerodag.settings import get_settings
from aerodag.storage import Storage


def register_complete() -> dict[str, int]:
    """Register every complete upload; returns how many were new, known and refused."""
    import dataclasses

    from aerodag.pipeline.incoming import complete_uploads, register_uploads

    settings = installation()
    with closing(Storage.of(settings)) as storage, open_ledger() as conn:
        uploads = complete_uploads(storage, settle_seconds=settings.settle_seconds)
        return dataclasses.asdict(register_uploads(conn, storage, uploads))


def runs_to_start() -> list[dict[str, Any]]:
    """Arguments of the runs to start: what waits, by priority, as far as there are free places."""
    from aerodag import ledger

    with open_ledger() as conn:
        starts = ledger.starts_due(conn, places=get_settings().max_active_runs)
        for start in starts:
            ledger.asked_to_start(conn, start)
    return [{"trigger_run_id": start.dag_run_id, "conf": start.conf} for start in starts]
