"""What requests work on: the ledger, and the files on storage."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Annotated, Final
from weakref import WeakValueDictionary

import psycopg
import structlog
from fastapi import Depends, HTTPException, Request

from aerodag.airflow.connection import open_ledger
from aerodag.airflow.installation import installation
from aerodag.airflow.web.connections import Connections
from aerodag.errors import AerodagError
from aerodag.ledger.browse import File
from aerodag.settings import get_settings
from aerodag.storage import Storage, local
from aerodag.storage.remote.opening import open_remotes

log = structlog.get_logger(__name__)

_UNUSED_SECONDS: Final = 6 * 3600.0
_NOTED_SECONDS: Final = 60.0
_PATIENCE_SECONDS: Final = 5.0
# A lock for each file that somebody asks for now.
_DOORS: Final[WeakValueDictionary[str, threading.Lock]] = WeakValueDictionary()
_ALL_DOORS: Final = threading.Lock()


_CONNECTIONS: Final = Connections(open_ledger, most_idle=8)


def _ledger() -> Iterator[psycopg.Connection]:
    with _CONNECTIONS.one() as connection:
        yield connection


# Given back before the answer is sent: a download may take hours.
Ledger = Annotated[psycopg.Connection, Depends(_ledger, scope="function")]


def local_file(file: File) -> Path:
    """The file on this machine's disk; one that lies elsewhere is brought here first, once for all who wait for it.

    A file that is gone or cannot be brought is answered with 404, one that takes longer to be brought with 503.
    """
    with closing(_storage_of(file)) as storage, _door(file.uri):
        try:
            path = storage.fetch(file.uri, size=file.bytes, sha256=file.sha256)
            if storage.remotes:
                _is_wanted(path, storage.root)
            return path
        except (AerodagError, OSError) as error:
            log.warning("file not to be had", artifact=file.id, uri=file.uri, reason=str(error))
            raise HTTPException(
                404, "The file is on record, but it is not to be had; the API server's log says why."
            ) from error


@contextmanager
def _door(uri: str) -> Iterator[None]:
    """One bringer at a time. Who waits holds a thread that Airflow's own pages need too, so that nobody waits long."""
    with _ALL_DOORS:
        door = _DOORS.setdefault(uri, threading.Lock())
    if not door.acquire(timeout=_PATIENCE_SECONDS):
        message = "The file is being brought from storage elsewhere. Ask again in a few seconds."
        raise HTTPException(503, message, {"Retry-After": "5"})
    try:
        yield
    finally:
        door.release()


def _storage_of(file: File) -> Storage:
    """Storage that holds the file; servers are looked up in Airflow's connections only for what lies on one.

    Copies for viewers have a folder of their own: those of runs end with the run.
    """
    if file.uri.startswith("file:"):
        return Storage(get_settings().data)
    settings = installation()
    return Storage(settings.data / "viewed", open_remotes(settings))


def _is_wanted(path: Path, copies: Path) -> None:
    """Keep a copy, and remove those that nobody looked at for hours; not anew for each tile."""
    now = time.time()
    if now - path.stat().st_mtime > _NOTED_SECONDS:
        os.utime(path)
        local.remove_older(copies, "*", now - _UNUSED_SECONDS)


def path_of(request: Request, path: str) -> str:
    """A path below this application as a browser asks for it, wherever Airflow is mounted."""
    return f"{request.scope.get('root_path', '').rstrip('/')}{path}"
