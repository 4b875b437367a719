"""The embedded server after the death of its postmaster: on the same files, with everything that was committed."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import psycopg
import pytest

from aerodag.local.postgres import EmbeddedPostgres, embedded_server
from aerodag.local.processes import is_alive


@pytest.fixture
def server(tmp_path: Path) -> Iterator[EmbeddedPostgres]:
    handle = embedded_server(tmp_path / "postgres")
    handle.cleanup_mode = None
    server = EmbeddedPostgres(Path(str(handle.get_postmaster_info().socket_dir)), handle)
    yield server
    server.stop()
    assert not server.alive


def kill_postmaster(server: EmbeddedPostgres) -> int:
    pid = int((server.handle.pgdata / "postmaster.pid").read_text().split()[0])
    os.kill(pid, 9)
    until = time.monotonic() + 10
    while server.alive:
        assert time.monotonic() < until
        time.sleep(0.01)
    return pid


def connected(server: EmbeddedPostgres) -> psycopg.Connection:
    until = time.monotonic() + 300
    while True:
        try:
            return psycopg.connect(server.admin_url("postgres"), autocommit=True)
        except psycopg.OperationalError:
            assert time.monotonic() < until
            time.sleep(0.1)


def test_what_was_committed_is_there_after_the_postmaster_was_killed(server):
    with connected(server) as conn:
        conn.execute("create table kept as select 42 as answer")
    kill_postmaster(server)
    server.start_again()
    with connected(server) as conn:
        assert conn.execute("select answer from kept").fetchone() == (42,)


def test_a_statement_under_way_neither_holds_the_files_nor_outlives_its_server(server):
    ends = []

    def loop_for_ever() -> None:
        try:
            busy.execute("do $$ declare n bigint := 0; begin loop n := n + 1; end loop; end $$")
        except psycopg.OperationalError as error:
            ends.append(error)

    busy = connected(server)
    backend = psutil.Process(busy.info.backend_pid)
    thread = threading.Thread(target=loop_for_ever)
    thread.start()
    time.sleep(0.5)
    kill_postmaster(server)
    assert is_alive(backend)  # it never looks whether its server lives
    server.start_again()
    assert not is_alive(backend)
    with connected(server) as conn:
        assert conn.execute("select 1").fetchone() == (1,)
    thread.join(10)
    assert ends


def test_the_number_of_the_dead_may_belong_to_another_process_by_then(server):
    kill_postmaster(server)
    pid_file = server.handle.pgdata / "postmaster.pid"
    lines = pid_file.read_text().splitlines()
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    assert not server.alive
    server.start_again()
    with connected(server) as conn:
        assert conn.execute("select 1").fetchone() == (1,)
