"""Downloading from S3 in parallel ranges; what a broken download brought is not fetched again.

The ranges are written in their order, so that a partial file is always the beginning of the whole one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from uuid import uuid4

from aerodag.errors import InfrastructureError
from aerodag.storage import local
from aerodag.storage.remote.s3.bucket import MIB, Bucket, Head
from aerodag.storage.store import Entry

_HASHED_BYTES = 4 * MIB


@dataclass(slots=True)
class Download:
    """One object on its way to ``target``; `run` may be called again after it failed, and goes on."""

    bucket: Bucket
    key: str
    target: Path
    size: int
    sha256: str | None
    got: int = 0

    def run(self) -> str:
        """Download, verify, rename; returns the SHA-256. Raises what boto3 raises, and ``InfrastructureError``."""
        there = self.bucket.present(self.key)
        self._require_expected(there)
        try:
            with self._partial(there.entry) as file:
                begun = os.fstat(file.fileno()).st_size
                sha256 = self._complete(there.entry, file)
                if sha256 == (self.sha256 or there.sha256 or sha256):
                    # Not forced to the disk: what a crash of the machine spoils is known by its checksum.
                    file.flush()
                    Path(file.name).replace(self.target)
                    return sha256
                Path(file.name).unlink()
        except OSError as error:
            raise local.explained(error) from error
        if begun:
            # What an earlier try left may have been spoiled when the machine went down.
            return self.run()
        raise self._another(f"the SHA-256 {sha256}, not {self.sha256 or there.sha256}")

    def _require_expected(self, there: Head) -> None:
        if there.entry.size != self.size:
            raise self._another(f"{there.entry.size} bytes, not {self.size}")
        if self.sha256 is not None and there.sha256 not in {None, self.sha256}:
            raise self._another(f"the SHA-256 {there.sha256}, not {self.sha256}")

    def _another(self, what: str) -> InfrastructureError:
        return InfrastructureError(
            "storage.checksum",
            f"{self.bucket.place}/{self.key} has {what}.",
            advice="Check who replaced the file in the bucket; the step is tried again.",
        )

    def _complete(self, entry: Entry, file: IO[bytes]) -> str:
        digest = hashlib.sha256()
        if os.fstat(file.fileno()).st_size > entry.size:
            file.truncate(0)
        while block := file.read(_HASHED_BYTES):
            digest.update(block)
        for block in self._blocks(entry, file.tell()):
            file.write(block)
            digest.update(block)
            self.got += len(block)
        return digest.hexdigest()

    def _blocks(self, entry: Entry, start: int) -> Iterator[bytes]:
        """What is missing from ``start`` on, in order; a few ranges are fetched ahead."""
        tuning = self.bucket.tuning
        with ThreadPoolExecutor(tuning.workers, "s3-download") as pool:
            ahead: deque[Future[bytes]] = deque()
            for begin in range(start, entry.size, tuning.part_bytes):
                ahead.append(pool.submit(self._range, entry, begin, min(begin + tuning.part_bytes, entry.size)))
                if len(ahead) >= tuning.workers + 2:
                    yield ahead.popleft().result()
            while ahead:
                yield ahead.popleft().result()

    def _range(self, entry: Entry, begin: int, end: int) -> bytes:
        answer = self.bucket.client.get_object(
            Bucket=self.bucket.name, Key=self.key, Range=f"bytes={begin}-{end - 1}", IfMatch=entry.version
        )
        block = answer["Body"].read()
        if len(block) != end - begin:
            raise InfrastructureError(
                "storage.broken_off",
                f"{len(block)} of {end - begin} bytes came of {self.bucket.place}/{self.key}.",
                advice="Check the network; the step is tried again.",
            )
        return block

    @contextmanager
    def _partial(self, entry: Entry) -> Iterator[IO[bytes]]:
        """The temporary file of this version of the object, or a spare one while somebody else writes to it."""
        tag = hashlib.sha256(f"{self.bucket.place} {entry}".encode()).hexdigest()[:12]
        path = self.target.with_name(f".{self.target.name}.{tag}.part")
        with path.open("a+b") as file:
            if _ours(file, path):
                file.seek(0)
                yield file
                return
        spare = path.with_name(f".{self.target.name}.{uuid4().hex}.part")
        try:
            with spare.open("a+b") as file:
                yield file
        finally:
            spare.unlink(missing_ok=True)


def _ours(file: IO[bytes], path: Path) -> bool:
    """Whether nobody else writes to the file; one that was renamed before it was locked is somebody else's."""
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except OSError:
        return False
