"""What is kept of a job after it is gone: its whole log, the forensics, and who was not placed.

A disk that is full, which may be what is to be judged, costs the evidence and not the judgement.
"""

from __future__ import annotations

import gzip
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import structlog

from aerodag.errors import InfrastructureError
from aerodag.ledger import EngineJob
from aerodag.photogrammetry.jobs import Ending, LogLine
from aerodag.photogrammetry.odm.judging import forensics
from aerodag.photogrammetry.odm.judging.result import Result
from aerodag.photogrammetry.odm.judging.stats import unregistered_geojson
from aerodag.photogrammetry.odm.planning import plan
from aerodag.photogrammetry.odm.planning.plan import OdmPlan
from aerodag.photogrammetry.odm.watching.log import Watcher
from aerodag.pipeline.context import StepContext
from aerodag.pipeline.products.record import record_product

log = structlog.get_logger(__name__)


@contextmanager
def log_file(context: StepContext, row: EngineJob) -> Iterator[Callable[[LogLine], None]]:
    """Takes the lines of the job's log for a file in the scratch folder, from its beginning."""
    context.work.mkdir(parents=True, exist_ok=True)
    file = _log_path(context, row).open("w", encoding="utf-8", errors="replace")

    def keep(line: LogLine) -> None:
        if file.closed:
            return
        try:
            file.write(f"{line.at.isoformat() if line.at else ''} {line.text}\n")
        except OSError as error:
            _lost("log", error)
            with suppress(OSError):
                file.close()

    try:
        yield keep
    finally:
        try:
            file.close()
        except OSError as error:
            _lost("log", error)


def publish_evidence(context: StepContext, row: EngineJob, ending: Ending, watcher: Watcher, chosen: OdmPlan) -> None:
    """Put the whole log, and what explains the job's end, beside the dataset's reports."""
    try:
        _publish_log(context, row)
        _publish_forensics(context, row, ending, watcher, chosen)
    except (OSError, InfrastructureError) as error:
        _lost("log or forensics", error)


def _publish_log(context: StepContext, row: EngineJob) -> None:
    plain = _log_path(context, row)
    packed = plain.with_suffix(".log.gz")
    try:
        with plain.open("rb") as source, gzip.open(packed, "wb") as target:
            shutil.copyfileobj(source, target)
        published = context.storage.publish(packed, context.product("reports", f"{row.name}.log.gz"))
    finally:
        packed.unlink(missing_ok=True)
    record_product(context, "engine_log", published, details={"job": row.name, "attempt": row.attempt})


def _publish_forensics(context: StepContext, row: EngineJob, ending: Ending, watcher: Watcher, chosen: OdmPlan) -> None:
    bundle = forensics.bundle(context.project, ending, watcher, plan=plan.dump(chosen), stop=row.stop_reason)
    made = context.work / f"{row.name}.forensics.json"
    made.write_text(forensics.dumps(bundle), "utf-8")
    published = context.storage.publish(made, context.product("reports", f"{row.name}.forensics.json"))
    record_product(context, "forensics", published, details={"job": row.name, "exit_code": ending.exit_code})


def publish_unregistered(
    context: StepContext, images: Mapping[str, tuple[float, float] | None], result: Result
) -> None:
    """Put a map of the images that the engine did not place beside the dataset's reports."""
    made = context.work / "unregistered.geojson"
    made.write_text(unregistered_geojson(images, result.unregistered), "utf-8")
    published = context.storage.publish(made, context.product("reports", "unregistered.geojson"))
    record_product(context, "unregistered", published, details={"images": len(result.unregistered)})


def _log_path(context: StepContext, row: EngineJob) -> Path:
    return context.work / f"{row.name}.log"


def _lost(what: str, error: Exception) -> None:
    log.warning("what is kept of the engine's job is incomplete", lost=what, reason=str(error))
