"""Any bytes for a ZIP: a value or a coded refusal, and nothing written outside the target folder."""

from __future__ import annotations

import io
import os
import shutil
import struct
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import cache
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.archive import Limits, Reader, engine_names, extract, inspect, verify
from aerodag.archive.format.paths import decode_name, extra_fields, normalised, refuse_path
from aerodag.errors import AerodagError
from aerodag.settings import Settings
from samples.hostile import CASES
from samples.zip_forge import FULL16, FULL32, End, Part, compress, flat, forge, photos, unicode_path, zip64_field

pytestmark = pytest.mark.fuzz

LIMITS = replace(Limits.of(Settings()), entries=1000, entry_bytes=1 << 24, total_bytes=1 << 26, damaged_share=0.5)
BASES = (
    "stored",
    "deflate",
    "deflate64",
    "bzip2",
    "lzma",
    "zip64",
    "self_extracting",
    "comment_like_an_end",
    "backslashes",
)
METHODS = st.sampled_from([0, 8, 9, 12, 14]) | st.integers(0, 100)
NUMBERS = st.sampled_from([0, 1, 30, 46, 0x7FFFFFFF, 0x80000000, FULL32 - 1, FULL32]) | st.integers(0, FULL32)
NAMES = st.sampled_from([b"a.jpg", b"b/a.jpg", b"A.JPG", b"\xc3\xbc.jpg", b"\xfc.jpg", b"gcp_list.txt"]) | st.binary(
    max_size=20
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fuzz")


@cache
def base(name: str) -> bytes:
    return flat(CASES[name].build())


@contextmanager
def refusals(found: list[AerodagError]) -> Iterator[None]:
    """Collects the coded error that ends the block, if any; every other exception passes."""
    try:
        yield
    except AerodagError as error:
        found.append(error)


def survive(content: bytes, folder: Path) -> None:
    """Everything the package does with a ZIP, each step on its own."""
    path, target = folder / "upload.zip", folder / "target"
    path.write_bytes(content)
    names: dict[str, str] = {}
    found: list[AerodagError] = []
    with refusals(found):
        inventory = inspect(path, LIMITS)
        names = engine_names(inventory.images)
        assert all(finding.code.startswith("archive.") and finding.message for finding in inventory.findings)
        verified = verify(path, inventory, LIMITS)
        assert set(verified.digests).isdisjoint(verified.damaged)
    with refusals(found), Reader(path, LIMITS) as reader:
        records = [record for record in reader.directory.records if record.size < LIMITS.entry_bytes]
        names = names or {record.path: f"{index}.bin" for index, record in enumerate(records[:8])}
        for record in records[:8]:
            with refusals(found):
                look_around(reader, record.path)
    with refusals(found):
        extract(path, names, target, LIMITS)
    assert all(error.code.startswith("archive.") and error.advice for error in found)
    assert {entry.name for entry in os.scandir(folder)} <= {"upload.zip", "target"}
    if target.exists():
        assert {entry.name for entry in os.scandir(target)} <= set(names.values())
        shutil.rmtree(target)


def look_around(reader: Reader, path: str) -> None:
    with reader.open(path) as file:
        file.read(100)
        file.seek(0, io.SEEK_END)
        assert file.read(10) == b""
        file.seek(1)
        file.read(10)


@st.composite
def mutated(draw: st.DrawFn) -> bytes:
    content = bytearray(base(draw(st.sampled_from(BASES))))
    for _ in range(draw(st.integers(1, 5))):
        at = draw(st.integers(0, max(0, len(content) - 1)))
        # Half of all changes fall into the directory, which is the smaller and the more telling part.
        if draw(st.booleans()):
            at = max(0, len(content) - 1 - at % 500)
        match draw(st.sampled_from(["byte", "number", "half", "cut", "splice", "repeat", "drop"])):
            case "byte":
                content[at : at + 1] = bytes([draw(st.integers(0, 255))])
            case "number":
                content[at : at + 4] = struct.pack("<L", draw(NUMBERS))
            case "half":
                content[at : at + 2] = struct.pack("<H", draw(st.sampled_from([0, 1, 8, 9, 12, 14, 99, FULL16])))
            case "cut":
                del content[at:]
            case "splice":
                other = base(draw(st.sampled_from(BASES)))
                start = draw(st.integers(0, len(other) - 1))
                content[at:at] = other[start : start + draw(st.integers(1, 400))]
            case "repeat":
                content[at:at] = content[at : at + draw(st.integers(1, 400))]
            case "drop":
                del content[at : at + draw(st.integers(1, 400))]
    return bytes(content)


@given(mutated())
def test_mutated_zips(folder: Path, content: bytes) -> None:
    survive(content, folder)


PARTS = st.builds(
    Part,
    name=NAMES,
    content=st.binary(max_size=64),
    method=METHODS,
    packed=st.none()
    | st.binary(max_size=64)
    | st.builds(compress, st.sampled_from([8, 9, 12, 14]), st.binary(max_size=99)),
    flags=st.sampled_from([0, 1, 2, 8, 0x800, 0x2000]) | st.integers(0, FULL16),
    size=st.none() | NUMBERS,
    packed_size=st.none() | NUMBERS,
    crc=st.none() | NUMBERS,
    mode=st.sampled_from([0, 0o100644, 0o120777, 0o040755]) | st.integers(0, FULL16),
    extra=st.binary(max_size=20)
    | st.builds(zip64_field, st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
    | st.builds(unicode_path, st.text(st.characters(exclude_categories=["Cs"]), max_size=9), NAMES),
    local_name=st.none() | NAMES,
    local_magic=st.sampled_from([b"PK\x03\x04", b"PK\x03\x04", b"PK\x03\x04", b"PK\x01\x02"]),
    offset=st.none() | NUMBERS,
    disk=st.sampled_from([0, 0, 0, 1, FULL16]),
)
ENDS = st.builds(
    End,
    count=st.none() | st.integers(0, FULL16),
    size=st.none() | NUMBERS,
    offset=st.none() | NUMBERS,
    disk=st.sampled_from([0, 0, 0, 1]),
    comment=st.binary(max_size=30),
    zip64=st.booleans(),
    zip64_magic=st.sampled_from([b"PK\x06\x06", b"PK\x06\x06", b"PK\x05\x06"]),
)


@given(st.lists(PARTS, max_size=6), st.none() | ENDS, st.binary(max_size=8), st.binary(max_size=8))
def test_arbitrary_directories(folder: Path, parts: list[Part], end: End | None, prefix: bytes, tail: bytes) -> None:
    survive(flat(forge(*photos(), *parts, end=end, prefix=prefix, tail=tail)), folder)


@given(st.binary(max_size=300), st.sampled_from([b"", b"PK\x03\x04", b"PK\x05\x06"]))
def test_arbitrary_bytes(folder: Path, content: bytes, magic: bytes) -> None:
    survive(magic + content, folder)


@given(METHODS, st.binary(max_size=400), st.integers(0, 2000))
def test_arbitrary_packed_bytes(folder: Path, method: int, packed: bytes, size: int) -> None:
    survive(flat(forge(*photos(method=method, packed=packed, size=size))), folder)


@given(NAMES | st.binary(max_size=60), st.integers(0, FULL16), st.binary(max_size=40) | st.builds(unicode_path, st.text(
    st.characters(exclude_categories=["Cs"]), max_size=9), NAMES))  # fmt: skip
def test_names_are_refused_or_stay_inside(raw: bytes, flags: int, extra: bytes) -> None:
    name, _ = decode_name(raw, flags, extra)
    name.encode()  # no half of a surrogate pair, which neither PostgreSQL nor JSON takes
    path = normalised(name)
    assert all(len(content) <= len(extra) for _, content in extra_fields(extra))
    refused: list[AerodagError] = []
    with refusals(refused):
        refuse_path(name, raw)
    if refused:
        assert refused[0].code in {"archive.traversal", "archive.bad_name"}
        return
    pure = PurePosixPath(path)
    assert not pure.is_absolute()
    assert ".." not in pure.parts
    assert "\x00" not in path
    assert path == normalised(path)


PIECES = st.sampled_from(["a", "A", "b", "ü", "u\u0308", "/", "_", "-", ".", ".jpg", " "]) | st.characters(
    exclude_categories=["Cs", "Cc"]
)


@given(st.sets(st.lists(PIECES, min_size=1, max_size=8).map("".join).map(normalised), max_size=12))
def test_engine_names_never_collide(folder: Path, paths: set[str]) -> None:
    entries = [Part(f"{path}.jpg".encode()) for path in sorted(paths) if not path.startswith("/")]
    records = [type("Named", (), {"path": entry.name.decode()}) for entry in entries]
    names = engine_names(records)  # type: ignore[arg-type]
    assert len({name.casefold() for name in names.values()}) == len(entries)
    for name in names.values():
        assert name.isascii()
        assert "/" not in name
        assert name.endswith(".jpg")
        assert name[0] not in ".-"
    assert all(unicodedata.is_normalized("NFC", name) for name in names.values())


@given(
    st.sampled_from(["stored", "deflate", "deflate64", "bzip2", "lzma"]),
    st.lists(st.tuples(st.sampled_from([0, 1, 2]), st.integers(-1100, 1100), st.integers(0, 700)), max_size=8),
)
def test_a_stream_is_a_file(folder: Path, name: str, moves: list[tuple[int, int, int]]) -> None:
    path = folder / "upload.zip"
    path.write_bytes(base(name))
    with Reader(path, LIMITS) as reader, reader.open("flight/DJI_0002.JPG") as ours:
        theirs = io.BytesIO(photos()[1].content)
        for whence, offset, size in moves:
            if (theirs.tell() if whence == 1 else len(theirs.getvalue()) * (whence == 2)) + offset < 0:
                continue
            assert ours.seek(offset, whence) == theirs.seek(offset, whence)
            assert ours.read(size) == theirs.read(size)
            assert ours.tell() == theirs.tell()
