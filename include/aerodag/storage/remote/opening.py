"""The stores that the settings name, one for each server or bucket."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar
from urllib.parse import SplitResult, quote, unquote, urlsplit

from aerodag.errors import ConfigError

if TYPE_CHECKING:
    from aerodag.settings import Settings
    from aerodag.storage.store import Store

S3_ACCOUNT = "aerodag_s3"
Server = TypeVar("Server")


@dataclass(frozen=True, slots=True)
class Remote:
    """A class of storage in a store: all its keys begin with ``prefix``."""

    store: Store
    prefix: str

    def key(self, rest: str) -> str:
        """The store's key of a file of this class."""
        return f"{self.prefix}/{rest}" if self.prefix else rest

    def uri(self, rest: str) -> str:
        """Where a file of this class is."""
        return uri_of(self.store, self.key(rest))

    def rest(self, uri: str) -> str | None:
        """The file of this class that lies there; None where none of this class does."""
        before = self.uri("")
        return unquote(uri.removeprefix(before)) if uri.startswith(before) else None


def uri_of(store: Store, key: str) -> str:
    """Where a file of a store is."""
    return f"{store.root}/{quote(key)}"


def server_names(settings: Settings) -> dict[str, set[str]]:
    """Names of the servers and accounts that the storage roots refer to, by scheme."""
    names: dict[str, set[str]] = {"sftp": set(), "s3": set()}
    for parts in _roots(settings).values():
        names[parts.scheme].add(_name(parts))
    return names


def open_remotes(settings: Settings) -> dict[str, Remote]:
    """The storage classes that lie elsewhere; nothing is connected to before it is used.

    Raises:
        ConfigError: ``storage.scheme``, ``storage.unknown_server``.
    """
    stores: dict[str, Store] = {}
    remotes = {}
    for folder, parts in _roots(settings).items():
        home, path = _split(parts)
        if home not in stores:
            stores[home] = _open(settings, parts, home)
        remotes[folder] = Remote(stores[home], path)
    return remotes


def _split(parts: SplitResult) -> tuple[str, str]:
    """The store that classes of one server share, so that files move between them without leaving it; and the folder.

    A path that begins with ``~`` is below the user's home on an SFTP server.
    """
    server, path = f"{parts.scheme}://{parts.netloc}", unquote(parts.path).strip("/")
    if parts.scheme == "sftp" and (path == "~" or path.startswith("~/")):
        return f"{server}/~", path[2:]
    return server, path


def _roots(settings: Settings) -> dict[str, SplitResult]:
    given = {name: uri for name, uri in settings.storage.model_dump().items() if uri}
    roots = {name: urlsplit(uri) for name, uri in given.items()}
    for name, parts in roots.items():
        if parts.scheme not in {"sftp", "s3"} or not parts.hostname:
            raise ConfigError(
                "storage.scheme",
                f"The storage class {name} cannot lie at {given[name]!r}.",
                advice="Give sftp://SERVER/folder or s3://ACCOUNT@bucket/prefix, or nothing for this machine's disk.",
            )
    return roots


def _name(parts: SplitResult) -> str:
    return str(parts.hostname if parts.scheme == "sftp" else parts.username or S3_ACCOUNT)


def _open(settings: Settings, parts: SplitResult, home: str) -> Store:
    name = _name(parts)
    if parts.scheme == "sftp":
        from aerodag.storage.remote.sftp.store import SftpStore

        return SftpStore(home, _known(settings.sftp, name, "sftp"))
    from aerodag.storage.remote.s3.store import S3Store

    return S3Store(name, _known(settings.s3, name, "s3"), str(parts.hostname))


def _known(servers: Mapping[str, Server], name: str, kind: str) -> Server:
    if name not in servers:
        raise ConfigError(
            "storage.unknown_server",
            f"Nothing tells how to reach the {kind} server {name!r}.",
            advice=f"Make an Airflow connection {name}, or set AERODAG_{kind.upper()}__{name.upper()}__...",
        )
    return servers[name]
