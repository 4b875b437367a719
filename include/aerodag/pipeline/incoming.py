"""Uploads that land in the incoming folder: which are complete, and their registration."""

from __future__ import annotations

import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice
from pathlib import Path, PurePosixPath

import psycopg
import structlog

from aerodag import ledger
from aerodag.errors import AerodagError, DataError
from aerodag.ledger import Dataset, Registration
from aerodag.storage import Storage, sha256_of
from aerodag.storage.arrivals import Arrival, arrivals, settled
from aerodag.uploads.names import UPLOAD_TYPES

log = structlog.get_logger(__name__)

REGISTER_BATCH = 500
NORMAL_PRIORITY = 3


@dataclass(frozen=True, slots=True)
class Intake:
    """How many uploads of one pass were new, known by content already, or refused."""

    new: int
    known: int
    refused: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A complete file and what identifies it."""

    arrival: Arrival
    sha256: str
    owner: str


def complete_uploads(storage: Storage, *, settle_seconds: float, now: float | None = None) -> list[Arrival]:
    """ZIPs and GeoTIFFs in the incoming folder that nobody writes to any more, oldest first.

    A file is complete when a marker ``NAME.zip.done`` lies beside it, or when it has not changed for
    ``settle_seconds``. Hidden files and ``.part`` or ``.tmp`` names are work in progress.
    """
    files = arrivals(storage)
    candidates = [file for file in files.values() if not file.name.startswith(".") and _suffix(file) in UPLOAD_TYPES]
    marked = [file for file in candidates if f"{file.name}.done" in files]
    unmarked = [file for file in candidates if f"{file.name}.done" not in files]
    return sorted([*marked, *settled(storage, unmarked, settle_seconds, now)], key=lambda file: file.changed)


def register_uploads(conn: psycopg.Connection, storage: Storage, files: Iterable[Arrival]) -> Intake:
    """Register uploads once by content and move each to its place; a bad one never stops the next."""
    new = known = refused = 0
    remaining = iter(files)
    while batch := list(islice(remaining, REGISTER_BATCH)):
        uploads = []
        for file in batch:
            try:
                uploads.append(read_upload(storage, file))
            except DataError as error:
                _refuse(conn, storage, file, error)
                refused += 1
        with conn.transaction():
            entries = [(upload, _enter(conn, storage, upload)) for upload in uploads]
        for upload, entry in entries:
            _take_in(conn, storage, upload, entry)
            new += entry.created
            known += not entry.created
    return Intake(new, known, refused)


def register_upload(conn: psycopg.Connection, storage: Storage, file: Arrival) -> Dataset:
    """Register one upload and return its dataset.

    Raises ``DataError`` when it cannot be read, or is neither a ZIP nor a GeoTIFF by its name.
    """
    if _suffix(file) not in UPLOAD_TYPES:
        raise DataError(
            "upload.unknown_type",
            f"{file.name} is neither a ZIP of images nor a GeoTIFF.",
            advice="Upload a .zip, .tif or .tiff.",
        )
    upload = read_upload(storage, file)
    entry = _enter(conn, storage, upload)
    _take_in(conn, storage, upload, entry)
    return ledger.get_dataset(conn, dataset_id=entry.dataset.id)


def read_upload(storage: Storage, file: Arrival) -> Upload:
    """Content hash and owner of a file. Raises ``DataError`` when it is empty or cannot be read."""
    if file.size == 0:
        raise DataError("upload.empty", f"{file.name} has 0 bytes.", advice="Upload the file again.")
    path = storage.fetch(file.uri, size=file.size)
    try:
        return Upload(file, sha256_of(path), _owner(storage, path))
    except OSError as error:
        raise DataError(
            "upload.unreadable",
            f"{file.name} cannot be read: {error.strerror}.",
            advice="Check the file's permissions and upload it again.",
        ) from error


def _enter(conn: psycopg.Connection, storage: Storage, upload: Upload) -> Registration:
    told = ledger.find_upload_from(conn, source_uri=upload.arrival.uri)
    entry = ledger.register(
        conn,
        name=_dataset_name(told.name if told else upload.arrival.name),
        owner=told.owner if told else upload.owner,
        source_uri=upload.arrival.uri,
        content_sha256=upload.sha256,
        size_bytes=upload.arrival.size,
        upload_type=UPLOAD_TYPES[_suffix(upload.arrival)],
        priority=told.priority if told else NORMAL_PRIORITY,
        description=told.description if told else None,
    )
    # The place is recorded before the move: after a crash between the two, the file is still in the incoming folder
    # and the next pass comes here again and completes the move.
    if entry.created:
        raw_uri = storage.uri(_raw(storage, entry.dataset, upload.arrival))
        ledger.move_raw(conn, dataset_id=entry.dataset.id, raw_uri=raw_uri)
    if told:
        _note_upload(conn, told, entry.dataset)
    return entry


def _note_upload(conn: psycopg.Connection, told: ledger.Upload, dataset: Dataset) -> None:
    """The day that the uploader gave, until the images tell better; and to the upload, which dataset it is."""
    ours = dataset.source_uri == told.source_uri
    if ours and told.captured_on is not None and dataset.captured_source is None:
        begin = datetime.combine(told.captured_on, datetime.min.time(), UTC)
        ledger.set_capture(
            conn,
            dataset_id=dataset.id,
            captured_from=begin,
            captured_to=begin + timedelta(days=1, microseconds=-1),
            captured_source="uploader",
        )
    ledger.upload_registered(conn, upload_id=told.id, dataset_id=dataset.id, already_known=not ours)


def _take_in(conn: psycopg.Connection, storage: Storage, upload: Upload, entry: Registration) -> None:
    dataset, file = entry.dataset, upload.arrival
    held = dataset.raw_uri if not entry.created else None
    if held is not None and storage.size(held) == file.size:
        # Byte for byte what we hold, so the copy can be made again from there.
        storage.remove(file.uri)
        message = f"{file.name} is dataset {dataset.id} ({dataset.name}) again; nothing was started."
        ledger.add_event(conn, kind="upload.known", message=message, dataset_id=dataset.id)
        log.info("upload is known", dataset=dataset.id, file=file.name)
    else:
        storage.move(file.uri, storage.path(held) if held else _raw(storage, dataset, file))
        log.info("upload registered", dataset=dataset.id, file=file.name, bytes=file.size)
    storage.remove(f"{file.uri}.done")


def _refuse(conn: psycopg.Connection, storage: Storage, file: Arrival, error: AerodagError) -> None:
    log.warning("upload refused", file=file.name, code=error.code)
    if storage.size(file.uri) is None:
        return
    place = storage.refused(f"{time.time_ns()}_{file.name}")
    details = {"code": error.code, "advice": error.advice, "quarantine_uri": storage.move(file.uri, place)}
    ledger.add_event(conn, kind="upload.refused", message=str(error), details=details)
    ledger.upload_refused(conn, source_uri=file.uri, refusal=str(error))


def _raw(storage: Storage, dataset: Dataset, file: Arrival) -> Path:
    return storage.raw(dataset.id, f"{dataset.name}{_suffix(file)}")


def _suffix(file: Arrival) -> str:
    return PurePosixPath(file.name).suffix.lower()


def _dataset_name(file_name: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", PurePosixPath(file_name).stem).strip("._-")[:100] or "dataset"


def _owner(storage: Storage, path: Path) -> str:
    """The login that owns the file; of one that came from elsewhere, whoever this server knows it by."""
    remote = storage.remotes.get("incoming")
    if remote is not None:
        return remote.store.root
    try:
        return path.owner()
    except KeyError:  # a numeric uid without an account, as in containers
        return str(path.stat().st_uid)
