"""Headers of real and of odd images; no pixel is decoded here."""

from __future__ import annotations

import io
import json
import math
import os
import struct
from datetime import UTC, datetime
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from aerodag.errors import DataError
from aerodag.imagery import ImageMetadata, assess, read_metadata
from aerodag.imagery.capture import captured
from aerodag.imagery.exif import ExifDirectories, clean_text, real, text
from aerodag.imagery.position import locate, rtk
from aerodag.imagery.xmp import XmpDamagedError, parse_xmp

DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[2].parent / "shared" / "data")
pytestmark = pytest.mark.filterwarnings("ignore::UserWarning:PIL")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared test images are absent (AERODAG_TEST_DATA)")

XMP = """<?xpacket begin="\ufeff"?><x:xmpmeta xmlns:x="adobe:ns:meta/">
<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#">
<rdf:Description xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" {attributes}/>
<rdf:Description xmlns:Camera="http://pix4d.com/camera/1.0">{elements}</rdf:Description>
</rdf:RDF></x:xmpmeta>"""


def xmp(elements: str = "", **attributes: object) -> bytes:
    listed = " ".join(f'drone-dji:{key}="{value}"' for key, value in attributes.items())
    return XMP.format(attributes=listed, elements=elements).encode()


def photo(
    packet: bytes | None = None,
    *,
    main: dict[int, Any] | None = None,
    exif: dict[int, Any] | None = None,
    gps: dict[int, Any] | None = None,
    size: tuple[int, int] = (400, 300),
) -> ImageMetadata:
    image, tags = Image.new("RGB", size), Image.Exif()
    for number, value in (main or {}).items():
        tags[number] = value
    if exif:
        tags.get_ifd(0x8769).update(exif)
    if gps:
        tags.get_ifd(0x8825).update(gps)
    buffer = io.BytesIO()
    options: dict[str, Any] = {} if packet is None else {"xmp": packet}
    image.save(buffer, "JPEG", exif=tags, **options)
    buffer.seek(0)
    return read_metadata(buffer, "photo.jpg")


def at(path: str) -> ImageMetadata:
    with (DATA / path).open("rb") as file:
        return read_metadata(file, path)


GPS = {1: "N", 2: (46.0, 30.0, 36.0), 3: "W", 4: (91.0, 15.0, 0.0), 5: b"\x00", 6: 200.5}


def test_exif_position_and_time_with_offset() -> None:
    found = photo(
        main={0x010F: "DJI\x00\x00junk", 0x0110: "FC300S"},
        exif={0x9003: "2024:05:01 12:00:00", 0x9011: "+02:00", 0x9291: "25", 0x920A: 3.61, 0xA405: 20},
        gps=GPS,
    )
    assert (found.make, found.model, found.width, found.height) == ("DJI", "FC300S", 400, 300)
    assert (found.latitude, found.longitude, found.altitude) == pytest.approx((46.51, -91.25, 200.5))
    assert found.position_source == "exif"
    assert found.captured_at == datetime(2024, 5, 1, 10, 0, 0, 250_000, tzinfo=UTC)
    assert found.captured_source == "exif"
    assert found.focal_px == pytest.approx(20 / 36 * 400)
    assert found.problems == ()


def test_xmp_position_wins_for_its_digits() -> None:
    packet = xmp(
        GpsLatitude="+46.51000012",
        GpsLongtitude="-91.25000034",
        AbsoluteAltitude="+201.25",
        RelativeAltitude="+40.1",
        GimbalPitchDegree="-89.90",
        GimbalYawDegree="+44.2",
        GimbalRollDegree="0",
        RtkFlag="50",
        RtkStdLon="0.011",
        RtkStdLat="0.014",
        RtkStdHgt="0.021",
        CalibratedFocalLength="390.5",
    )
    found = photo(packet, gps=GPS, exif={0xA405: 20})
    assert (found.latitude, found.longitude, found.altitude) == (46.51000012, -91.25000034, 201.25)
    assert found.position_source == "xmp"
    assert (found.relative_altitude, found.yaw, found.pitch, found.roll) == (40.1, 44.2, -89.9, 0.0)
    assert (found.rtk_flag, found.std_e_m, found.std_n_m, found.std_u_m) == (50, 0.011, 0.014, 0.021)
    assert found.focal_px == 390.5


def test_positions_far_apart_are_reported() -> None:
    found = photo(xmp(GpsLatitude="46.6", GpsLongitude="-91.25"), gps=GPS)
    assert "position.conflict" in found.problems
    assert found.position_source == "xmp"


@pytest.mark.parametrize(
    ("attributes", "problem"),
    [
        ({"GpsLatitude": "0.0", "GpsLongitude": "0.000"}, "xmp.gps_zero"),
        ({"GpsLatitude": "91", "GpsLongitude": "7"}, "xmp.gps_out_of_range"),
    ],
)
def test_an_implausible_xmp_position_gives_way_to_exif(attributes: dict[str, str], problem: str) -> None:
    found = photo(xmp(**attributes), gps=GPS)
    assert found.position_source == "exif"
    assert problem in found.problems


@pytest.mark.parametrize(
    ("gps", "problem"),
    [
        ({}, "exif.gps_missing"),
        ({**GPS, 2: (0.0, 0.0, 0.0), 4: (0.0, 0.0, 0.0)}, "exif.gps_zero"),
        ({**GPS, 2: (95.0, 0.0, 0.0)}, "exif.gps_out_of_range"),
        ({**GPS, 2: (IFDRational(1, 0), 0.0, 0.0)}, "exif.gps_invalid"),
        ({**GPS, 2: (math.nan, 0.0, 0.0)}, "exif.gps_invalid"),
        ({**GPS, 2: ()}, "exif.gps_invalid"),
        ({**GPS, 2: "46"}, "exif.gps_invalid"),
        ({key: value for key, value in GPS.items() if key != 3}, "exif.gps_ref_missing"),
        ({**GPS, 1: "?"}, "exif.gps_ref_missing"),
    ],
)
def test_positions_that_mean_nothing_are_unknown(gps: dict[int, Any], problem: str) -> None:
    found = locate(gps, {})
    assert (found.latitude, found.longitude, found.source) == (None, None, None)
    assert problem in found.problems


@pytest.mark.parametrize(
    ("reference", "altitude"), [(b"\x00", 5.0), (b"\x01", -5.0), (1, -5.0), (b"\x02", 5.0), (b"\x03", -5.0)]
)
def test_altitude_reference_gives_the_sign(reference: object, altitude: float) -> None:
    assert locate({**GPS, 5: reference, 6: 5.0}, {}).altitude == altitude


@pytest.mark.parametrize(
    ("exif", "gps", "packet", "expected", "source"),
    [
        ({0x9003: "2020-11-22 12:40:37"}, {}, {}, datetime(2020, 11, 22, 12, 40, 37), "exif_local"),  # noqa: DTZ001
        ({0x9003: "2020-11-22T12:40:37Z"}, {}, {}, datetime(2020, 11, 22, 12, 40, 37, tzinfo=UTC), "exif"),
        (
            {0x9003: "2011:05:06 09:59:48"},
            {29: "2011:05:06", 7: (7.0, 59.0, 48.0)},
            {},
            datetime(2011, 5, 6, 7, 59, 48, tzinfo=UTC),
            "exif_derived",
        ),
        (
            {0x9003: "2023:07:07 09:39:34"},
            {},
            {"drone-dji:UTCAtExposure": "2023-07-07T07:39:52.944920"},
            datetime(2023, 7, 7, 7, 39, 34, tzinfo=UTC),
            "exif_derived",
        ),
        (
            {0x9003: "2023:07:07 09:39:34"},
            {},
            {"xmp:CreateDate": "2023-07-07T09:39:34-03:30"},
            datetime(2023, 7, 7, 13, 9, 34, tzinfo=UTC),
            "exif_derived",
        ),
        (
            {0x9003: "2023:07:07 09:46:34"},
            {29: "2023:07:07", 7: (7, 39, 34)},
            {},
            datetime(2023, 7, 7, 9, 46, 34),  # noqa: DTZ001
            "exif_local",
        ),
        ({0x9003: "0000:00:00 00:00:00", 0x9004: "2019:01:02 03:04:05", 0x9012: "-05:00"}, {}, {},
         datetime(2019, 1, 2, 8, 4, 5, tzinfo=UTC), "exif"),
        ({}, {29: "2022:08:14", 7: (11.0, 12.0, 32.0)}, {}, datetime(2022, 8, 14, 11, 12, 32, tzinfo=UTC), "gps"),
        ({}, {}, {"drone-dji:UTCAtExposure": "2023-07-07T07:39:52"},
         datetime(2023, 7, 7, 7, 39, 52, tzinfo=UTC), "xmp"),
        ({0x9003: "    :  :     :  :  "}, {}, {}, None, None),
        ({0x9003: "1970:01:01 00:02:30"}, {}, {}, None, None),
        ({0x9003: "2019:02:30 00:00:00"}, {}, {}, None, None),
        ({}, {29: "0000:00:00", 7: (0.0, 0.0, 0.0)}, {}, None, None),
        ({}, {29: "2022:08:14", 7: (25.0, 0.0, 0.0)}, {}, None, None),
    ],
)  # fmt: skip
def test_capture_time(
    exif: dict[int, Any], gps: dict[int, Any], packet: dict[str, str], expected: datetime | None, source: str | None
) -> None:
    found = captured(ExifDirectories(exif=exif, gps=gps), packet)
    assert (found.at, found.source) == (expected, source)
    assert bool(found.problems) == (expected is None or expected.tzinfo is None or "0000" in str(exif))


def test_the_modification_time_is_no_capture_time() -> None:
    found = photo(main={0x0132: "2024:05:01 12:00:00"})
    assert found.captured_at is None
    assert "exif.date_missing" in found.problems


@pytest.mark.parametrize(("digits", "microsecond"), [("5", 500_000), ("200159489", 200_159), ("-12", 0), ("x", 0)])
def test_subseconds_are_decimals(digits: str, microsecond: int) -> None:
    found = photo(exif={0x9003: "2024:05:01 12:00:00", 0x9291: digits})
    assert found.captured_at is not None
    assert found.captured_at.microsecond == microsecond


@pytest.mark.parametrize(
    ("exif", "packet", "expected"),
    [
        ({0xA405: 24}, {"CalibratedFocalLength": "3.6"}, 24 / 36 * 400),
        ({0xA405: 0, 0x920A: 10.0, 0xA20E: 1000.0, 0xA210: 3, 0xA002: 800}, {}, 10 * 100 / 2),
        ({0x920A: 10.0}, {}, None),
        ({}, {}, None),
    ],
)
def test_focal_length_in_pixels(exif: dict[int, Any], packet: dict[str, str], expected: float | None) -> None:
    assert photo(xmp(**packet), exif=exif).focal_px == pytest.approx(expected)


def test_pix4d_pitch_counts_from_nadir() -> None:
    values = {"Pitch": 0.45, "Yaw": -63.8, "GPSXYAccuracy": 0.5}
    found = photo(xmp("".join(f"<Camera:{key}>{value}</Camera:{key}>" for key, value in values.items())))
    assert (found.pitch, found.yaw, found.roll) == (pytest.approx(-89.55), -63.8, None)
    assert (found.std_e_m, found.std_n_m, found.std_u_m) == (0.5, 0.5, None)


def test_zero_deviation_is_unknown() -> None:
    found = rtk({"drone-dji:RtkFlag": "0", "drone-dji:RtkStdLon": "0.0", "drone-dji:RtkStdLat": "-1"})
    assert (found.flag, found.std_e_m, found.std_n_m) == (0, None, None)


def test_damaged_xmp_is_a_problem_only() -> None:
    found = photo(b"<x:xmpmeta><rdf:RDF></x:xmpmeta>", gps=GPS)
    assert "xmp.damaged" in found.problems
    assert found.position_source == "exif"


def test_xmp_entities_are_refused() -> None:
    bomb = b'<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>'
    with pytest.raises(XmpDamagedError):
        parse_xmp(bomb)


@given(st.binary(max_size=300))
def test_any_packet_parses_or_is_damaged(packet: bytes) -> None:
    try:
        assert isinstance(parse_xmp(packet), dict)
    except XmpDamagedError as error:
        assert str(error)  # noqa: PT017 - either outcome is right


@given(st.text())
def test_clean_text_is_fit_for_jsonb(value: str) -> None:
    cleaned = clean_text(value)
    assert "\x00" not in cleaned
    assert cleaned.encode("utf-8").decode() == cleaned
    assert len(cleaned) <= 512


@given(
    st.one_of(
        st.floats(), st.integers(), st.text(), st.binary(), st.none(), st.fractions(), st.tuples(st.floats()),
        st.builds(IFDRational, st.integers(), st.integers()),
    )
)  # fmt: skip
def test_numbers_are_finite_or_unknown(value: object) -> None:
    found = real(value)
    assert found is None or math.isfinite(found)


def test_texts_and_numbers() -> None:
    assert text("DJI\x00\x00") == "DJI"
    assert text(b"abc\x00") == "abc"
    assert text("  \x00") is None
    assert real(IFDRational(0, 0)) is None
    assert real(Fraction(1, 4)) == 0.25
    assert real(True) is None


@given(st.data())
def test_a_damaged_header_never_raises_anything_else(data: st.DataObject) -> None:
    buffer = io.BytesIO()
    tags = Image.Exif()
    tags[0x010F] = "DJI"
    tags.get_ifd(0x8769).update({0x9003: "2024:05:01 12:00:00", 0x920A: 3.61})
    tags.get_ifd(0x8825).update(GPS)
    Image.new("RGB", (16, 16)).save(buffer, "JPEG", exif=tags, xmp=xmp(GpsLatitude="1", GpsLongitude="2"))
    content = bytearray(buffer.getvalue())
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(2, 700))] = data.draw(st.integers(0, 255))
    try:
        found = read_metadata(io.BytesIO(content), "x.jpg")
    except DataError as error:
        assert error.code == "image.unreadable"  # noqa: PT017 - either outcome is right
    else:
        json.dumps(found.exif, allow_nan=False)
        assert found.latitude is None or abs(found.latitude) <= 90


@pytest.mark.parametrize("content", [b"", b"\xff\xd8\xff", b"no image", b"II*\x00\x08\x00\x00\x00"])
def test_no_image_is_unreadable(content: bytes) -> None:
    with pytest.raises(DataError, match=r"\[image\.unreadable\] x\.jpg"):
        read_metadata(io.BytesIO(content), "x.jpg")


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


@needs_data
@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("mapping/brighton_beach/images/DJI_0020.JPG",
         {"model": "FC300S", "position_source": "exif", "pitch": -89.9, "relative_altitude": 40.1, "rtk_flag": None}),
        ("mapping/brighton_no_gps/images/DJI_0025.JPG", {"latitude": None, "longitude": None, "altitude": 198.51}),
        ("mapping/p4m_rtk_mirafiori/images/DJI_0180.JPG",
         {"latitude": 45.03142655, "longitude": 7.62077645, "rtk_flag": 50, "std_u_m": 0.02066,
          "focal_px": 1913.333374}),
        ("mapping/sheffield_cross_800/images/DJI_0071.JPG", {"altitude": -5.377, "position_source": "exif"}),
        ("multispectral/dji_p4m_rtk/p4m_mauritius_green.tif", {"latitude": -20.44058452, "rtk_flag": 50}),
        ("multispectral/micasense_rededge/IMG_0001_4.tif",
         {"serial": "1777777", "captured_at": datetime(2017, 10, 19, 20, 42, 10, 200_159)}),  # noqa: DTZ001
        ("multispectral/parrot_sequoia/IMG_180413_080658_0000_RED.TIF", {"latitude": None, "orientation": 3}),
        ("rtk/xmp_rtk_thermal/M3T_IR.JPG",
         {"rtk_flag": 50, "lens": "InfraredCamera", "captured_at": datetime(2023, 7, 7, 7, 39, 34, tzinfo=UTC)}),
        ("thermal/H20T_2.jpg", {"captured_at": datetime(2020, 11, 22, 12, 40, 37), "captured_source": "exif_local"}),  # noqa: DTZ001
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
    refused = []
    for file in files:
        with file.open("rb") as stream:
            try:
                found = read_metadata(stream, file.name)
            except DataError as error:
                refused.append((file.parent.name, error.code))
                continue
        assert "\\u0000" not in json.dumps(found.exif, allow_nan=False)
        assert all(code.partition(".")[0] in {"exif", "xmp", "position"} for code in found.problems)
    assert set(refused) == {("broken", "image.unreadable")}
