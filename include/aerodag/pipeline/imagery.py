"""Steps that read and judge every image inside the ZIP."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import fields, replace
from datetime import datetime

from aerodag import archive, ledger, rtk
from aerodag.findings import Finding, Severity
from aerodag.ledger import ImageRecord, KnownElsewhere, Verdict
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.examination.headers import MARK, read_headers
from aerodag.pipeline.examination.judgement import Choice, Policy
from aerodag.pipeline.examination.previews import PREVIEWS_FILE, preview_writer
from aerodag.pipeline.examination.quality import judge_images
from aerodag.pipeline.products.record import record_product

KNOWN_ELSEWHERE = "image.known_elsewhere"
_VERDICT = ("registered", *(field.name for field in fields(Verdict) if field.name != "zip_path"))


def extract_metadata(context: StepContext) -> Metrics:
    """EXIF, XMP and exposure marks become the rows of images and receiver files; nothing is extracted to disk."""
    inventory = archive.inspect(context.raw, context.limits)
    known = ledger.list_images(context.ledger, dataset_id=context.dataset.id)
    receiver_files = ledger.list_rtk_files(context.ledger, dataset_id=context.dataset.id)
    pairs = [(row.zip_path, row.sha256) for row in known] + [(row.zip_path, row.sha256) for row in receiver_files]
    digests = {path: digest for path, digest in pairs if digest is not None}
    with archive.Reader(context.raw, context.limits) as reader:
        headers = read_headers(reader, inventory, digests, context.settings.checks)
    images = _with_verdicts(headers.records, known)
    ledger.replace_images(context.ledger, dataset_id=context.dataset.id, images=images)
    ledger.replace_rtk_files(context.ledger, dataset_id=context.dataset.id, files=headers.rtk_files)
    context.replace_findings("extract_metadata", headers.findings)
    _record_capture(context, headers.records)
    return {
        "images": len(headers.records),
        "with_position": sum(record.longitude is not None for record in headers.records),
        "with_time": sum(record.captured_at is not None for record in headers.records),
        "with_mark": sum(MARK in record.exif for record in headers.records),
        "rtk_fixed": sum(rtk.solution(record.rtk_flag) is rtk.Solution.FIXED for record in headers.records),
    }


def assess_images(context: StepContext) -> Metrics:
    """Every image is decoded once; each gets a status and, if it is left out, a reason."""
    records = ledger.list_images(context.ledger, dataset_id=context.dataset.id)
    checks, run = context.settings.checks, context.run
    policy = Policy(checks.rejecting, Choice(run.include_images, run.exclude_images))
    made = context.work / PREVIEWS_FILE
    with archive.Reader(context.raw, context.limits) as reader, preview_writer(made) as keep:
        earlier = context.findings("validate", "extract_metadata")
        judgement = judge_images(reader, records, earlier, policy, checks, keep)
    elsewhere = ledger.images_known_elsewhere(context.ledger, dataset_id=context.dataset.id)
    verdicts = _with_known(judgement.verdicts, elsewhere)
    ledger.judge_images(context.ledger, dataset_id=context.dataset.id, verdicts=verdicts)
    context.replace_findings("assess_images", [*judgement.findings, *_known_findings(elsewhere, len(records))])
    published = context.storage.publish(made, context.product("thumbnails", PREVIEWS_FILE))
    record_product(context, "previews", published)
    return dict(Counter(verdict.status for verdict in verdicts))


def _with_verdicts(records: Sequence[ImageRecord], before: Sequence[ImageRecord]) -> list[ImageRecord]:
    """A verdict on the same content stays: this step can be cleared without the next."""
    judged = {(row.zip_path, row.sha256): row for row in before if row.status != "staged"}
    return [
        replace(record, **{name: getattr(known, name) for name in _VERDICT})
        if (known := judged.get((record.zip_path, record.sha256))) is not None
        else record
        for record in records
    ]


def _with_known(verdicts: Sequence[Verdict], elsewhere: Sequence[KnownElsewhere]) -> list[Verdict]:
    """An image of an earlier upload is used all the same: two datasets may share a flight."""
    known = {entry.zip_path: entry for entry in elsewhere}
    return [
        replace(
            verdict,
            duplicate_of=entry.known_path,
            duplicate_of_dataset=entry.known_dataset_id,
            reasons=(*verdict.reasons, KNOWN_ELSEWHERE),
        )
        if (entry := known.get(verdict.zip_path)) is not None and verdict.duplicate_of is None
        else verdict
        for verdict in verdicts
    ]


def _known_findings(elsewhere: Sequence[KnownElsewhere], total: int) -> list[Finding]:
    by_dataset: dict[int, list[KnownElsewhere]] = defaultdict(list)
    for entry in elsewhere:
        by_dataset[entry.known_dataset_id].append(entry)
    return [
        Finding(
            Severity.WARNING,
            "imagery.known_elsewhere",
            f"{len(entries)} of {total} images are those of dataset {dataset_id} ({entries[0].known_dataset}).",
            "Was this flight uploaded before? Archive the dataset that is not needed.",
            numbers={"images": len(entries), "of": total, "dataset_id": dataset_id, "first": entries[0].zip_path},
        )
        for dataset_id, entries in sorted(by_dataset.items())
    ]


def _record_capture(context: StepContext, records: Sequence[ImageRecord]) -> None:
    times: list[tuple[datetime, str | None]] = [
        (record.captured_at, record.captured_source) for record in records if record.captured_at is not None
    ]
    if times:
        (first, source), (last, _) = min(times), max(times)
        ledger.set_capture(
            context.ledger,
            dataset_id=context.dataset.id,
            captured_from=first,
            captured_to=last,
            captured_source=source,
        )
