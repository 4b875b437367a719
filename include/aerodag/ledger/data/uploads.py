"""Uploads that come in pieces: what they are, which chunks are there, what became of them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import date, datetime
from uuid import UUID

import psycopg

from aerodag.errors import DataError
from aerodag.ledger.data.datasets import Description
from aerodag.ledger.database import execute, fetch_all, fetch_one, query


@dataclass(frozen=True, slots=True, kw_only=True)
class Upload:
    """One upload. Sizes in bytes; ``state`` is open, complete or expired.

    ``chunks`` are the indexes of the chunks that are there, of one that is not complete. ``source_uri`` is where the
    whole file appears, None before that was decided; ``refusal`` is why the whole file could not be registered.
    """

    id: UUID
    name: str
    upload_type: str
    size_bytes: int
    chunk_bytes: int
    owner: str
    licence: str | None
    platform: str | None
    project: str | None
    authors: list[str]
    access: str
    citation_doi: str | None
    notes: str | None
    captured_on: date | None
    priority: int
    state: str
    source_uri: str | None
    dataset_id: int | None
    already_known: bool
    refusal: str | None
    created_at: datetime
    expires_at: datetime
    chunks: list[int]

    @property
    def chunks_total(self) -> int:
        """How many chunks the file has."""
        return -(-self.size_bytes // self.chunk_bytes)

    @property
    def description(self) -> Description:
        """What the uploader says about the dataset."""
        return Description(
            licence=self.licence,
            platform=self.platform,
            project=self.project,
            authors=tuple(self.authors),
            access=self.access,
            citation_doi=self.citation_doi,
            notes=self.notes,
        )

    def is_over(self, now: datetime) -> bool:
        """Whether its time is over, also where nobody has closed it yet."""
        return self.state == "expired" or (self.state == "open" and self.expires_at <= now)

    def span(self, index: int) -> tuple[int, int]:
        """Offset and length of a chunk in the file."""
        offset = index * self.chunk_bytes
        return offset, min(self.chunk_bytes, self.size_bytes - offset)


@dataclass(frozen=True, slots=True)
class Pressure:
    """Open uploads of one owner, and the bytes that everybody's open uploads have still to bring."""

    own: int
    bytes_to_come: int


@dataclass(frozen=True, slots=True)
class ExpiredUpload:
    """An upload that was not finished in time."""

    id: UUID
    name: str
    owner: str
    size_bytes: int
    created_at: datetime


@dataclass(frozen=True, slots=True)
class _Chunk:
    sha256: bytes


@dataclass(frozen=True, slots=True)
class _Id:
    id: UUID


@contextmanager
def opening_uploads(conn: psycopg.Connection) -> Iterator[None]:
    """One upload is opened at a time, so that two cannot count on the same room; a transaction."""
    with conn.transaction():
        execute(conn, "upload_lock_opening")
        yield


def upload_pressure(conn: psycopg.Connection, *, owner: str, now: datetime) -> Pressure:
    """What open uploads count against the limits."""
    found = fetch_one(conn, "upload_pressure", Pressure, owner=owner, now=now)
    return found or Pressure(0, 0)


def open_upload(
    conn: psycopg.Connection,
    *,
    upload_id: UUID,
    name: str,
    upload_type: str,
    size_bytes: int,
    chunk_bytes: int,
    owner: str,
    description: Description,
    captured_on: date | None,
    priority: int,
    now: datetime,
    expires_at: datetime,
) -> None:
    """Record that an upload is expected."""
    execute(
        conn,
        "upload_open",
        id=upload_id,
        name=name,
        upload_type=upload_type,
        size_bytes=size_bytes,
        chunk_bytes=chunk_bytes,
        owner=owner,
        captured_on=captured_on,
        priority=priority,
        now=now,
        expires_at=expires_at,
        **asdict(description),
    )


def get_upload(conn: psycopg.Connection, *, upload_id: UUID) -> Upload:
    """The upload of that id. Raises ``DataError`` ``upload.unknown``."""
    found = fetch_one(conn, "upload_find", Upload, id=upload_id)
    if found is None:
        raise unknown_upload(upload_id)
    return found


def unknown_upload(upload_id: UUID) -> DataError:
    """The error for an id that no upload has."""
    return DataError("upload.unknown", f"There is no upload {upload_id}.", advice="Begin a new upload.")


def find_upload_from(conn: psycopg.Connection, *, source_uri: str) -> Upload | None:
    """The upload that brought the file there, without its chunks; None where it came another way."""
    return fetch_one(conn, "upload_find_from", Upload, source_uri=source_uri)


def list_open_uploads(conn: psycopg.Connection, *, owner: str, now: datetime) -> list[Upload]:
    """Unfinished uploads of one owner, the oldest first."""
    return fetch_all(conn, "upload_list_open", Upload, owner=owner, now=now)


def chunk_digest(conn: psycopg.Connection, *, upload_id: UUID, index: int) -> bytes | None:
    """SHA-256 of a chunk that is there; None where it is not."""
    found = fetch_one(conn, "upload_chunk", _Chunk, id=upload_id, index=index)
    return None if found is None else found.sha256


def record_chunk(conn: psycopg.Connection, *, upload_id: UUID, index: int, sha256: bytes) -> bool:
    """Record a chunk that is on the disk; False where it is there already or the upload is not open any more."""
    return bool(execute(conn, "upload_record_chunk", id=upload_id, index=index, sha256=sha256))


def upload_publishing(conn: psycopg.Connection, *, upload_id: UUID, source_uri: str) -> None:
    """Record where the whole file is about to appear."""
    execute(conn, "upload_publishing", id=upload_id, source_uri=source_uri)


def complete_upload(conn: psycopg.Connection, *, upload_id: UUID, now: datetime) -> None:
    """Record that the whole file is in the incoming location; done before counts as done."""
    execute(conn, "upload_complete", id=upload_id, now=now)


def upload_registered(conn: psycopg.Connection, *, upload_id: UUID, dataset_id: int, already_known: bool) -> None:
    """Record which dataset the file is that an upload brought."""
    execute(conn, "upload_registered", id=upload_id, dataset_id=dataset_id, already_known=already_known)


def upload_refused(conn: psycopg.Connection, *, source_uri: str, refusal: str) -> None:
    """Record why the file that lay there could not be registered, if an upload brought it."""
    execute(conn, "upload_refused", source_uri=source_uri, refusal=refusal)


def expire_uploads(conn: psycopg.Connection, *, now: datetime) -> list[ExpiredUpload]:
    """Close the uploads whose time is over, but for those that are being completed; returns them."""
    return fetch_all(conn, "upload_expire", ExpiredUpload, now=now)


def delete_upload(conn: psycopg.Connection, *, upload_id: UUID) -> None:
    """Forget an upload that is not complete."""
    execute(conn, "upload_delete", id=upload_id)


def still_open(conn: psycopg.Connection, *, upload_ids: Iterable[UUID]) -> set[UUID]:
    """Those of the uploads that are not complete, expired or forgotten."""
    return {row.id for row in fetch_all(conn, "upload_still_open", _Id, ids=list(upload_ids))}


@contextmanager
def upload_lock(conn: psycopg.Connection, *, upload_id: UUID) -> Iterator[bool]:
    """Whether this connection is the only one that ends that upload; nobody waits for another."""
    row = conn.execute(query("upload_try_lock"), {"id": upload_id}).fetchone()
    taken = bool(row and row[0])
    try:
        yield taken
    finally:
        # A connection that broke has let go of it.
        if taken and not conn.broken and not conn.closed:
            conn.execute(query("upload_unlock"), {"id": upload_id})
