"""A place for half-done rasters, beside where they go: on the same disk, and gone whatever happens."""

from __future__ import annotations

import fcntl
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory

from aerodag.errors import InfrastructureError

_PREFIX = ".indices."
_LOCK = "lock"
_RESERVE = 64 << 20


@contextmanager
def scratch(folder: Path) -> Iterator[Path]:
    """An empty directory inside ``folder``; what a killed process left of its own is removed first.

    Raises:
        InfrastructureError: ``raster.disk_full``, in place of whatever failed for want of space.
    """
    folder.mkdir(parents=True, exist_ok=True)
    _remove_abandoned(folder)
    with (
        TemporaryDirectory(prefix=_PREFIX, dir=folder, ignore_cleanup_errors=True) as directory,
        (Path(directory) / _LOCK).open("w") as lock,
    ):
        fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            yield Path(directory)
        except Exception as error:
            free = shutil.disk_usage(directory).free
            if free >= _RESERVE:
                raise
            raise InfrastructureError(
                "raster.disk_full",
                f"The vegetation indices could not be written: {free >> 20} MB are free in {folder}.",
                advice="Free space there; the step can then simply be tried again.",
                numbers={"free_bytes": free},
            ) from error


def _remove_abandoned(folder: Path) -> None:
    """Remove directories whose lock nobody holds: the kernel drops the lock of a process however it dies."""
    for directory in folder.glob(f"{_PREFIX}*"):
        with suppress(OSError), (directory / _LOCK).open("r") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory, ignore_errors=True)
