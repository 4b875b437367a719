"""What is kept of a job after it is gone: its whole log, the forensics, and who was not placed."""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import TextIO

from aerodag.ledger import EngineJob
from aerodag.photogrammetry.jobs import Ending
from aerodag.photogrammetry.odm import forensics, plan
from aerodag.photogrammetry.odm.log import Watcher
from aerodag.photogrammetry.odm.plan import OdmPlan
from aerodag.photogrammetry.odm.result import Result
from aerodag.photogrammetry.odm.stats import unregistered_geojson
from aerodag.pipeline.artifacts import record_product
from aerodag.pipeline.context import StepContext
from aerodag.storage import publish


def log_file(context: StepContext, row: EngineJob) -> TextIO:
    """The job's log in the scratch folder, to be written from its beginning."""
    context.work.mkdir(parents=True, exist_ok=True)
    return _log_path(context, row).open("w", encoding="utf-8", errors="replace")


def publish_log(context: StepContext, row: EngineJob) -> None:
    """Put the whole log, compressed, beside the dataset's reports."""
    plain = _log_path(context, row)
    packed = plain.with_suffix(".log.gz")
    with plain.open("rb") as source, gzip.open(packed, "wb") as target:
        shutil.copyfileobj(source, target)
    published = publish(packed, context.storage.engine_log(context.dataset.id, row.name))
    record_product(context, "engine_log", published, None, {"job": row.name, "attempt": row.attempt})
    packed.unlink()


def publish_forensics(context: StepContext, row: EngineJob, ending: Ending, watcher: Watcher, chosen: OdmPlan) -> None:
    """Put what explains the job's end beside the dataset's reports."""
    bundle = forensics.bundle(context.project, ending, watcher, plan=plan.dump(chosen), stop=row.stop_reason)
    made = context.work / f"{row.name}.forensics.json"
    made.write_text(forensics.dumps(bundle), "utf-8")
    published = publish(made, context.storage.forensics(context.dataset.id, row.name))
    record_product(context, "forensics", published, None, {"job": row.name, "exit_code": ending.exit_code})


def publish_unregistered(
    context: StepContext, images: Mapping[str, tuple[float, float] | None], result: Result
) -> None:
    """Put a map of the images that the engine did not place beside the dataset's reports."""
    made = context.work / "unregistered.geojson"
    made.write_text(unregistered_geojson(images, result.unregistered), "utf-8")
    published = publish(made, context.storage.unregistered(context.dataset.id))
    record_product(context, "unregistered", published, None, {"images": len(result.unregistered)})


def _log_path(context: StepContext, row: EngineJob) -> Path:
    return context.work / f"{row.name}.log"
