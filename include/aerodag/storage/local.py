"""Files on this machine's disk, put there so that a partial file is never taken for whole."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import shutil
from contextlib import suppress
from pathlib import Path

from aerodag.errors import InfrastructureError
from aerodag.storage.store import Published

CHUNK_BYTES = 4 * 1024**2


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def publish(source: Path, target: Path) -> Published:
    """Copy ``source`` to ``target`` under a temporary name, verify what the disk holds, then rename.

    A reader of ``target`` sees the old file or the new one, never a part. Raises ``InfrastructureError`` when the
    copy does not read back as written.
    """
    partial = _partial(target)
    digest = hashlib.sha256()
    try:
        with source.open("rb") as read, partial.open("wb") as write:
            while chunk := read.read(CHUNK_BYTES):
                digest.update(chunk)
                write.write(chunk)
            write.flush()
            os.fsync(write.fileno())
        size = partial.stat().st_size
        if sha256_of(partial) != digest.hexdigest():
            raise InfrastructureError(
                "storage.checksum",
                f"{target.name} does not read back as it was written ({size} bytes).",
                advice="Check the disk of the storage host; the step is tried again.",
            )
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    return Published(target.as_uri(), size, digest.hexdigest())


def write(target: Path, content: bytes) -> None:
    """Write a small file; a reader sees the old one or the new one, never a part."""
    partial = _partial(target)
    try:
        with partial.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)


def is_partial(path: Path) -> bool:
    """Whether a file is what a writer of this project has not finished."""
    return path.name.startswith(".") and path.name.endswith(".part")


def remove_partials(folder: Path, older_than: float) -> int:
    """Remove unfinished files last written before that time (seconds since 1970); returns how many."""
    return remove_older(folder, ".*.part", older_than)


def remove_older(folder: Path, pattern: str, older_than: float) -> int:
    """Remove files last written before that time (seconds since 1970); returns how many."""
    removed = 0
    for path in folder.rglob(pattern):
        # Another process may be at it too.
        with suppress(FileNotFoundError):
            if path.is_file() and path.stat().st_mtime < older_than:
                path.unlink()
                removed += 1
    return removed


def _partial(target: Path) -> Path:
    """A temporary name beside ``target``; what a killed writer left there is gone, and a slow one's rename fails."""
    target.parent.mkdir(parents=True, exist_ok=True)
    for left in target.parent.glob(f".{glob.escape(target.name)}.*.part"):
        left.unlink(missing_ok=True)
    return target.with_name(f".{target.name}.{os.getpid()}.part")


def link(source: Path, target: Path) -> None:
    """Give a file a second name, replacing what had it; a copy where the file system has no links."""
    partial = _partial(target)
    try:
        partial.hardlink_to(source)
        partial.replace(target)
    except OSError:
        publish(source, target)
    finally:
        partial.unlink(missing_ok=True)


def move(source: Path, target: Path) -> None:
    """Move a file; across file systems it is copied and verified before the source goes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError:
        publish(source, target)
        source.unlink()


def explained(error: OSError) -> InfrastructureError:
    """What a failing disk means to a person; any step may meet it, and may simply be tried again."""
    where = error.filename or "a file"
    numbers = {"errno": error.errno, "path": str(where)}
    if error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return InfrastructureError(
            "storage.disk_full",
            f"The disk of {where} is full.",
            advice="Free disk space or move the data root; the step is tried again.",
            numbers=numbers,
        )
    if error.errno in {errno.EROFS, errno.EACCES, errno.EPERM}:
        return InfrastructureError(
            "storage.read_only",
            f"{where} may not be written: {error.strerror}.",
            advice="Give the user of the Airflow services the right to write there; the step is tried again.",
            numbers=numbers,
        )
    return InfrastructureError(
        "storage.failed",
        f"{error.strerror or error} ({where}).",
        advice="Check that the storage is mounted and sound; the step is tried again.",
        numbers=numbers,
    )


def tree_size(path: Path) -> int:
    """Bytes of all files below a folder."""
    return sum(file.stat().st_size for file in path.rglob("*") if file.is_file()) if path.exists() else 0


def remove_tree(path: Path) -> int:
    """Remove a folder of scratch files; returns the bytes freed."""
    freed = tree_size(path)
    shutil.rmtree(path, ignore_errors=True)
    return freed


def require_free_space(path: Path, needed: int) -> None:
    """Raise ``InfrastructureError`` unless ``needed`` bytes are free on the disk of ``path``."""
    free = shutil.disk_usage(path).free
    if free < needed:
        raise InfrastructureError(
            "storage.disk_full",
            f"{needed / 1e9:.1f} GB are needed below {path.name}/ and {free / 1e9:.1f} GB are free.",
            advice="Free disk space or move the data root; the step is tried again.",
            numbers={"needed_bytes": needed, "free_bytes": free},
        )
