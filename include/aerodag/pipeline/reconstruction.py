"""The engine in the task's own process, and the orthophoto in the archive."""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import Any

import structlog

from aerodag import ledger, photogrammetry, raster
from aerodag.errors import EngineError
from aerodag.photogrammetry import Plan, Progress, Reconstruction
from aerodag.pipeline.artifacts import record_product
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.project import assigned, fill_project
from aerodag.pipeline.results import engine_metrics, finished_before, keep_result, report_images
from aerodag.storage import publish

log = structlog.get_logger(__name__)

# Farther than this from its cameras an orthophoto of a drone survey is in the wrong place.
MAX_OFFSET_DEGREES = 0.01


def odm(context: StepContext) -> Metrics:
    """Run the engine on the assigned images; a result that is already complete is used as it is."""
    before = finished_before(context)
    result = before or _reconstruct(context)
    report_images(context, result)
    metrics = engine_metrics(context, result) | {
        "cores": context.settings.max_concurrency,
        "host": socket.gethostname(),
    }
    return metrics | ({"reused": True} if before else {})


def publish_ortho(context: StepContext) -> Metrics:
    """The engine's orthophoto is where its cameras were, and goes to the archive."""
    result = finished_before(context)
    if result is None:
        return _published_before(context)
    info = raster.describe(result.orthophoto)
    _require_placed(context, info)
    target = context.storage.orthophoto(context.dataset.id)
    published = publish(result.orthophoto, target)
    details = {"engine": result.engine, "version": result.version, "gsd_cm": result.gsd_cm, "epsg": result.epsg}
    record_product(context, "orthophoto", published, info, details)
    return {"bytes": published.size, "width": info.width, "height": info.height, "valid_ratio": info.valid_ratio}


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

    engine = photogrammetry.EmbeddedEngine()
    result = engine.run(context.project, plan, record)
    log.info("engine finished", engine=engine.name, seconds=(datetime.now(UTC) - started).total_seconds())
    keep_result(context, result)
    return result


def _published_before(context: StepContext) -> Metrics:
    artifact = ledger.current_artifact(context.ledger, dataset_id=context.dataset.id, kind="orthophoto")
    if artifact is None or artifact.run_id != context.run.id:
        raise EngineError(
            "publish.no_orthophoto",
            "The engine's result is no longer in the scratch folder.",
            advice="Clear the odm task of this run to make it again.",
        )
    return {"bytes": artifact.bytes, "published_before": True}


def _require_placed(context: StepContext, info: raster.RasterInfo) -> None:
    images = assigned(context)
    west, south, east, north = info.bbox
    outside: list[dict[str, Any]] = [
        {"image": image.zip_path, "longitude": image.longitude, "latitude": image.latitude}
        for image in images
        if image.longitude is not None and image.latitude is not None
        if not (
            west - MAX_OFFSET_DEGREES <= image.longitude <= east + MAX_OFFSET_DEGREES
            and south - MAX_OFFSET_DEGREES <= image.latitude <= north + MAX_OFFSET_DEGREES
        )
    ]
    if len(outside) > len(images) / 2:
        raise EngineError(
            "publish.misplaced",
            f"{len(outside)} of {len(images)} cameras are over a kilometre away from the orthophoto.",
            advice="Check the GPS positions of the images; try another engine or preset.",
            numbers={"bbox": info.bbox, "outside": outside[:5]},
        )
    if info.valid_ratio <= 0:
        raise EngineError("publish.empty", "The orthophoto has no valid pixel.", advice="Try another engine or preset.")
