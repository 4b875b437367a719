"""The engine in the task's own process."""

from __future__ import annotations

import socket
from datetime import UTC, datetime

import structlog

from aerodag import ledger, photogrammetry
from aerodag.photogrammetry import Plan, Progress, Reconstruction
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.products.orthophoto import hand_over
from aerodag.pipeline.project import fill_project
from aerodag.pipeline.results import engine_metrics, finished_before, keep_result, report_images

log = structlog.get_logger(__name__)


def odm(context: StepContext) -> Metrics:
    """Run the engine on the assigned images; a result that is already complete is used as it is."""
    before = finished_before(context)
    result = before or _reconstruct(context)
    report_images(context, result)
    hand_over(context, result)
    metrics = engine_metrics(context, result) | {
        "cores": context.settings.max_concurrency,
        "host": socket.gethostname(),
    }
    return metrics | ({"reused": True} if before else {})


def _reconstruct(context: StepContext) -> Reconstruction:
    plan = Plan(**context.plan)
    fill_project(context)
    started = datetime.now(UTC)

    def record(progress: Progress) -> None:
        log.info(progress.message or "engine at work", stage=progress.stage, percent=round(progress.percent))
        if progress.message:
            return
        ledger.record_stage(
            context.ledger,
            run_id=context.run.id,
            stage=progress.stage,
            percent=progress.percent,
            started_at=datetime.now(UTC),
        )

    context.storage.close()  # the engine may take hours
    engine = photogrammetry.EmbeddedEngine()
    result = engine.run(context.project, plan, record)
    log.info("engine finished", engine=engine.name, seconds=(datetime.now(UTC) - started).total_seconds())
    keep_result(context, result)
    return result
