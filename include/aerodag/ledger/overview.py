"""What a person or a frontend asks of the ledger first."""

from __future__ import annotations

import psycopg

from aerodag.ledger.data.datasets import Dataset
from aerodag.ledger.database import fetch_one, query
from aerodag.ledger.processing.runs import Run


def find_dataset(conn: psycopg.Connection, *, content_sha256: str) -> Dataset | None:
    """The dataset of that content, unless it is archived or was never seen."""
    return fetch_one(conn, "find_dataset", Dataset, content_sha256=content_sha256)


def find_dataset_from(conn: psycopg.Connection, *, source_uri: str) -> Dataset | None:
    """The newest dataset that was taken in from there, unless it is archived."""
    return fetch_one(conn, "find_dataset_from", Dataset, source_uri=source_uri)


def newest_run(conn: psycopg.Connection) -> Run | None:
    """The run that was opened last, of any dataset."""
    return fetch_one(conn, "newest_run", Run)


def run_note(conn: psycopg.Connection, *, dag_run_id: str) -> str | None:
    """One sentence on how a DAG run ended, the same that its task log shows; None when it has nothing to say."""
    row = conn.execute(query("run_note"), {"dag_run_id": dag_run_id}).fetchone()
    return None if row is None else row[0]
