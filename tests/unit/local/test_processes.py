"""Processes by session: real ones, killed for real."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

import psutil
import pytest

from aerodag.local.processes import is_alive, kill, session_members, stop, strays, working_in
from aerodag.local.state import StateFolder

# A leader with a child of its own, which has one too; each says that it is there.
FAMILY = """
import os, sys, time
depth = int(sys.argv[1])
if depth and os.fork() == 0:
    os.execv(sys.executable, [sys.executable, "-c", sys.argv[2], str(depth - 1), sys.argv[2]])
print(depth, flush=True)
time.sleep(600)
"""


@pytest.fixture
def leader(tmp_path) -> Iterator[subprocess.Popen]:
    process = subprocess.Popen(
        [sys.executable, "-c", FAMILY, "2", FAMILY], start_new_session=True, stdout=subprocess.PIPE, cwd=tmp_path
    )
    assert sorted(process.stdout.readline() for _ in range(3)) == [b"0\n", b"1\n", b"2\n"]
    yield process
    kill(session_members({process.pid}))
    process.wait()


def generations(leader: subprocess.Popen) -> tuple[psutil.Process, psutil.Process]:
    (child,) = psutil.Process(leader.pid).children()
    (grandchild,) = child.children()
    return child, grandchild


def test_a_session_holds_everything_that_its_leader_started(leader):
    assert {member.pid for member in session_members({leader.pid})} == {
        leader.pid,
        *(process.pid for process in generations(leader)),
    }
    assert strays({leader.pid}) == []


def test_a_process_whose_parent_was_killed_is_a_stray(leader):
    child, grandchild = generations(leader)
    child.kill()
    until = time.monotonic() + 10
    while not strays({leader.pid}):
        assert time.monotonic() < until
        time.sleep(0.01)
    assert strays({leader.pid}) == [grandchild]


def test_a_session_outlives_its_leader_and_is_ended_whole(leader):
    family = generations(leader)
    leader.kill()
    leader.wait()
    assert {member.pid for member in session_members({leader.pid})} == {process.pid for process in family}
    stop(session_members({leader.pid}))
    assert not any(is_alive(process) for process in family)


def test_a_killed_process_that_nobody_reaped_is_dead(leader):
    leader.kill()
    until = time.monotonic() + 10
    while psutil.Process(leader.pid).status() != psutil.STATUS_ZOMBIE:
        assert time.monotonic() < until
        time.sleep(0.01)
    assert not is_alive(psutil.Process(leader.pid))


def test_processes_are_found_by_the_folder_they_work_in(leader, tmp_path):
    assert {process.pid for process in working_in(tmp_path)} == {
        leader.pid,
        *(process.pid for process in generations(leader)),
    }


def test_sessions_of_a_killed_supervisor_are_remembered_but_not_a_number_that_went_to_another(leader, tmp_path):
    state = StateFolder(tmp_path)
    assert state.sessions() == set()
    state.remember_sessions([leader.pid])
    assert state.sessions() == {leader.pid}
    record = tmp_path / "sessions.json"
    record.write_text(record.read_text().replace(".", "9."))
    assert state.sessions() == set()
    state.remember_sessions([leader.pid])
    leader.kill()
    leader.wait()
    assert state.sessions() == {leader.pid}  # its children are in it
