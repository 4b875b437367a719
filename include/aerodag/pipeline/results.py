"""The engine's result: remembered in the scratch folder, on record in the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

from aerodag import ledger
from aerodag.findings import Finding, Severity
from aerodag.photogrammetry import Reconstruction
from aerodag.pipeline.context import PROJECT_NAME, Metrics, StepContext
from aerodag.pipeline.project import assigned
from aerodag.storage import tree_size

RESULT_FILE = "reconstruction.json"


@dataclass(frozen=True, slots=True)
class FinishedRun:
    """What the scratch folder remembers of a finished engine run, so that a retry need not repeat it."""

    plan: dict[str, Any]
    result: Reconstruction


_FINISHED = TypeAdapter(FinishedRun)


def engine_metrics(context: StepContext, result: Reconstruction) -> Metrics:
    """What every engine's run is measured by, which is what predictions for the next one are made from."""
    images = assigned(context)
    return {
        "engine": result.engine,
        "version": result.version,
        "images": len(images),
        "megapixels_per_image": sum((image.width or 0) * (image.height or 0) for image in images) / 1e6 / len(images),
        "input_bytes": sum(image.size_bytes or 0 for image in images),
        "work_bytes": tree_size(context.work),
        "registered": len(result.registered),
        "unregistered": len(result.unregistered),
        "gsd_cm": result.gsd_cm,
        "peak_rss_bytes": result.peak_rss_bytes or None,
    }


def _result_path(context: StepContext) -> Path:
    return context.work / f"{PROJECT_NAME}.{RESULT_FILE}"


def keep_result(context: StepContext, result: Reconstruction) -> None:
    """Remember a result, so that a retry of a later step need not make it again."""
    path = _result_path(context)
    partial = path.with_suffix(".part")
    partial.write_bytes(_FINISHED.dump_json(FinishedRun(context.run.plan or {}, result)))
    partial.replace(path)


def finished_before(context: StepContext) -> Reconstruction | None:
    """The complete result of this run's plan, if the scratch folder still holds it."""
    path = _result_path(context)
    if not path.exists():
        return None
    finished = _FINISHED.validate_json(path.read_bytes())
    if finished.plan != context.run.plan or not finished.result.orthophoto.exists():
        return None
    return finished.result


def report_images(context: StepContext, result: Reconstruction) -> None:
    """Write into the ledger which images are in the reconstruction, and what was found about it."""
    ledger.mark_registered(context.ledger, dataset_id=context.dataset.id, engine_names=result.registered)
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
