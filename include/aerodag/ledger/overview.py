"""What a person or a frontend asks of the ledger first."""

from __future__ import annotations

import psycopg

from aerodag.ledger.database import execute, fetch_one, query
from aerodag.ledger.datasets import Dataset
from aerodag.ledger.runs import Run


def find_dataset(conn: psycopg.Connection, *, content_sha256: str) -> Dataset | None:
    """The dataset of that content, unless it is archived or was never seen."""
    return fetch_one(conn, "find_dataset", Dataset, content_sha256=content_sha256)


def newest_run(conn: psycopg.Connection) -> Run | None:
    """The run that was opened last, of any dataset."""
    return fetch_one(conn, "newest_run", Run)


def run_note(conn: psycopg.Connection, *, dag_run_id: str) -> str | None:
    """One sentence on how a DAG run ended, the same that its task log shows; None when it has nothing to say."""
    row = conn.execute(query("run_note"), {"dag_run_id": dag_run_id}).fetchone()
    return None if row is None else row[0]


def places_taken(conn: psycopg.Connection) -> int:
    """Runs under way, with those that Airflow was just asked to start."""
    row = conn.execute(query("places_taken")).fetchone()
    return int(row[0]) if row else 0


def ask_to_start(conn: psycopg.Connection, *, dataset_id: int) -> None:
    """Note that a first run was asked for, so that the dataset is not offered again while Airflow starts it."""
    execute(conn, "ask_to_start", dataset_id=dataset_id)
