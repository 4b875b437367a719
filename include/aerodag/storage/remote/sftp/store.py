"""Files on an SFTP server."""

from __future__ import annotations

import builtins
import hashlib
import io
import os
import random
import re
import stat
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path, PurePosixPath
from typing import TypeVar
from urllib.parse import unquote, urlsplit
from uuid import uuid4

import structlog

from aerodag.errors import AerodagError, ConfigError, InfrastructureError
from aerodag.settings import SftpServer
from aerodag.storage.local import explained
from aerodag.storage.remote.sftp import errors as sftp_errors
from aerodag.storage.remote.sftp.files import RemoteFiles
from aerodag.storage.remote.sftp.login import Connection
from aerodag.storage.remote.sftp.protocol import Attributes, BrokenError, Named, RefusedError, Status
from aerodag.storage.remote.sftp.transfer import WriteRefusedError
from aerodag.storage.remote.sftp.whole import MismatchError, download, partial_name, upload
from aerodag.storage.store import Entry

_log = structlog.get_logger(__name__)
_PARTIAL = re.compile(r"\..+\.[0-9a-f]{12}\.part")
_PAUSES = (0.5, 2.0, 6.0)
_MOMENTARY = {"storage.unreachable", "storage.broken_off"}

Answer = TypeVar("Answer")


class SftpStore:
    """A ``Store`` below ``sftp://NAME/folder`` (``sftp://NAME/~/folder``: below the user's home).

    It logs in at its first use and again whenever the connection turns out to be dead.
    """

    def __init__(self, root: str, server: SftpServer) -> None:
        parts = urlsplit(root)
        path = unquote(parts.path).rstrip("/")
        self._name = parts.netloc
        self._root = root.rstrip("/")
        self._folder = f".{path[2:]}" if path.startswith("/~") else path or "/"
        self._server = server
        self._remote: RemoteFiles | None = None
        self._lock = threading.RLock()

    @property
    def root(self) -> str:
        """URI of the root."""
        return self._root

    @property
    def appears_whole(self) -> bool:
        """False: an upload by somebody else can be seen while it grows."""
        return False

    def list(self, folder: str = "") -> list[Entry]:
        """Files directly in a folder."""
        return [_entry(_joined(folder, item.name), item.attributes) for item in self._entries(folder) if _is_file(item)]

    def walk(self, folder: str = "") -> Iterator[Entry]:
        """Files in a folder and all below."""
        for key, attributes in self._all(folder):
            if not _PARTIAL.fullmatch(PurePosixPath(key).name):
                yield _entry(key, attributes)

    def stat(self, key: str) -> Entry | None:
        """One file; None where there is none."""
        found = self._tried(key, lambda remote: remote.stat(self._path(key)))
        return _entry(key, found) if found is not None and stat.S_ISREG(found.mode) else None

    def put(self, source: Path, key: str, sha256: str) -> Entry:
        """Upload a file, going on with what an earlier try of the same content sent."""
        path = self._path(key)

        def sent(remote: RemoteFiles) -> Attributes:
            # Unbuffered: blocks go from the file's pages into the pipe, past a buffer of Python's.
            with source.open("rb", buffering=0) as file:
                return upload(remote, file, source.stat().st_size, sha256, path)

        return _entry(key, self._tried(key, sent))

    def get(self, key: str, target: Path, *, size: int, sha256: str | None = None) -> str:
        """Download a file, going on with what an earlier try got."""
        path = self._path(key)

        def got(remote: RemoteFiles) -> str:
            found = self._required(remote, key)
            if found.size != size:
                raise sftp_errors.checksum(self._uri(key), f"{found.size} bytes in place of {size}")
            return download(remote, path, found, target, sha256)

        return self._tried(key, got)

    def read(self, key: str) -> bytes:
        """A small file."""
        return self._tried(key, lambda remote: remote.content(self._path(key), 0, self._required(remote, key).size))

    def write(self, key: str, content: bytes) -> None:
        """A small file, replacing what had its name."""
        sha256 = hashlib.sha256(content).hexdigest()
        path = self._path(key)
        self._tried(key, lambda remote: upload(remote, io.BytesIO(content), len(content), sha256, path))

    def copy(self, key: str, to: str) -> None:
        """A second name for a file: a hard link, else a copy made by the server, else one through this machine."""
        if not self._tried(to, lambda remote: self._copied(remote, key, to)):
            with tempfile.TemporaryDirectory(prefix="aerodag-copy-") as folder:
                local = Path(folder) / "file"
                found = self._tried(key, lambda remote: self._required(remote, key))
                self.put(local, to, self.get(key, local, size=found.size))

    def move(self, key: str, to: str) -> None:
        """Rename a file; where only the new name is there, it was done before."""
        path, target = self._path(key), self._path(to)

        def moved(remote: RemoteFiles) -> None:
            if remote.stat(path) is None:
                if remote.stat(target) is None:
                    raise sftp_errors.missing(self._uri(key))
                return
            remote.make_folders(str(PurePosixPath(target).parent))
            remote.rename(path, target)

        self._tried(key, moved)

    def remove(self, key: str) -> None:
        """Remove a file; done before counts as done."""
        self._removed(key)

    def remove_partials(self, older_than: float, folder: str = "") -> int:
        """Remove temporary files of transfers last touched before that time; returns how many."""
        old = [
            key
            for key, attributes in self._all(folder)
            if _PARTIAL.fullmatch(PurePosixPath(key).name) and attributes.modified < older_than
        ]
        return sum(self._removed(key) for key in old)

    def close(self) -> None:
        """Log out; the next use logs in again."""
        with self._lock:
            if self._remote is not None:
                self._remote.connection.close()
                self._remote = None

    def _removed(self, key: str) -> bool:
        return self._tried(key, lambda remote: remote.remove(self._path(key)))

    def _entries(self, folder: str) -> builtins.list[Named]:
        return self._tried(folder, lambda remote: remote.entries(self._path(folder)))

    def _all(self, folder: str) -> Iterator[tuple[str, Attributes]]:
        folders = [folder]
        while folders:
            inside = folders.pop()
            for item in self._entries(inside):
                key = _joined(inside, item.name)
                if stat.S_ISDIR(item.attributes.mode):
                    folders.append(key)
                else:
                    yield key, item.attributes

    def _copied(self, remote: RemoteFiles, key: str, to: str) -> bool:
        """Whether the server could copy by itself."""
        size = self._required(remote, key).size
        path, target = self._path(key), PurePosixPath(self._path(to))
        remote.make_folders(str(target.parent))
        partial = str(target.with_name(partial_name(target.name, uuid4().hex)))
        try:
            remote.link(path, partial)
        except RefusedError:
            try:
                remote.copy(path, partial, size)
            except RefusedError as error:
                remote.remove(partial)
                if error.status == Status.UNSUPPORTED:
                    return False
                raise WriteRefusedError(error.status, str(error)) from error
        remote.rename(partial, str(target))
        # Renaming one name of a file to another of the same file does nothing, and says that it worked.
        remote.remove(partial)
        return True

    def _required(self, remote: RemoteFiles, key: str) -> Attributes:
        found = remote.stat(self._path(key))
        if found is None:
            raise sftp_errors.missing(self._uri(key))
        return found

    def _path(self, key: str) -> str:
        if ".." in PurePosixPath(key).parts or key.startswith("/") or "\0" in key:
            raise ConfigError(
                "storage.key",
                f"{key!r} is not a path below {self._root}.",
                advice="Give a relative path without '..'.",
            )
        return str(PurePosixPath(self._folder) / key)

    def _uri(self, key: str) -> str:
        return f"{self._root}/{key}"

    def _tried(self, key: str, operation: Callable[[RemoteFiles], Answer]) -> Answer:
        """Do something on the server; what fails for a moment is tried again over a new connection."""
        for pause in (*_PAUSES, None):
            try:
                with self._lock:
                    return self._once(key, operation)
            except InfrastructureError as error:
                again = error.code in _MOMENTARY or isinstance(error.__cause__, MismatchError)
                if pause is None or not again:
                    raise
                _log.info("storage_tried_again", uri=self._uri(key), reason=error.message, seconds=pause)
                time.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311
        raise AssertionError("the last try returns or raises")

    def _once(self, key: str, operation: Callable[[RemoteFiles], Answer]) -> Answer:
        remote = self._connected()
        try:
            return operation(remote)
        except BrokenError as error:
            self.close()
            raise sftp_errors.broken_off(self._name, str(error)) from error
        except MismatchError as error:
            raise sftp_errors.checksum(self._uri(key), str(error)) from error
        except RefusedError as error:
            raise self._explained(remote, key, error) from error
        except OSError as error:
            raise explained(error) from error
        except Exception:
            raise
        except BaseException:
            # Stopped in the middle of a packet: what comes next on this connection cannot be understood.
            self.close()
            raise

    def _connected(self) -> RemoteFiles:
        if self._remote is not None and self._remote.connection.owner != os.getpid():
            self.close()
        if self._remote is None:
            self._remote = RemoteFiles(Connection(self._name, self._server))
        return self._remote

    def _explained(self, remote: RemoteFiles, key: str, error: RefusedError) -> AerodagError:
        space = None
        if error.status == Status.FAILURE:
            with suppress(BrokenError, RefusedError):
                space = remote.space(self._path(key))
        return sftp_errors.refused(self._name, self._uri(key), error, space)


def _is_file(item: Named) -> bool:
    return stat.S_ISREG(item.attributes.mode) and not _PARTIAL.fullmatch(item.name)


def _joined(folder: str, name: str) -> str:
    return f"{folder}/{name}" if folder else name


def _entry(key: str, attributes: Attributes) -> Entry:
    return Entry(key, attributes.size, float(attributes.modified), f"{attributes.size}-{attributes.modified}")
