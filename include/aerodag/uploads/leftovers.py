"""Uploads that were not finished in time, and parts that belong to no upload."""

from __future__ import annotations

from datetime import datetime, timedelta
from math import inf
from pathlib import Path

import psycopg
import structlog

from aerodag import ledger
from aerodag.storage import Storage
from aerodag.uploads import parts

log = structlog.get_logger(__name__)

# A part is there a moment before its upload is recorded.
GRACE = timedelta(hours=1)


def remove_leftovers(conn: psycopg.Connection, storage: Storage, *, now: datetime) -> list[ledger.ExpiredUpload]:
    """Close what expired, and remove the parts on this machine that no open upload needs; returns what expired."""
    expired = ledger.expire_uploads(conn, now=now)
    for upload in expired:
        parts.part_of(storage, upload.id).unlink(missing_ok=True)
        log.info("upload expired", upload=str(upload.id), file=upload.name, owner=upload.owner)
    _remove_orphans(conn, storage, now)
    return expired


def _remove_orphans(conn: psycopg.Connection, storage: Storage, now: datetime) -> None:
    """What a killed process left, and what an upload left that expired by the word of another machine."""
    oldest = (now - GRACE).timestamp()
    found = {parts.upload_of(path): path for path in parts.folder(storage).glob(f"*{parts.SUFFIX}")}
    known = {upload_id: path for upload_id, path in found.items() if upload_id is not None}
    if not known:
        return
    needed = ledger.still_open(conn, upload_ids=known)
    for upload_id, path in known.items():
        if upload_id not in needed and _changed(path) < oldest:
            path.unlink(missing_ok=True)
            log.info("part of no upload removed", upload=str(upload_id))


def _changed(path: Path) -> float:
    """When it was written last; of one that is gone by now, just now."""
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return inf
