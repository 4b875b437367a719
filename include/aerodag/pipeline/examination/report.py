"""The pre-flight report of an upload, put together from the rows of its images and what was found."""

from __future__ import annotations

import math
import shutil
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from statistics import median
from typing import Any

import pyproj

from aerodag import photogrammetry, preflight, rtk, survey
from aerodag.findings import Finding
from aerodag.ledger import ImageRecord, RtkFile
from aerodag.photogrammetry import Choice, EngineHost
from aerodag.photogrammetry.odm.planning.presets import PRESETS
from aerodag.pipeline.examination.headers import MARK, exposure_of, position_of
from aerodag.preflight import Evidence, Flight, Job, PastRun, PhotoRow, Report, Resources, RtkSummary, SensorGroup
from aerodag.rtk import Solution
from aerodag.settings import Settings

_EARTH = pyproj.Geod(ellps="WGS84")
_LEFT_OUT_FOR_A_FAULT = {"rejected", "invalid_exif"}


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """What is known of an upload before the engine: judged images, receiver files, findings, what is wanted of it."""

    name: str
    size_bytes: int
    records: Sequence[ImageRecord]
    rtk_files: Sequence[RtkFile]
    findings: Sequence[Finding]
    control_points: int | None = None
    engine: str = "auto"
    preset: str = "standard"

    @property
    def used(self) -> list[ImageRecord]:
        """The images that the engine gets."""
        return [record for record in self.records if record.status == "assigned"]


def compose(upload: Upload, settings: Settings, work: Path, history: Sequence[PastRun] = ()) -> Report:
    """The report with its verdict; ``work`` is a folder on the disk that the engine will fill."""
    exposures = [exposure_of(record) for record in upload.used]
    coverage = survey.coverage(exposures, settings.checks)
    findings = (*upload.findings, *coverage.findings)
    engine = photogrammetry.choose(upload.engine, settings)
    host = photogrammetry.host_of(engine, settings)
    job = _job(upload, engine, host)
    prediction = preflight.predict(_workload(upload), job, history) if upload.used else None
    resources = Resources(
        free_disk_bytes=shutil.disk_usage(work).free, memory_bytes=host.memory_bytes, cores=host.cores
    )
    summary = _rtk_summary(upload)
    evidence = _evidence(upload, coverage, summary, settings)
    times = sorted(record.captured_at for record in upload.records if record.captured_at is not None)
    return Report(
        dataset=upload.name,
        images=Counter(record.status for record in upload.records),
        verdict=preflight.judge(evidence, findings, prediction, resources, settings.checks),
        created_at=datetime.now(UTC),
        source_bytes=upload.size_bytes,
        sensors=tuple(_sensors(upload.records)),
        flights=tuple(_flights(upload.used)),
        captured_from=times[0] if times else None,
        captured_to=times[-1] if times else None,
        captured_source=next((record.captured_source for record in upload.records if record.captured_source), None),
        rtk=summary if summary.expected else None,
        control_points=upload.control_points,
        coverage=_coverage(coverage),
        prediction=prediction,
        resources=resources,
        findings=findings,
        photos=tuple(_photos(upload.records, survey.outlines(exposures, settings.checks))),
    )


def _workload(upload: Upload) -> preflight.Workload:
    sizes = [record.width * record.height / 1e6 for record in upload.used if record.width and record.height]
    return preflight.Workload(
        images=len(upload.used),
        megapixels_per_image=math.fsum(sizes) / len(sizes) if sizes else 0.0,
        input_bytes=sum(record.size_bytes or 0 for record in upload.used),
    )


def _job(upload: Upload, engine: Choice, host: EngineHost) -> Job:
    options = PRESETS[upload.preset].options if engine.detached else {}
    return Job(
        engine=engine.name,
        preset=upload.preset,
        dsm=bool(options.get("dsm")),
        dtm=bool(options.get("dtm")),
        cores=host.cores,
        host=host.name,
    )


def _evidence(upload: Upload, coverage: survey.Coverage, summary: RtkSummary, settings: Settings) -> Evidence:
    return Evidence(
        images=len(upload.records),
        usable=len(upload.used),
        rejected=sum(record.status in _LEFT_OUT_FOR_A_FAULT for record in upload.records),
        with_position=sum(record.longitude is not None for record in upload.records),
        min_images=settings.min_images,
        share_touching=_share_touching(coverage),
        gap_share=coverage.gap_m2 / coverage.hull_m2 if coverage.gap_m2 is not None and coverage.hull_m2 else None,
        rtk_expected=summary.expected,
        rtk_fix_ratio=summary.fix_ratio,
    )


def _share_touching(coverage: survey.Coverage) -> float | None:
    """Part of the footprints that meet another one."""
    alone = sum(size == 1 for size in coverage.groups)
    return 1 - alone / sum(coverage.groups) if coverage.groups else None


def _coverage(coverage: survey.Coverage) -> preflight.Coverage:
    return preflight.Coverage(
        area_m2=coverage.area_m2,
        forward_overlap=coverage.forward_overlap,
        side_overlap=coverage.side_overlap,
        gsd_cm_median=coverage.gsd_cm,
        share_seen_3=coverage.share_3,
        share_touching=_share_touching(coverage),
        gap_area_m2=coverage.gap_m2,
        gaps={"type": "GeometryCollection", "geometries": [gap.polygon for gap in coverage.gaps]},
        hull=coverage.hull,
    )


def _rtk_summary(upload: Upload) -> RtkSummary:
    used = upload.used
    with_mark = sum(MARK in record.exif for record in used)
    figures = rtk.figures(
        [position_of(record) for record in used],
        unmatched_images=len(used) - with_mark if with_mark else 0,
        unmatched_records=sum((file.records or 0) - (file.matched or 0) for file in upload.rtk_files),
    )
    worst = max(used, key=_horizontal, default=None)
    counts = figures.solutions
    return RtkSummary(
        expected=bool(upload.rtk_files) or any(record.rtk_flag for record in used),
        source=next((source for source in ("mrk", "xmp") if source in figures.sources), None),
        fixed=counts[Solution.FIXED],
        floating=counts[Solution.FLOAT],
        single=counts[Solution.SINGLE],
        without=counts[Solution.NONE] + counts[Solution.UNKNOWN],
        fix_ratio=figures.fix_ratio,
        median_horizontal_m=figures.median_horizontal_m,
        median_vertical_m=figures.median_vertical_m,
        worst_m=figures.worst_horizontal_m,
        worst_image=worst.zip_path if worst is not None and figures.worst_horizontal_m is not None else None,
        unmatched_images=figures.unmatched_images,
        unmatched_records=figures.unmatched_records,
        files=tuple(file.zip_path for file in upload.rtk_files),
        reason="; ".join(figures.unknown.values()) or None,
    )


def _horizontal(record: ImageRecord) -> float:
    return position_of(record).std_horizontal_m or 0.0


def _sensors(records: Iterable[ImageRecord]) -> Iterator[SensorGroup]:
    members: dict[str, list[ImageRecord]] = defaultdict(list)
    for record in records:
        if record.sensor_group is not None:
            members[record.sensor_group].append(record)
    for name, images in sorted(members.items(), key=lambda item: -len(item[1])):
        first = images[0]
        bands = sorted({image.band for image in images if image.band})
        yield SensorGroup(
            name=name,
            images=len(images),
            chosen=any(image.status == "assigned" for image in images),
            make=first.make,
            model=first.model,
            lens=first.lens,
            band=", ".join(bands) or None,
            width=first.width,
            height=first.height,
            focal_mm=first.focal_mm,
        )


def _flights(records: Iterable[ImageRecord]) -> Iterator[Flight]:
    members: dict[int, list[ImageRecord]] = defaultdict(list)
    for record in records:
        if record.flight is not None:
            members[record.flight].append(record)
    for number, images in sorted(members.items()):
        times = sorted(image.captured_at for image in images if image.captured_at is not None)
        heights = [image.relative_altitude for image in images if image.relative_altitude is not None]
        yield Flight(
            number=number,
            images=len(images),
            start=times[0] if times else None,
            end=times[-1] if times else None,
            length_m=_length_m(images),
            height_m=median(heights) if heights else None,
        )


def _length_m(images: Sequence[ImageRecord]) -> float | None:
    track = sorted(
        (image.captured_at, image.longitude, image.latitude)
        for image in images
        if image.captured_at is not None and image.longitude is not None and image.latitude is not None
    )
    if len(track) < 2:
        return None
    return float(_EARTH.line_length([point[1] for point in track], [point[2] for point in track]))


def _photos(records: Iterable[ImageRecord], outlines: Mapping[str, dict[str, Any]]) -> Iterator[PhotoRow]:
    for record in records:
        outline = outlines.get(record.zip_path)
        yield PhotoRow(
            zip_path=record.zip_path,
            status=record.status,
            reasons=tuple(record.reasons),
            longitude=record.longitude,
            latitude=record.latitude,
            captured_at=record.captured_at,
            flight=record.flight,
            sensor_group=record.sensor_group,
            sharpness=record.sharpness,
            footprint=tuple((x, y) for x, y, *_ in outline["coordinates"][0]) if outline else None,
        )
