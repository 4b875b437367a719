"""Reading entries: checked, unpacked, or opened for their headers alone."""

from __future__ import annotations

import hashlib
import io
import os
import zlib
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path, PurePosixPath
from typing import BinaryIO, TypeVar, cast
from zipfile import ZIP_STORED, BadZipFile, ZipFile, ZipInfo

import structlog

from aerodag.archive.inventory import Entry, Ignored, Inventory
from aerodag.archive.safety import LOCAL_HEADER, damaged, hostile, opened
from aerodag.errors import DataError, InfrastructureError

log = structlog.get_logger(__name__)

_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")
_MAGIC = {
    **dict.fromkeys((".jpg", ".jpeg"), (b"\xff\xd8\xff",)),
    ".png": (b"\x89PNG\r\n\x1a\n",),
    **dict.fromkeys((".tif", ".tiff", ".dng"), _TIFF),
}
_BLOCK = 1 << 20
T = TypeVar("T")


def verify(path: Path, inventory: Inventory) -> tuple[Ignored, ...]:
    """Stream every used entry, checking size and CRC-32; nothing is written.

    Returns:
        Images whose first bytes are not of the type their suffix says, with reason ``wrong_type``: a person can
        spare them, unlike a damaged archive.

    Raises:
        DataError: ``archive.damaged``, naming the entries.
    """
    entries = [*inventory.images, *inventory.rtk, *inventory.gcp, *inventory.geo]
    with opened(path) as bundle:
        checked = list(_in_parallel(lambda entry: _check(bundle, entry), entries))
    broken = [entry.path for entry, state in zip(entries, checked, strict=True) if state == "damaged"]
    if broken:
        raise damaged(broken)
    return tuple(Ignored(entry.path, state) for entry, state in zip(entries, checked, strict=True) if state)


def extract(path: Path, names: Mapping[str, str], target: Path) -> dict[str, str]:
    """Unpack ``{zip path: file name}`` into ``target`` and return ``{zip path: SHA-256}``.

    Each file is written under a temporary name and renamed when its checksum is right; one that is already there
    with the same size and CRC-32 is left alone, so a second call after an interruption does only the rest.

    Raises:
        DataError: ``archive.damaged`` (size or checksum is wrong), ``archive.traversal`` (a name is no plain name).
        InfrastructureError: ``archive.not_written``, for instance when the disk is full.
    """
    for name in names.values():
        if name != PurePosixPath(name).name or name in {"", ".", ".."} or "\\" in name or "\x00" in name:
            raise hostile("traversal", name, "is no plain file name")
    target.mkdir(parents=True, exist_ok=True)
    with opened(path) as bundle:
        jobs = [(_info(bundle, source), target / name) for source, name in names.items()]
        digests = list(_in_parallel(lambda job: _unpack(bundle, *job), jobs))
    log.info("archive unpacked", archive=str(path), folder=str(target), files=len(digests))
    return dict(zip(names, digests, strict=True))


def open_entry(bundle: ZipFile, path: str) -> BinaryIO:
    """Open one entry for reading here and there, as headers need it; safe from several threads.

    A stored entry is a seekable window on the archive, so bytes skipped are never read; the checksum is not looked
    at. A deflated entry has to be unpacked up to where one seeks.
    """
    info = _info(bundle, path)
    if info.compress_type != ZIP_STORED or bundle.fp is None:
        return cast("BinaryIO", bundle.open(info))
    descriptor = bundle.fp.fileno()
    header = os.pread(descriptor, LOCAL_HEADER.size, info.header_offset)
    if len(header) < LOCAL_HEADER.size or not header.startswith(b"PK\x03\x04"):
        raise damaged([path])
    _, name_length, extra_length = LOCAL_HEADER.unpack(header)
    start = info.header_offset + LOCAL_HEADER.size + name_length + extra_length
    return cast("BinaryIO", io.BufferedReader(_Window(descriptor, start, info.file_size), 16 * 1024))


class _Window(io.RawIOBase):
    """A part of an open file as a file of its own; the file's position is neither used nor moved."""

    def __init__(self, descriptor: int, start: int, size: int) -> None:
        self._descriptor, self._start, self._size, self._position = descriptor, start, size, 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._position

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self._size}[whence]
        if base + offset < 0:
            raise OSError(22, "seek before the beginning of the entry")
        self._position = base + offset
        return self._position

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        wanted = max(0, min(len(buffer), self._size - self._position))
        block = os.pread(self._descriptor, wanted, self._start + self._position)
        buffer[: len(block)] = block
        self._position += len(block)
        return len(block)


def _info(bundle: ZipFile, path: str) -> ZipInfo:
    try:
        return bundle.getinfo(path)
    except KeyError as error:
        raise DataError(
            "archive.missing_entry",
            f"{path} is not in the ZIP.",
            advice="The ZIP was changed after it was registered; upload it again under a new name.",
        ) from error


def _check(bundle: ZipFile, entry: Entry) -> str:
    """Empty when sound, else ``damaged`` or ``wrong_type``."""
    head, size = b"", 0
    try:
        with bundle.open(entry.path) as stream:
            while block := stream.read(_BLOCK):
                head = head or block[:8]
                size += len(block)
    except (BadZipFile, EOFError, zlib.error, KeyError, NotImplementedError, RuntimeError):
        return "damaged"
    if size != entry.size:
        return "damaged"
    magic = _MAGIC.get(PurePosixPath(entry.path).suffix.lower())
    return "" if magic is None or head.startswith(magic) else "wrong_type"


def _unpack(bundle: ZipFile, info: ZipInfo, file: Path) -> str:
    if (digest := _digest_if_complete(info, file)) is not None:
        return digest
    partial = file.with_name(f".{file.name}.part")
    sha = hashlib.sha256()
    size = 0
    try:
        with bundle.open(info) as stream, partial.open("wb") as out:
            while block := stream.read(_BLOCK):
                out.write(block)
                sha.update(block)
                size += len(block)
        if size != info.file_size:
            raise BadZipFile(f"{size} bytes instead of {info.file_size}")
        partial.replace(file)
    except (BadZipFile, EOFError, zlib.error, NotImplementedError, RuntimeError) as error:
        raise damaged([info.filename]) from error
    except OSError as error:
        raise InfrastructureError(
            "archive.not_written",
            f"{info.filename} could not be written to {file.parent}: {error}.",
            advice="Free space on the work disk; the step can then simply be tried again.",
        ) from error
    finally:
        partial.unlink(missing_ok=True)
    return sha.hexdigest()


def _digest_if_complete(info: ZipInfo, file: Path) -> str | None:
    if not file.is_file() or file.stat().st_size != info.file_size:
        return None
    sha, crc = hashlib.sha256(), 0
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            sha.update(block)
            crc = zlib.crc32(block, crc)
    return sha.hexdigest() if crc == info.CRC else None


def _in_parallel(work: Callable[[T], str], items: list[T]) -> Iterator[str]:
    """Unpacking and hashing leave the interpreter free, so threads use all cores."""
    with ThreadPoolExecutor(len(os.sched_getaffinity(0)), thread_name_prefix="archive") as pool:
        yield from pool.map(work, items)
