"""Files and folders of an SFTP server over one connection."""

from __future__ import annotations

import hashlib
import re
import stat
import struct
from collections.abc import Iterator
from pathlib import PurePosixPath

from aerodag.storage.remote.sftp.login import Connection
from aerodag.storage.remote.sftp.protocol import (
    COPY_DATA,
    CREATE,
    EXCLUSIVE,
    HARD_LINK,
    POSIX_RENAME,
    READ,
    SLOW_SECONDS,
    STATVFS,
    WRITE,
    Attributes,
    Kind,
    Named,
    Packet,
    RefusedError,
    Status,
    open_file,
    read_folder,
    string,
)
from aerodag.storage.remote.sftp.transfer import receive

_COPY_BYTES = 1024**3
# A second login costs more than reading so little back.
_READ_BACK_BYTES = 4 * 1024**2
_SLOWEST_SUM = 20e6
# openssl comes first: it uses the processor's own instructions, which many builds of sha256sum do not.
_SUM = 'openssl dgst -sha256 -r <"$1" 2>/dev/null || sha256sum <"$1"'
_SHA256 = re.compile(r"[0-9a-f]{64}(?![0-9a-f])")
_ST_RDONLY = 1


class RemoteFiles:
    """What a store does on the server. Every method may raise ``RefusedError`` and ``BrokenError``."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection
        self.channel = connection.channel

    def stat(self, path: str) -> Attributes | None:
        """A file or folder, following links; None where there is none."""
        try:
            return self.channel.call(Kind.STAT, string(path)).attributes()
        except RefusedError as error:
            if error.status == Status.NO_SUCH_FILE:
                return None
            raise

    def entries(self, path: str) -> list[Named]:
        """Files and folders in a folder, links to files as the files; empty where there is no folder."""
        try:
            found = read_folder(self.channel, path)
        except RefusedError as error:
            if error.status == Status.NO_SUCH_FILE:
                return []
            raise
        return list(self._followed(path, found))

    def _followed(self, path: str, found: list[Named]) -> Iterator[Named]:
        for entry in found:
            kind = stat.S_IFMT(entry.attributes.mode)
            if kind in {stat.S_IFREG, stat.S_IFDIR}:
                yield entry
            elif kind == stat.S_IFLNK and (target := self.stat(f"{path}/{entry.name}")) and stat.S_ISREG(target.mode):
                yield Named(entry.name, target)

    def make_folders(self, path: str) -> None:
        """A folder and those above it."""
        for folder in [*reversed(PurePosixPath(path).parents), PurePosixPath(path)]:
            if self.stat(str(folder)) is not None:
                continue
            try:
                self.channel.call(Kind.MKDIR, string(str(folder)), struct.pack(">I", 0))
            except RefusedError:
                # Somebody else may have made it meanwhile, and servers have no status of its own for that.
                if self.stat(str(folder)) is None:
                    raise

    def rename(self, path: str, to: str) -> None:
        """Rename, replacing what had the name; in two steps where the server cannot do it in one."""
        if POSIX_RENAME in self.channel.extensions:
            self.channel.extended(POSIX_RENAME, string(path), string(to))
            return
        if self.stat(path) is not None:
            self.remove(to)
        self.channel.call(Kind.RENAME, string(path), string(to))

    def remove(self, path: str) -> bool:
        """Remove a file; False where there was none."""
        try:
            self.channel.call(Kind.REMOVE, string(path))
        except RefusedError as error:
            if error.status == Status.NO_SUCH_FILE:
                return False
            raise
        return True

    def link(self, path: str, to: str) -> None:
        """A second name for a file."""
        self.channel.extended(HARD_LINK, string(path), string(to))

    def copy(self, path: str, to: str, size: int) -> None:
        """A copy that the server makes."""
        if COPY_DATA not in self.channel.extensions:
            raise RefusedError(Status.UNSUPPORTED, f"no {COPY_DATA}")
        with (
            open_file(self.channel, path, READ) as read,
            open_file(self.channel, to, WRITE | CREATE | EXCLUSIVE) as write,
        ):
            for offset in range(0, size, _COPY_BYTES):
                length = min(_COPY_BYTES, size - offset)
                there, here = struct.pack(">QQ", offset, length), struct.pack(">Q", offset)
                self.channel.extended(COPY_DATA, read.field, there, write.field, here, seconds=SLOW_SECONDS)

    def space(self, path: str) -> tuple[int, bool] | None:
        """Free bytes of the disk of a file, and whether it is read-only; None where the server does not say."""
        for folder in PurePosixPath(path).parents:
            try:
                answer = self.channel.extended(STATVFS, string(str(folder)))
            except RefusedError as error:
                if error.status == Status.NO_SUCH_FILE:
                    continue
                return None
            return _space(answer)
        return None

    def has_sha256(self, path: str, size: int, sha256: str) -> bool:
        """Whether a file has that checksum, by a command on the server or by reading it back.

        A command only proves that they are equal: a shell may see other folders under the same name.
        """
        if size > _READ_BACK_BYTES:
            said = self.connection.run(["sh", "-c", _SUM, "sh", path], 60 + size / _SLOWEST_SUM)
            if (found := _SHA256.match(said or "")) and found[0] == sha256:
                return True
        digest = hashlib.sha256()
        end = receive(self.channel, path, 0, size, digest.update)
        return end == size and digest.hexdigest() == sha256

    def content(self, path: str, start: int, size: int) -> bytes:
        """Bytes ``start`` to ``size`` of a file, fewer where it ends before."""
        content = bytearray()
        receive(self.channel, path, start, size, content.extend)
        return bytes(content)


def _space(answer: Packet) -> tuple[int, bool]:
    """The answer of statvfs@openssh.com: eleven numbers as in ``struct statvfs``."""
    _, fragment, _, _, available, _, _, free_nodes, _, flags, _ = (answer.long() for _ in range(11))
    return (available * fragment if free_nodes else 0), bool(flags & _ST_RDONLY)
