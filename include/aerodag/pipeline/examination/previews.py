"""Small pictures of an upload's images, in one ZIP beside each other."""

from __future__ import annotations

import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from aerodag.pipeline.examination.quality import Preview

PREVIEWS_FILE = "previews.zip"


@contextmanager
def preview_writer(path: Path) -> Iterator[Preview]:
    """Write previews as they come; they are compressed already, so the ZIP stores them."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as bundle:
        yield bundle.writestr


def read_previews(path: Path) -> Mapping[str, bytes]:
    """All previews by the path of their image; empty where there is no such file."""
    if not path.is_file():
        return {}
    with zipfile.ZipFile(path) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}
