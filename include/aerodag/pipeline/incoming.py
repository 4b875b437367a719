"""Uploads that land in the incoming folder: which are complete, and their registration."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import psycopg
import structlog

from aerodag import ledger
from aerodag.errors import AerodagError, DataError
from aerodag.ledger import Dataset, Registration
from aerodag.storage import Storage, local_path, move, sha256_of

log = structlog.get_logger(__name__)

REGISTER_BATCH = 500
# What an upload is, by the end of its name.
UPLOAD_TYPES = {".zip": "raw_images_zip", ".tif": "geotiff", ".tiff": "geotiff"}


@dataclass(frozen=True, slots=True)
class Intake:
    """How many uploads of one pass were new, known by content already, or refused."""

    new: int
    known: int
    refused: int


@dataclass(frozen=True, slots=True)
class Upload:
    """A complete file and what identifies it."""

    path: Path
    size: int
    sha256: str
    owner: str


def complete_uploads(folder: Path, *, settle_seconds: float, now: float | None = None) -> list[Path]:
    """ZIPs and GeoTIFFs in ``folder`` that nobody writes to any more, oldest first.

    A file is complete when a marker ``NAME.zip.done`` lies beside it, or when it has not changed for
    ``settle_seconds``. The inode's change time tells that in one look: unlike the modification time, no upload tool
    can set it. Hidden files and ``.part`` or ``.tmp`` names are work in progress.
    """
    now = time.time() if now is None else now
    with os.scandir(folder) as entries:
        files = {entry.name: entry for entry in entries if entry.is_file(follow_symlinks=False)}
    found = []
    for name, entry in files.items():
        if name.startswith(".") or _suffix(Path(name)) not in UPLOAD_TYPES:
            continue
        stat = entry.stat(follow_symlinks=False)
        if f"{name}.done" in files or now - max(stat.st_ctime, stat.st_mtime) >= settle_seconds:
            found.append((stat.st_mtime, Path(entry.path)))
    return [path for _, path in sorted(found)]


def register_uploads(conn: psycopg.Connection, storage: Storage, paths: Iterable[Path]) -> Intake:
    """Register uploads once by content and move each to its place; a bad one never stops the next."""
    new = known = refused = 0
    remaining = iter(paths)
    while batch := list(islice(remaining, REGISTER_BATCH)):
        uploads = []
        for path in batch:
            try:
                uploads.append(read_upload(path))
            except AerodagError as error:
                _refuse(conn, storage, path, error)
                refused += 1
        with conn.transaction():
            entries = [(upload, _enter(conn, storage, upload)) for upload in uploads]
        for upload, entry in entries:
            _take_in(conn, storage, upload, entry)
            new += entry.created
            known += not entry.created
    return Intake(new, known, refused)


def register_upload(conn: psycopg.Connection, storage: Storage, path: Path) -> Dataset:
    """Register one upload and return its dataset.

    Raises ``DataError`` when it cannot be read, or is neither a ZIP nor a GeoTIFF by its name.
    """
    if _suffix(path) not in UPLOAD_TYPES:
        raise DataError(
            "upload.unknown_type",
            f"{path.name} is neither a ZIP of images nor a GeoTIFF.",
            advice="Upload a .zip, .tif or .tiff.",
        )
    upload = read_upload(path)
    entry = _enter(conn, storage, upload)
    _take_in(conn, storage, upload, entry)
    return ledger.get_dataset(conn, dataset_id=entry.dataset.id)


def read_upload(path: Path) -> Upload:
    """Size, content hash and owner of a file. Raises ``DataError`` when it is empty or cannot be read."""
    try:
        stat = path.stat()
        digest = sha256_of(path)
    except OSError as error:
        raise DataError(
            "upload.unreadable",
            f"{path.name} cannot be read: {error.strerror}.",
            advice="Check the file's permissions and upload it again.",
        ) from error
    if stat.st_size == 0:
        raise DataError("upload.empty", f"{path.name} has 0 bytes.", advice="Upload the file again.")
    return Upload(path, stat.st_size, digest, _owner(path))


def dag_run_id(dataset: Dataset) -> str:
    """The run id of a dataset's first run: a function of its content, so that two starters meet in one run."""
    return f"{dataset.name}__{dataset.content_sha256[:12]}"


def _enter(conn: psycopg.Connection, storage: Storage, upload: Upload) -> Registration:
    entry = ledger.register(
        conn,
        name=_dataset_name(upload.path),
        owner=upload.owner,
        source_uri=upload.path.as_uri(),
        content_sha256=upload.sha256,
        size_bytes=upload.size,
        upload_type=UPLOAD_TYPES[_suffix(upload.path)],
    )
    # The place is recorded before the move: after a crash between the two, the file is still in the incoming folder
    # and the next pass comes here again and completes the move.
    if entry.created:
        ledger.move_raw(conn, dataset_id=entry.dataset.id, raw_uri=_raw(storage, entry.dataset, upload.path).as_uri())
    return entry


def _take_in(conn: psycopg.Connection, storage: Storage, upload: Upload, entry: Registration) -> None:
    dataset = entry.dataset
    place = local_path(dataset.raw_uri) if dataset.raw_uri else _raw(storage, dataset, upload.path)
    if place.exists() and not place.samefile(upload.path):
        # Byte for byte what we hold, so the copy can be made again from there.
        upload.path.unlink()
        message = f"{upload.path.name} is dataset {dataset.id} ({dataset.name}) again; nothing was started."
        ledger.add_event(conn, kind="upload.known", message=message, dataset_id=dataset.id)
        log.info("upload is known", dataset=dataset.id, file=upload.path.name)
    else:
        move(upload.path, place)
        log.info("upload registered", dataset=dataset.id, file=upload.path.name, bytes=upload.size)
    upload.path.with_name(f"{upload.path.name}.done").unlink(missing_ok=True)


def _refuse(conn: psycopg.Connection, storage: Storage, path: Path, error: AerodagError) -> None:
    log.warning("upload refused", file=path.name, code=error.code)
    if not path.exists():
        return
    place = storage.refused(f"{time.time_ns()}_{path.name}")
    place.parent.mkdir(parents=True, exist_ok=True)
    path.rename(place)
    details = {"code": error.code, "advice": error.advice, "quarantine_uri": place.as_uri()}
    ledger.add_event(conn, kind="upload.refused", message=str(error), details=details)


def _raw(storage: Storage, dataset: Dataset, upload: Path) -> Path:
    return storage.raw(dataset.id, f"{dataset.name}{_suffix(upload)}")


def _suffix(path: Path) -> str:
    return path.suffix.lower()


def _dataset_name(path: Path) -> str:
    return re.sub(r"[^A-Za-z0-9._-]+", "_", path.stem).strip("._-")[:100] or "dataset"


def _owner(path: Path) -> str:
    try:
        return path.owner()
    except KeyError:  # a numeric uid without an account, as in containers
        return str(path.stat().st_uid)
