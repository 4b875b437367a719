"""Names that browsers and attackers give files."""

import re
from pathlib import PurePosixPath
from uuid import UUID

import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from aerodag.errors import DataError
from aerodag.uploads.names import UPLOAD_TYPES, accepted_name, incoming_name, upload_type

ID = UUID("12345678-9abc-4def-8123-456789abcdef")


@pytest.mark.parametrize(
    ("given_name", "accepted"),
    [
        ("survey.zip", "survey.zip"),
        ("Flight 7 (north).ZIP", "Flight 7 (north).zip"),
        ("../../etc/cron.d/job.zip", "job.zip"),
        ("C:\\Users\\anna\\karte.TIFF", "karte.tiff"),
        ("/absolute/map.tif", "map.tif"),
        (".hidden.zip", "hidden.zip"),
        ("Wa\u0308lder.zip", "W\u00e4lder.zip"),
        ("a\x00b\nc\u202egpj.zip", "a_b_c_gpj.zip"),
        ("\ud800\udfffx.zip", "x.zip"),
        ("-rf.zip", "rf.zip"),
        ("...zip", "dataset.zip"),
        ("x" * 300 + ".tif", "x" * 100 + ".tif"),
        ("%2e%2e%2fsecret.zip", "2e_2e_2fsecret.zip"),
    ],
)
def test_only_the_last_part_of_a_name_counts(given_name, accepted):
    assert accepted_name(given_name) == accepted


@pytest.mark.parametrize(
    "name", ["survey.7z", "survey", ".zip", "zip", "survey.zip/", "a.zip\\..", "", "survey.zip.exe"]
)
def test_other_files_are_refused(name):
    with pytest.raises(DataError, match=r"upload\.unknown_type"):
        accepted_name(name)


@given(st.text(st.characters(exclude_categories=()), max_size=400), st.sampled_from([*UPLOAD_TYPES, ".ZIP", ".Tif"]))
@example("../" * 40, ".zip")
@example("con", ".zip")
@example("\u2024\u2024\uff0f", ".tif")
def test_no_name_leads_anywhere_else(stem, suffix):
    assume(
        not re.fullmatch(r"(.*[/\\])?\s*", stem, re.DOTALL)
    )  # without a stem, the suffix is the name of a hidden file
    name = accepted_name(stem + suffix)
    for written in (name, incoming_name(name, ID)):
        assert PurePosixPath(written).name == written
        assert not written.startswith((".", "-", " ", "~"))
        assert not re.search(r"[\x00-\x1f\x7f/\\:*?\"<>|]", written)
        assert PurePosixPath(written).suffix in UPLOAD_TYPES
    assert incoming_name(name, ID).isascii()
    assert len(incoming_name(name, ID)) < 128
    assert accepted_name(name) == name
    assert upload_type(name) == UPLOAD_TYPES[suffix.lower()]


def test_the_same_name_twice_is_two_files_in_the_incoming_folder():
    other = UUID("22345678-9abc-4def-8123-456789abcdef")
    assert incoming_name("field 7.zip", ID) == "field_7_123456789abc.zip"
    assert incoming_name("field 7.zip", other) != incoming_name("field 7.zip", ID)
