"""The set-up under test: started as a person starts it, with its processes, databases and files."""

from __future__ import annotations

import contextlib
import ctypes
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import psutil
import psycopg
from psycopg.rows import dict_row
from uploads import Upload

from aerodag.local.postgres import AIRFLOW_DATABASE, LEDGER_DATABASE
from aerodag.local.state import StateFolder

ROOT = Path(__file__).parents[2]
PR_SET_CHILD_SUBREAPER = 36
# Same behaviour as in production, with shorter waits: nothing is switched off.
FAST = {
    "AERODAG_PORT": "0",
    "AERODAG_SETTLE_SECONDS": "1",
    "AERODAG_RETRY_SECONDS": "10",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "30",
    "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_DETECTION_INTERVAL": "5",
    "AIRFLOW__SCHEDULER__ORPHANED_TASKS_CHECK_INTERVAL": "20",
}


class ChaosSystem:
    """``aerodag serve`` below one folder. Whatever it starts, and loses, stays below this process."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.incoming = home / "data" / "incoming"
        self._server: subprocess.Popen[bytes] | None = None

    def start(self, seconds: float = 300) -> None:
        """Start it and wait until it serves."""
        adopt_orphans()
        environment = dict(os.environ) | FAST | {"AERODAG_HOME": str(self.home)}
        environment.pop("AERODAG_DATABASE_URL", None)
        with (self.home / "serve.log").open("ab") as log:
            self._server = subprocess.Popen(
                [sys.executable, "-m", "aerodag.cli", "serve"], env=environment, cwd=ROOT, stdout=log, stderr=log
            )
        until = time.monotonic() + seconds
        while StateFolder(self.home).serving() is None:
            if self._server.poll() is not None or time.monotonic() > until:
                raise RuntimeError(f"It does not serve; see {self.home / 'serve.log'}.")
            time.sleep(0.3)

    def stop(self) -> None:
        """Stop it as `make stop` does."""
        if self._server is not None:
            self._server.terminate()
            self._server.wait(120)

    def drop(self, upload: Upload) -> None:
        """Upload as a careful person does: under a temporary name, then renamed."""
        partial = self.incoming / f"{upload.name}.part"
        shutil.copyfile(upload.path, partial)
        partial.replace(partial.with_suffix(""))

    def ledger(self, query: str, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows of the ledger."""
        return self._rows(LEDGER_DATABASE, query, values)

    def airflow(self, query: str, values: Mapping[str, Any] | None = None) -> list[dict[str, Any]]:
        """Rows of Airflow's own database."""
        return self._rows(AIRFLOW_DATABASE, query, values)

    def service(self, name: str) -> psutil.Process | None:
        """The first process of a service; None while it is down."""
        for child in self._supervisor.children():
            with contextlib.suppress(psutil.Error):
                # Airflow writes api_server and the like over its command line.
                title = " ".join(child.cmdline()).replace("_", "-")
                if re.search(rf"airflow {name}\b", title) and child.status() != psutil.STATUS_ZOMBIE:
                    return child
        return None

    def workers(self) -> list[psutil.Process]:
        """The executor's processes, idle or not."""
        scheduler = self.service("scheduler")
        return [child for child in _children(scheduler) if "LocalExecutor" in _title(child)]

    def tasks(self) -> list[psutil.Process]:
        """The processes in which tasks run, each a child of an executor's."""
        return [task for worker in self.workers() for task in _children(worker)]

    def postmaster(self) -> psutil.Process | None:
        """The database's first process."""
        with contextlib.suppress(OSError, ValueError, IndexError, psutil.Error):
            pid = int((self.home / "postgres" / "postmaster.pid").read_text().splitlines()[0])
            process = psutil.Process(pid)
            return process if process.status() != psutil.STATUS_ZOMBIE else None
        return None

    def engines(self) -> list[tuple[str, int]]:
        """Projects that an embedded engine works on now, with its process."""
        found = []
        for process in psutil.Process().children(recursive=True):
            with contextlib.suppress(psutil.Error):
                command = process.cmdline()
                if "aerodag.photogrammetry.embedded" in command and "--project-path" in command:
                    found.append((command[command.index("--project-path") + 1], process.pid))
        return found

    def orphans(self) -> list[str]:
        """Living processes of this set-up that belong to no living service."""
        whole = {child.pid: child for child in psutil.Process().children(recursive=True)}
        known = {self._supervisor.pid, *(child.pid for child in self._supervisor.children(recursive=True))}
        if postmaster := self.postmaster():
            known |= {postmaster.pid, *(child.pid for child in _children(postmaster))}
        left = [child for pid, child in whole.items() if pid not in known]
        return [f"{child.pid} {_title(child)}" for child in left if _is_alive(child)]

    def left_over(self) -> list[str]:
        """Everything that still lives after the stop."""
        return [
            f"{child.pid} {_title(child)}" for child in psutil.Process().children(recursive=True) if _is_alive(child)
        ]

    def reap(self) -> None:
        """Do what the first process of a machine does: bury orphans that have ended."""
        for child in psutil.Process().children():
            with contextlib.suppress(psutil.Error, ChildProcessError):
                if child.pid != self._supervisor.pid and child.status() == psutil.STATUS_ZOMBIE:
                    os.waitpid(child.pid, os.WNOHANG)

    @property
    def _supervisor(self) -> psutil.Process:
        assert self._server is not None
        return psutil.Process(self._server.pid)

    def _rows(self, database: str, query: str, values: Mapping[str, Any] | None) -> list[dict[str, Any]]:
        serving = StateFolder(self.home).serving()
        if serving is None:
            raise RuntimeError("The set-up does not serve any more.")
        url = serving.ledger_url.replace("aerodag_airflow@/aerodag", f"postgres@/{database}")
        with psycopg.connect(url, row_factory=dict_row, connect_timeout=10) as conn:
            return conn.execute(query, values).fetchall()


def adopt_orphans() -> None:
    """Become the parent of whatever a descendant leaves behind, so that nothing gets out of sight."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def _children(process: psutil.Process | None) -> list[psutil.Process]:
    with contextlib.suppress(psutil.Error):
        return [child for child in process.children() if _is_alive(child)] if process else []
    return []


def _is_alive(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.Error):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def _title(process: psutil.Process) -> str:
    with contextlib.suppress(psutil.Error):
        return " ".join(process.cmdline())
    return ""
