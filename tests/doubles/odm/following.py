"""Orders for ODM's double, and waiting for what it does."""

from __future__ import annotations

import time
from pathlib import Path

from aerodag.photogrammetry.jobs import Jobs, JobState, LogLine, Order, Ticket

MEBIBYTE = 1024**2


def order(project: Path, *arguments: str, attempt: int = 1, **more: object) -> Order:
    details = {"memory_bytes": 64 * MEBIBYTE, "cpus": 1.0, "seconds": 600.0} | more
    return Order(ticket=Ticket(7, 70, attempt), project=project, arguments=arguments, **details)


def wait_for_end(jobs: Jobs, job: str, seconds: float = 300) -> None:
    until = time.monotonic() + seconds
    while jobs.look(job).state is JobState.RUNNING:
        assert time.monotonic() < until
        time.sleep(0.05)


def wait_for_line(jobs: Jobs, job: str, text: str) -> list[LogLine]:
    until = time.monotonic() + 300
    lines: list[LogLine] = []
    while not any(text in line.text for line in lines):
        assert time.monotonic() < until
        lines += jobs.lines(job, after=len(lines))
        time.sleep(0.05)
    return lines
