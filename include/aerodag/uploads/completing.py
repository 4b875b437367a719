"""An upload ends: the whole file is looked at and appears in the incoming location, or all of it goes."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import psycopg
import structlog

from aerodag import ledger
from aerodag.archive import Limits
from aerodag.errors import DataError
from aerodag.ledger import Upload
from aerodag.settings import Settings
from aerodag.storage import Storage
from aerodag.uploads.chunks import require_open
from aerodag.uploads.content import require_content
from aerodag.uploads.names import incoming_name
from aerodag.uploads.parts import gone, part_of, sync_folder

log = structlog.get_logger(__name__)

WAIT_SECONDS = 10.0
LOOK_SECONDS = 0.1


def complete(
    conn: psycopg.Connection, settings: Settings, storage: Storage, upload: Upload, *, now: datetime
) -> Upload:
    """Bring the whole file into the incoming location; once more gives the same answer.

    Whichever of its steps a killed process had done, the next call does the rest: the place is recorded before the
    file goes there, and the part is gone only when the file is there.

    Raises:
        DataError: ``upload.chunks_missing``, ``upload.not_open``, ``upload.gone``, ``upload.completing`` while another
            request does it, and what `require_content` refuses.
        InfrastructureError: of the storage.
    """
    with _alone(conn, upload):
        upload = ledger.get_upload(conn, upload_id=upload.id)
        if upload.state == "complete":
            return upload
        require_open(upload, now=now)
        _require_chunks(upload)
        if part_of(storage, upload.id).exists():
            _publish(conn, settings, storage, upload)
        else:
            _require_published(conn, storage, upload)
        ledger.complete_upload(conn, upload_id=upload.id, now=now)
        log.info("upload complete", upload=str(upload.id), file=upload.name, bytes=upload.size_bytes)
        return ledger.get_upload(conn, upload_id=upload.id)


def discard(conn: psycopg.Connection, storage: Storage, upload: Upload) -> None:
    """Remove an upload and what was received of it.

    Raises ``DataError`` ``upload.is_complete``, ``upload.unknown``, ``upload.completing``.
    """
    part = part_of(storage, upload.id)
    with _alone(conn, upload):
        upload = ledger.get_upload(conn, upload_id=upload.id)
        if upload.state == "complete" or (not part.exists() and _is_published(storage, upload)):
            raise DataError(
                "upload.is_complete",
                f"{upload.name} was uploaded completely and is processed.",
                advice="Cancel the run of its dataset if it should not be.",
            )
        ledger.delete_upload(conn, upload_id=upload.id)
        part.unlink(missing_ok=True)
    log.info("upload removed", upload=str(upload.id), file=upload.name)


def _publish(conn: psycopg.Connection, settings: Settings, storage: Storage, upload: Upload) -> None:
    part = part_of(storage, upload.id)
    if part.stat().st_size != upload.size_bytes:
        raise gone()
    require_content(part, upload.name, upload.upload_type, Limits.of(settings))
    target = storage.incoming / incoming_name(upload.name, upload.id)
    uri = storage.uri(target)
    ledger.upload_publishing(conn, upload_id=upload.id, source_uri=uri)
    storage.move(part.as_uri(), target)
    if "incoming" in storage.remotes:
        # Ingest may run on another machine and would never take this copy away.
        target.unlink(missing_ok=True)
    else:
        sync_folder(target.parent)
    sync_folder(part.parent)


def _require_published(conn: psycopg.Connection, storage: Storage, upload: Upload) -> None:
    """The part is gone: the file has to be where it was going, or known to have been found there."""
    if _is_published(storage, upload):
        return
    if ledger.get_upload(conn, upload_id=upload.id).state != "complete":
        raise gone()


def _is_published(storage: Storage, upload: Upload) -> bool:
    return upload.source_uri is not None and storage.size(upload.source_uri) is not None


def _require_chunks(upload: Upload) -> None:
    missing = upload.chunks_total - len(upload.chunks)
    if missing:
        raise DataError(
            "upload.chunks_missing",
            f"{missing} of {upload.chunks_total} chunks of {upload.name} are not here yet.",
            advice="Send those that chunks_received does not name, then complete again.",
            numbers={"missing": missing, "chunks": upload.chunks_total},
        )


@contextmanager
def _alone(conn: psycopg.Connection, upload: Upload) -> Iterator[None]:
    """Nobody else ends this upload meanwhile; one who does is waited for a little."""
    until = time.monotonic() + WAIT_SECONDS
    while True:
        with ledger.upload_lock(conn, upload_id=upload.id) as taken:
            if taken:
                yield
                return
        if time.monotonic() > until:
            raise DataError(
                "upload.completing",
                f"{upload.name} is being brought into place by another request.",
                advice="Ask again in a moment.",
            )
        time.sleep(LOOK_SECONDS)
