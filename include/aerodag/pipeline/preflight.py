"""The step before the expensive one: what the upload will become, what that will cost, and whether to go on."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from aerodag import archive, ledger
from aerodag import preflight as reporting
from aerodag.errors import AerodagError, DataError, InfrastructureError
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.examination.control import ground_control
from aerodag.pipeline.examination.previews import PREVIEWS_FILE, read_previews
from aerodag.pipeline.examination.report import Upload, compose
from aerodag.pipeline.products.record import record_product
from aerodag.pipeline.review import is_asked
from aerodag.preflight import Decision, PastRun, Report
from aerodag.storage import Published

_ADVICE = {
    "imagery.no_gps": "Upload the camera's original files: editors and messengers remove the position from a picture.",
    "resources.disk": "Free disk space or move the data root; the step is tried again.",
}


def preflight(context: StepContext) -> Metrics:
    """Write the report, as JSON into the run and as a page, and stop where the engine must fail.

    A no-go that a person may overrule goes on to the review; too few images for the engine nobody can.
    """
    records = ledger.list_images(context.ledger, dataset_id=context.dataset.id)
    inventory = archive.inspect(context.raw, context.limits)
    with archive.Reader(context.raw, context.limits) as reader:
        control = ground_control(reader, inventory, records)
    earlier = context.findings("validate", "extract_metadata", "assess_images")
    upload = Upload(
        name=context.dataset.name,
        size_bytes=context.dataset.size_bytes,
        records=records,
        rtk_files=ledger.list_rtk_files(context.ledger, dataset_id=context.dataset.id),
        findings=[*earlier, *control.findings],
        control_points=control.points,
        engine=context.run.engine,
        preset=context.run.preset,
    )
    history = [PastRun(**asdict(run)) for run in ledger.past_engine_runs(context.ledger)]
    report = compose(upload, context.settings, context.storage.root, history)
    context.replace_findings("preflight", report.findings[len(earlier) :])
    ledger.set_preflight(context.ledger, run_id=context.run.id, report=reporting.to_dict(report))
    page = _publish_page(context, report)
    impossible = report.used < context.settings.min_images
    if report.verdict.decision is Decision.NO_GO and (impossible or not is_asked(context, Decision.NO_GO)):
        raise _stopped(report, page.uri)
    return {
        "verdict": report.verdict.decision.value,
        "reasons": [reason.message for reason in report.verdict.reasons],
        "page": page.uri,
    }


def _publish_page(context: StepContext, report: Report) -> Published:
    made = context.work / "preflight.html"
    made.parent.mkdir(parents=True, exist_ok=True)
    made.write_text(reporting.render(report, read_previews(_previews(context))), "utf-8")
    published = context.storage.publish(made, context.product("reports", "preflight.html"))
    record_product(context, "preflight", published, details={"verdict": report.verdict.decision.value})
    return published


def _previews(context: StepContext) -> Path:
    """The small pictures that assess_images published; where there are none, the page goes without."""
    made = ledger.source_artifact(context.ledger, dataset_id=context.dataset.id, run_id=context.run.id, kind="previews")
    here = context.product("thumbnails", PREVIEWS_FILE)
    return here if made is None else context.storage.fetch(made.uri, size=made.bytes, sha256=made.sha256)


def _stopped(report: Report, page: str) -> AerodagError:
    """What is short on this machine may be cured and tried again; what is wrong with the images may not."""
    first = report.verdict.reasons[0]
    kind = InfrastructureError if first.code.startswith("resources.") else DataError
    return kind(
        first.code,
        first.message,
        advice=_ADVICE.get(first.code, f"The pre-flight page lists every image with its reason: {page}"),
        numbers={"images": dict(report.images), "page": page},
    )
