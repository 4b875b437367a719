"""The engine's steps: a plan, the reconstruction, and the orthophoto in the archive."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import structlog
from pydantic import TypeAdapter

from aerodag import archive, ledger, photogrammetry, raster
from aerodag.errors import ConfigError, DataError, EngineError
from aerodag.findings import Finding, Severity
from aerodag.ledger import ImageRecord
from aerodag.photogrammetry import ENGINES, Engine, Plan, Progress, Reconstruction, gcp_images, geo
from aerodag.pipeline.artifacts import record_product
from aerodag.pipeline.context import PROJECT_NAME, Metrics, StepContext
from aerodag.pipeline.examination.control import ground_control
from aerodag.pipeline.examination.headers import position_of
from aerodag.storage import publish, tree_size

log = structlog.get_logger(__name__)

RESULT_FILE = "reconstruction.json"

# Farther than this from its cameras an orthophoto of a drone survey is in the wrong place.
MAX_OFFSET_DEGREES = 0.01


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """What the scratch folder remembers of a finished engine run, so that a retry need not repeat it."""

    plan: dict[str, Any]
    result: Reconstruction


_FINISHED = TypeAdapter(FinishedRun)


def plan_engine(context: StepContext) -> Metrics:
    """Choose the engine and its parameters, and write the plan into the run."""
    images = _assigned(context)
    engine = photogrammetry.choose(context.run.engine)
    options = dict(context.run.options)
    plan = Plan(
        preset=context.run.preset,
        orthophoto_resolution_cm=options.pop("orthophoto_resolution_cm", None),
        max_concurrency=context.settings.max_concurrency,
        options=options,
    )
    ledger.set_plan(context.ledger, run_id=context.run.id, engine=engine.name, plan=dataclasses.asdict(plan))
    context.replace_findings("plan_engine", _unused_control(context, engine))
    gsds = sorted(image.gsd_cm for image in images if image.gsd_cm is not None)
    log.info("engine planned", engine=engine.name, images=len(images), preset=plan.preset)
    return {"engine": engine.name, "images": len(images), "expected_gsd_cm": gsds[len(gsds) // 2] if gsds else None}


def odm(context: StepContext) -> Metrics:
    """Run the engine on the assigned images; a result that is already complete is used as it is."""
    before = _finished(context)
    result = before or _reconstruct(context)
    ledger.mark_registered(context.ledger, dataset_id=context.dataset.id, engine_names=result.registered)
    _report(context, result)
    images = _assigned(context)
    return {
        **({"reused": True} if before else {}),
        "engine": result.engine,
        "version": result.version,
        "images": len(images),
        "megapixels_per_image": sum((image.width or 0) * (image.height or 0) for image in images) / 1e6 / len(images),
        "input_bytes": sum(image.size_bytes or 0 for image in images),
        "work_bytes": tree_size(context.work),
        "cores": context.settings.max_concurrency,
        "registered": len(result.registered),
        "unregistered": len(result.unregistered),
        "gsd_cm": result.gsd_cm,
        "peak_rss_bytes": result.peak_rss_bytes,
    }


def publish_ortho(context: StepContext) -> Metrics:
    """The engine's orthophoto is where its cameras were, and goes to the archive."""
    result = _finished(context)
    if result is None:
        return _published_before(context)
    info = raster.describe(result.orthophoto)
    _require_placed(context, info)
    target = context.storage.orthophoto(context.dataset.id)
    published = publish(result.orthophoto, target)
    details = {"engine": result.engine, "version": result.version, "gsd_cm": result.gsd_cm, "epsg": result.epsg}
    record_product(context, "orthophoto", published, info, details)
    return {"bytes": published.size, "width": info.width, "height": info.height, "valid_ratio": info.valid_ratio}


def _unused_control(context: StepContext, engine: Engine) -> list[Finding]:
    points = (context.run.preflight or {}).get("control_points")
    if not points or engine.takes_ground_control:
        return []
    return [
        Finding(
            Severity.WARNING,
            "engine.ground_control_unused",
            f"The {engine.name} engine places the survey by its positions; the {points} ground control points are "
            "not used.",
            "Process with the odm engine to use them.",
            numbers={"points": points, "engine": engine.name},
        )
    ]


def _assigned(context: StepContext) -> list[ImageRecord]:
    images = ledger.assigned_images(context.ledger, dataset_id=context.dataset.id)
    if len(images) < context.settings.min_images:
        raise DataError(
            "imagery.too_few_usable",
            f"{len(images)} images are assigned, {context.settings.min_images} are needed.",
            advice="Clear extract_metadata and assess_images; see the images' reasons in the ledger.",
        )
    return images


def _reconstruct(context: StepContext) -> Reconstruction:
    if context.run.plan is None:
        raise ConfigError(
            "run.no_plan", f"Run {context.run.id} has no plan.", advice="Clear the plan_engine task of this run."
        )
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

    engine = ENGINES[str(context.run.engine)]()
    result = engine.run(context.project, Plan(**context.run.plan), record)
    log.info("engine finished", engine=engine.name, seconds=(datetime.now(UTC) - started).total_seconds())
    _write_result(context, result)
    return result


def fill_project(context: StepContext) -> None:
    """The assigned images under their collision-free names; images that are there already stay."""
    images = context.project / "images"
    images.mkdir(parents=True, exist_ok=True)
    names = {image.zip_path: str(image.engine_name) for image in _assigned(context)}
    for stray in images.iterdir():
        if stray.name not in names.values():
            stray.unlink()
    archive.extract(context.raw_zip, names, images)
    _write_control(context, names)
    _write_positions(context)


def _write_control(context: StepContext, names: Mapping[str, str]) -> None:
    """The upload's ground control under the engine's names; none where no row is left, which would stop ODM."""
    target = context.project / "gcp_list.txt"
    target.unlink(missing_ok=True)
    inventory = archive.inspect(context.raw_zip, context.limits)
    with archive.Reader(context.raw_zip, context.limits) as reader:
        control = ground_control(reader, inventory, _assigned(context)).ground
    rewritten = gcp_images.rewrite(control, names) if control is not None else None
    if rewritten is not None and rewritten.rows:
        target.write_text(rewritten.text, "utf-8")
        log.info("ground control written", rows=rewritten.rows, points=rewritten.points)


def _write_positions(context: StepContext) -> None:
    """What the images do not say themselves, or not well enough: positions of marks, accuracy by kind of solution."""
    target = context.project / "geo.txt"
    target.unlink(missing_ok=True)
    positions = {str(image.engine_name): position_of(image) for image in _assigned(context)}
    if geo.is_needed(positions.values()):
        target.write_text(geo.write_geo(positions), "utf-8")
        log.info("positions written", images=len(positions))


def _result_path(context: StepContext) -> Path:
    return context.work / f"{PROJECT_NAME}.{RESULT_FILE}"


def _write_result(context: StepContext, result: Reconstruction) -> None:
    path = _result_path(context)
    partial = path.with_suffix(".part")
    partial.write_bytes(_FINISHED.dump_json(FinishedRun(context.run.plan or {}, result)))
    partial.replace(path)


def _finished(context: StepContext) -> Reconstruction | None:
    """The complete result of this run's plan, if the scratch folder still holds it."""
    path = _result_path(context)
    if not path.exists():
        return None
    finished = _FINISHED.validate_json(path.read_bytes())
    if finished.plan != context.run.plan or not finished.result.orthophoto.exists():
        return None
    return finished.result


def _published_before(context: StepContext) -> Metrics:
    artifact = ledger.current_artifact(context.ledger, dataset_id=context.dataset.id, kind="orthophoto")
    if artifact is None or artifact.run_id != context.run.id:
        raise EngineError(
            "publish.no_orthophoto",
            "The engine's result is no longer in the scratch folder.",
            advice="Clear the odm task of this run to make it again.",
        )
    return {"bytes": artifact.bytes, "published_before": True}


def _report(context: StepContext, result: Reconstruction) -> None:
    unregistered = [
        Finding(
            Severity.WARNING,
            "engine.image_unregistered",
            f"{name} could not be placed by the engine and is not in the orthophoto.",
            "Usual at the edge of a block, over water or in blurred images; more overlap helps.",
            image=name,
        )
        for name in result.unregistered
    ]
    context.replace_findings("odm", [*unregistered, *result.findings])


def _require_placed(context: StepContext, info: raster.RasterInfo) -> None:
    images = _assigned(context)
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
