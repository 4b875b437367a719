"""Copies of photographs without the maker note, whose reader makes some versions of ODM stop.

The tag's entry is taken out of its EXIF directory and the directory closed up; the file keeps its length, and nothing
outside the directory changes: picture, thumbnail, XMP and GPS stay byte for byte. Formats: CIPA DC-008, TIFF 6.0.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final, Literal

from aerodag.errors import InfrastructureError
from aerodag.imagery.files.jpeg import read_jpeg_header

_MAKER_NOTE: Final = 0x927C
_EXIF_DIRECTORY: Final = 0x8769
_ENTRY: Final = 12
_MOST_ENTRIES: Final = 1000
_TIFF_HEADER: Final = 8
_JPEG: Final = b"\xff\xd8\xff"
_ORDERS: Final[dict[bytes, Literal["little", "big"]]] = {b"II*\x00": "little", b"MM\x00*": "big"}


class Stripped(StrEnum):
    """What the copy is: ``emptied`` of its note, the same as it had ``none``, or the same as it is ``not_jpeg``."""

    EMPTIED = "emptied"
    NONE = "none"
    NOT_JPEG = "not_jpeg"


def strip_maker_notes(source: Path, target: Path) -> Stripped:
    """Copy ``source`` to ``target``, which may be the same path, without the maker note of a JPEG.

    What is no JPEG, or has an EXIF block that cannot be followed, is copied as it is. ``target`` appears whole or not
    at all; a hard link of ``source`` elsewhere is not touched.

    Raises:
        InfrastructureError: ``engine.images_not_copied``: the file cannot be read or written.
    """
    partial = target.with_name(f".{target.name}.part")
    try:
        shutil.copyfile(source, partial)
        outcome = _strip(partial)
        shutil.copystat(source, partial)
        partial.replace(target)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise InfrastructureError(
            "engine.images_not_copied",
            f"{source.name} could not be copied without its maker note: {error}.",
            advice="Check space and rights in the work folder; the step can then be tried again.",
            numbers={"image": source.name},
        ) from error
    return outcome


def _strip(path: Path) -> Stripped:
    with path.open("r+b") as file:
        if file.read(len(_JPEG)) != _JPEG:
            return Stripped.NOT_JPEG
        try:
            block = read_jpeg_header(file).exif
        except ValueError:
            return Stripped.NONE
        if block is None or block[1] < _TIFF_HEADER:
            return Stripped.NONE
        start, length = block
        file.seek(start)
        before = file.read(length)
        after = without_maker_notes(before)
        if after == before:
            return Stripped.NONE
        file.seek(start)
        file.write(after)
    return Stripped.EMPTIED


def without_maker_notes(block: bytes) -> bytes:
    """A TIFF block of the same length without entries for the maker note in its first and its EXIF directory."""
    order = _ORDERS.get(block[:4])
    if order is None:
        return block
    content = bytearray(block)
    for directory in _directories(block, order):
        directory.close_up(content, order)
    return bytes(content)


@dataclass(frozen=True, slots=True)
class _Directory:
    """Where a directory begins, and the tags of its entries."""

    offset: int
    tags: tuple[int, ...]

    def close_up(self, content: bytearray, order: Literal["little", "big"]) -> None:
        """Move the other entries over the notes', and a copy of the pointer behind them to the new end.

        The pointer itself stays: some cameras write none there but the first value already.
        """
        first = self.offset + 2
        end = first + len(self.tags) * _ENTRY
        kept = [
            bytes(content[first + index * _ENTRY : first + (index + 1) * _ENTRY])
            for index, tag in enumerate(self.tags)
            if tag != _MAKER_NOTE
        ]
        removed = len(self.tags) - len(kept)
        if not removed:
            return
        pointer = bytes(content[end : end + 4])
        closed = len(kept).to_bytes(2, order) + b"".join(kept) + pointer
        content[self.offset : end] = closed.ljust(end - self.offset, b"\x00")


def _directories(block: bytes, order: Literal["little", "big"]) -> Iterator[_Directory]:
    """The first directory and its EXIF directory, as far as they lie whole inside the block and apart."""
    first = _directory(block, int.from_bytes(block[4:8], order), order)
    if first is None:
        return
    yield first
    for index, tag in enumerate(first.tags):
        if tag == _EXIF_DIRECTORY:
            value = first.offset + 2 + index * _ENTRY + 8
            second = _directory(block, int.from_bytes(block[value : value + 4], order), order)
            if second is not None and not _overlap(first, second):
                yield second
            return


def _directory(block: bytes, offset: int, order: Literal["little", "big"]) -> _Directory | None:
    count = int.from_bytes(block[offset : offset + 2], order)
    end = offset + 2 + count * _ENTRY + 4
    if offset < _TIFF_HEADER or not 0 < count <= _MOST_ENTRIES or end > len(block):
        return None
    starts = range(offset + 2, offset + 2 + count * _ENTRY, _ENTRY)
    return _Directory(offset, tuple(int.from_bytes(block[start : start + 2], order) for start in starts))


def _overlap(one: _Directory, other: _Directory) -> bool:
    first, second = sorted((one, other), key=lambda directory: directory.offset)
    return second.offset < first.offset + 2 + len(first.tags) * _ENTRY
