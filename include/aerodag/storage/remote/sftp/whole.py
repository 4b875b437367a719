"""One file to an SFTP server, and one from there: under a temporary name, gone on with, verified, renamed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from aerodag.storage.remote.sftp.files import RemoteFiles
from aerodag.storage.remote.sftp.protocol import Attributes, RefusedError, Status
from aerodag.storage.remote.sftp.transfer import Source, WriteRefusedError, receive, send

_TAIL_BYTES = 256 * 1024
_CHUNK_BYTES = 1024**2


class MismatchError(Exception):
    """What arrived is not what was sent; what there was of it is gone, and a new try starts from nothing."""


def partial_name(name: str, sha256: str) -> str:
    """The temporary name of a file while content of that checksum arrives."""
    return f".{name}.{sha256[:12]}.part"


def upload(remote: RemoteFiles, source: Source, size: int, sha256: str, path: str) -> Attributes:
    """Put ``source`` to ``path``; whoever sends the same content at the same time writes the same temporary file.

    Raises ``MismatchError``, ``RefusedError``, ``BrokenError``.
    """
    there = remote.stat(path)
    if there is not None and there.size == size and remote.has_sha256(path, size, sha256):
        return there
    target = PurePosixPath(path)
    partial = str(target.with_name(partial_name(target.name, sha256)))
    try:
        _send(remote, source, partial, _sent_before(remote, source, size, partial), size)
        _require(remote, partial, size, sha256)
        remote.rename(partial, path)
    except RefusedError as error:
        if error.status != Status.NO_SUCH_FILE:
            raise
        raise MismatchError("another writer was quicker") from error
    return remote.stat(path) or Attributes(size, 0, 0)


def _sent_before(remote: RemoteFiles, source: Source, size: int, partial: str) -> int:
    """How many bytes of an earlier transfer can stay. Its end is compared here, and all of it before the rename."""
    found = remote.stat(partial)
    if found is None or not found.size:
        return 0
    start = max(0, found.size - _TAIL_BYTES)
    source.seek(start)
    if found.size <= size and remote.content(partial, start, found.size) == source.read(found.size - start):
        return found.size
    # Removed, not emptied: a slower writer of the same content may have it open.
    remote.remove(partial)
    return 0


def _send(remote: RemoteFiles, source: Source, partial: str, start: int, size: int) -> None:
    try:
        end = send(remote.channel, source, partial, start, size)
    except WriteRefusedError as error:
        if error.status != Status.NO_SUCH_FILE:
            raise
        remote.make_folders(str(PurePosixPath(partial).parent))
        end = send(remote.channel, source, partial, start, size)
    if end != size:
        raise MismatchError(f"the source ends at {end} of {size} bytes")


def _require(remote: RemoteFiles, partial: str, size: int, sha256: str) -> None:
    found = remote.stat(partial)
    if found is None:
        raise MismatchError("another writer was quicker")
    if found.size != size or not remote.has_sha256(partial, size, sha256):
        remote.remove(partial)
        raise MismatchError(f"{found.size} bytes arrived of {size}, or others than were sent")


def download(remote: RemoteFiles, path: str, found: Attributes, target: Path, sha256: str | None) -> str:
    """Get the file ``found`` at ``path``; returns its SHA-256.

    Raises ``MismatchError``, ``RefusedError``, ``BrokenError``, ``OSError``.
    """
    # Without a checksum, size and time tell whether what is here is the beginning of the same file.
    version = sha256 or hashlib.sha256(f"{path} {found.size} {found.modified}".encode()).hexdigest()
    partial = target.with_name(partial_name(target.name, version))
    target.parent.mkdir(parents=True, exist_ok=True)
    with _opened(partial) as file:
        start = _got_before(remote, path, found.size, file)
        if start is None:
            partial.unlink(missing_ok=True)
            raise MismatchError("what an earlier try left is not the file's beginning")
        digest = _receive(remote, path, start, found.size, file)
        file.flush()
        os.fsync(file.fileno())
    if not _as_expected(remote, path, found, digest, sha256, resumed=start > 0):
        partial.unlink(missing_ok=True)
        raise MismatchError(f"SHA-256 {digest} arrived in place of {sha256 or 'what the server has now'}")
    try:
        partial.replace(target)
    except FileNotFoundError:
        if not target.exists() or target.stat().st_size != found.size:
            raise MismatchError("somebody removed what was downloaded") from None
    return digest


def _opened(partial: Path) -> BinaryIO:
    return os.fdopen(os.open(partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b")


def _got_before(remote: RemoteFiles, path: str, size: int, file: BinaryIO) -> int | None:
    """How many bytes of an earlier try can stay; None where they are others."""
    here = os.fstat(file.fileno()).st_size
    start = max(0, here - _TAIL_BYTES)
    file.seek(start)
    if here and (here > size or remote.content(path, start, here) != file.read(here - start)):
        return None
    return here


def _receive(remote: RemoteFiles, path: str, start: int, size: int, file: BinaryIO) -> str:
    digest = hashlib.sha256()
    file.seek(0)
    left = start
    while left and (chunk := file.read(min(left, _CHUNK_BYTES))):
        digest.update(chunk)
        left -= len(chunk)
    file.seek(start)

    def take(data: memoryview) -> None:
        digest.update(data)
        file.write(data)

    end = receive(remote.channel, path, start, size, take)
    if end != size:
        raise MismatchError(f"the file ends at {end} of {size} bytes")
    return digest.hexdigest()


def _as_expected(
    remote: RemoteFiles, path: str, found: Attributes, digest: str, sha256: str | None, *, resumed: bool
) -> bool:
    if sha256 is not None:
        return digest == sha256
    if remote.stat(path) != found:
        return False
    return not resumed or remote.has_sha256(path, found.size, digest)
