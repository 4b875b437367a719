"""Steps that read and judge every image inside the ZIP."""

from __future__ import annotations

import zipfile
from collections import Counter
from datetime import UTC, datetime

from aerodag import archive, imagery, ledger
from aerodag.errors import DataError
from aerodag.imagery import Assessment, ImageMetadata
from aerodag.ledger import ImageRecord, Verdict
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.intake import limits

EXPOSURE_FIELDS = ("mean", "std", "p5", "p95", "exposure", "scale")


def extract_metadata(context: StepContext) -> Metrics:
    """EXIF and XMP of every image become its row; nothing is extracted to disk."""
    inventory = archive.inspect(context.raw_zip, limits(context))
    names = archive.engine_names(inventory.images)
    records = []
    with zipfile.ZipFile(context.raw_zip) as bundle:
        for entry in inventory.images:
            try:
                with archive.open_entry(bundle, entry.path) as file:
                    metadata = imagery.read_metadata(file, entry.path)
            except DataError as error:
                records.append(_unreadable(entry, names[entry.path], error))
            else:
                records.append(_record(entry, names[entry.path], metadata))
    ledger.replace_images(context.ledger, dataset_id=context.dataset.id, images=records)
    _record_capture(context, records)
    return {
        "images": len(records),
        "with_position": sum(record.longitude is not None for record in records),
        "with_time": sum(record.captured_at is not None for record in records),
        "rtk_fixed": sum(_is_fixed(record.rtk_flag) for record in records),
    }


def assess_images(context: StepContext) -> Metrics:
    """Every image is decoded once; each gets a status and, if it is left out, a reason."""
    records = ledger.list_images(context.ledger, dataset_id=context.dataset.id)
    readable = [record.zip_path for record in records if record.width is not None]
    assessments = dict(zip(readable, imagery.assess_many(context.raw_zip, readable), strict=True))
    verdicts = [_verdict(record, assessments.get(record.zip_path)) for record in records]
    ledger.judge_images(context.ledger, dataset_id=context.dataset.id, verdicts=verdicts)
    for verdict in verdicts:
        if verdict.status != "assigned":
            _report(context, verdict)
    counts = Counter(verdict.status for verdict in verdicts)
    _require_usable(context, records, counts)
    return dict(counts)


def _record(entry: archive.Entry, engine_name: str, metadata: ImageMetadata) -> ImageRecord:
    captured_at = metadata.captured_at
    if captured_at is not None and captured_at.tzinfo is None:
        # Local time of an unknown zone, kept as written; captured_source says so.
        captured_at = captured_at.replace(tzinfo=UTC)
    return ImageRecord(
        engine_name=engine_name,
        zip_path=entry.path,
        size_bytes=entry.size,
        width=metadata.width,
        height=metadata.height,
        make=metadata.make,
        model=metadata.model,
        serial=metadata.serial,
        lens=metadata.lens,
        focal_mm=metadata.focal_mm,
        captured_at=captured_at,
        captured_source=metadata.captured_source,
        longitude=metadata.longitude,
        latitude=metadata.latitude,
        altitude=metadata.altitude,
        position_source=metadata.position_source,
        relative_altitude=metadata.relative_altitude,
        yaw=metadata.yaw,
        pitch=metadata.pitch,
        roll=metadata.roll,
        rtk_flag=metadata.rtk_flag,
        std_e_m=metadata.std_e_m,
        std_n_m=metadata.std_n_m,
        std_u_m=metadata.std_u_m,
        gsd_cm=_gsd_cm(metadata),
        status="staged",
        reasons=metadata.problems,
        exif=metadata.exif,
    )


def _unreadable(entry: archive.Entry, engine_name: str, error: DataError) -> ImageRecord:
    return ImageRecord(
        engine_name=engine_name, zip_path=entry.path, size_bytes=entry.size, status="rejected", reasons=(error.code,)
    )


def _gsd_cm(metadata: ImageMetadata) -> float | None:
    """Ground sampling distance of a nadir image in cm: height above take-off over focal length in pixels."""
    if not metadata.focal_px or not metadata.relative_altitude or metadata.relative_altitude <= 0:
        return None
    return 100 * metadata.relative_altitude / metadata.focal_px


def _is_fixed(flag: int | None) -> bool:
    return flag is not None and flag >= 50


def _record_capture(context: StepContext, records: list[ImageRecord]) -> None:
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


def _verdict(record: ImageRecord, assessment: Assessment | None) -> Verdict:
    if assessment is None:
        return Verdict(zip_path=record.zip_path, status="rejected", reasons=record.reasons)
    status, reasons = "assigned", list(record.reasons)
    if assessment.problem:
        reasons.append(assessment.problem)
    if not assessment.decodable:
        status = "rejected"
    elif record.longitude is None:
        status = "invalid_exif"
        reasons.append("image.no_position")
    measured = {name: getattr(assessment, name) for name in EXPOSURE_FIELDS} if assessment.decodable else None
    return Verdict(
        zip_path=record.zip_path,
        status=status,
        reasons=tuple(dict.fromkeys(reasons)),
        sharpness=assessment.sharpness,
        exposure=measured,
    )


def _report(context: StepContext, verdict: Verdict) -> None:
    ledger.add_finding(
        context.ledger,
        run_id=context.run.id,
        severity="warning",
        code=verdict.reasons[-1] if verdict.reasons else "image.left_out",
        message=f"{verdict.zip_path} is left out ({verdict.status}).",
        advice="The other images are processed; replace this one and upload again if it is needed.",
        image=verdict.zip_path,
    )


def _require_usable(context: StepContext, records: list[ImageRecord], counts: Counter[str]) -> None:
    usable, minimum = counts["assigned"], context.settings.min_images
    if usable >= minimum:
        return
    numbers = {"usable": usable, "images": len(records), "minimum": minimum, **counts}
    if counts["invalid_exif"] and not any(record.longitude is not None for record in records):
        raise DataError(
            "imagery.no_gps",
            f"None of the {len(records)} images has a GPS position.",
            advice="Upload the camera's original files: editors and messengers remove the position from a picture.",
            numbers=numbers,
        )
    raise DataError(
        "imagery.too_few_usable",
        f"{usable} of {len(records)} images can be used, {minimum} are needed.",
        advice="See the images' reasons in the ledger; upload originals with GPS positions.",
        numbers=numbers,
    )
