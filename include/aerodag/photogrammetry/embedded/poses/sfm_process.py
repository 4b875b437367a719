"""Starts the structure-from-motion process and follows it by its database."""

from __future__ import annotations

import json
import os
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aerodag.errors import EngineError
from aerodag.photogrammetry.embedded.events import Reporter
from aerodag.photogrammetry.embedded.memory import memory_error, resident_bytes
from aerodag.photogrammetry.embedded.poses.sfm_files import SfmJob, SfmResult

POLL_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Counter:
    """A database table whose rows count a stage's progress up to ``total``."""

    stage: str
    table: str
    total: int


def reconstruct(job: SfmJob, work: Path, reporter: Reporter, memory_limit_mb: int | None) -> SfmResult:
    """Run the job in ``work`` (which holds ``small/``) and return its result.

    Raises:
        ResourceError: ``engine.memory`` above the limit, or when the kernel killed the process.
        EngineError: ``engine.sfm_crashed``.
    """
    job.save(work / "job.json")
    environment = {**os.environ, "OMP_NUM_THREADS": str(job.threads)}
    command = [sys.executable, "-m", "aerodag.photogrammetry.embedded.poses.sfm", str(work)]
    # Same process group as this one: whoever ends the group ends this process too.
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=None, text=True, env=environment) as process:
        try:
            forward = threading.Thread(target=_forward, args=(process.stdout, reporter), daemon=True)
            forward.start()
            _watch(process, job, work / "sfm.db", reporter, memory_limit_mb)
            forward.join(5.0)
        except BaseException:
            process.kill()
            raise
    if process.returncode != 0:
        raise _crash(process.returncode)
    return SfmResult.load(work / "sfm.npz")


def _forward(lines: Iterable[str] | None, reporter: Reporter) -> None:
    for line in lines or ():
        event: dict[str, Any] = json.loads(line)
        if event["event"] == "stage":
            reporter.relay(event)


def _watch(
    process: subprocess.Popen[str], job: SfmJob, database: Path, reporter: Reporter, memory_limit_mb: int | None
) -> None:
    counters = [
        Counter("features", "keypoints", len(job.positions)),
        Counter("matching", "two_view_geometries", len(job.pairs)),
    ]
    while True:
        try:
            process.wait(POLL_SECONDS)
        except subprocess.TimeoutExpired:
            counters = _advance(counters, database, reporter)
            _check_memory(process.pid, memory_limit_mb)
        else:
            return


def _advance(counters: list[Counter], database: Path, reporter: Reporter) -> list[Counter]:
    """Report the current counter; drop it once complete, and all of them once mapping has begun."""
    if not counters or reporter.stage in {"mapping", "adjustment"}:
        return []
    current = counters[0]
    rows = count_rows(database, current.table)
    if rows:
        reporter.progress(current.stage, rows / max(current.total, 1))
    return counters[1:] if rows >= current.total else counters


def count_rows(database: Path, table: str) -> int:
    """Rows of a COLMAP table while COLMAP writes; 0 as long as it cannot be read (WAL: readers never block it)."""
    if not database.exists():
        return 0
    try:
        connection = sqlite3.connect(f"file:{database}?mode=ro", uri=True, timeout=0.2)
        try:
            row = connection.execute(f"SELECT count(*) FROM {table}").fetchone()  # noqa: S608 -- our own constants
        finally:
            connection.close()
    except sqlite3.Error:
        return 0
    return int(row[0])


def _check_memory(pid: int, limit_mb: int | None) -> None:
    used = resident_bytes(pid) + resident_bytes(os.getpid())
    if limit_mb is not None and used > limit_mb * 1_000_000:
        raise memory_error(f"Structure from motion uses {used / 1e6:.0f} MB, more than the limit of {limit_mb} MB.")


def _crash(returncode: int) -> Exception:
    if returncode in (-9, 137):
        return memory_error("Structure from motion was killed, most likely for lack of memory.")
    return EngineError(
        "engine.sfm_crashed",
        f"Structure from motion ended with exit code {returncode}.",
        advice="Report this with the log; the fast preset may pass.",
        numbers={"exit_code": returncode},
    )
