"""The last steps: the run's result is checked, and what it no longer needs is given back."""

from __future__ import annotations

import json
from collections import Counter

import structlog

from aerodag import ledger
from aerodag.errors import Category, EngineError
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.storage import remove_tree

log = structlog.get_logger(__name__)

PRODUCT_OF_TASK_TYPE = {
    "odm_processing": "orthophoto",
    "geotiff": "standardised",
    "cog": "cog",
    "thumbnail": "thumbnail",
    "metadata": "metadata",
    "indices": "indices",
}


def promote(context: StepContext) -> Metrics:
    """Everything that was asked for is there and becomes what is valid for the dataset, all at once.

    Promoting an earlier run again goes back to its products.
    """
    artifacts = ledger.list_artifacts(context.ledger, run_id=context.run.id)
    found = {artifact.kind: artifact for artifact in artifacts if not artifact.name}
    for task_type in context.run.task_types:
        kind = PRODUCT_OF_TASK_TYPE[task_type]
        if kind not in found or context.storage.size(found[kind].uri) != found[kind].bytes:
            raise EngineError(
                "run.product_missing",
                f"The run asked for {task_type} and has no {kind}.",
                advice=f"Clear the task that makes the {kind}, with everything after it.",
            )
    ledger.promote(context.ledger, run_id=context.run.id)
    if "orthophoto" in found:
        context.storage.link(found["orthophoto"].uri, context.storage.current_orthophoto(context.dataset.id))
    return {"products": len(artifacts), "bytes": sum(artifact.bytes for artifact in artifacts)}


def finish(context: StepContext) -> Metrics:
    """Judge the run by the data-quality checks. The ledger derives the run's success from this step."""
    return dict(Counter(check.verdict for check in ledger.evaluate_checks(context.ledger, run_id=context.run.id)))


def cleanup(context: StepContext) -> Metrics:
    """Give scratch space back; an upload that can never be processed goes to quarantine with its reason.

    After a failure that a retry may cure, or a person's stop, the scratch folder stays: it holds hours of work.
    """
    run = context.run
    if run.state in {"failed", "cancelled"} and run.failure_category != Category.DATA:
        log.info("scratch folder kept for a retry", state=run.state, code=run.failure_code)
        return {"freed_bytes": context.storage.forget(context.dataset.id, run.id)}
    quarantined = run.state == "failed" and _never_succeeded(context)
    if quarantined:
        _quarantine(context)
    freed = remove_tree(context.work) + context.storage.forget(context.dataset.id, run.id)
    return {"freed_bytes": freed, "quarantined": quarantined}


def _never_succeeded(context: StepContext) -> bool:
    return ledger.current_artifact(context.ledger, dataset_id=context.dataset.id, kind="orthophoto") is None


def _quarantine(context: StepContext) -> None:
    run, dataset = context.run, context.dataset
    if dataset.quarantined_at is not None:
        return
    raw = context.storage.path(str(dataset.raw_uri))
    place = context.storage.quarantined(dataset.id, raw.name)
    moved_to = context.storage.move(str(dataset.raw_uri), place)
    reason = {"code": run.failure_code, "message": run.message, "advice": run.advice, "dataset_id": dataset.id}
    context.storage.write(place.with_name("reason.json"), json.dumps(reason, indent=2).encode())
    ledger.quarantine(context.ledger, dataset_id=dataset.id, raw_uri=moved_to)
    if raw.parent.exists() and not any(raw.parent.iterdir()):
        raw.parent.rmdir()
    ledger.add_event(
        context.ledger,
        kind="dataset.quarantined",
        message=f"{dataset.name} cannot be processed: {run.message}",
        dataset_id=dataset.id,
        run_id=run.id,
        details=reason,
    )
