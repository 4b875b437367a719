"""Jobs that nobody looks after any more: over their time, or of a run that has ended."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from datetime import datetime, timedelta

import psycopg
import structlog

from aerodag import ledger, photogrammetry
from aerodag.errors import AerodagError
from aerodag.ledger import Run
from aerodag.photogrammetry.jobs import Jobs, JobState
from aerodag.photogrammetry.odm.judging.causes import StopReason
from aerodag.pipeline.engine_jobs.end import bury, keep_log
from aerodag.settings import Settings

log = structlog.get_logger(__name__)

ACTIVE = frozenset({"queued", "running"})
# A run that ended just now, or is about to say that it started, may still do it itself.
GRACE = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class Found:
    """A job outside Airflow, whether the ledger knows it or not."""

    engine: str
    job: str
    run_id: int | None
    deadline: datetime | None
    created_at: datetime


def reap(conn: psycopg.Connection, settings: Settings, now: datetime) -> dict[str, int]:
    """Stop what is over its time, remove what no active run owns; returns how many of each were found.

    An engine that cannot be reached is left for the next time.
    """
    counts = {"jobs": 0, "overdue": 0, "orphans": 0}
    for engine in _engines(settings):
        try:
            jobs = photogrammetry.jobs(engine, settings)
            if engine == "odm":
                jobs_there, probes = _containers(settings, now)
                counts["orphans"] += _tell_probes(conn, probes)
            else:
                jobs_there = _tasks(conn, engine)
        except AerodagError as error:
            log.info("an engine cannot be looked after now", engine=engine, reason=error.message)
            continue
        for found in jobs_there:
            counts["jobs"] += 1
            try:
                outcome = _look_after(conn, settings, jobs, found, now)
            except AerodagError as error:
                log.warning("a job cannot be looked after now", job=found.job[:12], reason=error.message)
                continue
            if outcome is not None:
                counts[outcome] += 1
    return counts


def _engines(settings: Settings) -> Iterable[str]:
    return ["odm", "nodeodm"] if settings.nodeodm.url else ["odm"]


def _tasks(conn: psycopg.Connection, engine: str) -> list[Found]:
    """A node does not tell whose its tasks are; the ledger does."""
    return [
        Found(row.engine, row.job, row.run_id, row.deadline, row.submitted_at)
        for row in ledger.open_jobs(conn, engine=engine)
    ]


def _containers(settings: Settings, now: datetime) -> tuple[list[Found], list[str]]:
    """What a Docker engine has of this installation, known to the ledger or not; and the probes that were removed.

    Probes only ask something of the host; a process that is killed leaves its own behind.
    """
    from aerodag.containers.endpoint import connect
    from aerodag.containers.lifecycle import discard
    from aerodag.containers.states import labelled
    from aerodag.containers.throwaway import PROBE
    from aerodag.photogrammetry.docker_jobs import ENGINE

    with closing(connect(photogrammetry.endpoint(settings.odm))) as client:
        there = labelled(client)
        probes = [
            found.id for found in there if found.role == PROBE and found.deadline and now > found.deadline + GRACE
        ]
        for probe in probes:
            discard(client, probe, grace_seconds=0)
    engines = [
        Found("odm", found.id, found.run_id, found.deadline, found.created_at)
        for found in there
        if found.role == ENGINE and found.installation == settings.installation
    ]
    return engines, probes


def _tell_probes(conn: psycopg.Connection, probes: list[str]) -> int:
    if probes:
        message = f"{len(probes)} containers that asked something of the Docker host were left behind and were removed."
        _tell(conn, None, "engine.probes_removed", message, containers=[probe[:12] for probe in probes])
    return len(probes)


def _look_after(conn: psycopg.Connection, settings: Settings, jobs: Jobs, found: Found, now: datetime) -> str | None:
    run = _run(conn, found)
    if _is_orphan(run, found, now):
        _remove(conn, settings, jobs, found, run)
        return "orphans"
    overdue = found.deadline is not None and now > found.deadline + GRACE
    if overdue and jobs.look(found.job).state is JobState.RUNNING:
        ledger.stop_job(conn, engine=found.engine, job=found.job, reason=StopReason.TIMEOUT)
        jobs.stop(found.job)
        message = f"Engine job {found.job[:12]} was over its time and was stopped."
        _tell(conn, run, "engine.overdue_stopped", message, job=found.job, deadline=found.deadline)
        return "overdue"
    return None


def _is_orphan(run: Run | None, found: Found, now: datetime) -> bool:
    if run is None:
        return now - found.created_at > GRACE
    return run.state not in ACTIVE and run.finished_at is not None and now - run.finished_at > GRACE


def _remove(conn: psycopg.Connection, settings: Settings, jobs: Jobs, found: Found, run: Run | None) -> None:
    ledger.stop_job(conn, engine=found.engine, job=found.job, reason=StopReason.CANCELLED)
    jobs.stop(found.job)
    if run is not None:
        keep_log(conn, settings, jobs, run, found.job)
    bury(conn, jobs, engine=found.engine, job=found.job)
    message = f"Engine job {found.job[:12]} belonged to no active run and was removed."
    _tell(conn, run, "engine.orphan_removed", message, job=found.job, created_at=found.created_at)


def _run(conn: psycopg.Connection, found: Found) -> Run | None:
    try:
        return ledger.get_run(conn, run_id=found.run_id) if found.run_id is not None else None
    except AerodagError:
        return None


def _tell(conn: psycopg.Connection, run: Run | None, kind: str, message: str, **details: object) -> None:
    log.warning(message, kind=kind)
    ledger.add_event(
        conn,
        kind=kind,
        message=message,
        dataset_id=run.dataset_id if run else None,
        run_id=run.id if run else None,
        details=details,
    )
