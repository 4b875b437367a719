"""One chunk comes in, block by block."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import psycopg

from aerodag import ledger
from aerodag.errors import DataError
from aerodag.ledger import Upload
from aerodag.storage import Storage
from aerodag.uploads.parts import PartRange, part_of


class Chunk:
    """A chunk on its way. Bytes of one that is there already are checked and not written again."""

    def __init__(self, upload: Upload, index: int, sha256: bytes, place: PartRange, *, known: bool) -> None:
        self.known = known
        self._upload = upload
        self._index = index
        self._wanted = sha256
        self._place = place
        self._length = upload.span(index)[1]
        self._received = 0
        self._digest = hashlib.sha256()

    def write(self, block: bytes) -> None:
        """The next bytes.

        Raises:
            DataError: ``upload.chunk_size`` when they are more than the chunk has.
            InfrastructureError: ``storage.disk_full`` and others of the disk.
        """
        if self._received + len(block) > self._length:
            raise self._wrong_size("more")
        self._digest.update(block)
        if not self.known:
            self._place.write(self._received, block)
        self._received += len(block)

    def finish(self, conn: psycopg.Connection) -> None:
        """All bytes were given: record the chunk.

        Raises:
            DataError: ``upload.chunk_size`` when they were too few, ``upload.digest`` when they are not those of the
                checksum, ``upload.not_open`` when the upload ended meanwhile.
            InfrastructureError: ``storage.disk_full`` and others of the disk.
        """
        if self._received < self._length:
            raise self._wrong_size(str(self._received))
        if self._digest.digest() != self._wanted:
            raise DataError(
                "upload.digest",
                f"Chunk {self._index} is damaged: its bytes do not have the SHA-256 that came with them.",
                advice="Send the chunk again.",
                numbers={"chunk": self._index, "sha256": self._digest.hexdigest()},
            )
        if self.known:
            return
        self._place.sync()
        if not ledger.record_chunk(conn, upload_id=self._upload.id, index=self._index, sha256=self._wanted):
            raise not_open(self._upload)

    def _wrong_size(self, received: str) -> DataError:
        return DataError(
            "upload.chunk_size",
            f"Chunk {self._index} came with {received} bytes; it has {self._length}.",
            advice=f"Send chunks of {self._upload.chunk_bytes} bytes; only the last one is shorter.",
            numbers={"chunk": self._index, "bytes": self._length},
        )


def require_open(upload: Upload, *, now: datetime) -> None:
    """Raise ``DataError`` ``upload.not_open`` unless the upload still takes chunks."""
    if upload.state != "open" or upload.is_over(now):
        raise not_open(upload)


def require_index(upload: Upload, index: int) -> None:
    """Raise ``DataError`` ``upload.no_such_chunk`` unless the file has a chunk of that index."""
    if not 0 <= index < upload.chunks_total:
        raise DataError(
            "upload.no_such_chunk",
            f"{upload.name} has {upload.chunks_total} chunks, counted from 0; there is no chunk {index}.",
            advice="Take the chunk size and count from the server's answer.",
            numbers={"chunk": index, "chunks": upload.chunks_total},
        )


@contextmanager
def receive_chunk(
    conn: psycopg.Connection, storage: Storage, upload: Upload, index: int, sha256: bytes
) -> Iterator[Chunk]:
    """Get ready for a chunk with that checksum; the connection is not used while the block runs.

    Raises:
        DataError: ``upload.no_such_chunk``, ``upload.gone``, ``upload.busy``, and ``upload.chunk_differs`` where
            another content is recorded for it already.
    """
    require_index(upload, index)
    with PartRange(part_of(storage, upload.id), *upload.span(index)) as place:
        # Only now: whoever had the range before may have recorded the chunk.
        recorded = ledger.chunk_digest(conn, upload_id=upload.id, index=index)
        if recorded not in {None, sha256}:
            raise DataError(
                "upload.chunk_differs",
                f"Chunk {index} of {upload.name} is there already, with another content.",
                advice="Is it the same file, and unchanged? Remove the upload and begin it again.",
                numbers={"chunk": index},
            )
        yield Chunk(upload, index, sha256, place, known=recorded is not None)


def not_open(upload: Upload) -> DataError:
    """The error for an upload that takes no chunks any more."""
    return DataError(
        "upload.not_open",
        f"The upload of {upload.name} takes no more chunks; it is complete, removed or was not finished in time.",
        advice="Begin a new upload.",
    )
