"""The bytes of a COG: GDAL's own tags for the header, blocks in the order and frame that GDAL's driver gives them.

The tags (types, CRS, place, metadata) are those of an empty GeoTIFF that GDAL wrote; only where the blocks lie is ours.
Layout: docs of GDAL's COG driver, "File format details" and "Header ghost area".
"""

from __future__ import annotations

import errno
import os
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

_SIZES = {1: 1, 2: 1, 3: 2, 4: 4, 5: 8, 6: 1, 7: 1, 8: 2, 9: 4, 10: 8, 11: 4, 12: 8, 13: 4, 16: 8, 17: 8, 18: 8}
_SHORT, _LONG, _LONG8 = 3, 4, 16
_SUBFILE_TYPE, _WIDTH, _HEIGHT, _OFFSETS, _BYTE_COUNTS, _JPEG_TABLES = 254, 256, 257, 324, 325, 347
# Of the full resolution only: place, CRS, metadata, sensor model.
_PLACE = frozenset({33550, 33922, 34264, 34735, 34736, 34737, 42112, 50844})
_OVERVIEW, _MASK = 1, 4
_CLASSIC_LIMIT = 2**32 - 2**25
_FRAME = 4
_COPY_BYTES = 8 << 20
# Of file systems that copy no ranges.
_NO_RANGES = frozenset({errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF})
_GHOST = (
    "LAYOUT=IFDS_BEFORE_DATA\nBLOCK_ORDER=ROW_MAJOR\nBLOCK_LEADER=SIZE_AS_UINT4\n"
    "BLOCK_TRAILER=LAST_4_BYTES_REPEATED\nKNOWN_INCOMPATIBLE_EDITION=NO\n "
)
_MASK_GHOST = "MASK_INTERLEAVED_WITH_IMAGERY=YES\n"


@dataclass(frozen=True, slots=True)
class Tag:
    """A TIFF tag: its number, TIFF type, count of values, and these as little-endian bytes."""

    number: int
    kind: int
    count: int
    content: bytes


def tags_of(path: Path) -> list[Tag]:
    """The tags of the first directory of a BigTIFF."""
    with path.open("rb") as file:
        head = file.read(16)
        if head[:4] != b"II\x2b\x00":
            raise ValueError(f"{path.name} is no little-endian BigTIFF")
        file.seek(struct.unpack("<Q", head[8:])[0])
        (count,) = struct.unpack("<Q", file.read(8))
        entries = [file.read(20) for _ in range(count)]
        return [_tag(file, entry) for entry in entries]


def _tag(file: BinaryIO, entry: bytes) -> Tag:
    number, kind, count = struct.unpack("<HHQ", entry[:12])
    size = _SIZES[kind] * count
    if size <= 8:
        return Tag(number, kind, count, entry[12 : 12 + size])
    file.seek(struct.unpack("<Q", entry[12:])[0])
    return Tag(number, kind, count, file.read(size))


@dataclass(frozen=True, slots=True)
class Level:
    """One resolution: its pixels, and where the spool has each block of image and mask, row by row.

    Entries are those of `Spool.add`; ``masks`` is empty where the COG has no mask.
    """

    width: int
    height: int
    blocks: list[tuple[int, int]]
    masks: list[tuple[int, int]] = field(default_factory=list)


class Spool:
    """Compressed blocks in the order in which they were made, each in the frame that it has in a COG.

    The frame is its size before it and its last four bytes once more behind it; of fewer than four as many as it has.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._end = 0

    def add(self, content: bytes | None) -> tuple[int, int]:
        """Keep a block: (where its frame begins, its size without the frame), (0, 0) of an absent one."""
        if content is None:
            return 0, 0
        entry = self._end, len(content)
        self._file.writelines((struct.pack("<I", len(content)), content, content[-_FRAME:].rjust(_FRAME, b"\0")))
        self._end += len(content) + 2 * _FRAME
        return entry

    def copy(self, out: BinaryIO, start: int, size: int) -> None:
        """Append a stretch of the spool to ``out``, by the kernel alone where it can."""
        self._file.flush()
        while size:
            try:
                copied = os.copy_file_range(self._file.fileno(), out.fileno(), size, start)
            except OSError as error:
                if error.errno not in _NO_RANGES:
                    raise
                copied = out.write(os.pread(self._file.fileno(), min(size, _COPY_BYTES), start))
            if copied == 0:
                raise OSError(errno.EIO, "the file of coded blocks ends early", self._file.name)
            start, size = start + copied, size - copied


def assemble(path: Path, tags: Sequence[Tag], levels: Sequence[Level], spool: Spool, block: int) -> None:
    """Write the COG: header, directories, then the blocks of the coarsest level to those of the full resolution.

    ``levels`` start with the full resolution, which ``tags`` describe.
    """
    masked = bool(levels[0].masks)
    sizes = sum(size for level in levels for _, size in [*level.blocks, *level.masks])
    frames = 2 * _FRAME * sum(len(level.blocks) + len(level.masks) for level in levels)
    form = _Form(big=sizes + frames + 64 * len(levels) * 1024 > _CLASSIC_LIMIT)
    ghost = _ghost(masked)
    directories = _directories(tags, levels, block)
    start = _even(form.head_bytes + len(ghost))
    end = start + sum(form.directory_bytes(directory) for directory in directories)
    with path.open("wb", buffering=0) as out:
        out.seek(end)
        places = [_copy_level(out, spool, level) for level in reversed(levels)][::-1]
        out.seek(0)
        out.write((form.head(start) + ghost).ljust(start, b"\0"))
        for directory, place in zip(directories, _by_directory(places, masked), strict=True):
            out.write(form.directory(directory, place, start, last=directory is directories[-1]))
            start += form.directory_bytes(directory)
        out.flush()
        os.fsync(out.fileno())


def _ghost(masked: bool) -> bytes:
    text = _GHOST + (_MASK_GHOST if masked else "")
    return f"GDAL_STRUCTURAL_METADATA_SIZE={len(text):06d} bytes\n{text}".encode()


@dataclass(frozen=True, slots=True)
class _Form:
    """Classic TIFF or BigTIFF."""

    big: bool

    @property
    def head_bytes(self) -> int:
        return 16 if self.big else 8

    def head(self, first: int) -> bytes:
        return struct.pack("<2sHHHQ", b"II", 43, 8, 0, first) if self.big else struct.pack("<2sHI", b"II", 42, first)

    def directory_bytes(self, tags: Sequence[Tag]) -> int:
        fixed = 8 + 20 * len(tags) + 8 if self.big else 2 + 12 * len(tags) + 4
        return fixed + sum(_even(len(tag.content)) for tag in self._fitted(tags) if len(tag.content) > self._inline)

    @property
    def _inline(self) -> int:
        return 8 if self.big else 4

    def _fitted(self, tags: Sequence[Tag]) -> list[Tag]:
        """Offsets take 8 bytes only where they must."""
        kind = _LONG8 if self.big else _LONG
        return [
            Tag(tag.number, kind, tag.count, bytes(_SIZES[kind] * tag.count)) if tag.number == _OFFSETS else tag
            for tag in tags
        ]

    def directory(self, tags: Sequence[Tag], place: tuple[list[int], list[int]], start: int, last: bool) -> bytes:
        offsets, counts = place
        content = {
            _OFFSETS: struct.pack(f"<{len(offsets)}{'Q' if self.big else 'I'}", *offsets),
            _BYTE_COUNTS: struct.pack(f"<{len(counts)}I", *counts),
        }
        entries, behind = b"", b""
        at = start + (16 + 20 * len(tags) if self.big else 6 + 12 * len(tags))
        for tag in self._fitted(tags):
            value = content.get(tag.number, tag.content)
            if len(value) > self._inline:
                stored = struct.pack("<Q" if self.big else "<I", at + len(behind))
                behind += value + bytes(_even(len(value)) - len(value))
            else:
                stored = value.ljust(self._inline, b"\0")
            entries += struct.pack("<HHQ" if self.big else "<HHI", tag.number, tag.kind, tag.count) + stored
        following = 0 if last else start + self.directory_bytes(tags)
        count, then = ("<Q", "<Q") if self.big else ("<H", "<I")
        return struct.pack(count, len(tags)) + entries + struct.pack(then, following) + behind


def _even(size: int) -> int:
    return size + size % 2


def _directories(tags: Sequence[Tag], levels: Sequence[Level], block: int) -> list[list[Tag]]:
    """GDAL's order: image, its mask, the overviews, the overviews' masks."""
    kept = [tag for tag in tags if tag.number not in {_SUBFILE_TYPE, _JPEG_TABLES}]
    images = [_image_tags(kept, level, index > 0) for index, level in enumerate(levels)]
    masks = [_mask_tags(level, index > 0, block) for index, level in enumerate(levels) if level.masks]
    return [images[0], *masks[:1], *images[1:], *masks[1:]]


def _by_directory(
    places: Sequence[tuple[tuple[list[int], list[int]], tuple[list[int], list[int]]]], masked: bool
) -> list[tuple[list[int], list[int]]]:
    images, masks = [image for image, _ in places], [mask for _, mask in places]
    return [images[0], *masks[:1], *images[1:], *masks[1:]] if masked else images


def _image_tags(tags: Sequence[Tag], level: Level, overview: bool) -> list[Tag]:
    own = {
        _WIDTH: _number(_WIDTH, _LONG, level.width),
        _HEIGHT: _number(_HEIGHT, _LONG, level.height),
        _OFFSETS: Tag(_OFFSETS, _LONG8, len(level.blocks), b""),
        _BYTE_COUNTS: Tag(_BYTE_COUNTS, _LONG, len(level.blocks), bytes(4 * len(level.blocks))),
    }
    found = [own.get(tag.number, tag) for tag in tags if not (overview and tag.number in _PLACE)]
    return [_number(_SUBFILE_TYPE, _LONG, _OVERVIEW), *found] if overview else found


def _mask_tags(level: Level, overview: bool, block: int) -> list[Tag]:
    """One bit a pixel, deflated, as GDAL writes its masks."""
    shorts = {258: 1, 259: 8, 262: 4, 277: 1, 284: 1, 317: 1, 322: block, 323: block, 339: 1}
    tags = [
        _number(_SUBFILE_TYPE, _LONG, _MASK | (_OVERVIEW if overview else 0)),
        _number(_WIDTH, _LONG, level.width),
        _number(_HEIGHT, _LONG, level.height),
        Tag(_OFFSETS, _LONG8, len(level.masks), b""),
        Tag(_BYTE_COUNTS, _LONG, len(level.masks), bytes(4 * len(level.masks))),
        *(_number(number, _SHORT, value) for number, value in shorts.items()),
    ]
    return sorted(tags, key=lambda tag: tag.number)


def _number(number: int, kind: int, value: int) -> Tag:
    return Tag(number, kind, 1, value.to_bytes(_SIZES[kind], "little"))


def _copy_level(
    out: BinaryIO, spool: Spool, level: Level
) -> tuple[tuple[list[int], list[int]], tuple[list[int], list[int]]]:
    """Blocks row by row, the mask of each right behind it; where they lie so in the spool, in one stretch."""
    image: tuple[list[int], list[int]] = ([], [])
    mask: tuple[list[int], list[int]] = ([], [])
    at = out.tell()
    stretches: list[tuple[int, int]] = []
    for index, entry in enumerate(level.blocks):
        pair = [(image, entry), *([(mask, level.masks[index])] if level.masks else [])]
        for (offsets, counts), (start, size) in pair:
            offsets.append(at + _FRAME if size else 0)
            counts.append(size)
            if not size:
                continue
            framed = size + 2 * _FRAME
            at += framed
            if stretches and sum(stretches[-1]) == start:
                stretches[-1] = stretches[-1][0], stretches[-1][1] + framed
            else:
                stretches.append((start, framed))
    for start, size in stretches:
        spool.copy(out, start, size)
    return image, mask
