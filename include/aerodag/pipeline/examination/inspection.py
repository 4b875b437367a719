"""A ZIP inspected without ledger or Airflow: the same rooms in the same order as the pipeline's steps."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from aerodag import archive
from aerodag.ledger import ImageRecord, Verdict
from aerodag.pipeline.examination.control import ground_control
from aerodag.pipeline.examination.headers import read_headers
from aerodag.pipeline.examination.judgement import Choice, Policy
from aerodag.pipeline.examination.quality import judge_images
from aerodag.pipeline.examination.report import Upload, compose
from aerodag.preflight import Report
from aerodag.settings import Settings


@dataclass(frozen=True, slots=True)
class Inspection:
    """The report and the small pictures, by path."""

    report: Report
    previews: Mapping[str, bytes]


def inspect_upload(path: Path, settings: Settings, *, engine: str = "auto", preset: str = "standard") -> Inspection:
    """Everything that the pipeline would know of this ZIP before the engine starts.

    Raises:
        DataError: the ZIP is refused as a whole; codes of :func:`aerodag.archive.inspect` and ``verify``.
    """
    limits, checks = archive.Limits.of(settings), settings.checks
    inventory = archive.inspect(path, limits)
    verified = archive.verify(path, inventory, limits)
    previews: dict[str, bytes] = {}
    with archive.Reader(path, limits) as reader:
        headers = read_headers(reader, inventory, verified.digests, checks)
        earlier = [*inventory.findings, *verified.findings, *headers.findings]
        policy = Policy(checks.rejecting, Choice())
        judgement = judge_images(reader, headers.records, earlier, policy, checks, previews.__setitem__)
        records = [judged(record, verdict) for record, verdict in zip(headers.records, judgement.verdicts, strict=True)]
        control = ground_control(reader, inventory, records)
    upload = Upload(
        name=path.stem,
        size_bytes=path.stat().st_size,
        records=records,
        rtk_files=headers.rtk_files,
        findings=[*earlier, *judgement.findings, *control.findings],
        control_points=control.points,
        engine=engine,
        preset=preset,
    )
    return Inspection(compose(upload, settings, path.parent), previews)


def judged(record: ImageRecord, verdict: Verdict) -> ImageRecord:
    """The record with its verdict, as the ledger would give it back."""
    return replace(
        record,
        status=verdict.status,
        reasons=verdict.reasons,
        sharpness=verdict.sharpness,
        exposure=verdict.exposure,
        duplicate_of=verdict.duplicate_of,
        flight=verdict.flight,
    )
