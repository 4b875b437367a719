"""Maker notes leave, everything else stays."""

import io
import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from aerodag.errors import InfrastructureError
from aerodag.photogrammetry.odm.makernote import Stripped, strip_maker_notes, without_maker_notes
from samples.photographs import DATA, GPS, jpeg, needs_data, xmp

EXIFTOOL = shutil.which("exiftool")
NOTE = 0x927C
PHOTO = jpeg(xmp(RtkFlag=50), main={0x010F: "DJI"}, exif={NOTE: b"DJI\x00" * 30, 0x829A: 0.001}, gps=GPS)
REAL = (
    "mapping/p4m_rtk_mirafiori/images/DJI_0180.JPG",  # XMP, GPS and RTK
    "mapping/brighton_beach/images/DJI_0018.JPG",
    "mapping/sheffield_cross_800/images/DJI_0071.JPG",  # a value where a directory's last pointer belongs
    "rtk/xmp_rtk_thermal/M3T_IR.JPG",
    "exif_odd/Nikon_E900_1.jpg",
    "exif_odd/45-gps_ifd.jpg",
)


def tags(content: bytes) -> dict[int, object]:
    """All tags of the first and the EXIF directory, GPS as one."""
    exif = Image.open(io.BytesIO(content)).getexif()
    return dict(exif) | dict(exif.get_ifd(0x8769)) | {0: dict(exif.get_ifd(0x8825))}


def stripped(content: bytes, folder: Path, name: str = "a.JPG") -> tuple[Stripped, bytes]:
    source, target = folder / f"from_{name}", folder / name
    source.write_bytes(content)
    outcome = strip_maker_notes(source, target)
    assert source.read_bytes() == content
    return outcome, target.read_bytes()


def test_the_note_is_gone_and_every_other_tag_is_there(tmp_path):
    outcome, content = stripped(PHOTO, tmp_path)
    before, after = tags(PHOTO), tags(content)
    assert outcome is Stripped.EMPTIED
    assert before.pop(NOTE) is not None
    assert before == after
    assert len(content) == len(PHOTO)
    assert content[-2000:] == PHOTO[-2000:]
    assert Image.open(io.BytesIO(content)).info["xmp"] == Image.open(io.BytesIO(PHOTO)).info["xmp"]


def test_a_second_time_there_is_nothing_to_do(tmp_path):
    _, once = stripped(PHOTO, tmp_path)
    assert stripped(once, tmp_path) == (Stripped.NONE, once)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("plain.JPG", jpeg(), Stripped.NONE),
        ("a.tif", b"II*\x00\x08\x00\x00\x00rest", Stripped.NOT_JPEG),
        ("a.dng", b"MM\x00*\x00\x00\x00\x08rest", Stripped.NOT_JPEG),
        ("empty.JPG", b"", Stripped.NOT_JPEG),
        ("cut.JPG", PHOTO[:30], Stripped.NONE),
    ],
)
def test_what_has_no_note_is_copied_as_it_is(tmp_path, name, content, expected):
    assert stripped(content, tmp_path, name) == (expected, content)


def test_a_copy_onto_itself_leaves_other_links_alone(tmp_path):
    original, link = tmp_path / "original.JPG", tmp_path / "link.JPG"
    original.write_bytes(PHOTO)
    os.utime(original, (1_600_000_000, 1_600_000_000))
    link.hardlink_to(original)
    assert strip_maker_notes(link, link) is Stripped.EMPTIED
    assert original.read_bytes() == PHOTO
    assert link.read_bytes() != PHOTO
    assert link.stat().st_mtime == 1_600_000_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.JPG", "original.JPG"]


def test_a_file_that_cannot_be_read_is_a_coded_error(tmp_path):
    with pytest.raises(InfrastructureError) as raised:
        strip_maker_notes(tmp_path / "none.JPG", tmp_path / "b.JPG")
    assert raised.value.code == "engine.images_not_copied"
    assert list(tmp_path.iterdir()) == []


@needs_data
@pytest.mark.skipif(EXIFTOOL is None, reason="exiftool is not installed")
@pytest.mark.parametrize("name", REAL)
def test_exiftool_misses_nothing_but_the_note_in_real_photographs(tmp_path, name):
    def read(path: Path) -> dict[str, object]:
        command = [str(EXIFTOOL), "-j", "-G1", "-n", str(path)]
        return json.loads(subprocess.run(command, capture_output=True, check=True).stdout)[0]

    target = tmp_path / Path(name).name
    assert strip_maker_notes(DATA / name, target) is Stripped.EMPTIED
    before, after = read(DATA / name), read(target)
    kept = ("ExifIFD", "GPS", "IFD0", "IFD1", "XMP", "File", "JFIF", "InteropIFD")
    expected = {key: value for key, value in before.items() if key.startswith(kept) and "MakerNote" not in key}
    assert {key: after.get(key) for key in expected} == expected
    assert NOTE in tags((DATA / name).read_bytes())
    assert NOTE not in tags(target.read_bytes())
    original, copy = Image.open(DATA / name), Image.open(target)
    assert original.tobytes() == copy.tobytes()


@pytest.mark.fuzz
@given(st.lists(st.tuples(st.integers(0, 600), st.integers(0, 255)), max_size=12), st.integers(0, len(PHOTO)))
def test_damage_is_not_made_worse(tmp_path_factory, changes, length):
    content = bytearray(PHOTO[:length])
    for place, value in changes:
        if place < len(content):
            content[place] = value
    outcome, copy = stripped(bytes(content), tmp_path_factory.mktemp("damaged"))
    assert len(copy) == len(content)
    if outcome is not Stripped.EMPTIED:
        assert copy == content
    assert copy[700:] == content[700:]


@pytest.mark.fuzz
@given(st.sampled_from([b"II*\x00", b"MM\x00*"]), st.binary(max_size=200))
def test_any_block_keeps_its_length_and_loses_its_notes_at_once(order, rest):
    once = without_maker_notes(order + rest)
    assert len(once) == 4 + len(rest)
    assert once[:8] == (order + rest)[:8]
