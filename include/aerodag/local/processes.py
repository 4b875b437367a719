"""Processes of the embedded set-up: found by the session that they belong to, whoever their parent is by now."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Collection, Iterable
from pathlib import Path

import psutil

STOP_SECONDS = 10.0


def is_alive(process: psutil.Process) -> bool:
    """Whether it runs; one that has ended and waits for its parent's look does not."""
    try:
        return bool(process.is_running() and process.status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def session_members(leaders: Collection[int]) -> list[psutil.Process]:
    """Everything that lives in the sessions of these processes, also after the leader's end."""
    found = (_process(pid) for pid in psutil.pids() if session_of(pid) in leaders)
    return [process for process in found if process is not None and is_alive(process)]


def strays(leaders: Collection[int]) -> list[psutil.Process]:
    """Members of living sessions whose parent has died: nobody reads their results, and others repeat their work."""
    members = session_members(leaders)
    return [member for member in members if member.pid not in leaders and session_of(_parent(member)) not in leaders]


def session_of(pid: int) -> int | None:
    """The session of a process; None where there is no such process."""
    try:
        return os.getsid(pid)
    except OSError:
        return None


def working_in(folder: Path) -> list[psutil.Process]:
    """Processes whose working directory is ``folder``, as far as this user may see that."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if Path(process.cwd()) == folder and is_alive(process):
                found.append(process)
    return found


def kill(processes: Iterable[psutil.Process]) -> None:
    """End processes at once and wait until they are gone."""
    family = list(processes)
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.kill()
    psutil.wait_procs(family, timeout=STOP_SECONDS)


def stop(processes: Iterable[psutil.Process]) -> None:
    """End processes: asked first, then killed, since Airflow's scheduler waits for its workers."""
    family = list(processes)
    for process in family:
        with contextlib.suppress(psutil.NoSuchProcess):
            process.terminate()
    _, alive = psutil.wait_procs(family, timeout=STOP_SECONDS)
    kill(alive)


def _process(pid: int) -> psutil.Process | None:
    with contextlib.suppress(psutil.NoSuchProcess):
        return psutil.Process(pid)
    return None


def _parent(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.NoSuchProcess):
        return int(process.ppid())
    return int(process.pid)
