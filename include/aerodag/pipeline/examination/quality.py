"""Every image of an upload is looked at once, and it is decided which take part."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from aerodag import archive, imagery, survey
from aerodag.findings import Finding
from aerodag.imagery import Assessment, Modality
from aerodag.ledger import ImageRecord, Verdict
from aerodag.pipeline.examination.headers import exposure_of
from aerodag.pipeline.examination.judgement import Policy, reasons
from aerodag.settings import Checks

EXPOSURE_FIELDS = (
    *("scale", "mean", "std", "p5", "p95", "dark_share", "bright_share"),
    *("low_texture_share", "terrain", "fingerprint"),
)

Preview = Callable[[str, bytes], None]


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict on every image, by path, and what was found about the pixels and the survey."""

    verdicts: tuple[Verdict, ...]
    findings: tuple[Finding, ...]


def judge_images(
    reader: archive.Reader,
    records: Sequence[ImageRecord],
    earlier: Sequence[Finding],
    policy: Policy,
    checks: Checks,
    keep_preview: Preview,
) -> Judgement:
    """Decode the images once, check the survey of those that take part, and give every image its status.

    ``earlier`` findings, of the archive and the headers, count as well. ``keep_preview`` gets path and encoded
    thumbnail of each decoded image.
    """
    assessments: dict[str, Assessment] = {}
    findings: list[Finding] = []
    seen = {
        record.zip_path: Modality(record.modality or Modality.RGB)
        for record in records
        if record.width is not None and record.duplicate_of is None
    }
    for assessment in imagery.assess_many(reader.read, seen):
        findings += imagery.quality_findings(assessment, checks, seen[assessment.name])
        if assessment.thumbnail is not None:
            keep_preview(assessment.name, assessment.thumbnail)
        assessments[assessment.name] = _without_thumbnail(assessment)
    findings += policy.choice.findings([record.zip_path for record in records])
    unusable = {record.zip_path for record in records if record.width is None}
    unusable |= {name for name, assessment in assessments.items() if not assessment.decodable}
    out = policy.left_out([*earlier, *findings], unusable)
    surveyed = survey.examine([exposure_of(record) for record in records if record.zip_path not in out], checks)
    findings += surveyed.findings
    out |= {path: status for path, status in policy.left_out(surveyed.findings).items() if path not in out}
    codes = reasons([*earlier, *findings])
    return Judgement(
        verdicts=tuple(
            Verdict(
                zip_path=record.zip_path,
                status=out.get(record.zip_path, "assigned"),
                reasons=tuple(dict.fromkeys((*record.reasons, *codes.get(record.zip_path, ())))),
                **_measured(assessments.get(record.zip_path)),
                duplicate_of=record.duplicate_of,
                flight=surveyed.flights.get(record.zip_path),
            )
            for record in records
        ),
        findings=tuple(findings),
    )


def _without_thumbnail(assessment: Assessment) -> Assessment:
    return replace(assessment, thumbnail=None)


def _measured(assessment: Assessment | None) -> Mapping[str, Any]:
    if assessment is None or not assessment.decodable:
        return {}
    return {
        "sharpness": assessment.sharpness,
        "exposure": {name: getattr(assessment, name) for name in EXPOSURE_FIELDS},
    }
