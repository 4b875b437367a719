"""Whatever the bytes: a value or an error with a code, never another exception, and nothing jsonb refuses."""

from __future__ import annotations

import io
import json
import math
import struct
from datetime import datetime
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.TiffImagePlugin import IFDRational

from aerodag.errors import DataError
from aerodag.imagery import ImageMetadata, choose_group, read_metadata
from aerodag.imagery.tags.capture import captured
from aerodag.imagery.tags.exif import ExifDirectories, clean_text, real
from aerodag.imagery.tags.maker_note import read_maker_note
from aerodag.imagery.tags.position import locate
from aerodag.imagery.tags.xmp import XmpDamagedError, number, parse_xmp
from samples.photographs import DATA, GPS, description, jpeg, xmp

pytestmark = [pytest.mark.fuzz, pytest.mark.filterwarnings("ignore::UserWarning:PIL")]

REAL_HEADERS = (
    ("mapping/p4m_rtk_mirafiori/images/DJI_0180.JPG", 31_000),
    ("mapping/sheffield_cross_800/images/DJI_0071.JPG", 10_400),
    ("rtk/xmp_rtk_thermal/M3T_IR.JPG", 36_000),
    ("exif_odd/HTC_Desire.jpg", 20_000),
)
REAL_TIFFS = (
    "multispectral/micasense_rededge/IMG_0001_1.tif",
    "multispectral/parrot_sequoia/IMG_180413_080658_0000_GRE.TIF",
)

numbers = st.one_of(
    st.floats(), st.integers(), st.text(max_size=5), st.binary(max_size=5), st.none(), st.fractions(),
    st.builds(IFDRational, st.integers(-(2**31), 2**32), st.integers(0, 2**32)),
)  # fmt: skip
values = st.one_of(numbers, st.lists(numbers, max_size=4).map(tuple))
digits = st.text("0123456789", min_size=1, max_size=4)
zones = st.sampled_from(["", "Z", "+14:00", "-13:59", ".5", ".99999999"])
dates = st.one_of(
    st.text(max_size=30),
    st.text("0123456789:-/. TZ+\x00", max_size=30),
    st.builds("{}{sep}{}{sep}{} {}:{}:{}{}".format, *[digits] * 6, zones, sep=st.sampled_from(":-/.")),
    st.datetimes(datetime(1990, 1, 1), datetime(2110, 1, 1)).map(lambda moment: moment.strftime("%Y:%m:%d %H:%M:%S")),  # noqa: DTZ001
)  # fmt: skip


def sound(found: ImageMetadata) -> None:
    """Everything that reaches the ledger is finite and in range."""
    assert "\\u0000" not in json.dumps(found.exif, allow_nan=False)
    assert found.width > 0
    assert found.height > 0
    assert found.latitude is None or abs(found.latitude) <= 90
    assert found.longitude is None or abs(found.longitude) <= 180
    assert (found.latitude is None) == (found.longitude is None) == (found.position_source is None)
    plain = (found.altitude, found.focal_px, found.focal_mm, found.pitch, found.std_e_m, found.digital_zoom)
    assert all(value is None or math.isfinite(value) for value in plain)
    assert found.captured_at is None or 1995 <= found.captured_at.year <= 2100
    assert (found.captured_at is None) == (found.captured_source is None)
    assert 1 <= found.orientation <= 8


def read_or_refuse(content: bytes, name: str = "x.jpg") -> None:
    try:
        found = read_metadata(io.BytesIO(content), name)
    except DataError as error:
        assert error.code == "image.unreadable"  # noqa: PT017 - either outcome is right
    else:
        sound(found)
        assert len(choose_group([found]).chosen) == 1


@given(st.binary(max_size=300))
def test_any_bytes_are_a_packet_or_damaged(packet: bytes) -> None:
    try:
        found = parse_xmp(packet)
    except XmpDamagedError as error:
        assert str(error)  # noqa: PT017 - either outcome is right
    else:
        assert all(value for value in found.values())


keys = st.sampled_from(
    ["drone-dji:GpsLatitude", "drone-dji:GpsLongitude", "drone-dji:RtkFlag", "drone-dji:DewarpData", "Camera:Pitch",
     "drone-dji:CalibratedFocalLength", "drone-dji:UTCAtExposure", "Camera:BandName", "exif:GPSLatitude", "unknown:x"]
)  # fmt: skip
NAMESPACES = (
    'xmlns:drone-dji="http://www.dji.com/drone-dji/1.0/" xmlns:Camera="http://pix4d.com/camera/1.0" '
    'xmlns:exif="http://ns.adobe.com/exif/1.0/" xmlns:unknown="http://example.org/"'
)
written = st.one_of(st.text("0123456789+-./,eENSWnaif", max_size=12), st.text("<>&;\"'ab\x00é", max_size=6), dates)


@given(st.dictionaries(keys, written, max_size=8), st.dictionaries(keys, written, max_size=4), st.data())
def test_any_properties_are_read_or_damaged(
    attributes: dict[str, str], elements: dict[str, str], data: st.DataObject
) -> None:
    packet = bytearray(
        description(
            NAMESPACES,
            " ".join(f'{key}="{value}"' for key, value in attributes.items()),
            "".join(f"<{key}>{value}</{key}>" for key, value in elements.items()),
        )
    )
    for _ in range(data.draw(st.integers(0, 2))):
        packet[data.draw(st.integers(0, len(packet) - 1))] = data.draw(st.integers(0, 255))
    read_or_refuse(jpeg(bytes(packet), gps=GPS, size=(16, 16)))


@given(st.one_of(st.text(), st.from_regex(r"[+-]?[0-9.]{1,9}(e[+-]?[0-9]{1,4})?(/[0-9.]{1,9})?", fullmatch=True)))
def test_any_text_is_a_finite_number_or_none(value: str) -> None:
    found = number({"key": value}, "key")
    assert found is None or math.isfinite(found)


@given(dates, st.one_of(st.none(), dates), st.one_of(dates, values), values, dates, dates)
def test_any_dates(original: str, digitized: str | None, gps_date: Any, gps_time: Any, offset: str, utc: str) -> None:
    exif = {0x9003: original, 0x9011: offset, 0x9291: offset, 0x9012: offset, 0x9292: gps_date}
    if digitized is not None:
        exif[0x9004] = digitized
    packet = {"drone-dji:UTCAtExposure": utc, "xmp:CreateDate": digitized or ""}
    found = captured(ExifDirectories(exif=exif, gps={29: gps_date, 7: gps_time}), packet)
    assert (found.at is None) == (found.source is None)
    assert found.at is None or 1994 <= found.at.year <= 2101
    assert found.at is None or (found.at.tzinfo is None) == (found.source == "exif_local")


@given(
    st.dictionaries(st.integers(0, 31), values, max_size=12), st.sampled_from(["N", "S", "n", "", "\x00", "E", None])
)
def test_any_gps_directory(gps: dict[int, Any], reference: str | None) -> None:
    if reference is not None:
        gps |= {1: reference, 3: "W"}
    found = locate(gps, {})
    assert (found.longitude is None) == (found.latitude is None) == (found.source is None)
    assert found.latitude is None or abs(found.latitude) <= 90
    assert found.longitude is None or abs(found.longitude) <= 180
    assert found.altitude is None or abs(found.altitude) <= 20_000


@given(st.text())
def test_clean_text_is_fit_for_jsonb(value: str) -> None:
    cleaned = clean_text(value)
    assert "\x00" not in cleaned
    assert cleaned.encode("utf-8").decode() == cleaned
    assert len(cleaned) <= 512


@given(values)
def test_numbers_are_finite_or_unknown(value: object) -> None:
    found = real(value)
    assert found is None or math.isfinite(found)


@given(st.binary(max_size=200))
def test_any_maker_note(content: bytes) -> None:
    found = read_maker_note("DJI", content)
    assert all(angle is None or abs(angle) <= 360 for angle in (found.yaw, found.pitch, found.roll))


@cache
def headers() -> tuple[tuple[bytes, int], ...]:
    """Real images where they are there, and small made ones; with each, where its tags begin."""
    tags: dict[str, Any] = {"main": {0x010F: "DJI"}, "exif": {0x9003: "2024:05:01 12:00:00", 0x920A: 3.61}, "gps": GPS}
    buffer = io.BytesIO()
    Image.new("RGB", (16, 16)).save(buffer, "TIFF", tiffinfo={0x02BC: xmp(RtkFlag="50"), 0x010F: "DJI"})
    made = [(jpeg(xmp(GpsLatitude="1", GpsLongitude="2"), size=(16, 16), **tags), 0), (buffer.getvalue(), 0)]
    for path, length in REAL_HEADERS:
        if (DATA / path).is_file():
            made.append(((DATA / path).read_bytes()[:length], 0))
    for path in REAL_TIFFS:
        if (DATA / path).is_file():
            content = (DATA / path).read_bytes()
            made.append((content, struct.unpack("<I", content[4:8])[0]))
    return tuple(made)


@given(st.data())
def test_any_damage_to_a_header(data: st.DataObject) -> None:
    whole, start = data.draw(st.sampled_from(headers()))
    content = bytearray(whole)
    reach = data.draw(st.sampled_from([64, 600, len(content)]))
    for _ in range(data.draw(st.integers(1, 8))):
        content[data.draw(st.integers(start, min(start + reach, len(content)) - 1))] = data.draw(st.integers(0, 255))
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(start, len(content))) :]
    read_or_refuse(bytes(content))


tag = st.sampled_from([
    0x0100, 0x0101, 0x0102, 0x0103, 0x0106, 0x010F, 0x0110, 0x0111, 0x0112, 0x0115, 0x0117, 0x014A, 0x02BC, 0x8769,
    0x8825, 0x9003, 0x920A, 0x927C, 0xA20E, 0xA404, 0xA405, 0xC612, 1, 2, 3, 4, 5, 6, 7, 29,
])  # fmt: skip
entry = st.tuples(
    st.one_of(tag, st.integers(0, 65535)), st.integers(0, 14), st.one_of(st.integers(0, 40), st.integers(0, 2**32 - 1)),
    st.one_of(st.integers(0, 300), st.integers(0, 2**32 - 1)),
)  # fmt: skip


@given(
    st.lists(st.lists(entry, max_size=12), min_size=1, max_size=4), st.binary(max_size=64), st.booleans(), st.booleans()
)
def test_any_directories(
    directories: list[list[tuple[int, int, int, int]]], tail: bytes, big: bool, bare: bool
) -> None:
    order = ">" if big else "<"
    body = b"".join(
        struct.pack(f"{order}H", len(entries))
        + b"".join(struct.pack(f"{order}HHII", *item) for item in entries)
        + struct.pack(f"{order}I", 8)
        for entries in directories
    )
    block = (b"MM\x00*" if big else b"II*\x00") + struct.pack(f"{order}I", 8) + body + tail
    if bare:
        read_or_refuse(block, "x.tif")
        return
    segment = b"Exif\x00\x00" + block
    plain = jpeg(size=(16, 16))
    read_or_refuse(plain[:2] + b"\xff\xe1" + struct.pack(">H", len(segment) + 2) + segment + plain[2:])
