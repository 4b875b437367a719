"""Engines that work outside this process, in a container or on a node, and outlive whoever started or watches them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Ticket:
    """Which start this is: of which dataset, for which run, in which try of its task (from 1)."""

    dataset_id: int
    run_id: int
    attempt: int

    @property
    def name(self) -> str:
        """The same for the same start, so that it cannot happen twice."""
        return f"aerodag-d{self.dataset_id}-r{self.run_id}-t{self.attempt}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What to start: ODM's ``arguments`` but the project's place, on the project directory ``project``.

    ``image`` by digest; memory in bytes without swap, ``cpus`` in cores, ``seconds`` the bound that the engine's own
    side enforces; ``gpus`` are device ids of GPUs, ``all``, or empty.
    """

    ticket: Ticket
    project: Path
    arguments: Sequence[str]
    image: str = ""
    memory_bytes: int = 0
    cpus: float = 0.0
    seconds: float = 0.0
    gpus: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)


class JobState(StrEnum):
    """What a look at a job shows."""

    RUNNING = "running"
    ENDED = "ended"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a job: the most memory it was seen to use, and the percent that it reports itself, where known."""

    state: JobState
    memory_bytes: int | None = None
    percent: float | None = None


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line of a job's output, counted from 1 over the whole job; ``at`` is when it was written, where known."""

    number: int
    text: str
    at: datetime | None = None


def line_key(job: str, number: int) -> str:
    """How a task log names a line of a job: 12 characters of its id, and the line's number."""
    return f"{job[:12]}:{number}"


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job ended, as the side that ran it says; ``details`` is what it gives for the forensics."""

    exit_code: int | None
    out_of_memory: bool = False
    message: str = ""
    started_at: datetime | None = None
    finished_at: datetime | None = None
    details: Mapping[str, object] = field(default_factory=dict)


class Jobs(Protocol):
    """A place where ODM runs. A job is named by an id that the place gives out.

    Every call may be repeated: starting the same ticket again gives the same job, stopping and discarding what is
    stopped or gone succeeds. All calls raise `InfrastructureError` when the place cannot be reached
    (``engine.unreachable``), which says nothing about the job.
    """

    def find(self, run_id: int) -> str | None:
        """The newest job of this run that still exists, whatever its state."""
        ...

    def submit(self, order: Order) -> str:
        """Start the job, or find it started already."""
        ...

    def look(self, job: str) -> Look:
        """Whether it runs, and what it uses."""
        ...

    def lines(self, job: str, after: int = 0) -> Iterator[LogLine]:
        """The lines that exist now beyond the first ``after``; nothing for a job that is gone."""
        ...

    def stop(self, job: str) -> None:
        """End it: politely, then by force; returns when it has ended."""
        ...

    def ending(self, job: str) -> Ending:
        """How it ended. Raises ``EngineError`` ``engine.job_gone`` when there is nothing left to ask."""
        ...

    def fetch(self, job: str, project: Path) -> None:
        """Bring what it made into the project directory, where it does not lie there already."""
        ...

    def discard(self, job: str) -> None:
        """Remove it, running or not, and make sure that it is gone."""
        ...
