"""Where files live, by class of storage, on this machine or another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import unquote, urlsplit

from aerodag.errors import ConfigError, InfrastructureError
from aerodag.settings import Settings
from aerodag.storage import local
from aerodag.storage.remote.opening import Remote, open_remotes, uri_of
from aerodag.storage.store import Published, Store

ORTHOPHOTO = "ortho.tif"
CLASSES = (
    "incoming",
    "raw_images",
    "archive",
    "cogs",
    "thumbnails",
    "metadata",
    "reports",
    "stac",
    "quarantine",
)


@dataclass(frozen=True, slots=True)
class Storage:
    """The storage classes of one installation.

    A class lies below ``root`` on this disk, or in a store elsewhere. Of one elsewhere there is a mirror below
    ``root``: files are made and read there, `deliver` and `fetch` carry them.
    """

    root: Path
    remotes: Mapping[str, Remote] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings) -> Storage:
        """The storage that the settings name. Raises ``ConfigError`` ``storage.scheme``, ``storage.unknown_server``."""
        return cls(settings.data, open_remotes(settings))

    def create(self) -> None:
        """Make the folders of all storage classes."""
        for name in (*CLASSES, "work"):
            (self.root / name).mkdir(parents=True, exist_ok=True)

    @property
    def incoming(self) -> Path:
        """Where uploads land."""
        return self.root / "incoming"

    def raw(self, dataset_id: int, name: str) -> Path:
        """The registered upload."""
        return self.root / "raw_images" / str(dataset_id) / name

    def quarantined(self, dataset_id: int, name: str) -> Path:
        """An upload that cannot be processed, kept for its owner."""
        return self.root / "quarantine" / str(dataset_id) / name

    def refused(self, name: str) -> Path:
        """An upload that could not even be registered."""
        return self.root / "quarantine" / "unregistered" / name

    def product(self, folder: str, dataset_id: int, run_id: int, name: str) -> Path:
        """A product of one run. Every run has names of its own, so that no version is written over another."""
        return self.root / folder / str(dataset_id) / str(run_id) / f"{dataset_id}_{name}"

    def current_orthophoto(self, dataset_id: int) -> Path:
        """Always the orthophoto that is valid now, under one name for whoever looks into the folder."""
        return self.root / "archive" / f"{dataset_id}_{ORTHOPHOTO}"

    def work(self, run_id: int) -> Path:
        """Scratch space of one run; can always be made again."""
        return self.root / "work" / str(run_id)

    def uri(self, path: Path) -> str:
        """Where the file goes that has this path here."""
        home = self._home(path)
        return path.as_uri() if home is None else uri_of(*home)

    def path(self, uri: str) -> Path:
        """The path here of what lies there. Raises ``ConfigError`` ``storage.scheme`` where no class does."""
        if uri.startswith("file:"):
            return local_path(uri)
        for name, remote in self.remotes.items():
            if (rest := remote.rest(uri)) is not None:
                return self.root / name / rest
        raise _not_ours(uri)

    def deliver(self, path: Path) -> Published:
        """Bring a finished file from its path here to where it belongs."""
        published = Published(self.uri(path), path.stat().st_size, local.sha256_of(path))
        if (home := self._home(path)) is not None:
            store, key = home
            store.put(path, key, published.sha256)
        return published

    def publish(self, source: Path, target: Path) -> Published:
        """Bring a copy of a file to where ``target`` belongs; nobody sees a part of it."""
        if self._home(target) is None:
            return local.publish(source, target)
        local.link(source, target)
        return self.deliver(target)

    def write(self, path: Path, content: bytes) -> Published:
        """Write a small file and bring it to where it belongs."""
        local.write(path, content)
        return self.deliver(path)

    def link(self, source: str, target: Path) -> None:
        """Give the file at the URI ``source`` a second name, replacing what had it."""
        there, home = self._elsewhere(source), self._home(target)
        if home is None:
            local.link(self._here(source), target)
        elif there is not None and there[0] is home[0]:
            home[0].copy(there[1], home[1])
        else:
            self.publish(self._here(source), target)

    def move(self, uri: str, target: Path) -> str:
        """Move a file to where ``target`` belongs; returns its new URI. It is never gone from both."""
        there, home = self._elsewhere(uri), self._home(target)
        if there is None and home is None:
            local.move(local_path(uri), target)
        elif there is not None and home is not None and there[0] is home[0]:
            home[0].move(there[1], home[1])
            if (mirrored := self.path(uri)).exists():
                local.move(mirrored, target)
        else:
            self.publish(self._here(uri), target)
            self.remove(uri)
        return self.uri(target)

    def remove(self, uri: str) -> None:
        """Remove a file, and its copy here."""
        if (there := self._elsewhere(uri)) is not None:
            store, key = there
            store.remove(key)
        self.path(uri).unlink(missing_ok=True)

    def size(self, uri: str) -> int | None:
        """Bytes of what lies there now; None where nothing does."""
        there = self._elsewhere(uri)
        if there is None:
            return _size(local_path(uri))
        store, key = there
        entry = store.stat(key)
        return None if entry is None else entry.size

    def fetch(self, uri: str, *, size: int, sha256: str | None = None) -> Path:
        """The file, here. What comes from elsewhere is verified, and not brought twice.

        Raises ``InfrastructureError`` ``storage.missing``.
        """
        path, there = self.path(uri), self._elsewhere(uri)
        if there is not None and _size(path) != size:
            store, key = there
            path.parent.mkdir(parents=True, exist_ok=True)
            store.get(key, path, size=size, sha256=sha256)
        if not path.is_file():
            raise InfrastructureError(
                "storage.missing",
                f"There is no {uri}.",
                advice="Check that the storage is mounted; the step is tried again.",
            )
        return path

    def verified(self, uri: str, *, size: int, sha256: str | None) -> Path | None:
        """The file, here, if it is the one that was recorded; None where it is missing or another one."""
        if self.size(uri) != size:
            return None
        path = self.path(uri)
        if _size(path) == size and local.sha256_of(path) == sha256:
            return path
        if self._elsewhere(uri) is None:
            return None
        path.unlink(missing_ok=True)  # a copy that a crash of this machine spoiled
        return self.fetch(uri, size=size, sha256=sha256)

    def files(self, folder: str) -> Iterator[tuple[str, int]]:
        """URI and bytes of every file of a class, without temporary ones."""
        remote = self.remotes.get(folder)
        if remote is None:
            for path in (self.root / folder).rglob("*"):
                if path.is_file() and not local.is_partial(path):
                    yield path.as_uri(), path.stat().st_size
            return
        for entry in remote.store.walk(remote.prefix):
            yield uri_of(remote.store, entry.key), entry.size

    def remove_partials(self, older_than: float) -> int:
        """Remove what broken writers and transfers left before that time (seconds since 1970); returns how many."""
        return local.remove_partials(self.root, older_than) + sum(
            remote.store.remove_partials(older_than, remote.prefix) for remote in self.remotes.values()
        )

    def forget(self, dataset_id: int, run_id: int) -> int:
        """Remove the copies here of what lies elsewhere; returns the bytes freed."""
        folders = [self.root / name / str(dataset_id) / str(run_id) for name in self.remotes]
        folders += [self.root / name / str(dataset_id) for name in ("raw_images", "quarantine") if name in self.remotes]
        return sum(local.remove_tree(folder) for folder in folders)

    def close(self) -> None:
        """Let go of all connections; they are made again when needed."""
        for remote in self.remotes.values():
            remote.store.close()

    def _home(self, path: Path) -> tuple[Store, str] | None:
        """The store where a file with this path here belongs, and its key; None where it belongs here."""
        if not path.is_relative_to(self.root):
            return None
        folder, *rest = path.relative_to(self.root).parts
        remote = self.remotes.get(folder)
        return None if remote is None else (remote.store, remote.key("/".join(rest)))

    def _elsewhere(self, uri: str) -> tuple[Store, str] | None:
        """The store that a file lies in, and its key; None for one on this disk."""
        return None if uri.startswith("file:") else self._home(self.path(uri))

    def _here(self, uri: str) -> Path:
        size = self.size(uri)
        return self.fetch(uri, size=0 if size is None else size)


def local_path(uri: str) -> Path:
    """The local path of a ``file://`` URI. Raises ``ConfigError`` for any other scheme."""
    parts = urlsplit(uri)
    if parts.scheme != "file":
        raise _not_ours(uri)
    return Path(unquote(parts.path))


def _size(path: Path) -> int | None:
    return path.stat().st_size if path.is_file() else None


def _not_ours(uri: str) -> ConfigError:
    return ConfigError(
        "storage.scheme",
        f"{uri!r} lies in no storage class of this installation.",
        advice="Give a path below the incoming folder, or name the place in the settings (AERODAG_STORAGE__...).",
    )
