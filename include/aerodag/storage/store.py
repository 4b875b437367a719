"""What the rest of the project asks of a place where files lie, whichever kind it is."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Published:
    """A file in its final place: ``uri``, ``size`` in bytes and the SHA-256 of what was written."""

    uri: str
    size: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A file of a store.

    ``key`` is its path below the store's root, with ``/``; ``size`` in bytes; ``modified`` in seconds since 1970 by
    the server's clock; ``version`` is another text as soon as the file is another one (an ETag; size and time).
    """

    key: str
    size: int
    modified: float
    version: str


class Store(Protocol):
    """Files below one root, by key. A reader sees a whole file or none, the old one or the new one, never a part.

    Every method may raise ``InfrastructureError`` (network, disk, service: may be tried again; codes
    ``storage.unreachable``, ``storage.disk_full``, ``storage.failed``, ``storage.broken_off``) and ``ConfigError``
    (``storage.login_refused``, ``storage.host_key``, ``storage.access_denied``: a person has to change something). What
    fails for a moment is tried again inside, a few times, after asking whether it succeeded already.
    """

    @property
    def root(self) -> str:
        """URI of the root, without a slash at its end."""

    @property
    def appears_whole(self) -> bool:
        """Whether a file can only be seen once its upload is complete, whoever uploads it."""

    def list(self, folder: str = "") -> list[Entry]:
        """Files directly in a folder, without temporary ones of this project; empty where there is no folder."""

    def walk(self, folder: str = "") -> Iterator[Entry]:
        """Files in a folder and all below, without temporary ones of this project."""

    def stat(self, key: str) -> Entry | None:
        """One file; None where there is none."""

    def put(self, source: Path, key: str, sha256: str) -> Entry:
        """Upload under a temporary name, verify size and checksum, rename; a broken transfer is gone on with.

        ``sha256`` is the source's. An equal file that is there already is not sent again.
        """

    def get(self, key: str, target: Path, *, size: int, sha256: str | None = None) -> str:
        """Download beside ``target``, verify, rename; returns the SHA-256. What an earlier try got is gone on with.

        Raises ``InfrastructureError`` ``storage.missing`` where there is no such file, ``storage.checksum``.
        """

    def read(self, key: str) -> bytes:
        """A small file. Raises as ``get``."""

    def write(self, key: str, content: bytes) -> None:
        """A small file, replacing what had its name."""

    def copy(self, key: str, to: str) -> None:
        """Give a file a second name, without sending it where the server can do that, replacing what had it."""

    def move(self, key: str, to: str) -> None:
        """Rename a file, replacing what had the name; done before counts as done."""

    def remove(self, key: str) -> None:
        """Remove a file; done before counts as done."""

    def remove_partials(self, older_than: float, folder: str = "") -> int:
        """Remove what unfinished transfers into a folder left before that time (seconds since 1970).

        Returns how many there were.
        """

    def close(self) -> None:
        """Let go of connections; the store may be used again."""
