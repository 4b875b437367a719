"""Uploads in pieces, sent by the tests: a survey to send, and an installation without a web server."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import psycopg

from aerodag import ledger, uploads
from aerodag.ledger import Dataset, Upload
from aerodag.pipeline.incoming import Intake, complete_uploads, register_uploads
from aerodag.settings import Settings, Uploads
from aerodag.storage import Storage
from samples.zip_forge import Part, flat, forge, photos

CHUNK = 1024


def survey(note: bytes = b"") -> bytes:
    """A ZIP of a few images; another note, another content."""
    return flat(forge(*photos(), Part(b"notes.txt", b"notes " * 200 + note)))


def sha256(content: bytes) -> bytes:
    return hashlib.sha256(content).digest()


@dataclass
class Installation:
    """A ledger and a data root; `host` makes another machine of the same ledger and storage elsewhere."""

    conn: psycopg.Connection
    root: Path
    given: dict = field(default_factory=dict)
    now: datetime = field(default_factory=lambda: datetime.now(UTC))

    def __post_init__(self) -> None:
        self.settings = self.host("data")
        self.storage = Storage.of(self.settings)
        self.storage.create()

    def host(self, name: str) -> Settings:
        bounds = Uploads(chunk_bytes=CHUNK, keep_free_bytes=0)
        return Settings(data_root=self.root / name, settle_seconds=0, **({"uploads": bounds} | self.given))

    def begin(self, content: bytes, name: str = "survey.zip", owner: str = "anna", **said: object) -> Upload:
        wish = uploads.Wish(name, len(content), owner, **said)
        return uploads.open_upload(self.conn, self.settings, self.storage, wish, now=self.now)

    def send(self, upload: Upload, content: bytes, indexes: Iterable[int] | None = None) -> None:
        for index in range(upload.chunks_total) if indexes is None else indexes:
            offset, length = upload.span(index)
            chunk = content[offset : offset + length]
            with uploads.receive_chunk(self.conn, self.storage, upload, index, sha256(chunk)) as place:
                place.write(chunk)
                place.finish(self.conn)

    def complete(self, upload: Upload) -> Upload:
        return uploads.complete(self.conn, self.settings, self.storage, upload, now=self.now)

    def bring(self, content: bytes, name: str = "survey.zip", owner: str = "anna", **said: object) -> Upload:
        """From the first chunk to the end."""
        upload = self.begin(content, name, owner, **said)
        self.send(upload, content)
        return self.complete(upload)

    def again(self, upload: Upload) -> Upload:
        return ledger.get_upload(self.conn, upload_id=upload.id)

    def ingest(self, settings: Settings | None = None) -> Intake:
        with closing(Storage.of(settings or self.settings)) as storage:
            storage.create()
            return register_uploads(self.conn, storage, complete_uploads(storage, settle_seconds=0))

    def dataset(self, upload: Upload) -> Dataset:
        dataset_id = self.again(upload).dataset_id
        assert dataset_id is not None
        return ledger.get_dataset(self.conn, dataset_id=dataset_id)

    def incoming(self) -> list[str]:
        """Names of all files in the incoming location, hidden ones too."""
        remote = self.storage.remotes.get("incoming")
        if remote is None:
            return sorted(path.name for path in self.storage.incoming.iterdir())
        return sorted(entry.key.rpartition("/")[2] for entry in remote.store.list(remote.prefix))

    def parts(self) -> list[str]:
        folder = self.storage.root / "uploads"
        return sorted(path.name for path in folder.iterdir()) if folder.exists() else []
