"""A corpus of odd and hostile ZIPs, one of each kind, each with what has to become of it."""

from __future__ import annotations

import io
import stat
import struct
import tarfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from samples.zip_forge import (
    BOMB_BYTES,
    FULL32,
    End,
    Part,
    compress,
    flat,
    forge,
    photos,
    unicode_path,
    write,
    zeros,
    zip64_field,
)  # fmt: skip

GIB = 1 << 30
_UTF8 = 0x800
_MARKED = 0x02  # an LZMA stream with an end marker
Pieces = Mapping[int, bytes]


@dataclass(frozen=True, slots=True)
class Case:
    """A ZIP as ``{offset: bytes}`` and its fate: the code of the refusal, or the images that are left."""

    build: Callable[[], Pieces]
    refused: str = ""
    by: str = "inspect"
    images: int = 4
    damaged: int = 0
    wrong_type: int = 0
    findings: frozenset[str] = field(default_factory=frozenset)


def packed(method: int) -> Pieces:
    """Good images packed by one method."""
    return forge(*(
        Part(p.name, p.content, method, compress(method, p.content), _MARKED if method == 14 else 0) for p in photos()
    ))  # fmt: skip


def lying_bomb(method: int) -> Pieces:
    """Images that claim 5,000 bytes with the checksum of those and hold 100 MB."""
    flags = _MARKED if method == 14 else 0
    return forge(*(Part(p.name, bytes(5000), method, zeros(method), flags) for p in photos()))


def honest_bomb(name: bytes) -> Pieces:
    return forge(*photos(), Part(name, b"", 8, zeros(8), size=BOMB_BYTES, crc=0))


def _crowd() -> Pieces:
    return forge(*photos(), *(Part(str(n).encode(), b"") for n in range(50_000)))


def _tar() -> bytes:
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as bundle:
        bundle.addfile(tarfile.TarInfo("DJI_0001.JPG"))
    return buffer.getvalue()


def _large64() -> Pieces:
    """Sizes and offset of each entry only in its ZIP64 field."""
    parts, at = [], 0
    for p in photos():
        parts.append(Part(
            p.name, p.content, size=FULL32, packed_size=FULL32, offset=FULL32,
            extra=struct.pack("<HH2s", 0xCAFE, 2, b"xx") + zip64_field(len(p.content), len(p.content), at),
        ))  # fmt: skip
        at += 30 + len(p.name) + len(p.content)
    return forge(*parts, end=End(zip64=True))


def _finder() -> Pieces:
    """6 GB without ZIP64, all offsets modulo 2**32; the videos are holes in the file."""
    videos = [Part(f"DJI_{n}.MP4".encode(), b"\0", hole=3 * GIB - 1, crc=0) for n in range(2)]
    first, *rest = photos()
    return forge(first, videos[0], videos[1], *rest)


def _cut(pieces: Pieces, keep: float) -> Pieces:
    content = flat(pieces)
    return {0: content[: int(len(content) * keep)]}


def _replaced(pieces: Pieces, old: bytes, new: bytes) -> Pieces:
    return {0: flat(pieces).replace(old, new)}


def _one_bad(*others: Part) -> Pieces:
    return forge(*photos(20), *others)


def _named(name: bytes, extra: bytes = b"", flags: int = 0) -> Callable[[], Pieces]:
    return partial(forge, *photos(), Part(name, extra=extra, flags=flags))


def _shared_kernel() -> Pieces:
    """The bomb without recursion: every entry is the same packed bytes."""
    return forge(*photos(), Part(b"0.tif", b"", 8, zeros(8), size=1 << 20), *(
        Part(f"{n}.tif".encode(), b"", 8, b"", size=1 << 20, packed_size=len(zeros(8)), offset=0) for n in range(1, 9)
    ))  # fmt: skip


def _names(*codes: str) -> frozenset[str]:
    return frozenset(f"archive.{code}" for code in codes)


_GOOD = flat(forge(*photos()))
_SEVEN_BIT_TWIN = unicode_path("../evil.jpg", b"flight/a.jpg")

REFUSED_NAMES: dict[str, tuple[bytes, bytes, str]] = {
    "parent": (b"../evil.jpg", b"", "traversal"),
    "parent_inside": (b"a/b/../../../evil.jpg", b"", "traversal"),
    "parent_backslash": (b"a\\..\\..\\evil.jpg", b"", "traversal"),
    "absolute": (b"/etc/evil.jpg", b"", "traversal"),
    "absolute_backslash": (b"\\evil.jpg", b"", "traversal"),
    "unc": (b"\\\\server\\share\\evil.jpg", b"", "traversal"),
    "drive": (b"C:/evil.jpg", b"", "traversal"),
    "drive_relative": (b"c:evil.jpg", b"", "traversal"),
    "hidden_in_extra_field": (b"flight/a.jpg", _SEVEN_BIT_TWIN, "traversal"),
    "hidden_by_extra_field": (b"../evil.jpg", unicode_path("a.jpg", b"../evil.jpg"), "traversal"),
    "nul": (b"evil.jpg\x00.txt", b"", "bad_name"),
    "control_character": (b"a\x1b[2Jb.jpg", b"", "bad_name"),
    "no_name": (b"", b"", "bad_name"),
    "endless_name": (b"a" * 2000 + b".jpg", b"", "bad_name"),
    "duplicate": (b"flight/DJI_0001.JPG", b"", "duplicate_name"),
    "duplicate_by_dot": (b"./flight//DJI_0001.JPG", b"", "duplicate_name"),
    "duplicate_by_backslash": (b"flight\\DJI_0001.JPG", b"", "duplicate_name"),
}

CASES: dict[str, Case] = {
    **{
        f"name_{key}": Case(_named(name, extra), f"archive.{code}")
        for key, (name, extra, code) in REFUSED_NAMES.items()
    },
    "symlink": Case(
        partial(forge, *photos(), Part(b"a.jpg", b"/etc/passwd", mode=stat.S_IFLNK | 0o777)), "archive.symlink"
    ),
    "device": Case(partial(forge, *photos(), Part(b"a.jpg", mode=stat.S_IFCHR | 0o666)), "archive.symlink"),
    "pipe": Case(partial(forge, *photos(), Part(b"notes.txt", mode=stat.S_IFIFO | 0o666)), "archive.symlink"),
    "encrypted": Case(partial(forge, *photos(flags=1)), "archive.encrypted"),
    "encrypted_aes": Case(partial(forge, *photos(flags=1, method=99)), "archive.encrypted"),
    **{f"method_{m}": Case(partial(forge, *photos(method=m)), "archive.method") for m in (1, 93, 95, 98)},
    "too_many_entries": Case(_crowd, "archive.too_many_entries"),
    "large_entry": Case(
        partial(forge, *photos(), Part(b"a.tif", b"", size=3 * GIB, packed_size=0)), "archive.too_large"
    ),
    "bomb": Case(partial(honest_bomb, b"flat.tif"), "archive.ratio"),
    "bomb_shared_kernel": Case(_shared_kernel, "archive.overlap"),
    "overlap_directory": Case(partial(forge, *photos(), Part(b"a.jpg", packed_size=5000)), "archive.overlap"),
    "offset_outside": Case(partial(forge, *photos(), Part(b"a.jpg", offset=1 << 31)), "archive.overlap"),
    "nested": Case(partial(forge, Part(b"flight1.zip", _GOOD), Part(b"flight2.7z", b"7z")), "archive.nested"),
    "nested_tar_without_suffix": Case(partial(forge, Part(b"upload", _tar())), "archive.nested"),
    "no_images": Case(
        partial(forge, Part(b"a.txt", b"x"), Part(b"DJI_1.MP4"), Part(b"x.NEF")), "archive.too_few_images"
    ),
    "nothing": Case(lambda: {0: b""}, "archive.unreadable"),
    "no_zip": Case(lambda: {0: b"no zip at all " * 99}, "archive.unreadable"),
    "rar": Case(lambda: {0: b"Rar!\x1a\x07\x01\x00" + bytes(999)}, "archive.unreadable"),
    "empty": Case(forge, "archive.empty"),
    "only_folders": Case(partial(forge, Part(b"flight/", b"")), "archive.empty"),
    "cut": Case(lambda: _cut(forge(*photos()), 0.6), "archive.unreadable"),
    "cut_in_directory": Case(lambda: _cut(forge(*photos()), 0.98), "archive.unreadable"),
    "broken_directory": Case(lambda: _replaced(forge(*photos()), b"PK\x01\x02", b"PK\x01\x00"), "archive.unreadable"),
    "directory_outside": Case(partial(forge, *photos(), end=End(size=1 << 30)), "archive.unreadable"),
    "wrong_count": Case(partial(forge, *photos(), end=End(count=3)), "archive.unreadable"),
    "glued": Case(lambda: {0: _GOOD, len(_GOOD): _GOOD}, "archive.unreadable"),
    "split_last_part": Case(partial(forge, *photos(), end=End(disk=2)), "archive.split"),
    "split_entry": Case(partial(forge, *photos(disk=1)), "archive.split"),
    "zip64_without_record": Case(
        partial(forge, *photos(), end=End(zip64=True, zip64_magic=b"PK\x00\x00")), "archive.unreadable"
    ),
    "zip64_two_counts": Case(partial(forge, *photos(), end=End(zip64=True, count=3)), "archive.unreadable"),
    "zip64_without_sizes": Case(partial(forge, *photos(size=FULL32)), "archive.unreadable"),
    **{f"bomb_behind_header_{m}": Case(partial(lying_bomb, m), "archive.damaged", "verify") for m in (8, 9, 12, 14)},
    "bomb_stored": Case(partial(forge, *photos(size=100_000)), "archive.damaged", "verify"),
    "wrong_checksums": Case(partial(forge, *photos(crc=1)), "archive.damaged", "verify"),
    "no_local_headers": Case(partial(forge, *photos(local_magic=b"PK\x00\x00")), "archive.damaged", "verify"),
    "garbage_packed": Case(partial(forge, *photos(method=8)), "archive.damaged", "verify"),
    "lzma_dictionary": Case(
        partial(forge, *photos(method=14, packed=b"\x15\x05\x05\x00\x5d\xff\xff\xff\xff" + bytes(99))),
        "archive.damaged",
        "verify",
    ),
    "web_pages": Case(
        partial(forge, *(Part(f"{n}.jpg".encode(), b"<html>") for n in range(4))), "archive.too_few_images", "verify"
    ),
    "stored": Case(partial(packed, 0)),
    "deflate": Case(partial(packed, 8)),
    "deflate64": Case(partial(packed, 9)),
    "bzip2": Case(partial(packed, 12)),
    "lzma": Case(partial(packed, 14)),
    "zip64": Case(_large64),
    "sizes_behind_data": Case(partial(forge, *photos(flags=0x08))),
    "finder_above_4_gib": Case(_finder, findings=_names("video")),
    "self_extracting": Case(partial(forge, *photos(), prefix=b"MZ" + bytes(998)), findings=_names("prefixed")),
    "comment_like_an_end": Case(partial(forge, *photos(), end=End(comment=b"PK\x05\x06" + bytes(18) + b"bye"))),
    "bytes_behind": Case(partial(forge, *photos(), tail=b"\r\n")),
    "padded_extra_field": Case(partial(forge, *photos(extra=b"\x00\x00\x00"))),
    "other_local_name": Case(partial(forge, *photos(local_name=b"../../evil.jpg"))),
    "macos_junk": Case(
        partial(
            forge, *photos(), Part(b"__MACOSX/flight/._DJI_0001.JPG"), Part(b"._a.jpg"), Part(b"flight/Icon\r", b"")
        ),
        findings=_names("macos_metadata"),
    ),
    "tilde": Case(_named(b"~root/a.jpg"), images=5),
    "utf8_without_flag": Case(_named("flug/Übersicht.jpg".encode()), images=5),
    "utf8_by_extra_field": Case(_named(b"?.jpg", unicode_path("日本.jpg", b"?.jpg")), images=5),
    "stale_extra_field": Case(_named(b"b.jpg", unicode_path("../a.jpg", b"a.jpg")), images=5),
    "code_page": Case(_named(b"\x9abersicht.jpg"), images=5, findings=_names("name_encoding")),
    "broken_utf8": Case(_named(b"\xff\xfe.jpg", flags=_UTF8), images=5, findings=_names("name_encoding")),
    "backslashes": Case(_named(b"flight\\b\\DJI_0001.JPG"), images=5, findings=_names("backslashes")),
    "case_collision": Case(_named(b"FLIGHT/dji_0001.jpg"), images=5, findings=_names("name_collision")),
    "unicode_collision": Case(
        partial(forge, *photos(), Part("ü.jpg".encode()), Part("u\u0308.jpg".encode())),
        images=6,
        findings=_names("name_collision"),
    ),
    "same_name_other_folder": Case(_named(b"second/DJI_0001.JPG"), images=5),
    "one_damaged": Case(partial(_one_bad, Part(b"bad.jpg", crc=1)), images=21, damaged=1),
    "damaged_sidecar": Case(partial(_one_bad, Part(b"flight/rtk.MRK", crc=1)), images=20, damaged=1),
    "one_bomb_behind_header": Case(lambda: _one_bad(Part(b"a.jpg", bytes(5000), 9, zeros(9))), images=21, damaged=1),
    "one_wrong_type": Case(_named(b"page.png"), images=5, wrong_type=1),
    "ignored_bomb": Case(partial(honest_bomb, b"readme.txt"), findings=_names("unknown_type")),
    "ignored_encrypted": Case(partial(forge, *photos(), Part(b"a.pdf", flags=1)), findings=_names("unknown_type")),
    "videos": Case(partial(forge, *photos(), Part(b"DJI_1.MP4"), Part(b"DJI_1.SRT")), findings=_names("video")),
    "thumbnails": Case(
        partial(forge, *photos(), Part(b"thumbs/a.jpg"), Part(b"thumb_a.jpg"), Part(b"a.THM")),
        findings=_names("thumbnail"),
    ),
    "earlier_output": Case(
        partial(forge, *photos(), Part(b"odm/dem.tif"), Part(b"p/odm_orthophoto/x.tif"), Part(b"7_ortho.tif")),
        findings=_names("earlier_output"),
    ),
    "own_odm_folder": Case(
        partial(forge, *photos(), Part(b"100MEDIA/odm_survey/DJI_1.JPG"), Part(b"odm/images/a.jpg")), images=6
    ),
    "nested_beside": Case(partial(forge, *photos(), Part(b"more.zip", _GOOD)), findings=_names("nested_archive")),
    "empty_image": Case(partial(forge, *photos(), Part(b"0.jpg", b"")), findings=_names("empty")),
    "hidden_image": Case(partial(forge, *photos(), Part(b".trash/0.jpg")), findings=_names("hidden")),
    "raw_image": Case(partial(forge, *photos(), Part(b"0.NEF")), findings=_names("unsupported_image")),
}


def _writer(name: str) -> Callable[[Path], Path]:
    return lambda folder: write(CASES[name].build(), folder / f"{name}.zip")


CORPUS: dict[str, Callable[[Path], Path]] = {name: _writer(name) for name in CASES}
