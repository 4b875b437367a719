"""Where the task log of an engine's job ends, read from the log itself.

A killed triggerer cannot say how far it came, and what it noted somewhere else may be older or newer than what reached
the file. The file is the truth: its last numbered line is the last one that people can see.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from aerodag.photogrammetry.jobs import line_key

# Read backwards in such pieces; one holds a few hundred lines.
CHUNK_BYTES = 64 * 1024


def last_line_shown(task_instance: Any, job: str) -> int | None:
    """Number of the newest line of ``job`` in the task's log files, 0 where there is none.

    None without a triggerer's file: it may have been written on another host, and the ledger has to tell.
    """
    folder = _log_folder(task_instance) if task_instance is not None else None
    if folder is None or not folder.is_dir():
        return None
    files = list(folder.glob("attempt=*.log*"))
    newest = max((_last_number(path, job) for path in files), default=0)
    return newest if newest or any(".log.trigger." in path.name for path in files) else None


def _log_folder(task_instance: Any) -> Path | None:
    from airflow.configuration import conf
    from airflow.utils.helpers import log_filename_template_renderer

    base = conf.get("logging", "base_log_folder", fallback=None)
    if not base:
        return None
    return (Path(base) / log_filename_template_renderer()(ti=task_instance)).parent


def _last_number(path: Path, job: str) -> int:
    prefix = line_key(job, 0).removesuffix("0")
    key = re.compile(re.escape(prefix) + r"(\d+)")
    for line in _lines_backwards(path):
        if prefix not in line:
            continue
        try:
            found = key.fullmatch(str(json.loads(line).get("line", "")))
        except ValueError:
            continue  # cut off in the middle: it counts as not shown
        if found:
            return int(found[1])
    return 0


def _lines_backwards(path: Path) -> Iterator[str]:
    """Whole lines from the end of the file; what stands behind the last newline is no whole line."""
    with path.open("rb") as file:
        position = file.seek(0, 2)
        rest, first = b"", True
        while position > 0:
            size = min(CHUNK_BYTES, position)
            position -= size
            file.seek(position)
            pieces = (file.read(size) + rest).split(b"\n")
            rest = pieces[0]
            complete = pieces[1:-1] if first else pieces[1:]
            if first and len(pieces) > 1:
                first = False
            for piece in reversed(complete):
                yield piece.decode("utf-8", "replace")
        if not first:
            yield rest.decode("utf-8", "replace")
