"""Where files live, by class of storage, and how they are put there so that a partial file is never taken for whole."""

from __future__ import annotations

import hashlib
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urlsplit

from aerodag.errors import ConfigError, InfrastructureError
from aerodag.settings import Settings

CHUNK_BYTES = 4 * 1024**2


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

    def orthophoto(self, dataset_id: int) -> Path:
        """The engine's orthophoto."""
        return self.root / "archive" / f"{dataset_id}_ortho.tif"

    def standardised(self, dataset_id: int) -> Path:
        """The orthophoto as uint8 RGBA, where the engine's own is something else."""
        return self.root / "archive" / f"{dataset_id}_standardised.tif"

    def cog(self, dataset_id: int) -> Path:
        """The cloud-optimised GeoTIFF."""
        return self.root / "cogs" / f"{dataset_id}_cog.tif"

    def thumbnail(self, dataset_id: int) -> Path:
        """The preview picture."""
        return self.root / "thumbnails" / f"{dataset_id}_thumbnail.webp"

    def previews(self, dataset_id: int) -> Path:
        """Small pictures of the raw images, in one ZIP: a thousand remote files would cost a thousand round trips."""
        return self.root / "thumbnails" / f"{dataset_id}_previews.zip"

    def preflight(self, dataset_id: int) -> Path:
        """The pre-flight report as a page."""
        return self.root / "reports" / f"{dataset_id}_preflight.html"

    def engine_log(self, dataset_id: int, job: str) -> Path:
        """The whole output of one start of an engine, compressed."""
        return self.root / "reports" / str(dataset_id) / f"{job}.log.gz"

    def forensics(self, dataset_id: int, job: str) -> Path:
        """What explains how one start of an engine ended, as JSON."""
        return self.root / "reports" / str(dataset_id) / f"{job}.forensics.json"

    def unregistered(self, dataset_id: int) -> Path:
        """The images that the engine did not place, as GeoJSON."""
        return self.root / "reports" / f"{dataset_id}_unregistered.geojson"

    def metadata(self, dataset_id: int) -> Path:
        """The dataset's facts as JSON."""
        return self.root / "metadata" / f"{dataset_id}_metadata.json"

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
    target.parent.mkdir(parents=True, exist_ok=True)
    partial = target.with_name(f".{target.name}.{os.getpid()}.part")
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


def move(source: Path, target: Path) -> None:
    """Move a file; across file systems it is copied and verified before the source goes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        source.rename(target)
    except OSError:
        publish(source, target)
        source.unlink()


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
