"""Watches a job of an engine that works elsewhere: shows its output, records its progress, stops it at its limits."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import structlog

from aerodag import ledger, photogrammetry
from aerodag.errors import AerodagError, InfrastructureError
from aerodag.photogrammetry.jobs import Jobs, JobState, LogLine, Look, line_key
from aerodag.photogrammetry.odm.planning.resume import redoes
from aerodag.photogrammetry.odm.stages import BY_NAME
from aerodag.photogrammetry.odm.watching import watchdog
from aerodag.photogrammetry.odm.watching.log import Watcher, level
from aerodag.pipeline.context import PROJECT_NAME
from aerodag.settings import Settings
from aerodag.storage import Storage

log = structlog.get_logger(__name__)

OpenLedger = Callable[[], AbstractContextManager[psycopg.Connection]]

# How often progress goes to the ledger, and how often an unreachable engine is complained about.
RECORD_EVERY = timedelta(seconds=5)
COMPLAIN_EVERY = timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Assignment:
    """What is watched: the job and what the ledger knows of it; ``predicted_seconds`` is the pre-flight report's."""

    engine: str
    job: str
    run_id: int
    dataset_id: int
    project: Path
    submitted_at: datetime
    deadline: datetime
    rerun_from: str | None
    lines_shown: int
    predicted_seconds: float | None

    @classmethod
    def of(cls, conn: psycopg.Connection, settings: Settings, engine: str, job: str) -> Assignment:
        """What the ledger knows of the job. Raises ``InfrastructureError`` ``engine.job_unknown``."""
        row = ledger.get_job(conn, engine=engine, job=job)
        run = ledger.get_run(conn, run_id=row.run_id)
        return cls(
            engine=engine,
            job=job,
            run_id=run.id,
            dataset_id=run.dataset_id,
            project=Storage.of(settings).work(run.id) / PROJECT_NAME,
            submitted_at=row.submitted_at,
            deadline=row.deadline,
            rerun_from=row.rerun_from,
            lines_shown=row.lines_shown,
            predicted_seconds=((run.preflight or {}).get("prediction") or {}).get("seconds", {}).get("likely"),
        )


@dataclass(frozen=True, slots=True)
class Ended:
    """The job runs no more: lines of it that the task log has, and why it was stopped, if this watch stopped it."""

    lines_shown: int
    stop_reason: str | None = None


class JobWatch:
    """One watch of one job, by one triggerer. `look` is called every few seconds and may block for a while.

    ``shown`` lines of the job's output are in the task log already; without it, as many as the ledger says. What the
    engine or the ledger cannot answer now is asked again: nothing but the end of the job, or a limit that it reached,
    ends the watch.
    """

    def __init__(
        self,
        assignment: Assignment,
        jobs: Jobs,
        settings: Settings,
        open_ledger: OpenLedger,
        *,
        shown: int | None = None,
    ) -> None:
        self.assignment = assignment
        self.jobs = jobs
        self.limits = watchdog.Limits.of(settings.odm)
        self.open_ledger = open_ledger
        self.shown = assignment.lines_shown if shown is None else shown
        self.heard = 0
        self.watcher = Watcher()
        self.peak_memory = 0
        self.last_line_at: datetime | None = None
        self.recorded_at = datetime.min.replace(tzinfo=UTC)
        self.told: tuple[str, int] | None = None
        self.unreachable_since: datetime | None = None
        self.complained_at = datetime.min.replace(tzinfo=UTC)
        self.disk = watchdog.DiskWarning()

    def look(self, now: datetime) -> Ended | None:
        """Look once; tells when the job has ended."""
        try:
            seen = self.jobs.look(self.assignment.job)
            self._show_lines()
        except InfrastructureError as error:
            self._unreachable(error, now)
            return None
        self._reachable(now)
        self.peak_memory = max(self.peak_memory, seen.memory_bytes or 0)
        stop = self._limit_reached(now) if seen.state is JobState.RUNNING else None
        if stop is not None and not self._stop(stop):
            return None
        if stop is None and seen.state is JobState.RUNNING:
            self._record(now, seen)
            return None
        self._record_end(now)
        return Ended(self.shown, stop.reason if stop else None)

    def _show_lines(self) -> None:
        for line in self.jobs.lines(self.assignment.job, after=self.heard):
            self.heard = line.number
            self.last_line_at = line.at or datetime.now(UTC)
            self.watcher.hear(line.text, line.at)
            if line.number > self.shown:
                show(self.assignment.job, line)
                self.shown = line.number

    def _limit_reached(self, now: datetime) -> watchdog.Stop | None:
        free = self._free_bytes()
        if (warning := self.disk.look(free, self.limits)) is not None:
            log.warning(warning.message, code=warning.code, advice=warning.advice)
        heard = self.last_line_at or self.assignment.submitted_at
        return watchdog.verdict(now, self.assignment.deadline, self.watcher.stage, heard, free, self.limits)

    def _free_bytes(self) -> int | None:
        with suppress(OSError):
            return shutil.disk_usage(self.assignment.project).free
        return None

    def _stop(self, stop: watchdog.Stop) -> bool:
        """Stop the job; the reason is on record before. False when the engine cannot be reached."""
        log.error("the engine is stopped", why=stop.message)
        try:
            self._write(lambda conn: ledger.stop_job(conn, **self._job, reason=stop.reason))
            self.jobs.stop(self.assignment.job)
            self._show_lines()
        except InfrastructureError as error:
            log.warning("the engine could not be stopped yet", reason=error.message)
            return False
        return True

    def _record(self, now: datetime, seen: Look) -> None:
        """Progress, at most every few seconds; in the task log only when it changed."""
        if now - self.recorded_at < RECORD_EVERY:
            return
        stage, percent = self.watcher.stage, max(self.watcher.percent, seen.percent or 0.0)
        elapsed = (now - self.assignment.submitted_at).total_seconds()
        remaining = watchdog.remaining_seconds(percent, elapsed, self.assignment.predicted_seconds)
        expected = now + timedelta(seconds=remaining) if remaining is not None else None

        def write(conn: psycopg.Connection) -> None:
            self._write_stages(conn, percent, now)
            self._write_look(conn, expected)

        self.recorded_at = now
        if self._write(write) and stage and (stage, round(percent)) != self.told:
            self.told = (stage, round(percent))
            log.info("engine at work", stage=stage, percent=round(percent), expected_end=_clock(expected))

    def _record_end(self, now: datetime) -> None:
        def write(conn: psycopg.Connection) -> None:
            self._write_stages(conn, self.watcher.percent, now)
            self._write_look(conn, None)

        self._write(write)
        log.info("engine ended", lines=self.heard, after=str(now - self.assignment.submitted_at).partition(".")[0])

    def _write_stages(self, conn: psycopg.Connection, percent: float, now: datetime) -> None:
        """All of them, so that a job that somebody removes can be resumed; a node's lines do not tell their times."""
        run_id, rerun_from, stage = self.assignment.run_id, self.assignment.rerun_from, self.watcher.stage
        if stages := stage_rows(self.watcher, rerun_from, percent):
            ledger.save_stages(conn, run_id=run_id, stages=stages)
        elif stage and redoes(rerun_from, stage):
            ledger.record_stage(conn, run_id=run_id, stage=stage, percent=percent, started_at=now)

    def _write_look(self, conn: psycopg.Connection, expected: datetime | None) -> None:
        ledger.watch_job(
            conn,
            **self._job,
            lines_shown=self.shown,
            peak_memory_bytes=self.peak_memory or None,
            expected_at=expected,
        )

    def _write(self, write: Callable[[psycopg.Connection], None]) -> bool:
        """Write to the ledger; that it cannot be reached for a while must not end a job of many hours."""
        try:
            with self.open_ledger() as conn:
                write(conn)
        except (psycopg.Error, AerodagError) as error:
            log.warning("the ledger does not take the engine's progress now", reason=str(error))
            return False
        return True

    @property
    def _job(self) -> dict[str, str]:
        return {"engine": self.assignment.engine, "job": self.assignment.job}

    def _unreachable(self, error: InfrastructureError, now: datetime) -> None:
        self.unreachable_since = self.unreachable_since or now
        if now - self.complained_at >= COMPLAIN_EVERY:
            minutes = round((now - self.unreachable_since).total_seconds() / 60)
            log.warning("the engine cannot be reached; it is asked again", minutes=minutes, reason=error.message)
            self.complained_at = now

    def _reachable(self, now: datetime) -> None:
        if self.unreachable_since is not None:
            seconds = round((now - self.unreachable_since).total_seconds())
            log.info("the engine can be reached again", after_seconds=seconds)
            self.unreachable_since = None


def stage_rows(watcher: Watcher, rerun_from: str | None, percent: float) -> list[dict[str, Any]]:
    """The journal for the ledger, but the stages before the one it was resumed from, which only load.

    ``percent`` of the whole run is what an unfinished stage has reached.
    """
    stages: dict[str, dict[str, Any]] = {}
    # The log tells it too, of a job that was started and not recorded.
    rerun_from = rerun_from or watcher.facts.rerun_from
    for stage in watcher.journal:
        if stage.started_at is None or not redoes(rerun_from, stage.stage):
            continue
        stages[stage.stage] = {
            "stage": stage.stage,
            "percent": BY_NAME[stage.stage].percent if stage.finished and stage.stage in BY_NAME else percent,
            "started_at": stage.started_at,
            "finished_at": stage.finished_at if stage.finished else None,
        }
    return list(stages.values())


def show(job: str, line: LogLine) -> None:
    """Put a line of the engine into the task log; its number tells a later watch where this one ended."""
    emit = {"error": log.error, "warning": log.warning}.get(level(line.text), log.info)
    emit(line.text, line=line_key(job, line.number))


def open_watch(
    settings: Settings, open_ledger: OpenLedger, engine: str, job: str, *, shown: int | None = None
) -> JobWatch:
    """The watch of a job that the ledger knows."""
    with open_ledger() as conn:
        assignment = Assignment.of(conn, settings, engine, job)
    return JobWatch(assignment, photogrammetry.jobs(engine, settings), settings, open_ledger, shown=shown)


def _clock(at: datetime | None) -> str | None:
    return at.isoformat(timespec="minutes") if at else None
