"""Entries read by seeking and as a whole, checked, and written to disk."""

from __future__ import annotations

import hashlib
import io
import os
import random
import shutil
import subprocess
import tracemalloc
import zlib
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import pytest

from aerodag.archive import Limits, Reader, engine_names, extract, inspect, verify
from aerodag.errors import DataError, InfrastructureError
from aerodag.settings import Settings
from samples.zip_forge import BOMB_BYTES, JPEG, Part, compress, forge, photos, write, zeros

LIMITS = Limits.of(Settings())
PHOTOS = {part.name.decode(): part.content for part in photos()}
CONTENT = JPEG + random.Random(1).randbytes(290_000) + JPEG * 10
METHODS = {0: "Copy", 8: "Deflate", 9: "Deflate64", 12: "BZip2", 14: "LZMA"}
SEVEN_ZIP, UNZIP = shutil.which("7z"), shutil.which("unzip")
TEST_DATA = Path(os.environ.get("AERODAG_TEST_DATA", Path(__file__).parents[4] / "shared" / "data"))


def by_method(method: int, folder: Path, content: bytes = CONTENT) -> Path:
    flags = 2 if method == 14 else 0
    packed = compress(method, content)
    parts = (Part(f"{index}.jpg".encode(), content, method, packed, flags) for index in range(4))
    return write(forge(*parts), folder / f"{method}.zip")


def refusal(reader: Reader, path: str) -> DataError:
    with pytest.raises(DataError) as caught:
        reader.read(path)
    return caught.value


@pytest.mark.parametrize("method", METHODS)
def test_an_entry_is_read_here_and_there(tmp_path: Path, method: int) -> None:
    content = CONTENT
    with Reader(by_method(method, tmp_path), LIMITS) as reader, reader.open("2.jpg") as file:
        assert file.seek(-2, io.SEEK_END) == len(content) - 2
        assert file.read() == b"\xff\xd9"
        file.seek(2)
        assert file.read(2) == b"\xff\xe0"
        file.seek(200_000)
        assert file.read(70_000) == content[200_000:270_000]
        file.seek(0)
        assert file.read() == content
        assert reader.read("1.jpg") == content
        assert refusal(reader, "none.jpg").code == "archive.missing_entry"


@pytest.mark.parametrize("method", METHODS)
def test_a_header_costs_no_more_than_it_is_long(tmp_path: Path, method: int) -> None:
    content = os.urandom(5 << 19)
    path = by_method(method, tmp_path, content)
    read = _bytes_read()
    with Reader(path, LIMITS) as reader, reader.open("2.jpg") as file:
        assert file.read(100) == content[:100]
        file.seek(0, io.SEEK_END)
        file.seek(10)
        assert file.read(10) == content[10:20]
    most = (2 << 20) if method == 12 else (200 << 10)  # bzip2 can only unpack blocks of 900,000 bytes
    assert _bytes_read() - read < most


def _bytes_read() -> int:
    """Bytes this process has read from files so far."""
    counters = Path("/proc/self/io")
    if not counters.exists():
        pytest.skip("this system does not count the bytes a process reads")
    return int(counters.read_text().split("rchar: ")[1].split()[0])


@pytest.mark.parametrize("method", METHODS)
def test_reading_is_safe_from_threads(tmp_path: Path, method: int) -> None:
    with Reader(by_method(method, tmp_path), LIMITS) as reader, ThreadPoolExecutor(8) as pool:
        read = list(pool.map(lambda index: reader.read(f"{index % 4}.jpg"), range(24)))
    assert set(read) == {CONTENT}


def test_a_closed_reader_reads_no_other_file(tmp_path: Path) -> None:
    with Reader(by_method(0, tmp_path), LIMITS) as reader:
        file = reader.open("0.jpg")
    with (tmp_path / "other").open("wb+"), pytest.raises(ValueError, match="closed"):
        file.read(10)


@pytest.mark.parametrize("method", [8, 9, 12, 14])
def test_a_bomb_that_is_let_in_streams_in_little_memory(tmp_path: Path, method: int) -> None:
    content = zeros(method)
    parts = [Part(b"a.jpg", b"", method, content, 2 if method == 14 else 0, size=BOMB_BYTES, crc=_crc_of_zeros())]
    with Reader(write(forge(*parts), tmp_path / "bomb.zip"), LIMITS) as reader:
        tracemalloc.start()
        try:
            assert sum(len(block) for block in reader.blocks("a.jpg")) == BOMB_BYTES
            # LZMA keeps its dictionary, of 1 MiB here; Deflate64 up to 7.5 MB of one sip.
            assert tracemalloc.get_traced_memory()[1] < 12 << 20
        finally:
            tracemalloc.stop()


def _crc_of_zeros() -> int:
    return zlib.crc32(bytes(BOMB_BYTES))


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"crc": 1}, "checksum"),
        ({"size": 2000}, "stored as"),
        ({"method": 8, "packed": compress(8, JPEG)[:-9]}, "ends after"),
        ({"method": 8, "packed": compress(8, JPEG + b"more")}, "more than"),
        ({"method": 8, "packed": compress(8, JPEG[:-1])}, "ends after"),
        ({"method": 9, "packed": b"\xff" * 50}, "decompressing"),
        ({"method": 14, "packed": b"\x00" * 50}, "no LZMA properties"),
        ({"local_magic": b"PK\x01\x02"}, "no entry begins"),
        ({"packed_size": 1 << 20, "size": 1 << 20}, "into the directory"),
    ],
)
def test_damage_is_named(tmp_path: Path, changes: dict[str, object], reason: str) -> None:
    path = write(forge(Part(b"a.jpg", **changes)), tmp_path / "x.zip")  # type: ignore[arg-type]
    with Reader(path, LIMITS) as reader:
        error = refusal(reader, "a.jpg")
    assert error.code == "archive.damaged"
    assert reason in error.message
    assert error.numbers["entries"] == ["a.jpg"]


def test_verify_gives_digests_and_names_what_can_be_spared(tmp_path: Path) -> None:
    parts = [
        Part(b"page.jpg", b"<html>"),
        Part(b"ok.TIF", b"II*\x00...."),
        Part(b"bad.jpg", crc=1),
        Part(b"x.MRK", crc=1),
    ]
    path = write(forge(*photos(20), *parts), tmp_path / "x.zip")
    verified = verify(path, inspect(path, LIMITS), LIMITS)
    assert verified.wrong_type == ("page.jpg",)
    assert verified.damaged == ("bad.jpg", "x.MRK")
    assert verified.digests["flight/DJI_0001.JPG"] == hashlib.sha256(PHOTOS["flight/DJI_0001.JPG"]).hexdigest()
    assert len(verified.digests) == 22
    assert [(finding.code, finding.image) for finding in verified.findings] == [
        ("image.damaged", "bad.jpg"),
        ("image.wrong_type", "page.jpg"),
        ("archive.damaged", None),
    ]


@pytest.mark.parametrize(
    ("whole", "broken", "refused"), [(9, 1, False), (8, 2, True), (90, 10, False), (2, 1, True), (89, 11, True)]
)
def test_some_damage_is_borne(tmp_path: Path, whole: int, broken: int, refused: bool) -> None:
    bad = [Part(f"{index}.jpg".encode(), crc=1) for index in range(broken)]
    path = write(forge(*photos(whole), *bad), tmp_path / "x.zip")
    inventory = inspect(path, LIMITS)
    if not refused:
        assert len(verify(path, inventory, LIMITS).damaged) == broken
        return
    with pytest.raises(DataError, match=r"archive\.damaged") as caught:
        verify(path, inventory, LIMITS)
    assert caught.value.numbers == {"entries": sorted(f"{index}.jpg" for index in range(broken)), "count": broken}


def test_the_least_number_of_images_has_to_be_left(tmp_path: Path) -> None:
    path = write(forge(*photos(3), Part(b"a.jpg", crc=1)), tmp_path / "x.zip")
    generous = replace(LIMITS, damaged_share=1.0)
    assert verify(path, inspect(path), generous).damaged == ("a.jpg",)
    with pytest.raises(DataError, match=r"archive\.damaged"):
        verify(path, inspect(path), replace(generous, min_images=4))


@pytest.mark.parametrize("method", METHODS)
def test_extract_writes_exactly_the_images(tmp_path: Path, method: int) -> None:
    path = by_method(method, tmp_path)
    names = engine_names(inspect(path, LIMITS).images)
    digests = extract(path, names, tmp_path / "out", LIMITS)
    assert {file.name for file in (tmp_path / "out").iterdir()} == set(names.values())
    assert set(digests.values()) == {hashlib.sha256(CONTENT).hexdigest()}
    assert {file.read_bytes() for file in (tmp_path / "out").iterdir()} == {CONTENT}


def test_extract_does_only_what_is_missing(tmp_path: Path) -> None:
    path, out = write(forge(*photos()), tmp_path / "x.zip"), tmp_path / "out"
    names = engine_names(inspect(path, LIMITS).images)
    first = extract(path, names, out, LIMITS)
    kept, wrong = out / "DJI_0001.JPG", out / "DJI_0002.JPG"
    inode = kept.stat().st_ino
    wrong.write_bytes(bytes(wrong.stat().st_size))
    assert extract(path, names, out, LIMITS) == first
    assert kept.stat().st_ino == inode
    assert wrong.read_bytes() == PHOTOS["flight/DJI_0002.JPG"]


def test_extract_follows_no_link(tmp_path: Path) -> None:
    path, out, victim = write(forge(*photos()), tmp_path / "x.zip"), tmp_path / "out", tmp_path / "victim"
    out.mkdir()
    victim.write_bytes(b"mine")
    for name in ("DJI_0001.JPG", ".DJI_0001.JPG.part"):
        (out / name).symlink_to(victim)
    extract(path, {"flight/DJI_0001.JPG": "DJI_0001.JPG"}, out, LIMITS)
    assert victim.read_bytes() == b"mine"
    assert not (out / "DJI_0001.JPG").is_symlink()
    assert [file.name for file in out.iterdir()] == ["DJI_0001.JPG"]


def test_extract_leaves_no_partial_file(tmp_path: Path) -> None:
    path, out = write(forge(*photos(), Part(b"a.jpg", crc=1)), tmp_path / "x.zip"), tmp_path / "out"
    with pytest.raises(DataError, match=r"archive\.damaged"):
        extract(path, {"a.jpg": "a.jpg"}, out, LIMITS)
    assert list(out.iterdir()) == []
    (out / "b.jpg").mkdir()
    with pytest.raises(InfrastructureError, match=r"archive\.not_written"):
        extract(path, {"flight/DJI_0002.JPG": "b.jpg"}, out, LIMITS)


@pytest.mark.parametrize("name", ["../a.jpg", "/a.jpg", "a/b.jpg", "", "..", "a\\b.jpg", "a\x00b"])
def test_extract_writes_only_plain_names(tmp_path: Path, name: str) -> None:
    path = write(forge(*photos()), tmp_path / "x.zip")
    with pytest.raises(DataError, match=r"archive\.traversal"):
        extract(path, {"flight/DJI_0001.JPG": name}, tmp_path / "out", LIMITS)
    assert not (tmp_path / "out").exists()


def test_extract_never_writes_two_entries_to_one_file(tmp_path: Path) -> None:
    path = write(forge(*photos()), tmp_path / "x.zip")
    with pytest.raises(DataError, match=r"archive\.duplicate_name"):
        extract(path, {"flight/DJI_0001.JPG": "a.jpg", "flight/DJI_0002.JPG": "A.jpg"}, tmp_path / "out", LIMITS)


@pytest.mark.skipif(not TEST_DATA.is_dir(), reason="AERODAG_TEST_DATA is not there")
@pytest.mark.skipif(SEVEN_ZIP is None, reason="7z is not installed")
@pytest.mark.parametrize("method", METHODS)
def test_reads_what_seven_zip_packs(tmp_path: Path, method: int) -> None:
    images = sorted((TEST_DATA / "mapping" / "p4m_rtk_mirafiori").rglob("*.[jJ][pP]*[gG]"))[:4]
    assert len(images) == 4
    (tmp_path / "zeros.tif").write_bytes(b"II*\x00" + bytes(500_000))
    path = tmp_path / "x.zip"
    command = [str(SEVEN_ZIP), "a", "-tzip", f"-mm={METHODS[method]}", str(path), *map(str, images), "zeros.tif"]
    subprocess.run(command, check=True, capture_output=True, cwd=tmp_path)
    with Reader(path, LIMITS) as reader:
        assert {record.method for record in reader.directory.records} <= {0, method}
        assert method in {record.method for record in reader.directory.records}
        for image in [*images, tmp_path / "zeros.tif"]:
            assert reader.read(image.name) == image.read_bytes()


@pytest.mark.skipif(SEVEN_ZIP is None or UNZIP is None, reason="7z and unzip are not both installed")
@pytest.mark.parametrize("method", METHODS)
def test_others_read_what_the_tests_pack(tmp_path: Path, method: int) -> None:
    path = by_method(method, tmp_path)
    assert subprocess.run([str(SEVEN_ZIP), "t", path], check=False, capture_output=True).returncode == 0
    listed = subprocess.run([str(UNZIP), "-Z1", path], check=True, capture_output=True, text=True).stdout
    assert listed.split() == [entry.path for entry in inspect(path, LIMITS).images]
