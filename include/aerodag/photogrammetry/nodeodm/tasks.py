"""A task on a node: what its ``/info`` says, and how it ended."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pyodm.types import TaskStatus

from aerodag.photogrammetry.jobs import Ending

# NodeODM's sentence for an exit code (libs/Task.js). 134 and 139 hide behind the first one.
_EXIT_CODES = {"cannot process dataset": 1, "not enough memory": 137, "unsupported cpu": 132, "installation issue": 3}
_OTHER_EXIT = re.compile(r"processing failed \((\d+)\)", re.IGNORECASE)
_EXIT_IN_OUTPUT = re.compile(r"(?:process exited with code|child returned) (\d+)", re.IGNORECASE)
_TIMED_OUT = re.compile(r"^Task timed out after \d+ minutes", re.IGNORECASE)
_KILLED = 137


@dataclass(frozen=True, slots=True)
class Task:
    """One answer to ``/task/{uuid}/info``; ``images`` is -1 while the node has not counted."""

    uuid: str
    name: str
    status: TaskStatus
    percent: float
    images: int
    error: str
    created: datetime | None
    lasted: timedelta | None
    options: Sequence[object]

    @property
    def runs(self) -> bool:
        """Whether it waits or works."""
        return self.status in {TaskStatus.QUEUED, TaskStatus.RUNNING}


def read_task(answer: Mapping[str, Any]) -> Task:
    """The task in a node's answer; ``lastError`` is how older servers name the reason."""
    status = answer.get("status") or {}
    created, lasted = answer.get("dateCreated"), answer.get("processingTime")
    return Task(
        uuid=str(answer["uuid"]),
        name=str(answer.get("name") or ""),
        status=TaskStatus(status["code"]),
        percent=float(answer.get("progress") or 0.0),
        images=int(answer.get("imagesCount", -1)),
        error=str(status.get("errorMessage") or answer.get("lastError") or ""),
        created=datetime.fromtimestamp(created / 1000, UTC) if created else None,
        lasted=timedelta(milliseconds=lasted) if lasted is not None and lasted >= 0 else None,
        options=tuple(answer.get("options") or ()),
    )


def ending_of(task: Task, tail: Sequence[str]) -> Ending:
    """How a task that has ended did so; ``tail`` is the end of its output.

    The times count from when the task was created: a node does not tell when it began to work on it.
    """
    code = _exit_code(task, tail)
    finished = task.created + task.lasted if task.created and task.lasted is not None else None
    return Ending(
        exit_code=code,
        out_of_memory=code == _KILLED,
        message=_message(task, tail),
        started_at=task.created,
        finished_at=finished,
        details={
            "status": task.status.name.lower(),
            "error": task.error,
            "images": task.images,
            "percent": task.percent,
            "seconds": task.lasted.total_seconds() if task.lasted is not None else None,
            "options": list(task.options),
        },
    )


def _exit_code(task: Task, tail: Sequence[str]) -> int | None:
    if task.status is TaskStatus.COMPLETED:
        return 0
    if task.status is TaskStatus.CANCELED:
        return None
    named = _OTHER_EXIT.search(task.error)
    said = int(named[1]) if named else _EXIT_CODES.get(task.error.strip().lower())
    if said not in {1, None}:
        return said
    for line in reversed(tail):
        if seen := _EXIT_IN_OUTPUT.search(line):
            return int(seen[1])
    return said


def _message(task: Task, tail: Sequence[str]) -> str:
    if task.status is TaskStatus.CANCELED:
        return next((line.strip() for line in reversed(tail) if _TIMED_OUT.match(line)), "Cancelled on the node.")
    if task.status is TaskStatus.COMPLETED or task.error:
        return task.error
    return next((line.strip() for line in reversed(tail) if line.strip()), "")
