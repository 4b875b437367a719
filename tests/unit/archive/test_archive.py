"""What is found in a ZIP, within which limits, and under which names it goes on."""

from __future__ import annotations

import zipfile
from dataclasses import replace
from pathlib import Path

import pytest

from aerodag.archive import Entry, Limits, Reader, engine_names, inspect
from aerodag.archive.kinds import Reason, Use, classify
from aerodag.errors import DataError, InfrastructureError
from aerodag.findings import Severity
from aerodag.settings import Settings
from samples.zip_forge import JPEG, End, Part, flat, forge, photos, write

LIMITS = Limits.of(Settings())
PHOTOS = {part.name.decode(): part.content for part in photos()}


def pack(folder: Path, *parts: Part) -> Path:
    return write(forge(*photos(), *parts), folder / "upload.zip")


def refusal(path: Path, limits: Limits = LIMITS) -> DataError:
    with pytest.raises(DataError) as caught:
        inspect(path, limits)
    return caught.value


def test_sorts_what_it_finds(tmp_path: Path) -> None:
    files = {
        **PHOTOS,
        "flight/": b"",
        "flight/rtk.MRK": b"1",
        "flight/PPKRAW.bin": b"1",
        "flight/14601736.18o": b"1",
        "gcp_list.txt": b"EPSG:4326",
        "GEO.txt": b"EPSG:4326",
        "__MACOSX/flight/._DJI_0001.JPG": b"x",
        "flight/._DJI_0002.JPG": b"x",
        "flight/.hidden.jpg": JPEG,
        "flight/Thumbs.db": b"x",
        "flight/empty.jpg": b"",
        "flight/notes.pdf": b"x",
        "inner.zip": b"PK",
    }
    path = tmp_path / "upload.zip"
    with zipfile.ZipFile(path, "w") as bundle:
        for name, content in files.items():
            bundle.writestr(name, content)
    inventory = inspect(path, LIMITS)
    assert [entry.path for entry in inventory.images] == list(PHOTOS)
    assert [entry.path for entry in inventory.rtk] == ["flight/14601736.18o", "flight/PPKRAW.bin", "flight/rtk.MRK"]
    assert [entry.path for entry in inventory.gcp] == ["gcp_list.txt"]
    assert [entry.path for entry in inventory.geo] == ["GEO.txt"]
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
    assert len(inventory.used) == 9


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("100MEDIA/DJI_0001.JPG", Use.IMAGE),
        ("100MEDIA/odm_survey/DJI_0001.JPG", Use.IMAGE),
        ("odm/images/DJI_0001.JPG", Use.IMAGE),
        ("orthophoto flight/DJI_0001.TIF", Use.IMAGE),
        ("ortho_0001.tif", Use.IMAGE),
        ("modem.tif", Use.IMAGE),
        ("thumbs_up.jpg", Use.IMAGE),
        ("IMG_0001_1.tif", Use.IMAGE),
        ("x.srt", Reason.VIDEO),
        ("DCIM/DJI_0001.MP4", Reason.VIDEO),
        ("a/Thumbs/DJI_0001.JPG", Reason.THUMBNAIL),
        ("a/thumb_DJI_0001.JPG", Reason.THUMBNAIL),
        ("12_thumbnail.jpg", Reason.THUMBNAIL),
        ("DJI_0001.THM", Reason.THUMBNAIL),
        ("odm/dem.tif", Reason.EARLIER_OUTPUT),
        ("project/odm/odm_report/x.png", Reason.EARLIER_OUTPUT),
        ("project/opensfm/undistorted/images/DJI_0001.JPG.tif", Reason.EARLIER_OUTPUT),
        ("odm_orthophoto.original.tif", Reason.EARLIER_OUTPUT),
        ("4_ortho.tif", Reason.EARLIER_OUTPUT),
        ("4_cog.tif", Reason.EARLIER_OUTPUT),
        ("site-dsm.tif", Reason.EARLIER_OUTPUT),
        ("dtm.original.tif", Reason.EARLIER_OUTPUT),
        ("map_screenshot.png", Reason.EARLIER_OUTPUT),
        ("odm_georeferencing/gcp_list.txt", Reason.EARLIER_OUTPUT),
        ("DJI_0001.NEF", Reason.UNSUPPORTED_IMAGE),
        ("flight.z01", Reason.NESTED_ARCHIVE),
        ("flight.zip.001", Reason.NESTED_ARCHIVE),
        ("$RECYCLE.BIN/DJI_0001.JPG", Reason.SYSTEM_FILE),
        ("readme", Reason.UNKNOWN_TYPE),
    ],
)
def test_kinds(path: str, expected: Use | Reason) -> None:
    assert classify(path, 10) == expected


def test_every_image_left_out_is_counted_and_named(tmp_path: Path) -> None:
    outputs = [Part(f"odm/{index:02}.jpg".encode()) for index in range(30)]
    path = pack(tmp_path, *outputs, Part(b"thumbs/a.jpg"), Part(b"a.pdf"), Part(b"b.las", b"", size=11 << 20))
    findings = {finding.code: finding for finding in inspect(path, LIMITS).findings}
    outputs_found = findings["archive.earlier_output"]
    assert outputs_found.severity == Severity.WARNING
    assert outputs_found.numbers["count"] == outputs_found.numbers["images"] == 30
    assert outputs_found.numbers["entries"] == [f"odm/{index:02}.jpg" for index in range(20)]
    assert "30 files, 30 of them images" in outputs_found.message
    assert "'odm/00.jpg'" in outputs_found.message
    assert findings["archive.thumbnail"].severity == Severity.INFO
    assert findings["archive.unknown_type"].severity == Severity.WARNING  # for its size
    assert findings["archive.unknown_type"].numbers["images"] == 0


def test_a_collision_names_both(tmp_path: Path) -> None:
    (finding,) = inspect(pack(tmp_path, Part(b"Flight/dji_0001.jpg")), LIMITS).findings
    assert finding.numbers == {"count": 2, "entries": ["Flight/dji_0001.jpg", "flight/DJI_0001.JPG"]}
    assert "'Flight/dji_0001.jpg', 'flight/DJI_0001.JPG'" in finding.message


def test_limits_are_those_of_the_settings() -> None:
    settings = Settings(max_entries=7, max_ratio=3.0, max_damaged_share=0.5)
    assert Limits.of(settings) == replace(LIMITS, entries=7, ratio=3.0, damaged_share=0.5)


def test_limits_count_entries_bytes_and_images(tmp_path: Path) -> None:
    path = pack(tmp_path)
    assert refusal(path, replace(LIMITS, entries=3)).code == "archive.too_many_entries"
    error = refusal(path, replace(LIMITS, entry_bytes=1000))
    assert error.numbers == {"entry": "flight/DJI_0001.JPG", "bytes": len(JPEG) + 1, "limit": 1000}
    error = refusal(path, replace(LIMITS, total_bytes=2000))
    assert (error.code, error.numbers["entry"]) == ("archive.too_large", "the whole ZIP")
    error = refusal(path, replace(LIMITS, min_images=5))
    assert error.code == "archive.too_few_images"
    assert "4 usable images" in error.message


def test_a_refusal_for_few_images_says_what_was_left_out(tmp_path: Path) -> None:
    path = write(forge(Part(b"thumbs/a.jpg"), Part(b"thumbs/b.jpg"), Part(b"a.MP4")), tmp_path / "x.zip")
    error = refusal(path)
    assert "2 as thumbnail, 1 as video" in error.message
    assert error.numbers["ignored"] == {"thumbnail": 2, "video": 1}


def test_an_unread_method_names_the_remedy(tmp_path: Path) -> None:
    error = refusal(pack(tmp_path, Part(b"a.jpg", method=93), Part(b"b.jpg", method=93)))
    assert "2 entries, the first 'a.jpg', are packed by method 93 (Zstandard)" in error.message
    assert "Deflate" in error.advice
    assert error.numbers == {"method": 93, "entry": "a.jpg", "count": 2}


def test_a_cut_upload_says_how_far_it_came(tmp_path: Path) -> None:
    content = flat(forge(*photos(20)))
    path = tmp_path / "cut.zip"
    path.write_bytes(content[: len(content) // 2])
    error = refusal(path)
    assert error.code == "archive.unreadable"
    assert error.numbers == {"bytes": len(content) // 2, "entries": 11}
    assert "upload the whole file again" in error.advice


@pytest.mark.parametrize(("head", "kind"), [(b"7z\xbc\xaf\x27\x1c", "7-Zip"), (b"\x1f\x8b\x08", "gzip")])
def test_another_format_is_named(tmp_path: Path, head: bytes, kind: str) -> None:
    path = tmp_path / "x.zip"
    path.write_bytes(head + bytes(600))
    assert f"of type {kind}" in refusal(path).message


def test_a_file_that_is_not_there_is_no_fault_of_the_data(tmp_path: Path) -> None:
    with pytest.raises(InfrastructureError, match=r"archive\.not_opened"):
        inspect(tmp_path / "none.zip", LIMITS)


@pytest.mark.parametrize("end", [End(), End(zip64=True)])
def test_more_entries_than_sixteen_bits_count(tmp_path: Path, end: End) -> None:
    """With ZIP64, and as tools that do not know it let the count overflow."""
    parts = (Part(f"{index}.jpg".encode(), b"x") for index in range(66_000))
    path = write(forge(*parts, end=end), tmp_path / "many.zip")
    with Reader(path, replace(LIMITS, entries=70_000)) as reader:
        assert len(reader.directory.records) == 66_000
    error = refusal(path)
    assert (error.code, error.numbers["limit"]) == ("archive.too_many_entries", LIMITS.entries)


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
    assert engine_names([entry("-.jpg")]) == {"-.jpg": "_.jpg"}


def test_a_forged_name_does_not_take_the_place_of_another() -> None:
    """Whoever knows how names are made can put the very name into the ZIP that another file is about to get."""
    first = engine_names(map(entry, ["a/b_x.jpg", "a_b/x.jpg", "a_b_x.jpg"]))
    forged = engine_names(map(entry, [*first, *first.values()]))
    assert len(set(forged.values())) == len(forged) == len({*first, *first.values()})
