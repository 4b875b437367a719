import os
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.rtk import (
    HEAD_BYTES,
    CameraPosition,
    MrkRecord,
    best_position,
    describe_side_file,
    figures,
    solution,
)

DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[3].parent / "shared" / "data")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared test files are absent (AERODAG_TEST_DATA)")

RECORD = MrkRecord(7, 2430, 105980.5, 402, 591, 219, 45.956, 96.708, 1797.3, 0.0178, 0.0130, 0.0228, 52)
XMP = CameraPosition(
    longitude=96.708,
    latitude=45.956,
    altitude=1797.31,
    std_e_m=0.011,
    std_n_m=0.012,
    std_u_m=0.02,
    flag=50,
    source="xmp",
)
EXIF = CameraPosition(longitude=96.7081, latitude=45.9561, altitude=1797.0, source="exif")


@pytest.mark.parametrize(
    ("flag", "kind"),
    [
        (None, "unknown"), (-1, "unknown"), (0, "none"), (1, "unknown"), (2, "unknown"), (4, "unknown"),
        (5, "unknown"), (16, "single"), (31, "unknown"), (32, "float"), (34, "float"), (49, "float"),
        (50, "fixed"), (52, "fixed"),
    ],
)  # fmt: skip
def test_flags_are_djis_and_never_rtklibs(flag, kind):
    assert solution(flag) == kind


@pytest.mark.parametrize(
    ("own", "record", "source"),
    [
        (XMP, RECORD, "xmp"),
        (XMP, None, "xmp"),
        (replace(XMP, flag=None), RECORD, "mrk"),
        (replace(XMP, flag=0), RECORD, "mrk"),
        (replace(XMP, std_e_m=None), RECORD, "mrk"),
        (replace(XMP, std_e_m=None), None, "xmp"),
        (EXIF, RECORD, "mrk"),
        (EXIF, None, "exif"),
        (EXIF, replace(RECORD, quality=0), "exif"),
        (CameraPosition(), RECORD, "mrk"),
        (CameraPosition(), None, None),
    ],
)
def test_the_best_source_wins(own, record, source):
    assert best_position(own, record).source == source


def test_a_mark_gives_position_deviations_and_flag():
    best = best_position(EXIF, RECORD)
    assert (best.longitude, best.latitude, best.altitude) == (96.708, 45.956, 1797.3)
    assert (best.std_e_m, best.std_n_m, best.std_u_m, best.flag) == (0.0130, 0.0178, 0.0228, 52)
    assert best_position(EXIF, replace(RECORD, std_n_m=0.0)).std_horizontal_m is None


def test_figures_mix_xmp_and_marks():
    single = replace(XMP, flag=16, std_e_m=1.4, std_n_m=1.2, std_u_m=3.1)
    found = figures([XMP, best_position(EXIF, RECORD), single, EXIF], unmatched_images=2, unmatched_records=5)
    assert found.solutions == {"fixed": 2, "float": 0, "single": 1, "none": 0, "unknown": 1}
    assert found.sources == {"exif": 1, "mrk": 1, "xmp": 2}
    assert found.fix_ratio == 0.5
    assert (found.median_horizontal_m, found.worst_horizontal_m) == (0.0178, 1.4)
    assert (found.median_vertical_m, found.worst_vertical_m) == (0.0228, 3.1)
    assert (found.unmatched_images, found.unmatched_records) == (2, 5)
    assert found.has_rtk_data
    assert found.unknown == {}


def test_a_flight_without_corrections_has_no_rtk_data():
    found = figures([best_position(EXIF, replace(RECORD, quality=16))] * 3)
    assert (found.has_rtk_data, found.fix_ratio) == (False, 0.0)


@pytest.mark.parametrize("positions", [[], [EXIF, EXIF]])
def test_what_is_unknown_has_a_reason_and_no_number(positions):
    found = figures(positions)
    assert found.fix_ratio is found.median_horizontal_m is found.worst_vertical_m is None
    assert set(found.unknown) == {"fix_ratio", "horizontal_m", "vertical_m"}
    assert not found.has_rtk_data


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("a/100_0004_Timestamp.MRK", "exposure_marks"), ("a/x.RTK", "receiver_log"), ("x.rpos", "realtime_positions"),
        ("x.imu", "inertial_log"), ("x.OBS", "observations"), ("x.nav", "navigation"), ("PPKRAW.bin", "raw_log"),
        ("14601736.18o", "observations"), ("14601736.18N", "navigation"), ("x.dat", "unknown"), ("", "unknown"),
    ],
)  # fmt: skip
def test_side_files_are_told_by_name(name, kind):
    assert describe_side_file(name, b"\x01\x02").kind == kind
    assert describe_side_file(name, b"\0" * 90).is_blank


@needs_data
@pytest.mark.parametrize(
    ("name", "kind", "version", "epoch"),
    [
        ("14601736.18o", "observations", "2.11", datetime(2018, 6, 22, 6, 17, 12, tzinfo=UTC)),
        ("14601736.18n", "navigation", "2.11", None),
        ("demo3.10o", "observations", "3.01", datetime(2010, 3, 4, 23, 59, 45, tzinfo=UTC)),
        ("demo_nav3.17n", "navigation", "3.02", None),
    ],
)
def test_rinex_headers_say_version_and_first_epoch(name, kind, version, epoch):
    head = (DATA / "rtk" / "rinex" / name).read_bytes()[:HEAD_BYTES]
    found = describe_side_file("whatever.bin", head)
    assert (found.kind, found.rinex_version, found.first_epoch) == (kind, version, epoch)


HEADER = "     2.11           OBSERVATION DATA    M (MIXED)           RINEX VERSION / TYPE\n"
STAMP = st.lists(st.sampled_from([*"0123456789 .-en", "2018", " 6", "inf", "nan"]), max_size=40).map("".join)


@pytest.mark.fuzz
@given(
    st.text(max_size=30),
    st.one_of(st.binary(max_size=200), STAMP.map(lambda s: f"{HEADER}{s}TIME OF FIRST OBS".encode())),
)
def test_any_head_has_a_kind(name, head):
    assert describe_side_file(name, head).kind
