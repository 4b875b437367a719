"""Uploads that are registered, as ingest leaves them."""

from __future__ import annotations

import zipfile
from collections.abc import Mapping
from pathlib import Path

import psycopg

from aerodag import ledger
from aerodag.ledger import Dataset
from aerodag.storage import sha256_of


def registered(conn: psycopg.Connection, source: Path) -> Dataset:
    """The dataset of a ZIP, which is kept where it lies."""
    dataset = ledger.register(
        conn,
        name=source.stem,
        owner="anna",
        source_uri=source.as_uri(),
        content_sha256=sha256_of(source),
        size_bytes=source.stat().st_size,
        upload_type="raw_images_zip",
    ).dataset
    ledger.move_raw(conn, dataset_id=dataset.id, raw_uri=source.as_uri())
    return dataset


def registered_files(conn: psycopg.Connection, source: Path, files: Mapping[str, bytes]) -> Dataset:
    """The same of a ZIP that is made of these files."""
    with zipfile.ZipFile(source, "w") as bundle:
        for path, content in files.items():
            bundle.writestr(path, content)
    return registered(conn, source)
