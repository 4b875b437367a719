"""Task bodies of the housekeeping DAG."""

from __future__ import annotations

from datetime import UTC, datetime

from aerodag.airflow.connection import open_ledger


def reap_engines() -> dict[str, int]:
    """Stop and remove engine jobs that nobody looks after; returns how many of each."""
    from aerodag.airflow.installation import installation
    from aerodag.pipeline.engine_jobs.reap import reap

    with open_ledger() as conn:
        return reap(conn, installation(), datetime.now(UTC))
