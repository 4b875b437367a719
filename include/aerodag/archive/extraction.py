"""Entries onto the disk, under plain names, whole or not at all."""

from __future__ import annotations

import hashlib
import zlib
from collections import Counter
from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import structlog

from aerodag.archive.format.directory import Record
from aerodag.archive.format.limits import Limits
from aerodag.archive.format.reader import Reader
from aerodag.archive.format.refusal import hostile
from aerodag.archive.format.threads import in_parallel
from aerodag.errors import InfrastructureError

log = structlog.get_logger(__name__)

_BLOCK = 1 << 18


def extract(path: Path, names: Mapping[str, str], target: Path, limits: Limits | None = None) -> dict[str, str]:
    """Unpack ``{zip path: file name}`` into ``target`` and return ``{zip path: SHA-256}``.

    Each file is written under a temporary name and renamed when its checksum is right; one that is already there
    with the same size and CRC-32 is left alone, so a second call after an interruption does only the rest.

    Raises:
        DataError: ``archive.damaged`` (size or checksum is wrong), ``archive.missing_entry``, ``archive.traversal`` (a
            name is no plain name), ``archive.duplicate_name`` (two entries would become one file).
        InfrastructureError: ``archive.not_written``, for instance when the disk is full; ``archive.not_opened``.
    """
    _refuse_names(names)
    with Reader(path, limits) as reader:
        jobs = [(reader.record(source), target / name) for source, name in names.items()]
        _make_folder(target)
        digests = in_parallel(lambda job: _unpack(reader, *job), jobs)
    log.info("archive unpacked", archive=str(path), folder=str(target), files=len(digests))
    return dict(zip(names, digests, strict=True))


def _refuse_names(names: Mapping[str, str]) -> None:
    for name in names.values():
        if name != PurePosixPath(name).name or name in {"", ".", ".."} or "\\" in name or "\x00" in name:
            raise hostile("traversal", name, "is no plain file name")
    for name, times in Counter(name.casefold() for name in names.values()).most_common(1):
        if times > 1:
            raise hostile("duplicate_name", name, f"would be written {times} times")


def _make_folder(target: Path) -> None:
    try:
        target.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _not_written(target, error) from error


def _unpack(reader: Reader, record: Record, file: Path) -> str:
    partial = file.with_name(f".{file.name}.part")
    try:
        if (digest := _digest_if_complete(record, file)) is not None:
            return digest
        sha = hashlib.sha256()
        # Exclusive, so that no link left at this place is followed.
        partial.unlink(missing_ok=True)
        with partial.open("xb") as out:
            for block in reader.blocks(record.path):
                out.write(block)
                sha.update(block)
        partial.replace(file)
    except OSError as error:
        raise _not_written(file, error) from error
    finally:
        partial.unlink(missing_ok=True)
    return sha.hexdigest()


def _digest_if_complete(record: Record, file: Path) -> str | None:
    if file.is_symlink() or not file.is_file() or file.stat().st_size != record.size:
        return None
    sha, crc = hashlib.sha256(), 0
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            sha.update(block)
            crc = zlib.crc32(block, crc)
    return sha.hexdigest() if crc == record.crc else None


def _not_written(file: Path, error: OSError) -> InfrastructureError:
    return InfrastructureError(
        "archive.not_written",
        f"{file.name} could not be written to {file.parent}: {error}.",
        advice="Free space on the work disk; the step can then simply be tried again.",
    )
