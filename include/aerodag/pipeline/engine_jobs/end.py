"""The end of a job: its whole log kept, judged by what it left, what the next try does differently, and removed."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict, replace
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import structlog

from aerodag import ledger
from aerodag.errors import AerodagError, EngineError, InfrastructureError, RemediedError
from aerodag.findings import Finding
from aerodag.ledger import EngineJob, ImageRecord, Run
from aerodag.photogrammetry import Reconstruction
from aerodag.photogrammetry.jobs import Ending, Jobs
from aerodag.photogrammetry.odm.judging.causes import StopReason
from aerodag.photogrammetry.odm.judging.failures import Judgement, Situation, judge_ending
from aerodag.photogrammetry.odm.judging.result import Expected, Result, judge_result
from aerodag.photogrammetry.odm.planning import plan
from aerodag.photogrammetry.odm.planning.plan import OdmPlan
from aerodag.photogrammetry.odm.planning.remedy import remedy
from aerodag.photogrammetry.odm.watching.log import Watcher
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.engine_jobs import evidence
from aerodag.pipeline.engine_jobs.watch import show, stage_rows
from aerodag.pipeline.products.orthophoto import hand_over
from aerodag.pipeline.project import assigned
from aerodag.pipeline.results import engine_metrics, finished_before, keep_result, report_images
from aerodag.settings import Settings

log = structlog.get_logger(__name__)

METRICS_FILE = "engine_metrics.json"


def conclude(context: StepContext, jobs: Jobs, job: str, *, shown: int, stop: str | None) -> Metrics:
    """Judge a job that has ended, keep what tells about it, and remove it; one that was found good stays so.

    ``shown`` lines of its output are in the task log; the rest is shown now. ``stop`` is why the watch stopped it.

    Raises:
        RemediedError: when the plan was changed for another try.
        AerodagError: of the class that says who can cure the failure.
    """
    if stop is not None:
        ledger.stop_job(context.ledger, engine=context.run.engine, job=job, reason=stop)
    row = ledger.get_job(context.ledger, engine=context.run.engine, job=job)
    if is_done(context, row):
        bury(context.ledger, jobs, engine=row.engine, job=job)
        return {**json.loads(_metrics_path(context).read_bytes()), "reused": True}
    ending = _ending(context, jobs, row)
    watcher = _hear(context, jobs, row, shown)
    stopped = StopReason(row.stop_reason) if row.stop_reason else None
    chosen = plan.load(context.plan)
    _save_stages(context, row, watcher)
    result, findings, error = _judge(context, jobs, row, ending, watcher, chosen, stopped)
    evidence.publish_evidence(context, row, ending, watcher, chosen)
    if error is not None:
        raise _failed(context, jobs, row, ending, chosen, error) from None
    assert result is not None  # noqa: S101 - one of the two is there
    reconstruction = _keep(context, result, findings)
    try:
        hand_over(context, reconstruction)
    except EngineError as misplaced:
        raise _failed(context, jobs, row, ending, chosen, misplaced) from None
    metrics = engine_metrics(context, result.reconstruction) | _facts(row, ending, watcher, chosen, result)
    _metrics_path(context).write_text(json.dumps(metrics, default=str), "utf-8")
    ledger.end_job(context.ledger, engine=row.engine, job=job, exit_code=ending.exit_code)
    bury(context.ledger, jobs, engine=row.engine, job=job)
    return metrics


def is_done(context: StepContext, row: EngineJob) -> bool:
    """Whether the job was judged to have ended well, and its result is the present plan's and still there."""
    well = row.ended_at is not None and row.failure_code is None
    return well and finished_before(context) is not None and _metrics_path(context).is_file()


def cancel(conn: psycopg.Connection, settings: Settings, jobs: Jobs, *, engine: str, job: str) -> None:
    """A person ended the task: stop the job, keep its log and remove it; the reason is on record before."""
    ledger.stop_job(conn, engine=engine, job=job, reason=StopReason.CANCELLED)
    jobs.stop(job)
    row = ledger.find_job(conn, engine=engine, job=job)
    if row is not None:
        keep_log(conn, settings, jobs, ledger.get_run(conn, run_id=row.run_id), job)
    bury(conn, jobs, engine=engine, job=job)
    log.info("the engine was stopped and removed, because a person ended its task", job=job[:12])


def keep_log(conn: psycopg.Connection, settings: Settings, jobs: Jobs, run: Run, job: str) -> None:
    """Keep the log and the forensics of a job that is stopped without being judged, as far as they can be had."""
    context = StepContext.of(conn, settings, run.dag_run_id)
    row = ledger.find_job(conn, engine=run.engine, job=job)
    if row is None or row.ended_at is not None or run.plan is None:
        return
    try:
        ending = jobs.ending(job)
        watcher = _hear(context, jobs, row, shown=sys.maxsize)
        _save_stages(context, row, watcher)
        jobs.fetch(job, context.project)
        evidence.publish_evidence(context, row, ending, watcher, plan.load(run.plan))
        ledger.end_job(
            conn, engine=row.engine, job=job, exit_code=ending.exit_code, failure_code=f"engine.{row.stop_reason}"
        )
    except (AerodagError, OSError) as error:
        log.warning("the log of the stopped engine could not be kept", reason=str(error))


def bury(conn: psycopg.Connection, jobs: Jobs, *, engine: str, job: str) -> None:
    """Remove a job, running or not, make sure that it is gone, and say so in the ledger."""
    jobs.discard(job)
    ledger.discard_job(conn, engine=engine, job=job)


def _metrics_path(context: StepContext) -> Path:
    return context.work / METRICS_FILE


def _hear(context: StepContext, jobs: Jobs, row: EngineJob, shown: int) -> Watcher:
    """The whole output, into a file and into a watcher; lines that no watch has shown go to the task log."""
    watcher = Watcher()
    with evidence.log_file(context, row) as keep:
        for line in jobs.lines(row.job):
            watcher.hear(line.text, line.at)
            keep(line)
            if line.number > shown:
                show(row.job, line)
    ledger.watch_job(context.ledger, engine=row.engine, job=row.job, lines_shown=watcher.lines)
    return watcher


def _ending(context: StepContext, jobs: Jobs, row: EngineJob) -> Ending:
    try:
        return jobs.ending(row.job)
    except EngineError as error:
        if error.code == "engine.job_gone":
            ledger.end_job(context.ledger, engine=row.engine, job=row.job, exit_code=None, failure_code=error.code)
            bury(context.ledger, jobs, engine=row.engine, job=row.job)
        # What somebody removed can be started again, and resumes where its stages ended.
        raise InfrastructureError(error.code, error.message, advice=error.advice, numbers=error.numbers) from error


def _save_stages(context: StepContext, row: EngineJob, watcher: Watcher) -> None:
    """The stages as the whole log has them."""
    stages = stage_rows(watcher, row.rerun_from, watcher.percent)
    ledger.save_stages(context.ledger, run_id=context.run.id, stages=stages)


def _judge(
    context: StepContext,
    jobs: Jobs,
    row: EngineJob,
    ending: Ending,
    watcher: Watcher,
    chosen: OdmPlan,
    stopped: StopReason | None,
) -> tuple[Result | None, tuple[Finding, ...], AerodagError | None]:
    jobs.fetch(row.job, context.project)
    judgement = _judgement(context, row, ending, watcher, chosen, stopped)
    if judgement.error is not None:
        return None, judgement.findings, judgement.error
    images = {str(image.engine_name): _place(image) for image in assigned(context)}
    stages = ledger.list_stages(context.ledger, run_id=context.run.id)
    started = min([row.submitted_at, *(stage.started_at for stage in stages)])
    expected = Expected(plan=chosen, images=images, started_at=started, peak_rss_bytes=row.peak_memory_bytes or 0)
    try:
        result = judge_result(context.project, expected, watcher.facts)
    except AerodagError as error:
        return None, judgement.findings, error
    return result, judgement.findings, None


def _judgement(
    context: StepContext, row: EngineJob, ending: Ending, watcher: Watcher, chosen: OdmPlan, stopped: StopReason | None
) -> Judgement:
    return judge_ending(
        ending,
        watcher,
        Situation(
            stop=stopped,
            has_orthophoto=(context.project / "odm_orthophoto" / "odm_orthophoto.tif").is_file(),
            gpu_granted=chosen.gpu.granted,
            gpu_required=chosen.gpu.mode == "required",
            seconds=(row.deadline - row.submitted_at).total_seconds(),
            survey_area_m2=((context.run.preflight or {}).get("coverage") or {}).get("area_m2"),
            resolution_m=chosen.orthophoto_resolution_cm / 100,
        ),
    )


def _place(image: ImageRecord) -> tuple[float, float] | None:
    if image.longitude is None or image.latitude is None:
        return None
    return image.longitude, image.latitude


def remedied(context: StepContext, chosen: OdmPlan, error: AerodagError) -> AerodagError:
    """The error to raise: where something can be changed, the plan is from now on, and the error says what."""
    cure = remedy(error, chosen)
    if cure is None:
        return error
    after, text = cure
    ledger.set_plan(
        context.ledger,
        run_id=context.run.id,
        engine=context.run.engine,
        plan=plan.dump(after),
        engine_digest=context.run.engine_digest,
    )
    ledger.add_event(
        context.ledger,
        kind="engine.remedied",
        message=f"{error.message} It is tried again. {text}",
        dataset_id=context.dataset.id,
        run_id=context.run.id,
        details={"code": error.code, "remedy": text},
    )
    return RemediedError(error, text)


def _failed(
    context: StepContext, jobs: Jobs, row: EngineJob, ending: Ending, chosen: OdmPlan, error: AerodagError
) -> AerodagError:
    # A plan that was changed by half a judgement would count as the remedy of the next one.
    with context.ledger.transaction():
        answer = remedied(context, chosen, error)
        ledger.end_job(
            context.ledger,
            engine=row.engine,
            job=row.job,
            exit_code=ending.exit_code,
            failure_code=error.code,
            # A result that is none after all stages ended well has to be made again.
            failed_stage=error.numbers.get("stage", "odm_orthophoto"),
            remedy=answer.numbers["remedy"] if isinstance(answer, RemediedError) else None,
        )
    bury(context.ledger, jobs, engine=row.engine, job=row.job)
    return answer


def _keep(context: StepContext, result: Result, findings: tuple[Finding, ...]) -> Reconstruction:
    reconstruction = replace(result.reconstruction, findings=(*findings, *result.reconstruction.findings))
    keep_result(context, reconstruction)
    report_images(context, reconstruction)
    evidence.publish_unregistered(context, {str(i.engine_name): _place(i) for i in assigned(context)}, result)
    return reconstruction


def _facts(row: EngineJob, ending: Ending, watcher: Watcher, chosen: OdmPlan, result: Result) -> Metrics:
    """What the ledger keeps of the job beside the figures that every engine has."""
    facts = watcher.facts
    return {
        "rerun_from": row.rerun_from,
        "cores": round(chosen.cpus),
        "host": chosen.host,
        "exit_code": ending.exit_code,
        "image_digest": chosen.image.digest,
        "log_lines": watcher.lines,
        "stages_s": {
            stage.stage: round((stage.finished_at - stage.started_at).total_seconds(), 1)
            for stage in watcher.journal
            if stage.started_at and stage.finished_at
        },
        "gpu_requested": chosen.gpu.granted,
        "gpu_visible": facts.gpu_visible,
        "gpu_used_features": facts.gpu_features,
        "gpu_used_dense": facts.gpu_dense,
        "gpu_devices": list(chosen.gpu.devices),
        "positions_updated": facts.positions_updated,
        "remedies": [asdict(one) for one in chosen.remedies],
        "statistics": dict(result.figures),
        "waited_s": round((datetime.now(UTC) - row.submitted_at).total_seconds(), 1),
    }
