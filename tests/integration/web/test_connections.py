"""Requests take turns in connections to the ledger."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import psycopg
import pytest

from aerodag import ledger
from aerodag.airflow.web.connections import Connections


@pytest.fixture
def made() -> list[psycopg.Connection]:
    return []


@pytest.fixture
def connections(database_url, made) -> Iterator[Connections]:
    @contextmanager
    def make() -> Iterator[psycopg.Connection]:
        with ledger.connect(database_url) as connection:
            made.append(connection)
            yield connection

    kept = Connections(make, most_idle=2)
    yield kept
    kept.close()
    assert all(connection.closed for connection in made)


def backend(connection: psycopg.Connection) -> int:
    return connection.info.backend_pid


def test_one_after_the_other_they_are_the_same(connections, made):
    pids = []
    for _ in range(5):
        with connections.one() as connection:
            pids.append(backend(connection))
    assert len(set(pids)) == len(made) == 1


def test_at_once_each_has_its_own_and_few_are_kept(connections, made):
    with connections.one() as first, connections.one() as second, connections.one() as third:
        assert len({backend(first), backend(second), backend(third)}) == 3
    assert sum(not connection.closed for connection in made) == 2


def test_one_that_died_is_replaced(connections, ledger_connection, server_url):
    with connections.one() as connection:
        pid = backend(connection)
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute("select pg_terminate_backend(%s, 5000)", [pid])
    with connections.one() as connection:
        assert backend(connection) != pid
        assert connection.execute("select 1").fetchone() == (1,)


def test_one_that_was_left_in_a_transaction_is_not_given_to_another(connections, made):
    with connections.one() as connection:
        connection.execute("begin")
    assert made[0].closed
    with connections.one() as connection:
        assert connection.info.transaction_status is psycopg.pq.TransactionStatus.IDLE


def fail(connections: Connections) -> None:
    with connections.one() as connection:
        connection.execute("select 1")
        raise ZeroDivisionError


def test_a_request_that_fails_spoils_nothing(connections, made):
    with pytest.raises(ZeroDivisionError):
        fail(connections)
    with connections.one() as connection:
        assert connection.execute("show timezone").fetchone() == ("UTC",)
    assert len(made) == 1


def test_many_threads_take_turns(connections, made):
    def ask(number: int) -> int:
        with connections.one() as connection:
            return connection.execute("select %s::integer", [number]).fetchone()[0]

    with ThreadPoolExecutor(8) as threads:
        assert list(threads.map(ask, range(200))) == list(range(200))
    assert sum(not connection.closed for connection in made) <= 2
