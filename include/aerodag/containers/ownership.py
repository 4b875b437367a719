"""Whose files they are: the worker's before, in and after a container."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

from aerodag.errors import ConfigError

# A worker that runs as root does not run the engine as root; this is the first ordinary user of most hosts.
_INSTEAD_OF_ROOT = (1000, 1000)


def container_user(wanted: str | None) -> str:
    """``UID:GID`` inside containers: what the setting wants, else the worker's own unless that is root's.

    Raises:
        ConfigError: ``engine.user``.
    """
    if wanted and not re.fullmatch(r"\d+(:\d+)?", wanted):
        raise ConfigError("engine.user", f"{wanted!r} is no UID:GID.", advice="Set AERODAG_ODM__USER to numbers.")
    if wanted:
        return wanted
    own = (os.geteuid(), os.getegid())
    uid, gid = _INSTEAD_OF_ROOT if own[0] == 0 else own
    return f"{uid}:{gid}"


def hand_over(tree: Path, user: str) -> None:
    """Give ``tree`` to ``user`` (``UID:GID``), where this process may: as root, and only if it is another user.

    Links are not followed. A file with several names is left alone: its other names lie in storage, outside of
    ``tree``, and the engine only reads it.
    """
    if os.geteuid() != 0:
        return
    uid, gid = _ids(user)
    for path in _tree(tree):
        status = path.lstat()
        several_names = status.st_nlink > 1 and not path.is_dir()
        if (status.st_uid, status.st_gid) != (uid, gid) and not several_names:
            os.chown(path, uid, gid, follow_symlinks=False)


def take_back(tree: Path) -> None:
    """Make ``tree`` the worker's own again, after `hand_over`."""
    hand_over(tree, f"{os.geteuid()}:{os.getegid()}")


def _ids(user: str) -> tuple[int, int]:
    uid, _, gid = user.partition(":")
    return int(uid), int(gid or uid)


def _tree(top: Path) -> Iterator[Path]:
    yield top
    for folder, folders, files in os.walk(top):
        yield from (Path(folder, name) for name in (*folders, *files))
