"""Uploading to S3 in parts that the service verifies; what a broken upload brought is not sent again.

https://docs.aws.amazon.com/AmazonS3/latest/userguide/mpuoverview.html
"""

from __future__ import annotations

import hashlib
import threading
from base64 import b64decode, b64encode
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aerodag.errors import InfrastructureError
from aerodag.storage.remote.s3.bucket import MIB, SHA256, Bucket, Head
from aerodag.storage.remote.s3.copy import relabel
from aerodag.storage.remote.s3.errors import refusal
from aerodag.storage.store import Entry

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import MultipartUploadTypeDef, PartTypeDef

_MOST_PARTS = 10_000
_CANDIDATES = 5
_NOT_TOLD = frozenset({"AccessDenied", "NotImplemented", "MethodNotAllowed", "NoSuchUpload", "404"})


@dataclass(frozen=True, slots=True)
class _Part:
    """A part that the service has; ``told`` is whether it knows its SHA-256, None where a listing does not say."""

    number: int
    etag: str
    sha256: str | None
    told: bool | None


@dataclass(frozen=True)
class _Block:
    """Bytes that are sent in one request; their hashes, in base64, are made once."""

    content: bytes

    @cached_property
    def sha256(self) -> str:
        return b64encode(hashlib.sha256(self.content).digest()).decode()

    @cached_property
    def md5(self) -> str:
        return b64encode(hashlib.md5(self.content, usedforsecurity=False).digest()).decode()

    def held(self, answer: Any) -> bool:
        """Whether the service tells this SHA-256, or this MD5 as its ETag where it knows no other."""
        if (told := answer.get("ChecksumSHA256")) is not None:
            return bool(told == self.sha256)
        return str(answer["ETag"]).strip('"') == b64decode(self.md5).hex()


@dataclass(slots=True)
class Upload:
    """One file on its way to ``key``; `run` may be called again after it failed, and goes on.

    Each part carries its SHA-256, which the service verifies and answers with, or else its ETag is compared with the
    part's MD5; what was read from ``source`` must have the SHA-256 that it was given with.
    """

    bucket: Bucket
    source: Path
    key: str
    sha256: str
    sent: int = 0
    _size: int = field(init=False)
    _part_bytes: int = field(init=False)
    _knows_sha256: bool = field(init=False, default=True)
    _listed: dict[int, PartTypeDef] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self._size = self.source.stat().st_size
        self._part_bytes = part_size(self._size, self.bucket.tuning.part_bytes)

    def run(self) -> Entry:
        """Upload, unless an equal file is there; raises what boto3 raises, and ``InfrastructureError``."""
        if (there := self._arrived()) is not None:
            return there.entry
        if self._size <= self._part_bytes:
            content = self.source.read_bytes()
            self._require_same(hashlib.sha256(content).hexdigest(), len(content))
            put_small(self.bucket, self.key, content)
        else:
            self._in_parts()
        return self._landed()

    def _arrived(self) -> Head | None:
        there = self.bucket.head(self.key)
        equal = there is not None and there.sha256 == self.sha256 and there.entry.size == self._size
        return there if equal else None

    def _landed(self) -> Entry:
        if (there := self._arrived()) is not None:
            return there.entry
        raise InfrastructureError(
            "storage.replaced",
            f"{self.bucket.place}/{self.key} is another file than the one that was just uploaded.",
            advice="Check who else writes there; the step is tried again.",
        )

    def _in_parts(self) -> None:
        upload_id = self._broken_off() or self._begun()
        digest, futures, stop = hashlib.sha256(), [], threading.Event()
        slots = threading.BoundedSemaphore(self.bucket.tuning.workers)

        def ended(future: Future[_Part]) -> None:
            if future.exception() is not None:
                stop.set()
            slots.release()

        with ThreadPoolExecutor(self.bucket.tuning.workers, "s3-upload") as pool:
            for number, block in enumerate(self._blocks(slots), 1):
                if stop.is_set():
                    break
                futures.append(pool.submit(self._send, upload_id, number, _Block(block)))
                futures[-1].add_done_callback(ended)
                digest.update(block)
        parts = [future.result() for future in futures]
        try:
            self._require_same(digest.hexdigest(), self._size)
        except InfrastructureError:
            self.bucket.client.abort_multipart_upload(Bucket=self.bucket.name, Key=self.key, UploadId=upload_id)
            raise
        self._complete(upload_id, parts)

    def _blocks(self, slots: threading.BoundedSemaphore) -> Iterator[bytes]:
        """The parts, each read when there is a slot for it, so that few are in memory."""
        with self.source.open("rb") as file:
            while slots.acquire() and (block := file.read(self._part_bytes)):
                yield block
                del block

    def _require_same(self, sha256: str, size: int) -> None:
        if sha256 != self.sha256 or size != self._size:
            raise InfrastructureError(
                "storage.source_changed",
                f"{self.source.name} is not the file any more that it was when its checksum was made ({size} bytes).",
                advice="Check who writes to it, and the disk; the step is tried again.",
            )

    def _begun(self) -> str:
        begun = self.bucket.client.create_multipart_upload(
            Bucket=self.bucket.name, Key=self.key, ChecksumAlgorithm="SHA256", Metadata={SHA256: self.sha256}
        )
        self._listed = {}
        self._knows_sha256 = "ChecksumAlgorithm" in begun
        return begun["UploadId"]

    def _send(self, upload_id: str, number: int, block: _Block) -> _Part:
        listed = self._listed.get(number)
        if listed is not None and block.held(listed):
            return _Part(number, listed["ETag"], block.sha256, True if "ChecksumSHA256" in listed else None)
        proof: Any = {"ChecksumSHA256": block.sha256} if self._knows_sha256 else {"ContentMD5": block.md5}
        answer = self.bucket.client.upload_part(
            Bucket=self.bucket.name,
            Key=self.key,
            UploadId=upload_id,
            PartNumber=number,
            Body=block.content,
            **proof,
        )
        _require_held(answer, block, f"part {number} of {self.key}")
        self._knows_sha256 = "ChecksumSHA256" in answer
        self.sent += 1
        return _Part(number, answer["ETag"], block.sha256 if self._knows_sha256 else None, self._knows_sha256)

    def _complete(self, upload_id: str, parts: list[_Part]) -> None:
        from botocore.exceptions import ClientError

        # A service that knows the parts' SHA-256 wants to hear them again, all of them.
        proven = all(part.told is not False for part in parts)
        listed: list[Any] = [
            {"PartNumber": part.number, "ETag": part.etag} | ({"ChecksumSHA256": part.sha256} if proven else {})
            for part in parts
        ]
        try:
            done = self.bucket.client.complete_multipart_upload(
                Bucket=self.bucket.name, Key=self.key, UploadId=upload_id, MultipartUpload={"Parts": listed}
            )
        except ClientError as error:
            # An answer that got lost, or another writer of the same file who was first.
            if refusal(error) in {"NoSuchUpload", "404"} and self._arrived() is not None:
                return
            raise
        self._verify(done["ETag"], parts)

    def _verify(self, etag: str, parts: list[_Part]) -> None:
        there = self.bucket.present(self.key)
        if there.entry.version != etag:
            return
        told, sent = there.checksum if "-" in (there.checksum or "") else None, _composite(parts)
        if there.entry.size != self._size or (told and sent and told != sent):
            self.bucket.client.delete_object(Bucket=self.bucket.name, Key=self.key)
            raise InfrastructureError(
                "storage.corrupted",
                f"{self.bucket.place}/{self.key} has {there.entry.size} bytes and the checksum {told}; "
                f"{self._size} bytes with {sent} were sent.",
                advice="Check the storage service; the step is tried again.",
            )
        if there.sha256 != self.sha256:
            # The upload was begun for another version of the file that started with the same parts.
            relabel(self.bucket, there, self.sha256)

    def _broken_off(self) -> str | None:
        """An upload to this key that began with what this file begins with; the newest."""
        from botocore.exceptions import ClientError

        try:
            for upload in islice(self._uploads(), _CANDIDATES):
                parts = {part["PartNumber"]: part for part in self._parts(upload["UploadId"])}
                if parts and self._begins_with(parts):
                    self._listed = parts
                    return upload["UploadId"]
        except ClientError as error:
            if refusal(error) not in _NOT_TOLD:
                raise
        return None

    def _uploads(self) -> list[MultipartUploadTypeDef]:
        pages = self.bucket.client.get_paginator("list_multipart_uploads").paginate(
            Bucket=self.bucket.name, Prefix=self.key
        )
        found = [upload for page in pages for upload in page.get("Uploads", []) if upload["Key"] == self.key]
        return sorted(found, key=lambda upload: upload["Initiated"], reverse=True)

    def _parts(self, upload_id: str) -> Iterator[PartTypeDef]:
        pages = self.bucket.client.get_paginator("list_parts").paginate(
            Bucket=self.bucket.name, Key=self.key, UploadId=upload_id
        )
        for page in pages:
            yield from page.get("Parts", [])

    def _begins_with(self, parts: dict[int, PartTypeDef]) -> bool:
        first = min(parts)
        with self.source.open("rb") as file:
            file.seek((first - 1) * self._part_bytes)
            block = file.read(self._part_bytes)
        return max(parts) <= -(-self._size // self._part_bytes) and _Block(block).held(parts[first])


def put_small(bucket: Bucket, key: str, content: bytes) -> None:
    """Upload in one request."""
    block = _Block(content)
    answer = bucket.client.put_object(
        Bucket=bucket.name,
        Key=key,
        Body=content,
        ContentMD5=block.md5,
        ChecksumSHA256=block.sha256,
        Metadata={SHA256: b64decode(block.sha256).hex()},
    )
    _require_held(answer, block, key)


def part_size(size: int, least: int) -> int:
    """Bytes of each part, the same for every try: whole MiB, so that there are at most 10,000."""
    return max(least, -(-size // (_MOST_PARTS * MIB)) * MIB)


def _require_held(answer: Any, block: _Block, name: str) -> None:
    if not block.held(answer):
        raise InfrastructureError(
            "storage.corrupted",
            f"The service holds something else than was sent as {name}.",
            advice="Check the network, and that the service gives the MD5 as ETag or supports SHA-256; "
            "it is tried again.",
        )


def _composite(parts: list[_Part]) -> str | None:
    """The checksum of a whole object that S3 makes from those of its parts; None where some have none."""
    checksums = [b64decode(part.sha256) for part in parts if part.sha256]
    if len(checksums) < len(parts):
        return None
    return f"{b64encode(hashlib.sha256(b''.join(checksums)).digest()).decode()}-{len(parts)}"
