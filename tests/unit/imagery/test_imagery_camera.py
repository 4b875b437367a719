"""Cameras: focal length, zoom, MakerNote, modality, band and lens."""

from __future__ import annotations

import math
import struct
from typing import Any

import pytest
from PIL.TiffImagePlugin import IFDRational

from aerodag.imagery import Modality
from aerodag.imagery.files.header import Header
from aerodag.imagery.tags.camera import by_equivalent, digital_zoom, focal_px
from aerodag.imagery.tags.exif import ExifDirectories
from aerodag.imagery.tags.maker_note import MakerNote, read_maker_note
from aerodag.imagery.tags.sensor import sensor, without_band
from samples.photographs import description, photo, xmp

DIAGONAL = math.hypot(36, 24)


@pytest.mark.parametrize(
    ("exif", "packet", "expected"),
    [
        ({0xA405: 24}, {"CalibratedFocalLength": "3.6"}, 24 / DIAGONAL * 500),
        ({0xA405: 24}, {"CalibratedFocalLength": "280.5"}, 280.5),
        ({0xA405: 24}, {"CalibratedFocalLength": "561", "DewarpFlag": "0"}, 561.0),
        ({0xA405: 24, 0xA002: 800, 0xA003: 600}, {"CalibratedFocalLength": "561"}, 280.5),
        ({0xA405: 24}, {"DewarpData": "2022-06-08;281.5,282.5,1,2,0,0,0,0,0"}, 282.0),
        ({0xA405: 24}, {"DewarpData": "2022-06-08;281.5"}, 24 / DIAGONAL * 500),
        ({0xA405: 0, 0x920A: 10.0, 0xA20E: 1000.0, 0xA210: 3, 0xA002: 800}, {}, 10 * 100 / 2),
        ({0xA405: 28, 0x920A: 10.0, 0xA20E: 33.0, 0xA210: 4}, {}, 330.0),
        ({0xA405: 35, 0x920A: 10.0, 0xA20E: 33.0, 0xA210: 4}, {}, 35 / DIAGONAL * 500),
        ({0x920A: 19.0, 0xA20E: 10.88, 0xA210: 4}, {}, None),
        ({0x920A: 10.0}, {}, None),
        ({}, {}, None),
    ],
)
def test_focal_length_in_pixels(exif: dict[int, Any], packet: dict[str, str], expected: float | None) -> None:
    assert photo(xmp(**packet), exif=exif).focal_px == pytest.approx(expected)


@pytest.mark.parametrize(
    ("units", "value", "expected"),
    [("mm", "5.42", 5.42 * 266.667), ("", "1449.4", 1449.4), ("", "5.42", 5.5 * 266.667)],
)
def test_pix4ds_focal_length_has_units(units: str, value: str, expected: float) -> None:
    written = {"Camera:PerspectiveFocalLength": value, "Camera:PerspectiveFocalLengthUnits": units}
    exif = {0x920A: 5.5, 0xA20E: 266.667, 0xA210: 4}
    assert focal_px(exif, written, (1280, 960)) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("camera", "equivalent", "millimetres", "size", "pixels", "within"),
    [
        ("FC6360 of the Phantom 4 Multispectral", 40, 5.74, (1600, 1300), 1913.33, 0.005),
        ("Mavic 3T thermal, 12 um", 40, 9.1, (640, 512), 758.3, 0.002),
        ("H20T thermal, 12 um", 58, 13.5, (640, 512), 1125.0, 0.025),
        ("Mavic 3E, 3.3 um", 24, 12.29, (5280, 3956), 3725.15, 0.02),
        ("FC300S of the Phantom 3, 1.55 um", 20, 3.61, (4000, 3000), 2329.0, 0.01),
        ("FC300S, cropped to 16:9", 20, 3.61, (4000, 2250), 2329.0, 0.01),
        ("FC300S, upright", 20, 3.61, (3000, 4000), 2329.0, 0.01),
        ("FC6310 of the Phantom 4 RTK, 3:2", 24, 8.8, (5472, 3648), 3666.67, 0.01),
        ("FC6310, cropped to 16:9", 24, 8.8, (5472, 3078), 3666.67, 0.01),
        ("Sequoia, which counts by width", 30, 3.98, (1280, 960), 1061.3, 0.05),
    ],
)
def test_the_equivalent_is_by_the_diagonal_of_the_whole_sensor(
    camera: str, equivalent: int, millimetres: float, size: tuple[int, int], pixels: float, within: float
) -> None:
    assert by_equivalent({0xA405: equivalent, 0x920A: millimetres}, size) == pytest.approx(pixels, rel=within), camera


@pytest.mark.parametrize(
    ("written", "zoom"),
    [
        (None, None),
        (IFDRational(0, 0), 1.0),
        (IFDRational(0, 100), 1.0),
        (0.0, None),
        (IFDRational(2, 1), 2.0),
        (IFDRational(1, 0), None),
        (IFDRational(1, 2), None),
        ("x", None),
    ],
)
def test_digital_zoom(written: object, zoom: float | None) -> None:
    assert digital_zoom({} if written is None else {0xA404: written}) == zoom


def note(*entries: tuple[int, int, int, bytes]) -> bytes:
    return struct.pack("<H", len(entries)) + b"".join(struct.pack("<HHI4s", *entry) for entry in entries)


def test_angles_of_a_camera_without_xmp_are_in_the_maker_note() -> None:
    angles = [(0x09, 11, 1, struct.pack("<f", -75.1)), (0x0A, 11, 1, struct.pack("<f", 88.3))]
    found = photo(main={0x010F: "DJI"}, exif={0x927C: note(*angles)})
    assert (found.pitch, found.yaw, found.roll) == (-75.1, 88.3, None)
    assert "exif.maker_note_unreadable" not in found.problems


@pytest.mark.parametrize(
    "content",
    [b"[ae_dbg_info:" + bytes(500), b"DJI MakerNotes\x00", b"\x01", b"\x00\x00", note((9, 99, 1, bytes(4))),
     note((9, 11, 1, bytes(4)))[:-1]],
)  # fmt: skip
def test_a_maker_note_that_crashes_readers_is_a_problem(content: bytes) -> None:
    found = photo(main={0x010F: "DJI"}, exif={0x927C: content})
    assert "exif.maker_note_unreadable" in found.problems
    assert found.make == "DJI"


def test_other_makers_notes_are_their_own_affair() -> None:
    assert read_maker_note("Canon", b"[") == MakerNote()
    assert read_maker_note("DJI", None) == MakerNote()
    assert read_maker_note("DJI", note((9, 11, 1, struct.pack("<f", math.nan)))) == MakerNote()


@pytest.mark.parametrize(
    ("name", "lens", "band", "modality"),
    [
        ("DJI_20230707093934_0001_T.JPG", "T", None, "thermal"),
        ("flight/DJI_20230707093934_0001_W.JPG", "W", None, "rgb"),
        ("DJI_20230707093934_0001_Z_Waypoint12.JPG", "Z", None, "rgb"),
        ("DJI_0012_T.jpg", "T", None, "thermal"),
        ("DJI_20230707093934_0001_V.JPG", "V", None, "rgb"),
        ("DJI_20230707093934_0001_D.JPG", "D", None, "rgb"),
        ("a\\DJI_20230707093934_0001_MS_RE.TIF", None, "RedEdge", "multispectral"),
        ("DJI_20230707093934_0001_MS_G.TIF", None, "Green", "multispectral"),
        ("IMG_180413_080658_0000_NIR.TIF", None, "NIR", "multispectral"),
        ("IMG_180413_080658_0000_RGB.JPG", None, None, "rgb"),
        ("DJI_0012.JPG", None, None, "rgb"),
        ("MY_T.JPG", None, None, "rgb"),
    ],
)
def test_names_tell_lens_and_band(name: str, lens: str | None, band: str | None, modality: str) -> None:
    found = photo(name=name)
    assert (found.lens_code, found.band, found.modality) == (lens, band, modality)


@pytest.mark.parametrize(
    ("written", "band"),
    [("Red edge", "RedEdge"), ("Rededge", "RedEdge"), ("Nir", "NIR"), ("Panchro", "Panchro"), ("Thermal7", "Thermal7"),
     ("RGB", None), ("Red,Green,Blue", None), ("", None)],
)  # fmt: skip
def test_band_names_have_one_spelling(written: str, band: str | None) -> None:
    packet = description('xmlns:Camera="http://pix4d.com/camera/1.0"', f'Camera:BandName="{written}"')
    assert photo(packet).band == band


@pytest.mark.parametrize(
    ("maker", "model", "size", "radiometric", "packet", "modality"),
    [
        ("DJI", "M3T", (640, 512), True, {}, Modality.THERMAL),
        ("DJI", "M30T", (640, 512), False, {"drone-dji:ImageSource": "InfraredCamera"}, Modality.THERMAL),
        ("DJI", "FLIR", (640, 512), False, {"FLIR:BandName": "LWIR"}, Modality.THERMAL),
        ("DJI", "MAVIC2-ENTERPRISE-ADVANCED", (640, 512), False, {}, Modality.THERMAL),
        ("DJI", "MAVIC2-ENTERPRISE-ADVANCED", (8000, 6000), False, {}, Modality.RGB),
        ("FLIR", "Vue Pro", (640, 512), False, {}, Modality.THERMAL),
        ("FLIR", "Duo Pro R", (4000, 3000), True, {}, Modality.RGB),
        ("MicaSense", "Altum", (160, 120), False, {"Camera:BandName": "LWIR"}, Modality.MULTISPECTRAL),
        ("Skydio", "X10", (4000, 3000), False, {}, Modality.RGB),
    ],
)
def test_modality(
    maker: str, model: str, size: tuple[int, int], radiometric: bool, packet: dict[str, str], modality: Modality
) -> None:
    header = Header(size, ExifDirectories(), radiometric=radiometric)
    assert sensor("x.jpg", maker, model, header, packet).modality is modality


def test_bands_of_an_exposure_share_a_name() -> None:
    assert without_band("DJI_20230707093934_0001_MS_RE") == without_band("DJI_20230707093934_0001_MS_NIR")
    assert without_band("IMG_0001_1") == without_band("IMG_0001_5") == "IMG_0001"
    assert without_band("IMG_180413_080658_0000_RED") == "IMG_180413_080658_0000"
    assert without_band("DJI_0012") is None
