"""What housekeeping asks of the ledger, and what it remembers from one sweep to the next."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from aerodag.ledger.data.datasets import MOST_START_ASKS
from aerodag.ledger.data.products import COMPANIONS, EVIDENCE
from aerodag.ledger.database import execute, fetch_all, fetch_one, query


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """Something that was seen amiss ``since`` then; ``told_at`` is when it became an event."""

    kind: str
    subject: str
    since: datetime
    told_at: datetime | None
    details: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """Why no new engine run starts."""

    kind: str
    since: datetime
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunMark:
    """A run without its documents."""

    id: int
    dataset_id: int
    dag_run_id: str
    state: str
    attempt_at: datetime
    finished_at: datetime | None

    @property
    def active(self) -> bool:
        """Whether it is queued or running."""
        return self.state in {"queued", "running"}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileOnRecord:
    """A file that has to be on storage: of a current artifact, or the upload of a dataset (``type``)."""

    type: str
    id: int
    dataset_id: int
    run_id: int | None
    kind: str
    name: str
    uri: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class UnknownFile:
    """A file on storage that is on no record."""

    uri: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverStarted:
    """A dataset of which a run was asked for in vain; ``subject`` tells the requests apart."""

    subject: str
    dataset_id: int
    name: str
    asked: int
    asked_at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Quarantined:
    """An upload in quarantine ``since`` then; ``subject`` tells it apart, ``dataset_id`` is None where it has none."""

    subject: str
    dataset_id: int | None
    name: str
    uri: str | None
    since: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class OldVersion:
    """A product that retention may remove."""

    id: int
    dataset_id: int
    run_id: int
    uri: str
    bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class LateRun:
    """A run under way for longer than expected; ``basis`` of what was expected is prediction, history or default."""

    id: int
    dataset_id: int
    dag_run_id: str
    seconds: float
    expected_s: float
    basis: str


@contextmanager
def housekeeping_lock(conn: psycopg.Connection) -> Iterator[bool]:
    """Whether this connection is the only one that keeps house; nobody waits for another."""
    row = conn.execute(query("try_lock_housekeeping")).fetchone()
    taken = bool(row and row[0])
    try:
        yield taken
    finally:
        # A connection that broke has let go of it.
        if taken and not conn.broken and not conn.closed:
            conn.execute(query("unlock_housekeeping"))


def observations(conn: psycopg.Connection, *, kind: str) -> dict[str, Observation]:
    """What is known to be amiss, by subject, the oldest first."""
    return {found.subject: found for found in fetch_all(conn, "observations", Observation, kind=kind)}


def observe(conn: psycopg.Connection, *, kind: str, subjects: Iterable[str], now: datetime) -> None:
    """Remember since when these are amiss; known ones stay as they are."""
    execute(conn, "observe", kind=kind, subjects=list(subjects), now=now)


def observation_told(conn: psycopg.Connection, *, kind: str, subjects: Iterable[str], now: datetime) -> None:
    """These have become events."""
    execute(conn, "observation_told", kind=kind, subjects=list(subjects), now=now)


def observations_end(conn: psycopg.Connection, *, kind: str, subjects: Iterable[str]) -> None:
    """These are amiss no more."""
    execute(conn, "observations_end", kind=kind, subjects=list(subjects))


def note(conn: psycopg.Connection, *, kind: str, subject: str, now: datetime, details: Mapping[str, Any]) -> None:
    """Remember figures, in place of those that were remembered before."""
    execute(conn, "observation_noted", kind=kind, subject=subject, now=now, details=details)


def put_hold(conn: psycopg.Connection, *, kind: str, reason: str, now: datetime) -> bool:
    """Let no new engine run start; False where that is so already."""
    return bool(execute(conn, "put_hold", kind=kind, reason=reason, now=now))


def lift_hold(conn: psycopg.Connection, *, kind: str) -> bool:
    """Let engine runs start again; False where nothing held them."""
    return bool(execute(conn, "lift_hold", kind=kind))


def find_hold(conn: psycopg.Connection) -> Hold | None:
    """What holds new engine runs back, or None."""
    return fetch_one(conn, "find_hold", Hold)


def active_run_marks(conn: psycopg.Connection) -> list[RunMark]:
    """All runs that are queued or running."""
    return fetch_all(conn, "active_run_marks", RunMark)


def ended_run_marks(conn: psycopg.Connection, *, since: datetime, until: datetime) -> list[RunMark]:
    """Runs that ended in that time."""
    return fetch_all(conn, "ended_run_marks", RunMark, since=since, until=until)


def run_marks(conn: psycopg.Connection, *, run_ids: Iterable[int]) -> dict[int, RunMark]:
    """Those of these runs that there are, by id."""
    return {run.id: run for run in fetch_all(conn, "run_marks", RunMark, run_ids=list(run_ids))}


def lock_ended_run(conn: psycopg.Connection, *, run_id: int) -> bool:
    """Keep the run from being resumed until the transaction ends; False where it is active or its engine job exists."""
    return bool(execute(conn, "lock_ended_run", run_id=run_id))


def next_datasets(conn: psycopg.Connection, *, after: int, limit: int) -> list[int]:
    """Ids of the datasets that come after that one, without archived ones."""
    return [int(row[0]) for row in conn.execute(query("next_datasets"), {"after": after, "limit": limit})]


def newest_dataset_id(conn: psycopg.Connection) -> int:
    """The highest id of a dataset, 0 where there is none."""
    row = conn.execute(query("newest_dataset_id")).fetchone()
    return int(row[0]) if row else 0


def files_on_record(
    conn: psycopg.Connection, *, datasets: Iterable[int], artifacts: Iterable[int] = (), uploads: Iterable[int] = ()
) -> list[FileOnRecord]:
    """What has to be on storage of these datasets; and of these artifacts and uploads, those that are valid."""
    return fetch_all(
        conn,
        "files_on_record",
        FileOnRecord,
        datasets=list(datasets),
        artifacts=list(artifacts),
        uploads=list(uploads),
    )


def unknown_files(
    conn: psycopg.Connection, *, files: Sequence[tuple[str, int]], datasets: Sequence[int | None]
) -> list[UnknownFile]:
    """Those of these files (URI, bytes) that are on no record; ``datasets`` says whose folder each lies in."""
    return fetch_all(
        conn,
        "unknown_files",
        UnknownFile,
        uris=[uri for uri, _ in files],
        sizes=[size for _, size in files],
        datasets=list(datasets),
    )


def never_started(conn: psycopg.Connection, *, before: datetime) -> list[NeverStarted]:
    """Runs that Airflow was asked to start as often as it is ever asked, the last time before that moment."""
    return fetch_all(conn, "never_started", NeverStarted, before=before, most_asks=MOST_START_ASKS)


def expired_quarantine(conn: psycopg.Connection, *, before: datetime) -> list[Quarantined]:
    """Uploads that have been in quarantine since before that moment, the oldest first."""
    return fetch_all(conn, "expired_quarantine", Quarantined, before=before)


def old_versions(conn: psycopg.Connection, *, datasets: Iterable[int], keep: int) -> list[OldVersion]:
    """Products of these datasets beyond the ``keep`` newest that are not valid and can be made again."""
    return fetch_all(
        conn,
        "old_versions",
        OldVersion,
        datasets=list(datasets),
        keep=keep,
        evidence=sorted(EVIDENCE),
        companions=list(COMPANIONS),
    )


def artifacts_removed(conn: psycopg.Connection, *, artifacts: Iterable[int], now: datetime) -> None:
    """The files of these are gone; their rows stay."""
    execute(conn, "artifacts_removed", artifacts=list(artifacts), now=now)


def late_runs(
    conn: psycopg.Connection, *, now: datetime, other_steps_s: float, margin: float, default_s: float
) -> list[LateRun]:
    """Runs under way for longer than expected that were not told of.

    Args:
        conn: The ledger.
        now: The moment.
        other_steps_s: Allowance for what is not the engine's work, seconds.
        margin: Factor on the longest of the newest runs of the kind.
        default_s: Expected where nothing else is known, and never more than this; seconds.
    """
    return fetch_all(
        conn, "late_runs", LateRun, now=now, other_steps_s=other_steps_s, margin=margin, default_s=default_s
    )
