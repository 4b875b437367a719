"""The file that an upload grows in: whole in size from the beginning, filled at any place, in any order."""

from __future__ import annotations

import errno
import fcntl
import os
import struct
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from uuid import UUID

from aerodag.errors import DataError, InfrastructureError
from aerodag.storage import Storage, explained

SUFFIX = ".part"


def folder(storage: Storage) -> Path:
    """Where parts lie, on the same disk as the incoming folder."""
    return storage.root / "uploads"


def part_of(storage: Storage, upload_id: UUID) -> Path:
    """The file that an upload grows in."""
    return folder(storage) / f"{upload_id}{SUFFIX}"


def upload_of(path: Path) -> UUID | None:
    """The upload whose part this is; None for another file."""
    try:
        return UUID(path.stem) if path.suffix == SUFFIX else None
    except ValueError:
        return None


@contextmanager
def created(storage: Storage, upload_id: UUID, size: int) -> Iterator[Path]:
    """Make the part of a new upload, sparse; it is gone again when the block fails."""
    path = part_of(storage, upload_id)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.truncate(size)
            os.fsync(file.fileno())
        sync_folder(path.parent)
    except OSError as error:
        with suppress(OSError):
            path.unlink()
        raise explained(error) from error
    try:
        yield path
    except BaseException:
        path.unlink(missing_ok=True)
        raise


def sync_folder(path: Path) -> None:
    """Names made or changed in a folder outlast a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


class PartRange:
    """A range of a part that only one writer at a time has, in whatever process; a context manager.

    Raises on entry:
        DataError: ``upload.gone`` without the part, ``upload.busy`` while another writer has the range.
    """

    def __init__(self, path: Path, offset: int, length: int) -> None:
        self._path = path
        self._offset = offset
        self._length = length
        self._handle = -1

    def __enter__(self) -> PartRange:
        try:
            self._handle = os.open(self._path, os.O_RDWR)
        except FileNotFoundError:
            raise gone() from None
        try:
            self._lock()
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def write(self, at: int, block: bytes) -> None:
        """Write a block ``at`` bytes behind the beginning of the range. Raises ``InfrastructureError``."""
        view = memoryview(block)
        try:
            while view:
                written = os.pwrite(self._handle, view, self._offset + at)
                at, view = at + written, view[written:]
        except OSError as error:
            raise explained_here(error, self._path) from error

    def sync(self) -> None:
        """What was written is on the disk when this returns. Raises ``InfrastructureError``."""
        try:
            os.fdatasync(self._handle)
        except OSError as error:
            raise explained_here(error, self._path) from error

    def close(self) -> None:
        """Let the range go."""
        if self._handle >= 0:
            os.close(self._handle)
            self._handle = -1

    def _lock(self) -> None:
        # Of the open file, not of the process: two requests in one process part, and it goes with the file's handle.
        wanted = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, self._offset, self._length, 0)
        try:
            fcntl.fcntl(self._handle, fcntl.F_OFD_SETLK, wanted)
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.EACCES}:
                raise explained_here(error, self._path) from error
            raise DataError(
                "upload.busy",
                "This chunk is being received over another connection.",
                advice="Send it again in a moment.",
            ) from error


def explained_here(error: OSError, path: Path) -> InfrastructureError:
    """What a failing disk means to a person, for calls on open files, which do not name the file."""
    return explained(OSError(error.errno, error.strerror, str(path)))


def gone() -> DataError:
    """The error for an upload whose part is not there any more."""
    return DataError(
        "upload.gone",
        "What was received of this upload is not on the server any more.",
        advice="Remove the upload and begin it again.",
    )
