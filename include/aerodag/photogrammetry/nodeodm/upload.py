"""Images and side files to a node: in parallel, gone on with after an interruption, no file twice."""

from __future__ import annotations

import json
import mimetypes
import threading
import time
import zipfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import structlog
from pyodm.utils import MultipartEncoder, options_to_json

from aerodag.errors import InfrastructureError
from aerodag.photogrammetry.nodeodm.client import Client, NotConnected, Refusal
from aerodag.photogrammetry.nodeodm.journal import Journal

log = structlog.get_logger(__name__)

# NodeODM unpacks an upload of this name over the task's directory, before it looks at the images.
_PATCH = "seed.zip"
_NO_FILES = "need at least 1 file"
_CONNECT_PAUSES = (0.5, 1.0)
_DOUBTS = 3
_DOUBTFUL_SHARE = 0.2
_CLEARING_SECONDS = 10.0


class UploadLostError(Exception):
    """The node does not hold this upload any more, or not in a state to go on with."""


@dataclass(slots=True)
class Upload:
    """One upload of ``files`` (``{name: path}``) for the task ``name``, wished under ``uuid``.

    ClusterODM gives out its own uuid whatever is wished; the journal holds the one that counts.
    """

    client: Client
    journal: Journal
    uuid: str
    name: str
    options: Mapping[str, Any]
    files: Mapping[str, Path]
    parallel: int = 4
    _doubts: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def run(self) -> str:
        """Begin or go on, and commit; returns the task's uuid.

        Raises:
            UploadLostError: start over, with an empty journal.
            InfrastructureError: ``engine.unreachable``; a later call goes on from here.
        """
        if self.journal.uuid is None:
            self._begin()
        self._send_all()
        self._send_doubtful()
        return self._commit()

    def _begin(self) -> None:
        if self._lies_there():
            self._clear()
        answer = self._init(options_to_json(self.options))
        self.journal.note("upload", str(answer["uuid"]))

    def _lies_there(self) -> bool:
        """Whether an upload of this uuid was begun before, by someone whose journal is lost."""
        try:
            self._post_form(f"/task/new/upload/{self.uuid}", {"name": self.name})
        except Refusal as refusal:
            return _NO_FILES in refusal.message.lower()
        return False

    def _clear(self) -> None:
        # There is no call for this; but the refusal of an init takes the directory of its uuid with it.
        try:
            self._init("{")
        except Refusal:
            log.info("leftover upload cleared", uuid=self.uuid)
        deadline = time.monotonic() + _CLEARING_SECONDS
        while self._lies_there() and time.monotonic() < deadline:
            time.sleep(0.2)

    def _init(self, options: str) -> dict[str, Any]:
        fields = {"name": self.name, "options": options, "skipPostProcessing": "true"}
        return self._post_form("/task/new/init", fields, {"set-uuid": self.uuid})

    def _send_all(self) -> None:
        waiting = [name for name in self.files if name not in self.journal.begun]
        with ThreadPoolExecutor(max(1, self.parallel), thread_name_prefix="nodeodm") as pool:
            sent = [pool.submit(self._send, name) for name in waiting]
            try:
                for each in as_completed(sent):
                    each.result()
            except BaseException:
                pool.shutdown(cancel_futures=True)
                raise

    def _send(self, name: str) -> None:
        self.journal.note("begun", name)
        try:
            self._send_file(name, self.files[name])
        except NotConnected:
            self.journal.note("unsent", name)
            raise
        except InfrastructureError as error:
            self._doubt(name, error)
        else:
            self.journal.note("kept", name)

    def _doubt(self, name: str, error: InfrastructureError) -> None:
        with self._lock:
            self._doubts += 1
            many = self._doubts > max(_DOUBTS, len(self.files) * _DOUBTFUL_SHARE)
        log.warning("upload of a file was cut", file=name, reason=error.message)
        if many:
            raise error

    def _send_file(self, name: str, path: Path) -> None:
        for pause in (*_CONNECT_PAUSES, None):
            try:
                with path.open("rb") as stream:
                    kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
                    form = {"images": [(name, stream, kind)]}
                    self._post_form(f"/task/new/upload/{self.journal.uuid}", form)
            except NotConnected:
                if pause is None:
                    raise
                time.sleep(pause)
            except Refusal as refusal:
                raise _lost_or(refusal) from refusal
            else:
                return

    def _send_doubtful(self) -> None:
        """Send what is in doubt once more, packed, so that it goes over what lies there instead of beside it."""
        doubtful = self.journal.doubtful
        if not doubtful:
            return
        if _PATCH in self.journal.begun:
            raise UploadLostError(f"{len(doubtful)} files are in doubt for the second time")
        archive = self.journal.path.with_suffix(".zip")
        try:
            with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as packed:
                for name in doubtful:
                    packed.write(self.files[name], f"images/{name}")
            self.journal.note("begun", _PATCH)
            self._send_file(_PATCH, archive)
        finally:
            archive.unlink(missing_ok=True)
        for name in (*doubtful, _PATCH):
            self.journal.note("kept", name)
        log.info("cut files sent once more", files=len(doubtful))

    def _commit(self) -> str:
        uuid = self.journal.uuid
        try:
            self.client.post(f"/task/new/commit/{uuid}")
        except Refusal as refusal:
            raise _lost_or(refusal) from refusal
        return str(uuid)

    def _post_form(
        self, path: str, fields: Mapping[str, Any], headers: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        form = MultipartEncoder(fields=dict(fields))
        return self.client.post(path, data=form, headers={"Content-Type": form.content_type, **(headers or {})})


def refused_values(refusal: Refusal) -> list[str]:
    """The options in a node's refusal of an init, each with its reason; empty where it is no such refusal."""
    try:
        found = json.loads(str(refusal.numbers["text"]))
    except ValueError:
        return []
    if not isinstance(found, list):
        return []
    return [f"{each.get('name')}: {each.get('error')}" for each in found if isinstance(each, dict)]


def _lost_or(refusal: Refusal) -> Exception:
    return UploadLostError(refusal.message) if "invalid uuid" in refusal.message.lower() else refusal
