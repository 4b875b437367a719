"""Datasets: registered once per content, moved, quarantined, archived."""

from __future__ import annotations

from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any

import psycopg
from psycopg.rows import kwargs_row

from aerodag.errors import ConfigError
from aerodag.ledger.database import execute, fetch_one, query, storable

# The first request expires after a minute and each further one after four times as long: nearly six hours in all.
MOST_START_ASKS = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Dataset:
    """One upload. Sizes in bytes, times in UTC; what is unknown is None."""

    id: int
    name: str
    owner: str
    source_uri: str
    raw_uri: str | None
    content_sha256: str
    size_bytes: int
    upload_type: str
    captured_from: datetime | None
    captured_to: datetime | None
    captured_source: str | None
    licence: str | None
    platform: str | None
    project: str | None
    authors: list[str]
    access: str
    citation_doi: str | None
    notes: str | None
    priority: int
    created_at: datetime
    start_asked_at: datetime | None
    quarantined_at: datetime | None
    archived_at: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Description:
    """What an uploader says about a dataset.

    ``access`` is public, private or viewonly; ``platform`` is drone, airborne or satellite.
    """

    licence: str | None = None
    platform: str | None = None
    project: str | None = None
    authors: tuple[str, ...] = ()
    access: str = "public"
    citation_doi: str | None = None
    notes: str | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """The dataset of some content, and whether this call was the one that made it."""

    dataset: Dataset
    created: bool


def register(
    conn: psycopg.Connection,
    *,
    name: str,
    owner: str,
    source_uri: str,
    content_sha256: str,
    size_bytes: int,
    upload_type: str,
    priority: int = 3,
    description: Description | None = None,
) -> Registration:
    """Register an upload once: the same content again, also at the same moment, gives the dataset that is there.

    What is somebody else's and private counts as not there.

    Args:
        conn: The ledger.
        name: Name for people, usually the file name.
        owner: Database login that may see it whatever its access.
        source_uri: Where it was found.
        content_sha256: 64 lower case hexadecimal digits.
        size_bytes: Size of the file.
        upload_type: raw_images_zip, geotiff or video.
        priority: 1 to 5, 5 first.
        description: The uploader's words; only those of the first registration are kept.
    """
    params = {
        "name": name,
        "owner": owner,
        "source_uri": source_uri,
        "content_sha256": content_sha256,
        "size_bytes": size_bytes,
        "upload_type": upload_type,
        "priority": priority,
        **asdict(description or Description()),
    }
    with conn.cursor(row_factory=kwargs_row(_registration)) as cursor:
        return cursor.execute(query("register_dataset"), storable(params)).fetchall()[0]


def _registration(*, created: bool, **columns: Any) -> Registration:
    return Registration(Dataset(**{field.name: columns[field.name] for field in fields(Dataset)}), created)


def get_dataset(conn: psycopg.Connection, *, dataset_id: int) -> Dataset:
    """The dataset of that id.

    Raises:
        ConfigError: ``dataset.unknown``.
    """
    found = fetch_one(conn, "get_dataset", Dataset, dataset_id=dataset_id)
    if found is None:
        raise unknown_dataset(dataset_id)
    return found


def unknown_dataset(dataset_id: int) -> ConfigError:
    """The error for an id that no dataset has."""
    return ConfigError(
        "dataset.unknown",
        f"There is no dataset {dataset_id}.",
        advice="Look the id up in the list of datasets.",
        numbers={"dataset_id": dataset_id},
    )


def move_raw(conn: psycopg.Connection, *, dataset_id: int, raw_uri: str) -> None:
    """Record that the upload is now at ``raw_uri``, in its proper place."""
    _must_exist(execute(conn, "move_raw", dataset_id=dataset_id, raw_uri=raw_uri), dataset_id)


def quarantine(conn: psycopg.Connection, *, dataset_id: int, raw_uri: str) -> None:
    """Record that the upload is at ``raw_uri`` in the quarantine; it is not offered for processing any more."""
    _must_exist(execute(conn, "quarantine", dataset_id=dataset_id, raw_uri=raw_uri), dataset_id)


def archive_dataset(conn: psycopg.Connection, *, dataset_id: int) -> None:
    """Put a dataset away: the same content may then be registered afresh."""
    _must_exist(execute(conn, "archive_dataset", dataset_id=dataset_id), dataset_id)


def set_capture(
    conn: psycopg.Connection,
    *,
    dataset_id: int,
    captured_from: datetime | None,
    captured_to: datetime | None,
    captured_source: str | None,
) -> None:
    """Record the time span of the images; None where it is unknown."""
    touched = execute(
        conn,
        "set_capture",
        dataset_id=dataset_id,
        captured_from=captured_from,
        captured_to=captured_to,
        captured_source=captured_source,
    )
    _must_exist(touched, dataset_id)


def _must_exist(touched: int, dataset_id: int) -> None:
    if not touched:
        raise unknown_dataset(dataset_id)
