"""XMP dialects: one property is the same whoever wrote it."""

from __future__ import annotations

import pytest

from aerodag.imagery.tags.xmp import XmpDamagedError, merge_packets, number, parse_xmp
from samples.photographs import GPS, description, photo, xmp

DJI = 'xmlns:{}="http://www.dji.com/drone-dji/1.0/"'
SKYDIO = 'xmlns:drone-skydio="https://www.skydio.com/drone-skydio/1.0/"'
PARROT = 'xmlns:drone-parrot="http://www.parrot.com/drone-parrot/1.0/" xmlns:Camera="http://www.pix4d.com/camera/1.0/"'
YUNEEC = 'xmlns:drone-yuneec="http://www.yuneec.com/drone-yuneec/1.0/"'
SENSEFLY = 'xmlns:Camera="http://ns.sensefly.com/Camera/1.0/"'


def test_dji() -> None:
    found = photo(
        xmp(
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
            RtkDiffAge="1.00000",
            SurveyingMode="1",
            GpsStatus="RTK",
            AltitudeType="RtkAlt",
            DewarpFlag="0",
            CalibratedFocalLength="390.5",
        ),
        gps=GPS,
        exif={0xA405: 20},
    )
    assert (found.latitude, found.longitude, found.altitude) == (46.51000012, -91.25000034, 201.25)
    assert found.position_source == "xmp"
    assert (found.relative_altitude, found.yaw, found.pitch, found.roll) == (40.1, 44.2, -89.9, 0.0)
    assert (found.rtk_flag, found.std_e_m, found.std_n_m, found.std_u_m) == (50, 0.011, 0.014, 0.021)
    assert (found.rtk_diff_age_s, found.surveying_mode) == (1.0, True)
    assert (found.gps_status, found.altitude_type, found.dewarped) == ("RTK", "RtkAlt", False)
    assert found.focal_px == 390.5


def test_autel_writes_djis_properties_under_another_prefix() -> None:
    attributes = 'drone:GpsLatitude="47.64368732" drone:GpsLongtitude="16.47592717" drone:RtkFlag="50"'
    found = photo(description(DJI.format("drone"), attributes), gps=GPS)
    assert (found.latitude, found.longitude, found.rtk_flag) == (47.64368732, 16.47592717, 50)


@pytest.mark.parametrize(
    "orientation",
    [
        '<drone-skydio:CameraOrientationNED rdf:parseType="Resource"><drone-skydio:Roll>1</drone-skydio:Roll>'
        "<drone-skydio:Pitch>-88.5</drone-skydio:Pitch><drone-skydio:Yaw>12</drone-skydio:Yaw>"
        "</drone-skydio:CameraOrientationNED>",
        '<drone-skydio:CameraOrientationNED drone-skydio:Roll="1" drone-skydio:Pitch="-88.5" drone-skydio:Yaw="12"/>',
        '<drone-skydio:CameraOrientationNED><rdf:Description drone-skydio:Roll="1" drone-skydio:Yaw="12">'
        "<drone-skydio:Pitch>-88.5</drone-skydio:Pitch></rdf:Description></drone-skydio:CameraOrientationNED>",
    ],
)
def test_skydio_in_each_notation_of_a_structure(orientation: str) -> None:
    simple = {
        "Latitude": 30.1, "Longitude": -90.2, "AbsoluteAltitude": 12.5, "RelativeAltitude": 30.5,
        "GpsHorizontalAccuracy": 0.4, "GpsVerticalAccuracy": 0.6,
    }  # fmt: skip
    elements = "".join(f"<drone-skydio:{key}>{value}</drone-skydio:{key}>" for key, value in simple.items())
    focal = (
        '<drone-skydio:CalibratedFocalLength rdf:parseType="Resource"><drone-skydio:X>512.5</drone-skydio:X>'
        "<drone-skydio:Y>512</drone-skydio:Y></drone-skydio:CalibratedFocalLength>"
    )
    found = photo(description(SKYDIO, elements=orientation + elements + focal))
    assert (found.latitude, found.longitude, found.altitude, found.relative_altitude) == (30.1, -90.2, 12.5, 30.5)
    assert (found.yaw, found.pitch, found.roll) == (12.0, -88.5, 1.0)
    assert (found.std_e_m, found.std_n_m, found.std_u_m) == (0.4, 0.4, 0.6)
    assert found.focal_px == 512.5
    assert found.position_source == "xmp"


def test_parrot_writes_fractions_and_two_notations_of_the_angles() -> None:
    attributes = (
        'drone-parrot:CameraYawDegree="146.848038" drone-parrot:CameraPitchDegree="-51.988888" '
        'drone-parrot:CameraRollDegree="-0.05" Camera:Pitch="38.011" Camera:Yaw="146.78" '
        'Camera:GPSXYAccuracy="845389/2097152" Camera:GPSZAccuracy="5117051/0" '
        'Camera:AboveGroundAltitude="11485529/262144"'
    )
    found = photo(description(PARROT, attributes), gps=GPS)
    assert (found.yaw, found.pitch, found.roll) == (146.848038, -51.988888, -0.05)
    assert found.std_e_m == pytest.approx(0.40311, abs=1e-5)
    assert found.std_u_m is None
    assert found.relative_altitude == pytest.approx(43.814, abs=1e-3)


def test_yuneec() -> None:
    values = {
        "GPSAltitude": 537.78,
        "AboveHomeAltitude": 34.4,
        "GimbalYaw": 73.23,
        "GimbalPitch": -89.96,
        "GimbalRoll": 0,
    }
    found = photo(description(YUNEEC, " ".join(f'drone-yuneec:{key}="{value}"' for key, value in values.items())))
    assert (found.altitude, found.relative_altitude, found.yaw, found.pitch) == (537.78, 34.4, 73.23, -89.96)


@pytest.mark.parametrize("namespace", [SENSEFLY, 'xmlns:Camera="http://pix4d.com/camera/1.0"'])
def test_pix4ds_pitch_counts_from_nadir(namespace: str) -> None:
    found = photo(description(namespace, 'Camera:Pitch="0.45" Camera:Yaw="-63.8" Camera:GPSXYAccuracy="0.5"'))
    assert (found.pitch, found.yaw, found.roll) == (pytest.approx(-89.55), -63.8, None)
    assert (found.std_e_m, found.std_n_m, found.std_u_m) == (0.5, 0.5, None)


def test_impossible_accuracies_are_unknown() -> None:
    found = photo(description(SENSEFLY, 'Camera:GPSXYAccuracy="4294967.5" Camera:GPSZAccuracy="0"'))
    assert (found.std_e_m, found.std_u_m) == (None, None)


def test_lists_structures_and_foreign_namespaces() -> None:
    elements = "<Camera:BandName><rdf:Seq><rdf:li>Red</rdf:li><rdf:li>NIR</rdf:li></rdf:Seq></Camera:BandName>"
    found = parse_xmp(description(SENSEFLY + ' xmlns:q="http://unknown.example/"', 'q:a="1" Camera:Yaw="2"', elements))
    assert found == {"Camera:Yaw": "2", "Camera:BandName": "Red,NIR"}


def test_the_first_packet_wins_and_a_damaged_one_is_a_problem() -> None:
    first, second = description(SENSEFLY, 'Camera:Yaw="1"'), description(SENSEFLY, 'Camera:Yaw="2" Camera:Roll="3"')
    assert merge_packets([first, b"<broken", second]) == ({"Camera:Yaw": "1", "Camera:Roll": "3"}, ("xmp.damaged",))


def test_damaged_xmp_is_a_problem_only() -> None:
    found = photo(b"<x:xmpmeta><rdf:RDF></x:xmpmeta>", gps=GPS)
    assert "xmp.damaged" in found.problems
    assert found.position_source == "exif"


@pytest.mark.parametrize(
    "packet",
    [b'<!DOCTYPE a [<!ENTITY b "bbbb">]><a>&b;</a>', b"<a>" + b" " * 3_000_000 + b"</a>", b"<a/><b/>", b"\xff\xfe<"],
)
def test_bombs_and_rubbish_are_refused(packet: bytes) -> None:
    with pytest.raises(XmpDamagedError):
        parse_xmp(packet)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("+12.5", 12.5), (" -3 ", -3.0), (".5", 0.5), ("1e2", 100.0), ("144/2", 72.0), ("-8759/100", -87.59),
        ("1/0", None), ("nan", None), ("inf", None), ("1e999", None), ("1_0", None), ("", None), ("12 m", None),
        ("٣", None),
    ],
)  # fmt: skip
def test_numbers(text: str, value: float | None) -> None:
    assert number({"k": text}, "k") == value
