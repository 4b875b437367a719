"""What the headers of an upload say: images, receiver files, control points; read by seeking, nothing is unpacked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import UTC, datetime
from typing import Any

from aerodag import archive, imagery, rtk, survey
from aerodag.errors import DataError
from aerodag.findings import Finding, Severity
from aerodag.imagery import ImageMetadata
from aerodag.ledger import ImageRecord, RtkFile
from aerodag.pipeline.examination.control import uploaded_positions
from aerodag.pipeline.examination.rows import bare_images, bare_rtk_files
from aerodag.rtk import CameraPosition, Join, MarkFile, Match, Shot
from aerodag.settings import Checks
from aerodag.survey import Exposure

# What an image's row takes over from its header as it is.
_COPIED = tuple(
    {entry.name for entry in fields(ImageMetadata)}
    & {entry.name for entry in fields(ImageRecord)} - {"captured_at", "captured_source", "modality", "exif"}
)
_POSITION = ("longitude", "latitude", "altitude", "std_e_m", "std_n_m", "std_u_m")
MARK = "aerodag:mark"  # key of the exposure mark beside the tags in an image's exif


@dataclass(frozen=True, slots=True)
class Headers:
    """Rows of all images and receiver files, by path, and what was found in them."""

    records: tuple[ImageRecord, ...]
    rtk_files: tuple[RtkFile, ...]
    findings: tuple[Finding, ...]


def read_headers(
    reader: archive.Reader, inventory: archive.Inventory, digests: Mapping[str, str], checks: Checks
) -> Headers:
    """Read every image's header, join the exposure marks, find duplicates and choose one consistent set of sensors."""
    images: list[ImageMetadata] = []
    findings: list[Finding] = []
    for entry in inventory.images:
        try:
            with reader.open(entry.path) as file:
                images.append(imagery.read_metadata(file, entry.path))
        except DataError as error:
            code, advice = "image.unreadable", "Copy the file from the card again or leave it out."
            findings.append(Finding(Severity.WARNING, code, error.message, advice, entry.path, error.numbers))
    marks = list(_marks(reader, inventory.rtk))
    joined = rtk.join(marks, [_shot(image) for image in images], checks)
    given = uploaded_positions(reader, inventory)
    records = [
        _placed(record, given.by_path.get(record.zip_path))
        for record in _records(inventory.images, images, joined.matches, digests)
    ]
    copies = {copy.zip_path: copy.kept for copy in survey.duplicates([exposure_of(record) for record in records])}
    grouping = imagery.choose_group([image for image in images if image.name not in copies])
    findings += [finding for mark_file in marks for finding in mark_file.findings]
    findings += [*joined.findings, *given.findings, *grouping.findings, *imagery.problem_findings(images)]
    findings += [*_copy_findings(copies), *_other_sensor_findings(grouping), *_no_position_findings(records)]
    return Headers(
        records=tuple(
            replace(record, sensor_group=grouping.groups.get(record.zip_path), duplicate_of=copies.get(record.zip_path))
            for record in records
        ),
        rtk_files=tuple(_rtk_files(reader, inventory.rtk, marks, joined, digests)),
        findings=tuple(findings),
    )


def exposure_of(record: ImageRecord) -> Exposure:
    """The image as the survey sees it."""
    return Exposure(**{entry.name: getattr(record, entry.name) for entry in fields(Exposure)})


def position_of(record: ImageRecord) -> CameraPosition:
    """Where the image was taken, and how well that is known."""
    values = {name: getattr(record, name) for name in _POSITION}
    return CameraPosition(**values, flag=record.rtk_flag, source=record.position_source)


def _records(
    entries: Sequence[archive.Entry],
    images: Sequence[ImageMetadata],
    matches: Mapping[str, Match],
    digests: Mapping[str, str],
) -> list[ImageRecord]:
    known = {image.name: image for image in images}
    return [
        bare if (image := known.get(bare.zip_path)) is None else _with_header(bare, image, matches.get(bare.zip_path))
        for bare in bare_images(entries, digests)
    ]


def _with_header(bare: ImageRecord, image: ImageMetadata, match: Match | None) -> ImageRecord:
    captured_at, source = _captured(image, match)
    record = replace(
        bare,
        **{name: getattr(image, name) for name in _COPIED},
        modality=image.modality.value,
        captured_at=captured_at,
        captured_source=source,
        reasons=image.problems,
        exif=dict(image.exif) | _mark_of(match),
        gsd_cm=_gsd_cm(image),
    )
    return _placed(record, rtk.best_position(position_of(record), match.record if match else None))


def _placed(record: ImageRecord, position: CameraPosition | None) -> ImageRecord:
    if position is None or position.longitude is None:
        return record
    return replace(
        record,
        **{name: getattr(position, name) for name in _POSITION},
        rtk_flag=position.flag,
        position_source=position.source,
    )


def _captured(image: ImageMetadata, match: Match | None) -> tuple[datetime | None, str | None]:
    """A camera clock without a zone gives way to the mark's satellite time; else it is kept as if it were UTC."""
    at = image.captured_at
    if match is not None and (at is None or at.tzinfo is None):
        return match.record.captured_at, "mrk"
    return _aware(at), image.captured_source


def _aware(at: datetime | None) -> datetime | None:
    return at.replace(tzinfo=UTC) if at is not None and at.tzinfo is None else at


def _mark_of(match: Match | None) -> dict[str, Any]:
    if match is None:
        return {}
    about = {"file": match.mark_file, "index": match.record.index, "quality": match.record.quality}
    return {MARK: about | {"distance_m": match.distance_m, "seconds": match.seconds}}


def _gsd_cm(image: ImageMetadata) -> float | None:
    """Ground sampling distance of a nadir image in cm: height above take-off over focal length in pixels."""
    if not image.focal_px or not image.relative_altitude or image.relative_altitude <= 0:
        return None
    return 100 * image.relative_altitude / image.focal_px


def _shot(image: ImageMetadata) -> Shot:
    return Shot(
        zip_path=image.name,
        longitude=image.longitude,
        latitude=image.latitude,
        position_source=image.position_source,
        rtk_flag=image.rtk_flag,
        captured_at=_aware(image.captured_at),
        captured_source=image.captured_source,
    )


def _marks(reader: archive.Reader, entries: Sequence[archive.Entry]) -> Iterator[MarkFile]:
    for entry in entries:
        if entry.path.lower().endswith(".mrk"):
            with reader.open(entry.path) as file:
                yield rtk.read_marks(file.read(rtk.MAX_BYTES + 1), entry.path)


def _rtk_files(
    reader: archive.Reader,
    entries: Sequence[archive.Entry],
    marks: Sequence[MarkFile],
    joined: Join,
    digests: Mapping[str, str],
) -> Iterator[RtkFile]:
    read = {mark_file.name: mark_file for mark_file in marks}
    accounts = {account.name: account for account in joined.files}
    for bare in bare_rtk_files(entries, digests):
        with reader.open(bare.zip_path) as file:
            about = rtk.describe_side_file(bare.zip_path, file.read(rtk.HEAD_BYTES))
        mark_file, account = read.get(bare.zip_path), accounts.get(bare.zip_path)
        details: dict[str, Any] = {name: value for name, value in _plain(about).items() if value}
        if mark_file is not None:
            details["bad_lines"] = mark_file.bad_lines
        if account is not None:
            details |= {name: value for name, value in _plain(account).items() if name not in {"name", "matched"}}
        yield replace(
            bare,
            records=len(mark_file.records) if mark_file else None,
            matched=(account.matched if account else 0) if mark_file else None,
            details=details,
        )


def _plain(value: Any) -> dict[str, Any]:
    return {entry.name: getattr(value, entry.name) for entry in fields(value)}


def _copy_findings(copies: Mapping[str, str]) -> Iterator[Finding]:
    for path, kept in copies.items():
        yield Finding(
            Severity.INFO,
            "image.duplicate",
            f"{path} has the same content as {kept}, which is used.",
            "Nothing needs to be done; one copy is enough.",
            path,
            {"kept": kept},
        )


def _other_sensor_findings(grouping: imagery.Grouping) -> Iterator[Finding]:
    explained = {finding.image for finding in grouping.findings}
    for path in grouping.others:
        if path not in explained:
            yield Finding(
                Severity.INFO,
                "image.other_sensor",
                f"{path} is of the sensor '{grouping.groups[path]}', which does not take part.",
                "Upload these images as a dataset of their own if they are to be mapped too.",
                path,
            )


def _no_position_findings(records: Sequence[ImageRecord]) -> Iterator[Finding]:
    for record in records:
        if record.width is not None and record.longitude is None:
            yield Finding(
                Severity.WARNING,
                "image.no_position",
                f"{record.zip_path} does not say where it was taken.",
                "Upload the camera's original file: editors and messengers remove the position from a picture.",
                record.zip_path,
            )
