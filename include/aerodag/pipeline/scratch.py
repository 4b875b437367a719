"""What ended runs left on this host: their last step may have worked, and tidied up, on another one."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import structlog

from aerodag.ledger import housekeeping as book
from aerodag.settings import Settings
from aerodag.storage import Storage, remove_tree

log = structlog.get_logger(__name__)

EVERY_SECONDS = 600.0
_MARK = ".tidied"
_DONE = {"succeeded", "degraded"}


def tidy_host(conn: psycopg.Connection, settings: Settings, storage: Storage, now: datetime) -> int:
    """Remove scratch folders and copies of ended runs, at most every ten minutes; returns the bytes freed.

    Nothing to do where all files lie here: then there is one host, and cleanup and housekeeping work on it.
    """
    if not storage.remotes or not _is_due(storage.work(0).parent):
        return 0
    runs = book.run_marks(conn, run_ids=set(_runs_here(storage)))
    busy = {run.dataset_id for run in book.active_run_marks(conn)}
    freed = sum(
        _clear(conn, settings, storage, run, now)
        for run in runs.values()
        if not run.active and run.dataset_id not in busy
    )
    if freed:
        log.info("what ended runs left on this host was removed", bytes=freed)
    return freed


def _is_due(work: Path) -> bool:
    """Whether nobody on this host did it just now; from now on, this process does."""
    mark = work / _MARK
    work.mkdir(parents=True, exist_ok=True)
    if mark.exists() and time.time() - mark.stat().st_mtime < EVERY_SECONDS:
        return False
    mark.touch()
    os.utime(mark)
    return True


def _runs_here(storage: Storage) -> Iterator[int]:
    """Ids of the runs that have a scratch folder or copies here."""
    folders = [storage.work(0).parent]
    for name in storage.remotes:
        place = storage.root / name
        folders += [dataset for dataset in place.iterdir() if dataset.is_dir()] if place.is_dir() else []
    for folder in folders:
        yield from (int(path.name) for path in folder.iterdir() if path.is_dir() and path.name.isdecimal())


def _clear(conn: psycopg.Connection, settings: Settings, storage: Storage, run: book.RunMark, now: datetime) -> int:
    """Copies go at once; the scratch folder of a run that failed stays for a retry as long as housekeeping lets it."""
    keep = settings.housekeeping
    hours = 0.0 if run.state in _DONE else keep.failed_work_hours if run.state == "failed" else keep.work_hours
    # Under the lock nobody resumes the run.
    with conn.transaction():
        if not book.lock_ended_run(conn, run_id=run.id):
            return 0
        freed = storage.forget(run.dataset_id, run.id)
        if run.finished_at is not None and run.finished_at <= now - timedelta(hours=hours):
            freed += remove_tree(storage.work(run.id))
    return freed


def tidy_now(conn: psycopg.Connection, settings: Settings, storage: Storage) -> None:
    """As `tidy_host`, behind a step: what cannot be removed now never fails it."""
    try:
        tidy_host(conn, settings, storage, datetime.now(UTC))
    except (OSError, psycopg.Error) as error:
        log.warning("what ended runs left on this host could not be removed", reason=str(error))
