"""Files in a bucket of Amazon S3, MinIO and others that speak its protocol."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aerodag.errors import InfrastructureError
from aerodag.storage.remote.s3.bucket import Bucket, Tuning
from aerodag.storage.remote.s3.copy import copy
from aerodag.storage.remote.s3.download import Download
from aerodag.storage.remote.s3.errors import refusal
from aerodag.storage.remote.s3.upload import Upload, put_small
from aerodag.storage.store import Entry

if TYPE_CHECKING:
    from aerodag.settings import S3Account


class S3Store:
    """A `Store` in a bucket.

    An object appears when its upload is complete, so that no temporary names are needed. Each carries its SHA-256 as
    metadata ``sha256``. A broken upload stays with the service, unseen, until it is gone on with or given up
    (`remove_partials`); a broken download stays beside its target, as ``.NAME.*.part``.
    """

    def __init__(self, name: str, account: S3Account, bucket: str, tuning: Tuning | None = None) -> None:
        """Of an account, by its name in the settings; nothing is connected to before it is used."""
        self._bucket = Bucket(name, account, bucket, tuning or Tuning())

    @property
    def root(self) -> str:
        """``s3://NAME@bucket``."""
        return self._bucket.place

    @property
    def appears_whole(self) -> bool:
        """S3 shows no object before its upload is complete."""
        return True

    def list(self, folder: str = "") -> list[Entry]:
        """Files directly in a folder, as `Store.list`."""
        return list(self._found(_prefix(folder), Delimiter="/"))

    def walk(self, folder: str = "") -> Iterator[Entry]:
        """Files in a folder and all below, as `Store.walk`; a page of 1,000 at a time."""
        return self._found(_prefix(folder))

    def stat(self, key: str) -> Entry | None:
        """One file, as `Store.stat`."""
        with self._bucket.explained(key):
            found = self._bucket.head(key)
        return None if found is None else found.entry

    def put(self, source: Path, key: str, sha256: str) -> Entry:
        """Upload, as `Store.put`; large files in parts, in parallel.

        Raises ``InfrastructureError`` also with ``storage.corrupted`` (arrived as something else),
        ``storage.source_changed`` (``source`` does not have this SHA-256).
        """
        upload = Upload(self._bucket, source, key, sha256)
        return self._bucket.persistently(key, upload.run, lambda: upload.sent)

    def get(self, key: str, target: Path, *, size: int, sha256: str | None = None) -> str:
        """Download, as `Store.get`; in parallel ranges. A file that is replaced meanwhile is begun again."""
        download = Download(self._bucket, key, target, size, sha256)
        return self._bucket.persistently(key, download.run, lambda: download.got)

    def read(self, key: str) -> bytes:
        """A small file, as `Store.read`."""
        return self._bucket.persistently(key, lambda: self._read(key), int)

    def write(self, key: str, content: bytes) -> None:
        """A small file, as `Store.write`."""
        self._bucket.persistently(key, lambda: put_small(self._bucket, key, content), int)

    def copy(self, key: str, to: str) -> None:
        """Copy inside the service, as `Store.copy`."""
        if key != to:
            self._bucket.persistently(to, lambda: copy(self._bucket, key, to), int)

    def move(self, key: str, to: str) -> None:
        """Copy inside the service, then remove, as `Store.move`; it is never gone from both."""
        if key == to:
            return
        if self.stat(key) is None and self.stat(to) is not None:
            return
        self.copy(key, to)
        self.remove(key)

    def remove(self, key: str) -> None:
        """Remove a file, as `Store.remove`."""
        with self._bucket.explained(key):
            self._bucket.client.delete_object(Bucket=self._bucket.name, Key=key)

    def remove_partials(self, older_than: float, folder: str = "") -> int:
        """Give up uploads to a folder, whoever began them, without a part since then; returns how many."""
        removed = 0
        with self._bucket.explained():
            client, name = self._bucket.client, self._bucket.name
            for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=name, Prefix=_prefix(folder)):
                for upload in page.get("Uploads", []):
                    key, upload_id, begun = upload["Key"], upload["UploadId"], upload["Initiated"].timestamp()
                    if begun < older_than and self._last_part(key, upload_id) < older_than:
                        client.abort_multipart_upload(Bucket=name, Key=key, UploadId=upload_id)
                        removed += 1
        return removed

    def close(self) -> None:
        """Let go of connections and credentials; the store may be used again."""
        self._bucket.close()

    def _found(self, prefix: str, **options: Any) -> Iterator[Entry]:
        with self._bucket.explained(prefix):
            pages = self._bucket.client.get_paginator("list_objects_v2")
            for page in pages.paginate(Bucket=self._bucket.name, Prefix=prefix, **options):
                for found in page.get("Contents", []):
                    # Tools that know folders only make empty objects for them.
                    if not found["Key"].endswith("/"):
                        yield Entry(found["Key"], found["Size"], found["LastModified"].timestamp(), found["ETag"])

    def _read(self, key: str) -> bytes:
        answer = self._bucket.client.get_object(Bucket=self._bucket.name, Key=key)
        content = answer["Body"].read()
        if answer["Metadata"].get("sha256", "") not in {"", hashlib.sha256(content).hexdigest()}:
            raise InfrastructureError(
                "storage.checksum",
                f"{self.root}/{key} is not what was written there ({len(content)} bytes).",
                advice="Check the storage service; the step is tried again.",
            )
        return content

    def _last_part(self, key: str, upload_id: str) -> float:
        """When the newest part came (seconds since 1970); 0 where none did, or the upload is gone."""
        from botocore.exceptions import ClientError

        pages = self._bucket.client.get_paginator("list_parts")
        try:
            return max(
                (
                    part["LastModified"].timestamp()
                    for page in pages.paginate(Bucket=self._bucket.name, Key=key, UploadId=upload_id)
                    for part in page.get("Parts", [])
                ),
                default=0.0,
            )
        except ClientError as error:
            if refusal(error) == "NoSuchUpload":
                return 0.0
            raise


def _prefix(folder: str) -> str:
    return f"{folder.strip('/')}/" if folder.strip("/") else ""
