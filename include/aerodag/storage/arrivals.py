"""What lies in the incoming folder, and whether somebody still writes to it."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from aerodag.errors import ConfigError
from aerodag.storage.places import Storage


@dataclass(frozen=True, slots=True)
class Arrival:
    """A file in the incoming folder. ``changed`` in seconds since 1970; ``version`` is another text as it changes."""

    name: str
    uri: str
    size: int
    changed: float
    version: str


def arrivals(storage: Storage) -> dict[str, Arrival]:
    """Every file directly in the incoming folder, by name."""
    remote = storage.remotes.get("incoming")
    if remote is None:
        return _on_this_disk(storage.incoming)
    entries = remote.store.list(remote.prefix)
    names = [entry.key.rpartition("/")[2] for entry in entries]
    return {
        name: Arrival(name, remote.uri(name), entry.size, entry.modified, entry.version)
        for name, entry in zip(names, entries, strict=True)
    }


def find_arrival(storage: Storage, source: str) -> Arrival | None:
    """One file by its name below the incoming folder, or by its URI; None where there is none.

    Raises ``ConfigError`` ``claim.source_outside``, ``storage.scheme``.
    """
    name = _name_of(storage, source)
    remote = storage.remotes.get("incoming")
    if remote is None:
        path = storage.incoming / name
        return _look(name, path) if path.is_file() else None
    entry = remote.store.stat(remote.key(name))
    return None if entry is None else Arrival(name, remote.uri(name), entry.size, entry.modified, entry.version)


def arrival_uri(storage: Storage, source: str) -> str:
    """Where a file lies or lay that has this name below the incoming folder, or this URI. Raises as `find_arrival`."""
    return storage.uri(storage.incoming / _name_of(storage, source))


def settled(storage: Storage, files: Iterable[Arrival], seconds: float, now: float | None = None) -> list[Arrival]:
    """Those of the files that nobody has written to for so long."""
    remote, candidates = storage.remotes.get("incoming"), list(files)
    if remote is None:
        moment = time.time() if now is None else now
        return [file for file in candidates if moment - file.changed >= seconds]
    if remote.store.appears_whole or not candidates:
        return candidates
    # The server's clock may be off, and whoever uploads may set the time as he likes: two looks tell.
    time.sleep(seconds)
    again = arrivals(storage)
    return [file for file in candidates if again.get(file.name) == file]


def _name_of(storage: Storage, source: str) -> str:
    path = (storage.incoming / (storage.path(source) if "://" in source else source)).resolve()
    root = storage.incoming.resolve()
    if not path.is_relative_to(root):
        raise ConfigError(
            "claim.source_outside",
            f"{source!r} is not below the incoming folder.",
            advice=f"Put the file into {storage.uri(storage.incoming / 'NAME')} and give its name.",
        )
    return path.relative_to(root).as_posix()


def _on_this_disk(folder: Path) -> dict[str, Arrival]:
    found = {}
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_file(follow_symlinks=False):
                found[entry.name] = _look(entry.name, Path(entry.path))
    return found


def _look(name: str, path: Path) -> Arrival:
    """The inode's change time counts too: unlike the modification time, no upload tool can set it."""
    stat = path.lstat()
    version = f"{stat.st_ino}-{stat.st_size}-{stat.st_mtime_ns}"
    return Arrival(name, path.as_uri(), stat.st_size, max(stat.st_ctime, stat.st_mtime), version)
