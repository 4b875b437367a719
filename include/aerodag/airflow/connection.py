"""The ledger as Airflow sees it: the connection ``aerodag``."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import cast

import psycopg

LEDGER_CONN_ID = "aerodag"


@contextmanager
def open_ledger() -> Iterator[psycopg.Connection]:
    """A ledger connection for one task, closed at its end."""
    from airflow.providers.postgres.hooks.postgres import PostgresHook

    connection = cast("psycopg.Connection", PostgresHook(postgres_conn_id=LEDGER_CONN_ID).get_conn())
    connection.autocommit = True
    with connection:
        yield connection
