"""Pictures of single images."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from aerodag.ledger.browse.viewer import Viewer
from aerodag.ledger.database import fetch_one, query


@dataclass(frozen=True, slots=True, kw_only=True)
class Photo:
    """Where an image is found: inside the upload, and small among the newest previews."""

    zip_path: str
    raw_uri: str | None
    size_bytes: int
    owner: str
    access: str
    previews_id: int | None


def find_photo(conn: psycopg.Connection, viewer: Viewer, *, dataset_id: int, image_id: int) -> Photo | None:
    """An image of a dataset that the viewer sees."""
    return fetch_one(conn, "browse_photo", Photo, **viewer.params, dataset_id=dataset_id, image_id=image_id)


def has_previews(conn: psycopg.Connection, *, dataset_id: int) -> bool:
    """Whether a run of the dataset has looked at its images, also one that has not finished yet."""
    row = conn.execute(query("browse_has_previews"), {"dataset_id": dataset_id}).fetchone()
    return row is not None and bool(row[0])
