"""Rows of an upload's entries before anything of them is read but their checksum."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

from aerodag import archive
from aerodag.ledger import ImageRecord, RtkFile


def bare_images(entries: Sequence[archive.Entry], digests: Mapping[str, str]) -> list[ImageRecord]:
    """Rows of images of which nothing is read yet."""
    names = archive.engine_names(entries)
    return [
        ImageRecord(
            zip_path=entry.path, engine_name=names[entry.path], size_bytes=entry.size, sha256=digests.get(entry.path)
        )
        for entry in entries
    ]


def bare_rtk_files(entries: Sequence[archive.Entry], digests: Mapping[str, str]) -> list[RtkFile]:
    """Rows of receiver files of which nothing is read yet."""
    return [
        RtkFile(
            zip_path=entry.path,
            kind=PurePosixPath(entry.path).suffix.lstrip(".").lower(),
            size_bytes=entry.size,
            sha256=digests.get(entry.path),
        )
        for entry in entries
    ]
