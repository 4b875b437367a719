"""Headers of real and of odd images in every format; no pixel is decoded here."""

from __future__ import annotations

import io
import json
import struct
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

import pytest
from PIL import Image
from PIL.PngImagePlugin import PngInfo
from PIL.TiffImagePlugin import IFDRational

from aerodag.errors import DataError
from aerodag.imagery import assess, read_metadata
from aerodag.imagery.files.section import Section
from aerodag.imagery.tags.exif import real, text
from samples.photographs import DATA, GPS, at, jpeg, needs_data, photo, xmp

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")


def test_exif_position_camera_and_time() -> None:
    found = photo(
        main={0x010F: "DJI\x00\x00junk", 0x0110: "FC300S", 0x0112: 3},
        exif={0x9003: "2024:05:01 12:00:00", 0x9011: "+02:00", 0x9291: "25", 0x920A: 3.61, 0xA405: 20},
        gps=GPS,
    )
    assert (found.make, found.model, found.width, found.height, found.orientation) == ("DJI", "FC300S", 400, 300, 3)
    assert (found.latitude, found.longitude, found.altitude) == pytest.approx((46.51, -91.25, 200.5))
    assert found.position_source == "exif"
    assert found.captured_at == datetime(2024, 5, 1, 10, 0, 0, 250_000, tzinfo=UTC)
    assert found.captured_source == "exif"
    assert found.problems == ()


class Counted(io.BytesIO):
    """A file that knows how much of it was read."""

    touched = 0

    def read(self, size: int | None = -1, /) -> bytes:
        block = super().read(size)
        self.touched += len(block)
        return block


def test_of_a_jpeg_only_its_header_is_touched() -> None:
    segment = b"\xff\xe3" + struct.pack(">H", 65_535) + bytes(65_533)
    content = jpeg(xmp(RtkFlag="50"), gps=GPS)
    file = Counted(content[:2] + segment * 20 + content[2:] + bytes(3_000_000))
    assert read_metadata(file, "x.jpg").rtk_flag == 50
    assert file.touched < 5_000


def test_stray_and_fill_bytes_between_segments() -> None:
    content = jpeg(gps=GPS)
    second = 4 + struct.unpack(">H", content[4:6])[0]
    found = read_metadata(io.BytesIO(content[:second] + b"\x00\x00\xff\x01\xff\xff" + content[second:]), "x.jpg")
    assert (found.width, found.latitude) == (400, pytest.approx(46.51))


def test_a_radiometric_jpeg_is_thermal() -> None:
    content = jpeg(main={0x010F: "DJI"}, size=(640, 512))
    raw = b"".join(b"\xff\xe3" + struct.pack(">H", 65_534) + bytes(65_532) for _ in range(10))
    assert read_metadata(io.BytesIO(content), "x.jpg").modality == "rgb"
    assert read_metadata(io.BytesIO(content[:2] + raw + content[2:]), "x.jpg").modality == "thermal"


def test_multi_picture_files_count_their_first_picture() -> None:
    buffer, tags = io.BytesIO(), Image.Exif()
    tags[0x0110] = "first"
    second = Image.new("RGB", (40, 30))
    Image.new("RGB", (400, 300)).save(buffer, "MPO", save_all=True, append_images=[second], exif=tags)
    found = read_metadata(buffer, "x.mpo")
    assert (found.width, found.height, found.model) == (400, 300, "first")


@pytest.mark.parametrize("kind", ["TIFF", "PNG"])
def test_other_formats(kind: str) -> None:
    tags, buffer = Image.Exif(), io.BytesIO()
    tags[0x0110] = "camera"
    tags.get_ifd(0x8825).update(GPS)
    options: dict[str, Any] = {"exif": tags}
    if kind == "PNG":
        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", xmp(RtkFlag="16").decode())
        options["pnginfo"] = info
    else:
        options["tiffinfo"] = {0x02BC: xmp(RtkFlag="16")}
    Image.new("RGB", (40, 30)).save(buffer, kind, **options)
    found = read_metadata(buffer, "x")
    assert (found.width, found.height, found.rtk_flag) == (40, 30, 16)
    assert found.model == "camera" or kind == "TIFF"


def directory(entries: list[tuple[int, int, int, int]]) -> bytes:
    """A TIFF directory in little-endian order of (tag, type, count, value)."""
    body = b"".join(struct.pack("<HHII", *entry) for entry in sorted(entries))
    return struct.pack("<H", len(entries)) + body + bytes(4)


def picture(width: int, height: int, kind: int, photometric: int) -> list[tuple[int, int, int, int]]:
    return [
        (0x00FE, 4, 1, kind), (0x0100, 4, 1, width), (0x0101, 4, 1, height), (0x0102, 3, 1, 8), (0x0103, 3, 1, 1),
        (0x0106, 3, 1, photometric), (0x0111, 4, 1, 8), (0x0115, 3, 1, 1), (0x0117, 4, 1, width * height),
    ]  # fmt: skip


def dng(first: list[tuple[int, int, int, int]], second: list[tuple[int, int, int, int]]) -> io.BytesIO:
    """Two directories, the second as SubIFD of the first, as cameras write it."""
    head = [*first, (0x014A, 4, 1, 300), (0xC612, 1, 4, 0x00000401)]
    content = b"II*\x00" + struct.pack("<I", 100) + bytes(92) + directory(head)
    return io.BytesIO(content.ljust(300, b"\x00") + directory(second))


def test_a_dng_counts_its_photograph_not_its_thumbnail() -> None:
    found = read_metadata(dng(picture(8, 6, 1, 1), picture(5472, 3648, 0, 32803)), "DJI_0001.DNG")
    assert (found.width, found.height) == (5472, 3648)


def test_a_dng_may_begin_with_sensor_data() -> None:
    file = dng(picture(4000, 3000, 0, 32803), picture(960, 720, 1, 6))
    found = read_metadata(file, "DJI_0001.DNG")
    assert (found.width, found.height) == (4000, 3000)
    assessed = assess(file, "DJI_0001.DNG")
    assert (assessed.decodable, assessed.problem, assessed.sharpness) == (True, "image.raw_not_decoded", None)


@pytest.mark.parametrize(
    "content",
    [b"", b"\xff\xd8\xff", b"no image", b"II*\x00\x08\x00\x00\x00", b"\xff\xd8" + b"\xff" * 100_000,
     b"\xff\xd8\xff\xc0\x00\x0b\x08\xff\xff\xff\xff\x01\x01\x11\x00"],
)  # fmt: skip
def test_no_image_is_unreadable(content: bytes) -> None:
    with pytest.raises(DataError, match=r"\[image\.unreadable\] x\.jpg"):
        read_metadata(io.BytesIO(content), "x.jpg")


def test_a_header_that_asks_for_everything_gets_a_bound() -> None:
    entries = [(0x8000 + number, 7, 8_000_000, 0) for number in range(64)]
    content = b"II*\x00\x08\x00\x00\x00" + directory([*picture(8, 6, 0, 1), *entries])
    file = Counted(content + bytes(8_000_000))
    assert read_metadata(file, "x.tif").width == 8
    assert file.touched <= 65 * 1024**2


def test_a_section_is_a_file() -> None:
    section = Section(io.BytesIO(b"0123456789"), 2, 6)
    assert (section.read(3), section.tell(), section.read(), section.read(1)) == (b"234", 3, b"567", b"")
    assert (section.seek(-2, 2), section.read()) == (4, b"67")
    with pytest.raises(OSError, match="before the beginning"):
        section.seek(-1)


def test_texts_and_numbers() -> None:
    assert text("DJI\x00\x00") == "DJI"
    assert text(b"abc\x00") == "abc"
    assert text("  \x00") is None
    assert real(IFDRational(0, 0)) is None
    assert real(Fraction(1, 4)) == 0.25
    assert real(True) is None


@needs_data
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("mapping/brighton_beach/images/DJI_0020.JPG",
         {"model": "FC300S", "position_source": "exif", "pitch": -89.9, "relative_altitude": 40.1, "rtk_flag": None}),
        ("mapping/brighton_no_gps/images/DJI_0025.JPG", {"latitude": None, "longitude": None, "altitude": 198.51}),
        ("mapping/p4m_rtk_mirafiori/images/DJI_0180.JPG",
         {"latitude": 45.03142655, "longitude": 7.62077645, "rtk_flag": 50, "std_u_m": 0.02066,
          "focal_px": 1913.333374, "band": None, "dewarped": False}),
        ("mapping/sheffield_cross_800/images/DJI_0071.JPG",
         {"altitude": -5.377, "position_source": "exif", "pitch": -75.1, "yaw": 88.3}),
        ("multispectral/dji_p4m_rtk/p4m_mauritius_green.tif",
         {"latitude": -20.44058452, "rtk_flag": 50, "band": "Green", "capture_id": "977e4243441d11eba0abcdd7347e50f5"}),
        ("multispectral/micasense_rededge/IMG_0001_4.tif",
         {"serial": "1777777", "captured_at": datetime(2017, 10, 19, 20, 42, 10, 200_159, tzinfo=UTC)}),
        ("multispectral/parrot_sequoia/IMG_180413_080658_0000_RED.TIF", {"latitude": None, "orientation": 3}),
        ("rtk/xmp_rtk_thermal/M3T_IR.JPG",
         {"rtk_flag": 50, "rtk_diff_age_s": 1.0, "surveying_mode": True, "gps_status": "RTK", "altitude_type": "RtkAlt",
          "lens": "InfraredCamera", "lens_code": "T", "captured_at": datetime(2023, 7, 7, 7, 39, 34, tzinfo=UTC)}),
        ("thermal/H20T_2.jpg", {"captured_at": datetime(2020, 11, 22, 12, 40, 37), "captured_source": "exif_local"}),  # noqa: DTZ001
        ("thermal/DJI_XT-2.jpg", {"band": "LWIR", "relative_altitude": 1.9}),
        ("exif_odd/FLIR_Vue_Pro_640.jpg", {"latitude": None, "captured_at": None}),
        ("exif_odd/Issue_173_dotnet.jpg", {"altitude": -848.0, "make": None, "captured_at": None}),
        ("exif_odd/Issue_308.jpg", {"make": "456", "latitude": None, "longitude": None}),
        ("exif_odd/HMD_Nokia_8.3_5G.jpg",
         {"captured_at": datetime(2022, 8, 14, 11, 12, 31, tzinfo=UTC), "captured_source": "exif", "altitude": None}),
        ("exif_odd/orientation/landscape_6.jpg", {"orientation": 6, "width": 450, "height": 600}),
    ],
)  # fmt: skip
def test_real_images(path: str, expected: dict[str, Any]) -> None:
    found = at(path)
    assert {key: getattr(found, key) for key in expected} == expected


@needs_data
def test_every_odd_image_reads_or_is_refused() -> None:
    files = sorted((DATA / "exif_odd").rglob("*.jpg"))
    assert len(files) > 20
    refused = {}
    for file in files:
        try:
            found = at(str(file.relative_to(DATA)))
        except DataError as error:
            refused[file.name[:8]] = error.code
            continue
        assert "\\u0000" not in json.dumps(found.exif, allow_nan=False)
        assert all(code.partition(".")[0] in {"exif", "xmp", "position"} for code in found.problems)
    assert refused == dict.fromkeys(("28968137", "754664a1", "a7326ba8"), "image.unreadable")
