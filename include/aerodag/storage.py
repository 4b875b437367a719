"""Where files live, by class of storage, and how they are put there so that a partial file is never taken for whole."""

from __future__ import annotations

import errno
import glob
import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from aerodag.errors import ConfigError, InfrastructureError
from aerodag.settings import Settings

CHUNK_BYTES = 4 * 1024**2
ORTHOPHOTO = "ortho.tif"


@dataclass(frozen=True, slots=True)
class Published:
    """A file in its final place: ``uri``, ``size`` in bytes and the SHA-256 of what was written."""

    uri: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Storage:
    """The storage classes of one installation below one root on a local disk."""

    root: Path

    @classmethod
    def of(cls, settings: Settings) -> Storage:
        """The storage that the settings name."""
        return cls(settings.data)

    def create(self) -> None:
        """Make the folders of all storage classes."""
        for name in (
            "incoming",
            "raw_images",
            "archive",
            "cogs",
            "thumbnails",
            "metadata",
            "reports",
            "stac",
            "quarantine",
            "work",
        ):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    @property
    def incoming(self) -> Path:
        """Where uploads land."""
        return self.root / "incoming"

    def raw(self, dataset_id: int, name: str) -> Path:
        """The registered upload."""
        return self.root / "raw_images" / str(dataset_id) / name

    def quarantined(self, dataset_id: int, name: str) -> Path:
        """An upload that cannot be processed, kept for its owner."""
        return self.root / "quarantine" / str(dataset_id) / name

    def refused(self, name: str) -> Path:
        """An upload that could not even be registered."""
        return self.root / "quarantine" / "unregistered" / name

    def product(self, folder: str, dataset_id: int, run_id: int, name: str) -> Path:
        """A product of one run. Every run has names of its own, so that no version is written over another."""
        return self.root / folder / str(dataset_id) / str(run_id) / f"{dataset_id}_{name}"

    def current_orthophoto(self, dataset_id: int) -> Path:
        """Always the orthophoto that is valid now, under one name for whoever looks into the folder."""
        return self.root / "archive" / f"{dataset_id}_{ORTHOPHOTO}"

    def work(self, run_id: int) -> Path:
        """Scratch space of one run; can always be made again."""
        return self.root / "work" / str(run_id)


def local_path(uri: str) -> Path:
    """The local path of a ``file://`` URI. Raises ``ConfigError`` for any other scheme."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        raise ConfigError(
            "storage.scheme",
            f"{uri!r} is not on this machine's disk.",
            advice="Give a file:// URI or a path below the incoming folder.",
        )
    return Path(unquote(parts.path))


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
