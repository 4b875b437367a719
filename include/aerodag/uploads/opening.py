"""An upload begins: is it wanted, and is there room for it."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from uuid import uuid4

import psycopg
import structlog

from aerodag import ledger
from aerodag.errors import DataError, InfrastructureError
from aerodag.ledger import Description, Pressure, Upload
from aerodag.settings import Settings
from aerodag.storage import Storage
from aerodag.uploads import parts
from aerodag.uploads.leftovers import remove_leftovers
from aerodag.uploads.names import accepted_name, upload_type

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody wants to upload, and what he says about it."""

    name: str
    size_bytes: int
    owner: str
    description: Description = field(default_factory=Description)
    captured_on: date | None = None
    priority: int = 3


def open_upload(conn: psycopg.Connection, settings: Settings, storage: Storage, wish: Wish, *, now: datetime) -> Upload:
    """Expect a file.

    Raises:
        DataError: ``upload.unknown_type``, ``upload.empty``, ``upload.too_large``, ``upload.too_many``.
        InfrastructureError: ``upload.no_room``.
    """
    name = accepted_name(wish.name)
    _refuse_size(settings, name, wish.size_bytes)
    remove_leftovers(conn, storage, now=now)
    upload_id = uuid4()
    with parts.created(storage, upload_id, wish.size_bytes), ledger.opening_uploads(conn):
        pressure = ledger.upload_pressure(conn, owner=wish.owner, now=now)
        _refuse_many(settings, pressure)
        _refuse_without_room(settings, storage, name, wish.size_bytes, pressure)
        ledger.open_upload(
            conn,
            upload_id=upload_id,
            name=name,
            upload_type=upload_type(name),
            size_bytes=wish.size_bytes,
            chunk_bytes=settings.uploads.chunk_bytes,
            owner=wish.owner,
            description=wish.description,
            captured_on=wish.captured_on,
            priority=wish.priority,
            now=now,
            expires_at=now + timedelta(days=settings.uploads.days),
        )
    opened = ledger.get_upload(conn, upload_id=upload_id)
    log.info("upload opened", upload=str(upload_id), file=name, bytes=wish.size_bytes, owner=wish.owner)
    return opened


def _refuse_size(settings: Settings, name: str, size: int) -> None:
    if size < 1:
        raise DataError("upload.empty", f"{name} has {size} bytes.", advice="Choose a file that is not empty.")
    zipped = upload_type(name) == "raw_images_zip"
    limit = settings.uploads.max_zip_bytes if zipped else settings.uploads.max_geotiff_bytes
    if size > limit:
        raise DataError(
            "upload.too_large",
            f"{name} has {size / 1e9:.1f} GB, more than the {limit / 1e9:g} GB that a "
            f"{'ZIP' if zipped else 'GeoTIFF'} may have here.",
            advice="Split the flight into several ZIPs." if zipped else "Compress the GeoTIFF, or bring it over SFTP.",
            numbers={"bytes": size, "limit": limit},
        )


def _refuse_many(settings: Settings, pressure: Pressure) -> None:
    if pressure.own >= settings.uploads.max_open:
        raise DataError(
            "upload.too_many",
            f"{pressure.own} uploads of yours are not finished; {settings.uploads.max_open} may be at a time.",
            advice="Finish or remove some of them.",
            numbers={"open": pressure.own, "limit": settings.uploads.max_open},
        )


def _refuse_without_room(settings: Settings, storage: Storage, name: str, size: int, pressure: Pressure) -> None:
    # What other open uploads have still to bring is not on the disk yet, and is counted on.
    free = shutil.disk_usage(parts.folder(storage)).free - pressure.bytes_to_come - settings.uploads.keep_free_bytes
    if free < size:
        raise InfrastructureError(
            "upload.no_room",
            f"There is room for {max(free, 0) / 1e9:.1f} GB more; {name} has {size / 1e9:.1f} GB.",
            advice="Try again later, or ask the operator to free disk space.",
            numbers={"bytes": size, "free_bytes": free},
        )
