"""The start of a job, once: what is there already is taken over, and what an interrupted one finished is kept."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from pydantic import TypeAdapter

from aerodag import ledger
from aerodag.errors import AerodagError
from aerodag.ledger import EngineJob
from aerodag.photogrammetry.jobs import Jobs, JobState, Order, Ticket
from aerodag.photogrammetry.odm.judging.causes import StopReason
from aerodag.photogrammetry.odm.planning import command, plan, resume
from aerodag.photogrammetry.odm.planning.plan import OdmPlan
from aerodag.photogrammetry.odm.planning.resume import Passed, Resume
from aerodag.photogrammetry.odm.stages import STAGES
from aerodag.pipeline.context import StepContext
from aerodag.pipeline.engine_jobs.end import bury, cancel, is_done, remedied
from aerodag.pipeline.project import assigned, fill_project, strip_images
from aerodag.storage import remove_tree

log = structlog.get_logger(__name__)

# A person's "clear" reaches the watch of the last try a moment after the next try begins.
CANCEL_SECONDS = 30.0
# The bound inside the container is looser than the deadline that the watch keeps, which can say why it ended a job.
BOUND_MARGIN = timedelta(minutes=10)
LEAST_SECONDS = 60.0
BASIS_FILE = "engine_basis.json"


@dataclass(frozen=True, slots=True)
class Basis:
    """What the files in the project directory were made from: images by checksum, engine, and the last plan."""

    images: str
    engine: str
    plan: dict[str, Any]

    def is_like(self, other: Basis) -> bool:
        """Whether only the plans can differ."""
        return (self.images, self.engine) == (other.images, other.engine)


_BASIS = TypeAdapter(Basis)


def find_or_start(context: StepContext, jobs: Jobs, *, attempt: int) -> EngineJob:
    """The job of this run for its plan: the one that runs, waits to be judged or is done, or a new one."""
    last = ledger.last_job(context.ledger, run_id=context.run.id)
    # A DAG run that was deleted and made again counts its tries anew.
    attempt = max(attempt, last.attempt + 1) if last is not None else attempt
    found = jobs.find(context.run.id)
    if found is None and last is not None and is_done(context, last) and _is_wanted(context):
        log.info("the engine has done its work in an earlier try", job=last.name)
        return last
    if found is None:
        return _start(context, jobs, attempt)
    row = ledger.find_job(context.ledger, engine=context.run.engine, job=found)
    if row is None:
        row = _record(context, found, attempt, _deadline(context), None)
    if _is_over(context, jobs, row):
        _make_room(context, jobs, row)
        return _start(context, jobs, attempt)
    if not _is_wanted(context):
        log.info("the engine was started before for another plan, and is stopped", job=row.name)
        cancel(context.ledger, context.settings, jobs, engine=row.engine, job=row.job)
        return _start(context, jobs, attempt)
    log.info("the engine was started before and is taken over", job=row.name)
    return row


def _is_over(context: StepContext, jobs: Jobs, row: EngineJob) -> bool:
    """Whether the job was judged to have failed, or belongs to a try that a person ended.

    A new try finds a job that is still watched when the watch broke, or when a person cleared the task. The clearing
    reaches the watch a moment later, and the watch says so in the ledger before it stops the job.
    """
    if row.failure_code is not None or row.stop_reason == StopReason.CANCELLED:
        return True
    if row.watched_at is None or jobs.look(row.job).state is not JobState.RUNNING:
        return False
    until = time.monotonic() + CANCEL_SECONDS
    while time.monotonic() < until:
        if _present(context, row).stop_reason == StopReason.CANCELLED:
            return True
        time.sleep(0.5)
    return False


def _make_room(context: StepContext, jobs: Jobs, row: EngineJob) -> None:
    """Remove a job that is over; the watch of one that a person ended keeps its log first, unless it died at it."""
    until = time.monotonic() + CANCEL_SECONDS + context.settings.odm.stop_seconds
    while (present := _present(context, row)).stop_reason == StopReason.CANCELLED and present.discarded_at is None:
        if time.monotonic() > until:
            cancel(context.ledger, context.settings, jobs, engine=row.engine, job=row.job)
            return
        time.sleep(0.5)
    bury(context.ledger, jobs, engine=row.engine, job=row.job)


def _is_wanted(context: StepContext) -> bool:
    """Whether what the job makes is what the run wants now: a person may have cleared the plan too."""
    chosen = plan.load(context.plan)
    before, now = _basis_before(context), _basis(context, chosen)
    return before is None or (before.is_like(now) and resume.changed_stage(plan.load(before.plan), chosen) is None)


def _present(context: StepContext, row: EngineJob) -> EngineJob:
    return ledger.find_job(context.ledger, engine=row.engine, job=row.job) or row


def _start(context: StepContext, jobs: Jobs, attempt: int) -> EngineJob:
    chosen = plan.load(context.plan)
    going_on = _prepare(context, chosen)
    deadline = _deadline(context)
    left = (deadline - datetime.now(UTC)).total_seconds()
    order = Order(
        ticket=Ticket(context.dataset.id, context.run.id, attempt),
        project=context.project,
        arguments=_arguments(context, chosen, going_on),
        image=chosen.image.digest or chosen.image.reference,
        memory_bytes=chosen.memory_bytes,
        cpus=chosen.cpus,
        seconds=max(left, LEAST_SECONDS) + BOUND_MARGIN.total_seconds(),
        gpus=context.settings.odm.gpu_devices if chosen.gpu.granted else (),
    )
    log.info("starting the engine", engine=context.run.engine, arguments=" ".join(order.arguments)[:2000])
    try:
        job = jobs.submit(order)
    except AerodagError as error:
        answer = remedied(context, chosen, error)
        if answer is error:
            raise
        raise answer from error
    return _record(context, job, attempt, deadline, going_on.rerun_from)


def _arguments(context: StepContext, chosen: OdmPlan, going_on: Resume) -> list[str]:
    """A node knows its own GPUs: it is kept from them only where a person wants that."""
    arguments = command.arguments(chosen, going_on)
    keep = context.run.engine == "odm" or context.run.gpu == "off"
    return [word for word in arguments if keep or word != "--no-gpu"]


def _record(context: StepContext, job: str, attempt: int, deadline: datetime, rerun_from: str | None) -> EngineJob:
    return ledger.open_job(
        context.ledger,
        run_id=context.run.id,
        attempt=attempt,
        engine=context.run.engine,
        job=job,
        name=Ticket(context.dataset.id, context.run.id, attempt).name,
        deadline=deadline,
        rerun_from=rerun_from,
    )


def _deadline(context: StepContext) -> datetime:
    """Kept over retries: the clock of an attempt runs from its first start, and anew after a person ended one."""
    last = ledger.last_job(context.ledger, run_id=context.run.id)
    # The run as it is now: the attempt may have begun after this step read it.
    attempt_at = ledger.get_run(context.ledger, run_id=context.run.id).attempt_at
    if last is not None and last.stop_reason != StopReason.CANCELLED and last.submitted_at >= attempt_at:
        return last.deadline
    return datetime.now(UTC) + timedelta(hours=context.settings.odm.hours)


def _prepare(context: StepContext, chosen: OdmPlan) -> Resume:
    """Fill the project directory, and leave of an earlier start what can be gone on with."""
    if context.run.resume_from and not _basis_path(context).is_file():
        _inherit_project(context)
    before, now = _basis_before(context), _basis(context, chosen)
    going_on = _resume(context, before, now, chosen)
    log.info(going_on.reason, rerun_from=going_on.rerun_from or "the beginning")
    for name in going_on.remove:
        _remove(context.project / name)
    kept = [stage.name for stage in STAGES if not resume.redoes(going_on.rerun_from, stage.name)]
    ledger.clear_stages(context.ledger, run_id=context.run.id, keep=kept)
    fill_project(context)
    if chosen.sanitise_images:
        strip_images(context)
    _basis_path(context).write_bytes(_BASIS.dump_json(now))
    return going_on


def _resume(context: StepContext, before: Basis | None, now: Basis, chosen: OdmPlan) -> Resume:
    stages = ledger.list_stages(context.ledger, run_id=context.run.id)
    journal = [Passed(stage.stage, stage.finished_at is not None) for stage in stages]
    # A node begins from the images: what earlier tasks made there is gone with them.
    same = before is not None and before.is_like(now) and context.run.engine != "nodeodm"
    last = ledger.last_job(context.ledger, run_id=context.run.id)
    wanted = context.run.resume_from
    if wanted and last is None:
        return resume.asked(wanted, journal, same_inputs=same)
    changed = resume.changed_stage(plan.load(before.plan), chosen) if before is not None and same else None
    failure = last.failure_code or last.stop_reason if last is not None else None
    return resume.decide(
        journal,
        same_inputs=same,
        changed_from=changed,
        failed_stage=last.failed_stage if last is not None else None,
        failure=failure,
    )


def _inherit_project(context: StepContext) -> None:
    """A person resumes in a new run: the newest earlier one whose project directory is still there hands it over.

    The basis comes last: where it is, all is here.
    """
    for run_id in ledger.runs_with_stages(context.ledger, dataset_id=context.dataset.id, before=context.run.id):
        work = context.storage.work(run_id)
        theirs = work / context.project.name
        if not (work / BASIS_FILE).is_file() or not (theirs.is_dir() or context.project.is_dir()):
            continue
        context.work.mkdir(parents=True, exist_ok=True)
        if theirs.is_dir():
            remove_tree(context.project)
            shutil.move(theirs, context.project)
        ledger.copy_stages(context.ledger, run_id=context.run.id, from_run_id=run_id)
        shutil.move(work / BASIS_FILE, _basis_path(context))
        log.info("the project directory of an earlier run is gone on with", earlier_run=run_id)
        return


def _remove(path: Path) -> None:
    if path.is_dir():
        remove_tree(path)
    else:
        path.unlink(missing_ok=True)


def _basis_path(context: StepContext) -> Path:
    return context.work / BASIS_FILE


def _basis_before(context: StepContext) -> Basis | None:
    path = _basis_path(context)
    return _BASIS.validate_json(path.read_bytes()) if path.is_file() and context.project.is_dir() else None


def _basis(context: StepContext, chosen: OdmPlan) -> Basis:
    images = sorted((str(image.engine_name), str(image.sha256), image.size_bytes) for image in assigned(context))
    return Basis(
        images=hashlib.sha256(json.dumps(images).encode()).hexdigest(),
        engine=f"{context.run.engine} {chosen.image.digest or chosen.image.reference}",
        plan=plan.dump(chosen),
    )
