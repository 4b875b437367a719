"""The page that says what to do by code is the source's, and the source gives each code one meaning."""

import ast

import pytest

from aerodag.codes.__main__ import PAGE
from aerodag.codes.entries import Entry, contradictions, entries, without_advice
from aerodag.codes.page import page
from aerodag.codes.sites import Kind, Sites
from aerodag.codes.source import Module, Source
from aerodag.codes.texts import scopes_of
from aerodag.settings import Checks


@pytest.fixture(scope="module")
def known():
    return entries()


def test_the_page_is_what_the_source_says(known):
    assert PAGE.read_text(encoding="utf-8") == page(known), "run `make errors-page`"


def test_a_code_tells_who_can_cure_it(known):
    assert contradictions(known) == {}


def test_every_failure_says_what_to_do(known):
    assert without_advice(known) == []


@pytest.mark.parametrize(
    ("kind", "code", "said", "advice"),
    [
        (
            Kind.FAILURE,
            "claim.what",
            "A run needs either a dataset_id or a source, and got both.",
            "Trigger with the id",
        ),
        (Kind.FAILURE, "archive.encrypted", "Entry … is encrypted", "Pack the images without a password."),  # a factory
        (Kind.FAILURE, "engine.timeout", "ODM did not finish", "Resume from the last finished stage"),  # a table
        (Kind.FAILURE, "storage.clock_skew", "…", "Set the clock of this machine"),  # a record without a message
        (Kind.FAILURE, "image.truncated", "… is cut off: …", "Copy the file from the card"),  # one of two by condition
        (Kind.FAILURE, "imagery.no_gps", "None of the … knows", "Upload the camera's original files"),  # by the verdict
        (Kind.FAILURE, "step.lost", "The run ended while", "Clear the task to run it again."),  # in a query
        (Kind.FAILURE, "unexpected.*", "…", "See the task's log"),
        (Kind.REMARK, "archive.video", "Left out as videos", "Only still images are used."),  # keys that are enumerated
        (Kind.REMARK, "exif.missing", "… of … images have no EXIF", "Upload the camera's original files"),  # keys
        (Kind.REMARK, "engine.rough_seams", "Images disagree", "Trees and buildings need"),  # rows of a local table
        (Kind.REMARK, "image.white", "… is almost entirely white", "Leave it out"),  # a parameter in the code
        (Kind.VERDICT, "resources.time", "The run will take about …", ""),
        (Kind.EVENT, "run.outlived", "Run … ended in the ledger", ""),
    ],
)
def test_codes_are_found_however_they_are_given(known, kind, code, said, advice):
    found = [entry for entry in known if (entry.kind, entry.code) == (kind, code)]
    assert any(entry.message.startswith(said) and entry.advice.startswith(advice) for entry in found), found


def test_what_a_category_means_for_a_retry(known):
    cures = {(entry.code, entry.category, entry.retry) for entry in known if entry.kind is Kind.FAILURE}
    assert {
        ("raster.no_crs", "data", "never"),
        ("ledger.unreachable", "infrastructure", "same"),
        ("engine.stalled", "engine", "clean_stage"),
        ("engine.out_of_memory", "resources", "smaller"),
        ("engine.cancelled", "cancelled", "never"),
        ("run.ghost", "infrastructure", ""),
        ("review.no_image", "config", "same"),
    } <= cures


def test_codes_that_the_settings_name_exist(known):
    checks = Checks()
    assert set(checks.rejecting) | set(checks.reviewing) <= {entry.code for entry in known}


def test_contradictions_and_silence_are_noticed():
    known = [
        Entry("disk.full", Kind.FAILURE, "infrastructure", "same", "", "It is full.", "Free space.", "a.py:1"),
        Entry("disk.full", Kind.FAILURE, "config", "never", "", "It is full.", "", "b.py:2"),
        Entry("image.odd", Kind.REMARK, weight="warning", place="c.py:3"),
        Entry("image.fine", Kind.REMARK, weight="info", place="d.py:4"),
    ]
    assert contradictions(known) == {"disk.full": {"config", "infrastructure"}}
    assert without_advice(known) == ["b.py:2: disk.full", "c.py:3: image.odd"]


def test_what_only_the_run_knows_is_left_open():
    tree = ast.parse(
        "from aerodag.errors import DataError\n"
        "def refuse(code, what, name, count=0):\n"
        "    more = f' and {count} more' if count else ''\n"
        "    return DataError(f'room.{code}', f'{name!r} {what}{more}.', advice='Go.')\n"
        "def look(name):\n"
        "    raise refuse('odd', 'is odd', name)\n"
    )
    module = Module.of("example", PAGE, tree)
    sites = Sites(Source({**Source.read().modules, "example": module}))
    (site,) = [site for call in module.calls if (site := sites.of(call)) is not None]
    (scope,) = scopes_of(sites.source, site.call, site.parts)
    assert scope.texts(site.code) == ("room.odd",)
    assert scope.texts(site.message) == ("… is odd….",)
