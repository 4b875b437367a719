"""Names of entries: from stored bytes to text, and which of them are refused."""

from __future__ import annotations

import posixpath
import re
import struct
import unicodedata
import zlib
from collections.abc import Iterator

from aerodag.archive.format.refusal import hostile

_UTF8_FLAG = 0x800
_UNICODE_PATH = 0x7075
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_DRIVE = re.compile(r"[A-Za-z]:")
# The Finder's custom folder icon really is called "Icon" and a carriage return.
_FINDER_ICON = "Icon\r"


def extra_fields(extra: bytes) -> Iterator[tuple[int, bytes]]:
    """The (id, content) pairs of an extra field; padding and a cut last field, which real tools write, end it."""
    at = 0
    while at + 4 <= len(extra):
        kind, length = struct.unpack_from("<HH", extra, at)
        at += 4
        if at + length > len(extra):
            return
        yield kind, extra[at : at + length]
        at += length


def decode_name(raw: bytes, flags: int, extra: bytes) -> tuple[str, bool]:
    """Readable name, and whether its encoding had to be guessed.

    In this order: UTF-8 by flag; the Info-ZIP Unicode Path field when it belongs to this name (APPNOTE 4.6.9); bytes
    that are valid UTF-8 are UTF-8, for macOS does not set the flag; else code page 437, which APPNOTE D.1 prescribes
    and in which every byte is a letter, so no name is unreadable and no two become one.
    """
    if not flags & _UTF8_FLAG and (name := _unicode_path(raw, extra)) is not None:
        return name, False
    try:
        return raw.decode("utf-8"), False
    except UnicodeDecodeError:
        return raw.decode("cp437"), True


def _unicode_path(raw: bytes, extra: bytes) -> str | None:
    for kind, content in extra_fields(extra):
        if kind == _UNICODE_PATH and len(content) > 5:
            version, crc = struct.unpack_from("<BL", content)
            if version == 1 and crc == zlib.crc32(raw):
                try:
                    return content[5:].decode("utf-8")
                except UnicodeDecodeError:
                    return None
    return None


def normalised(name: str) -> str:
    r"""The path of an entry: folders parted by single slashes, no ``.`` parts.

    A backslash parts folders here too. ZIP wants slashes, but .NET before 4.6.1 and older Windows tools wrote
    backslashes, and refusing those would refuse honest uploads; what makes a backslash dangerous (``\\server``,
    ``..\``) is refused by `refuse_path` before.
    """
    return posixpath.normpath(name.replace("\\", "/"))


def refuse_path(name: str, raw: bytes) -> None:
    """Refuse a name that leaves its folder or that two readers could take for two different names.

    The stored bytes are looked at as well as the decoded name: an extra field can make an innocent name of a hostile
    one and the other way round. ``~`` is an ordinary letter: only a shell would expand it.

    Raises:
        DataError: ``archive.traversal``, ``archive.bad_name``.
    """
    for text in (name, raw.decode("latin-1")):
        unix = text.replace("\\", "/")
        if unix.startswith("/") or _DRIVE.match(unix) or ".." in unix.split("/"):
            raise hostile("traversal", name, "would be written outside its folder")
    stored = raw.decode("ascii", "replace")
    for text in (name, stored):
        if not text or _CONTROL.search(text.removesuffix(_FINDER_ICON)):
            raise hostile("bad_name", name, "has no name or one with control characters")


def collision_key(path: str) -> str:
    """Equal for paths that a file system blind to case or to Unicode forms takes for one (Unicode 3.13, NFKC_CF)."""
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", path).casefold())
