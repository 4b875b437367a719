"""ZIPs made by hand, most of them hostile."""

from __future__ import annotations

import hashlib
import io
import stat
import struct
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.archive import Entry, Limits, engine_names, extract, inspect, open_entry, verify
from aerodag.errors import DataError, InfrastructureError

JPEG = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 4 + b"\xff\xd9"
PHOTOS = {f"flight/DJI_000{index}.JPG": JPEG + bytes([index]) for index in range(1, 5)}


@pytest.fixture
def pack(tmp_path: Path) -> Callable[..., Path]:
    def write(files: dict[str, bytes], method: int = zipfile.ZIP_STORED, **attributes: Any) -> Path:
        path = tmp_path / "upload.zip"
        with zipfile.ZipFile(path, "w", method) as bundle:
            for name, content in files.items():
                info = zipfile.ZipInfo(name)
                info.compress_type = method
                for key, value in attributes.get(name, {}).items():
                    setattr(info, key, value)
                bundle.writestr(info, content)
        return path

    return write


def refusal(call: Callable[[], object]) -> DataError:
    with pytest.raises(DataError) as caught:
        call()
    return caught.value


def patched(path: Path, old: bytes, new: bytes, *, last: bool = False) -> Path:
    data = path.read_bytes()
    assert old in data
    at = data.rindex(old) if last else data.index(old)
    path.write_bytes(data[:at] + new + data[at + len(old) :])
    return path


def central(path: Path, name: str, offset: int, value: bytes) -> Path:
    """Overwrite a field of one record of the central directory."""
    data = bytearray(path.read_bytes())
    at = data.rindex(name.encode()) - 46
    assert data[at : at + 4] == b"PK\x01\x02"
    data[at + offset : at + offset + len(value)] = value
    path.write_bytes(data)
    return path


def test_sorts_what_it_finds(pack: Callable[..., Path]) -> None:
    path = pack(
        {
            **PHOTOS,
            "flight/rtk.MRK": b"1",
            "flight/PPKRAW.bin": b"1",
            "flight/14601736.18o": b"1",
            "gcp_list.txt": b"EPSG:4326",
            "geo.txt": b"EPSG:4326",
            "__MACOSX/flight/._DJI_0001.JPG": b"x",
            "flight/._DJI_0002.JPG": b"x",
            "flight/.hidden.jpg": JPEG,
            "flight/Thumbs.db": b"x",
            "flight/empty.jpg": b"",
            "flight/notes.pdf": b"x",
            "inner.zip": b"PK",
        }
    )
    inventory = inspect(path)
    assert [entry.path for entry in inventory.images] == list(PHOTOS)
    assert [entry.path for entry in inventory.rtk] == ["flight/14601736.18o", "flight/PPKRAW.bin", "flight/rtk.MRK"]
    assert [entry.path for entry in inventory.gcp] == ["gcp_list.txt"]
    assert [entry.path for entry in inventory.geo] == ["geo.txt"]
    assert {item.path: item.reason for item in inventory.ignored} == {
        "__MACOSX/flight/._DJI_0001.JPG": "macos_metadata",
        "flight/._DJI_0002.JPG": "macos_metadata",
        "flight/.hidden.jpg": "hidden",
        "flight/Thumbs.db": "system_file",
        "flight/empty.jpg": "empty",
        "flight/notes.pdf": "unknown_type",
        "inner.zip": "nested_archive",
    }
    assert inventory.total_bytes == sum(map(len, PHOTOS.values())) + 3 + 18
    assert verify(path, inventory) == ()


def test_directories_are_no_files(pack: Callable[..., Path]) -> None:
    attributes = {"external_attr": (stat.S_IFDIR | 0o755) << 16}
    path = pack({"flight/": b"", **PHOTOS}, **{"flight/": attributes})
    assert len(inspect(path).images) == 4
    assert inspect(path).ignored == ()


@pytest.mark.parametrize("name", ["../evil.jpg", "a/../../evil.jpg", "/etc/evil.jpg", "C:/evil.jpg", "~root/evil.jpg"])
def test_refuses_names_that_leave_the_folder(pack: Callable[..., Path], name: str) -> None:
    assert refusal(lambda: inspect(pack({**PHOTOS, name: JPEG}))).code == "archive.traversal"


def test_refuses_backslashes_and_nul(pack: Callable[..., Path]) -> None:
    path = patched(pack({**PHOTOS, "a_b.jpg": JPEG}), b"a_b.jpg", b"a\\b.jpg", last=True)
    assert refusal(lambda: inspect(path)).code == "archive.traversal"
    path = patched(pack({**PHOTOS, "a_b.jpg": JPEG}), b"a_b.jpg", b"a\x00b.jpg", last=True)
    assert refusal(lambda: inspect(path)).code == "archive.traversal"


@pytest.mark.parametrize("kind", [stat.S_IFLNK, stat.S_IFIFO, stat.S_IFCHR, stat.S_IFSOCK, stat.S_IFDIR])
def test_refuses_special_files(pack: Callable[..., Path], kind: int) -> None:
    path = pack({**PHOTOS, "link.jpg": b"/etc/passwd"}, **{"link.jpg": {"external_attr": (kind | 0o777) << 16}})
    assert refusal(lambda: inspect(path)).code == "archive.symlink"


def test_refuses_encrypted_entries(pack: Callable[..., Path]) -> None:
    path = central(pack(PHOTOS), "flight/DJI_0002.JPG", 8, struct.pack("<H", 1))
    assert refusal(lambda: inspect(path)).code == "archive.encrypted"


@pytest.mark.parametrize("method", [9, 12, 14, 93])
def test_refuses_unbounded_methods_and_names_the_remedy(pack: Callable[..., Path], method: int) -> None:
    path = central(pack(PHOTOS), "flight/DJI_0002.JPG", 10, struct.pack("<H", method))
    error = refusal(lambda: inspect(path))
    assert error.code == "archive.method"
    assert "Store" in error.advice
    assert error.numbers == {"method": method}


def test_a_strange_method_of_an_ignored_entry_does_no_harm(pack: Callable[..., Path]) -> None:
    path = central(pack({**PHOTOS, "readme.pdf": b"x"}), "readme.pdf", 10, struct.pack("<H", 9))
    assert len(inspect(path).images) == 4


@pytest.mark.filterwarnings("ignore:Duplicate name")
def test_refuses_duplicates(tmp_path: Path) -> None:
    path = tmp_path / "twice.zip"
    with zipfile.ZipFile(path, "w") as bundle:
        for name in [*PHOTOS, "a/x.jpg", "a/./x.jpg"]:
            bundle.writestr(name, JPEG)
    error = refusal(lambda: inspect(path))
    assert error.code == "archive.duplicate_name"
    assert error.numbers == {"entry": "a/x.jpg"}


def test_refuses_overlapping_entries(pack: Callable[..., Path]) -> None:
    path = central(pack(PHOTOS), "flight/DJI_0003.JPG", 42, struct.pack("<I", 0))
    assert refusal(lambda: inspect(path)).code == "archive.overlap"


def test_refuses_bombs(pack: Callable[..., Path]) -> None:
    path = pack({**PHOTOS, "flat.jpg": bytes(4 << 20)}, method=zipfile.ZIP_DEFLATED)
    error = refusal(lambda: inspect(path))
    assert error.code == "archive.ratio"
    assert error.numbers["bytes"] == 4 << 20


def test_limits_count_entries_bytes_and_images(pack: Callable[..., Path]) -> None:
    path = pack(PHOTOS)
    assert refusal(lambda: inspect(path, Limits(entries=3))).code == "archive.too_many_entries"
    assert refusal(lambda: inspect(path, Limits(entry_bytes=1000))).numbers == {"bytes": len(JPEG) + 1, "limit": 1000}
    assert refusal(lambda: inspect(path, Limits(total_bytes=2000))).code == "archive.too_large"
    error = refusal(lambda: inspect(path, Limits(min_images=5)))
    assert error.code == "archive.too_few_images"
    assert "4 usable images" in error.message


def test_nested_archives_are_named_when_images_are_missing(pack: Callable[..., Path]) -> None:
    error = refusal(lambda: inspect(pack({"flight1.zip": b"PK", "flight2.zip": b"PK"})))
    assert error.code == "archive.nested"
    assert "flight1.zip" in error.message


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"not a zip at all" * 100])
def test_no_zip_is_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(content)
    assert refusal(lambda: inspect(path)).code == "archive.unreadable"


def test_an_empty_zip_is_empty(pack: Callable[..., Path]) -> None:
    assert refusal(lambda: inspect(pack({}))).code == "archive.empty"


@given(st.data())
def test_damage_anywhere_never_escapes_as_another_error(data: st.DataObject) -> None:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as bundle:
        for name, content in PHOTOS.items():
            bundle.writestr(name, content)
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 4))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path = Path(f"/tmp/aerodag-{hashlib.sha256(content).hexdigest()[:16]}.zip")  # noqa: S108 - hypothesis has no tmp_path
    path.write_bytes(content)
    refused: list[DataError] = []
    try:
        verify(path, inspect(path))
    except DataError as error:
        refused.append(error)
    finally:
        path.unlink()
    assert all(error.code.startswith("archive.") and error.advice for error in refused)


def test_verify_names_every_damaged_entry(pack: Callable[..., Path]) -> None:
    path = patched(pack(PHOTOS), JPEG[300:400] + JPEG[400:], JPEG[300:350] + b"\x00" * 50 + JPEG[400:])
    inventory = inspect(path)
    error = refusal(lambda: verify(path, inventory))
    assert error.code == "archive.damaged"
    assert error.numbers == {"entries": ["flight/DJI_0001.JPG"], "count": 1}


def test_verify_believes_no_claimed_size(pack: Callable[..., Path]) -> None:
    path = central(pack(PHOTOS, zipfile.ZIP_DEFLATED), "flight/DJI_0002.JPG", 24, struct.pack("<I", 10_000))
    assert refusal(lambda: verify(path, inspect(path))).code == "archive.damaged"


def test_verify_tells_wrong_types_apart(pack: Callable[..., Path]) -> None:
    path = pack({**PHOTOS, "page.jpg": b"<html>", "ok.TIF": b"II*\x00...."})
    assert [(item.path, item.reason) for item in verify(path, inspect(path))] == [("page.jpg", "wrong_type")]


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_extract_writes_exactly_the_images(pack: Callable[..., Path], tmp_path: Path, method: int) -> None:
    path = pack(PHOTOS, method)
    names = engine_names(inspect(path).images)
    digests = extract(path, names, tmp_path / "out")
    assert sorted(file.name for file in (tmp_path / "out").iterdir()) == sorted(names.values())
    for source, content in PHOTOS.items():
        assert (tmp_path / "out" / names[source]).read_bytes() == content
        assert digests[source] == hashlib.sha256(content).hexdigest()


def test_extract_does_only_what_is_missing(pack: Callable[..., Path], tmp_path: Path) -> None:
    path, out = pack(PHOTOS), tmp_path / "out"
    names = engine_names(inspect(path).images)
    first = extract(path, names, out)
    kept, wrong = out / "DJI_0001.JPG", out / "DJI_0002.JPG"
    inode = kept.stat().st_ino
    wrong.write_bytes(bytes(wrong.stat().st_size))
    assert extract(path, names, out) == first
    assert kept.stat().st_ino == inode
    assert wrong.read_bytes() == PHOTOS["flight/DJI_0002.JPG"]


def test_extract_leaves_no_partial_file(pack: Callable[..., Path], tmp_path: Path) -> None:
    path = patched(pack(PHOTOS), JPEG[300:], JPEG[300:350] + b"\x00" * (len(JPEG) - 350))
    assert refusal(lambda: extract(path, {"flight/DJI_0001.JPG": "a.jpg"}, tmp_path / "out")).code == "archive.damaged"
    assert list((tmp_path / "out").iterdir()) == []
    (tmp_path / "out" / "b.jpg").mkdir()
    with pytest.raises(InfrastructureError, match=r"archive\.not_written"):
        extract(path, {"flight/DJI_0002.JPG": "b.jpg"}, tmp_path / "out")


@pytest.mark.parametrize("name", ["../a.jpg", "/a.jpg", "a/b.jpg", "", "..", "a\\b.jpg"])
def test_extract_writes_only_plain_names(pack: Callable[..., Path], tmp_path: Path, name: str) -> None:
    error = refusal(lambda: extract(pack(PHOTOS), {"flight/DJI_0001.JPG": name}, tmp_path / "out"))
    assert error.code == "archive.traversal"


def entry(path: str) -> Entry:
    return Entry(path, 1, 1, 0)


def test_names_keep_what_is_unique_and_part_what_is_not() -> None:
    names = engine_names(map(entry, ["a/DJI_0001.JPG", "b/DJI_0001.jpg", "b/DJI_0002.JPG", "x/a/DJI_0001.JPG"]))
    assert names["b/DJI_0002.JPG"] == "DJI_0002.JPG"
    assert names["b/DJI_0001.jpg"] == "b_DJI_0001.jpg"
    assert names["x/a/DJI_0001.JPG"] == "x_a_DJI_0001.JPG"
    assert len({name.casefold() for name in names.values()}) == 4


def test_names_are_plain_ascii() -> None:
    assert engine_names([entry("flug/Übersicht 1 (2).jpg")]) == {"flug/Übersicht 1 (2).jpg": "_bersicht_1__2_.jpg"}


@given(st.sets(st.lists(st.sampled_from(["a", "A", "b", "a_b", "ü", " "]), min_size=1, max_size=4).map("/".join)))
def test_names_never_collide(folders: set[str]) -> None:
    paths = sorted(f"{folder}{tail}" for folder in folders for tail in ("/x.jpg", "_x.JPG", ".png"))
    names = engine_names(map(entry, paths))
    assert set(names) == set(paths)
    assert len({name.casefold() for name in names.values()}) == len(paths)
    assert names == engine_names(map(entry, reversed(paths)))
    assert all("/" not in name and name.isascii() for name in names.values())


@pytest.mark.parametrize("method", [zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED])
def test_an_entry_is_read_here_and_there(pack: Callable[..., Path], method: int) -> None:
    path = pack(PHOTOS, method)
    with zipfile.ZipFile(path) as bundle, open_entry(bundle, "flight/DJI_0003.JPG") as file:
        assert file.seek(-2, io.SEEK_END) == len(JPEG) - 1
        assert file.read() == b"\xd9\x03"
        file.seek(2)
        assert file.read(2) == b"\xff\xe0"
        file.seek(0)
        assert file.read() == PHOTOS["flight/DJI_0003.JPG"]
    with zipfile.ZipFile(path) as bundle:
        assert refusal(lambda: open_entry(bundle, "none.jpg")).code == "archive.missing_entry"
