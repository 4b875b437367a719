"""Options of ODM: what a person may give, and what is said where they may not."""

from __future__ import annotations

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.errors import ConfigError
from aerodag.photogrammetry.odm.planning.checking import checked
from aerodag.photogrammetry.odm.planning.options import FLAVOURS, OPTIONS, Kind, json_schema
from aerodag.photogrammetry.odm.planning.presets import PRESETS
from aerodag.photogrammetry.odm.stages import ORDER

# What `run.py --help` lists, by hand from opendm/config.py of ODM and ODX.
LISTED = """
project-path end-with rerun rerun-from rerun-all max-concurrency no-gpu optimize-disk-space copy-to version
feature-type feature-quality min-num-features matcher-type matcher-neighbors matcher-order
use-fixed-camera-params cameras camera-lens use-hybrid-bundle-adjustment sfm-algorithm sfm-no-partial
sky-removal bg-removal rolling-shutter rolling-shutter-readout ignore-gsd gcp geo use-exif force-gps
gps-accuracy gps-z-offset align boundary auto-boundary auto-boundary-distance crop pc-quality pc-filter
pc-sample pc-skip-geometric pc-classify pc-rectify pc-csv pc-las pc-ept pc-copc mesh-size mesh-octree-depth
use-3dmesh skip-3dmodel gltf 3d-tiles texturing-skip-global-seam-leveling texturing-keep-unseen-faces
texturing-single-material dsm dtm dem-resolution dem-gapfill-steps dem-decimation dem-euclidean-map
smrf-scalar smrf-slope smrf-threshold smrf-window orthophoto-resolution fast-orthophoto skip-orthophoto
orthophoto-compression orthophoto-no-tiled orthophoto-png orthophoto-kmz orthophoto-cutline cog
build-overviews tiles skip-report radiometric-calibration primary-band skip-band-alignment video-limit
video-resolution split split-overlap split-image-groups sm-cluster sm-no-align merge merge-skip-blending
report-units
"""

OURS = """
project-path max-concurrency gps-accuracy geo gcp boundary cameras align copy-to cog tiles build-overviews
orthophoto-png rerun rerun-from rerun-all end-with version split split-overlap sm-cluster no-gpu
optimize-disk-space skip-orthophoto verbose resize-to pc-geometric
"""


def code_of(options: dict[str, object], flavour: str = "odm", *, models: bool = False) -> str:
    with pytest.raises(ConfigError) as caught:
        checked(options, flavour, models=models)
    return caught.value.code


def test_the_table_knows_every_option_of_the_command_line() -> None:
    assert set(LISTED.split()) <= OPTIONS.keys()
    for option in OPTIONS.values():
        assert option.stage is None or option.stage in ORDER
        assert bool(option.choices) == (option.kind is Kind.CHOICE)
        assert option.refusal or option.description


@pytest.mark.parametrize("name", OURS.split())
def test_what_is_ours_or_breaks_the_contract_is_refused_with_the_reason(name: str) -> None:
    for flavour in FLAVOURS:
        assert code_of({name: True}, flavour) == "odm.option_forbidden"
    assert OPTIONS[name].refusal
    assert name not in json_schema(models=True)["properties"]


def test_ai_models_have_to_be_at_hand() -> None:
    assert code_of({"sky-removal": True}) == "odm.option_forbidden"
    assert "sky-removal" not in json_schema()["properties"]
    assert checked({"sky-removal": True}, "odm", models=True) == {"sky-removal": True}
    assert json_schema(models=True)["properties"]["sky-removal"]["type"] == "boolean"


@pytest.mark.parametrize(
    ("given_name", "nearest"),
    [
        ("feature-qualty", "feature-quality"),
        ("--crop", "crop"),
        ("dem_resolution", "dem-resolution"),
        ("fast-ortophoto", "fast-orthophoto"),
    ],
)
def test_a_slip_of_the_pen_gets_the_name_that_was_meant(given_name: str, nearest: str) -> None:
    with pytest.raises(ConfigError, match="has no option") as caught:
        checked({given_name: True}, "odm")
    assert caught.value.code == "odm.option_unknown"
    assert nearest in caught.value.advice


def test_flavours_differ() -> None:
    assert code_of({"pc-rectify": True}, "odx") == "odm.option_unknown"
    assert code_of({"report-units": "m"}, "odm") == "odm.option_unknown"
    assert code_of({"sfm-algorithm": "planar"}, "odx") == "odm.option_value"
    assert checked({"report-units": "US survey foot", "matcher-type": "hamming"}, "odx")
    assert "report-units" not in json_schema(["odm"])["properties"]
    assert "planar" in json_schema()["properties"]["sfm-algorithm"]["enum"]


@pytest.mark.parametrize(
    "options",
    [
        {"dsm": "yes"}, {"dsm": 1}, {"min-num-features": 10.5}, {"min-num-features": 0}, {"crop": -1},
        {"crop": True}, {"crop": "3"}, {"crop": float("nan")}, {"crop": float("inf")}, {"mesh-octree-depth": 15},
        {"feature-quality": "best"}, {"feature-quality": None}, {"primary-band": "--rerun-all"},
        {"primary-band": "Red\n"}, {"orthophoto-resolution": 0},
    ],
)  # fmt: skip
def test_values_outside_their_kind_are_refused(options: dict[str, object]) -> None:
    assert code_of(options) == "odm.option_value"


def test_what_is_right_comes_back_sorted_and_typed() -> None:
    options = checked({"min-num-features": 12000.0, "crop": 0, "dsm": False, "primary-band": "Red edge"}, "odm")
    assert list(options) == sorted(options)
    assert options == {"min-num-features": 12000, "crop": 0, "dsm": False, "primary-band": "Red edge"}
    assert type(options["min-num-features"]) is int


def test_presets_hold_what_a_person_might_give() -> None:
    for preset in PRESETS.values():
        for flavour in FLAVOURS:
            assert checked(preset.options, flavour) == dict(preset.options)
        assert preset.options["skip-3dmodel"] is True


_VALUES = st.booleans() | st.integers(-10, 20) | st.floats(-5, 20) | st.sampled_from(["medium", "sift", "", "-x"])


@pytest.mark.fuzz
@given(st.dictionaries(st.sampled_from(sorted(OPTIONS)) | st.text(max_size=12), _VALUES, max_size=3))
def test_the_form_and_the_check_agree(options: dict[str, object]) -> None:
    schema = json_schema(["odm"])
    jsonschema.Draft202012Validator.check_schema(schema)
    by_form = jsonschema.Draft202012Validator(schema).is_valid(options)
    try:
        checked(options, "odm")
    except ConfigError:
        assert not by_form
    else:
        assert by_form
