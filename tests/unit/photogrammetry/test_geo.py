from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.photogrammetry.geo import is_needed, read_geo, write_geo
from aerodag.rtk import CameraPosition

FIXED = CameraPosition(
    longitude=-10.98123456789, latitude=48.07, altitude=650.12345, std_e_m=0.011, std_n_m=0.034, std_u_m=0.05, flag=50,
    source="mrk",
)  # fmt: skip


def test_all_nine_columns_longitude_first_and_the_angles_left_alone():
    text = write_geo({"b.JPG": FIXED, "a.JPG": FIXED})
    assert text.splitlines() == [
        "EPSG:4326",
        "a.JPG -10.9812345679 48.0700000000 650.1235 nan nan nan 0.0340 0.0500",
        "b.JPG -10.9812345679 48.0700000000 650.1235 nan nan nan 0.0340 0.0500",
    ]


@pytest.mark.parametrize(
    ("flag", "std", "accuracy"),
    [
        (52, 0.003, ("0.0200", "0.0200")),
        (34, 0.05, ("0.3000", "0.3000")),
        (34, 0.8, ("0.8000", "0.8000")),
        (16, 1.2, ("3.0000", "4.5000")),
        (16, 4.0, ("4.0000", "6.0000")),
    ],
)
def test_no_solution_is_believed_beyond_its_kind(flag, std, accuracy):
    position = replace(FIXED, flag=flag, std_e_m=std, std_n_m=std, std_u_m=std)
    assert tuple(write_geo({"a.JPG": position}).split()[-2:]) == accuracy


@pytest.mark.parametrize("unknown", ["longitude", "latitude", "altitude", "std_e_m", "std_n_m", "std_u_m", "flag"])
def test_what_is_unknown_is_not_invented(unknown):
    assert write_geo({"a.JPG": replace(FIXED, **{unknown: None})}) == "EPSG:4326\n"


GIVEN = CameraPosition(
    longitude=10.98, latitude=48.07, altitude=650.0, std_e_m=0.02, std_n_m=0.02, std_u_m=0.03, source="geo"
)


def test_a_given_position_goes_on_as_it_was_given():
    bare = replace(GIVEN, altitude=None)
    assert write_geo({"a.JPG": GIVEN, "b.JPG": bare}).splitlines()[1:] == [
        "a.JPG 10.9800000000 48.0700000000 650.0000 nan nan nan 0.0200 0.0300",
        "b.JPG 10.9800000000 48.0700000000",
    ]


@pytest.mark.parametrize(
    "positions", [{"a.JPG": FIXED, "b.JPG": replace(FIXED, flag=16, std_e_m=2.0)}, {"a.JPG": GIVEN}]
)
def test_what_was_written_reads_back(positions):
    read = read_geo(write_geo(positions).encode(), "geo.txt")
    assert (read.bad_lines, set(read.positions)) == (0, set(positions))
    for name, position in positions.items():
        assert read.positions[name].longitude == pytest.approx(position.longitude, abs=1e-9)
        assert read.positions[name].altitude == pytest.approx(position.altitude, abs=1e-3)
        assert read.positions[name].std_horizontal_m >= position.std_horizontal_m


def test_projected_coordinates_become_longitude_and_latitude():
    """The expected values are gdaltransform's."""
    read = read_geo(b"WGS84 UTM 16N\nDJI_0018.JPG 333158.2 3102916.18 12.5\nbroken line\n", "geo.txt")
    position = read.positions["DJI_0018.JPG"]
    assert (position.longitude, position.latitude) == pytest.approx((-88.6973876, 28.0410903), abs=1e-7)
    assert (position.altitude, position.std_e_m) == (12.5, None)
    assert (read.bad_lines, [finding.code for finding in read.findings]) == (1, ["geo.bad_lines"])


def test_a_file_without_a_coordinate_system_places_nothing():
    read = read_geo(b"DJI_0018.JPG 10.0 48.0 12.5\n", "geo.txt")
    assert (read.positions, [finding.code for finding in read.findings]) == ({}, ["geo.srs_unknown"])


@pytest.mark.parametrize(
    ("positions", "needed"),
    [
        ([FIXED], True),
        ([replace(FIXED, source="xmp")], False),
        ([replace(FIXED, source="xmp"), replace(FIXED, source="xmp", flag=16)], True),
        ([replace(FIXED, source="exif", flag=None)], False),
        ([GIVEN], True),
    ],
)
def test_written_only_where_the_images_do_not_say_enough(positions, needed):
    assert is_needed(positions) is needed


@pytest.mark.fuzz
@given(
    st.binary(max_size=300) | st.text(max_size=300).map(lambda text: f"EPSG:4326\n{text}".encode("utf-8", "replace"))
)
def test_anything_is_read_or_counted(content):
    for position in read_geo(content, "geo.txt").positions.values():
        assert abs(position.longitude) <= 180
        assert abs(position.latitude) <= 90
