"""What becomes of a survey, a host and a person's wishes: the plan, and what is said about it."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from aerodag.errors import ConfigError
from aerodag.photogrammetry.odm.planning.make import Survey, Wish, make_plan
from aerodag.photogrammetry.odm.planning.plan import Gpu, Image, OdmPlan, dump, load
from aerodag.photogrammetry.odm.planning.presets import PRESETS
from aerodag.photogrammetry.odm.planning.resources import max_concurrency
from aerodag.rtk import CameraPosition

GIB = 1024**3
IMAGE = Image(reference="opendronemap/odm@sha256:" + "0" * 64, version="3.5.6")
POSITIONS = {
    f"{number:03}.JPG": CameraPosition(
        longitude=11.0 + number % 10 * 1e-4, latitude=48.0 + number // 10 * 1e-4, altitude=600.0, source="exif"
    )
    for number in range(100)
}
SURVEY = Survey(positions=POSITIONS, megapixels=20.0, gsd_cm=1.5)
TURING = Gpu(granted=True, devices=({"name": "Tesla T4", "compute_cap": "7.5"},))
ADA = Gpu(granted=True, devices=({"name": "L4", "compute_cap": "8.9"},))


def planned(
    preset: str = "standard", options: dict[str, Any] | None = None, *, survey: Survey = SURVEY, **host: Any
) -> tuple[OdmPlan, list[str]]:
    given: dict[str, Any] = {"image": IMAGE, "gpu": Gpu(), "memory_bytes": 64 * GIB, "cpus": 16.0, **host}
    plan, findings = make_plan(survey, Wish(preset=preset, options=options or {}), **given)
    return plan, [finding.code for finding in findings]


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("gpu", [Gpu(), TURING])
def test_a_plan_goes_through_json_unchanged(preset: str, gpu: Gpu) -> None:
    plan, _ = planned(preset, {"crop": 2.0, "primary-band": "Red", "dtm": False}, gpu=gpu)
    again = load(json.loads(json.dumps(dump(plan))))
    assert again == plan
    assert {name: type(option) for name, option in again.options.items()} == {
        name: type(option) for name, option in plan.options.items()
    }


def test_a_person_comes_after_the_preset() -> None:
    plan, _ = planned("dem", {"pc-quality": "low", "dtm": False, "crop": 0})
    assert plan.options["pc-quality"] == "low"
    assert "dtm" not in plan.options
    assert plan.options["crop"] == 0
    assert plan.options["dsm"] is True


@pytest.mark.parametrize(
    ("preset", "gsd_cm", "expected"),
    [
        ("standard", 1.5, 1.35), ("standard", 20.0, 18.0), ("standard", None, 0.5), ("standard", 0.0, 0.5),
        ("fast", 1.5, 5.0), ("fast", 8.0, 8.0), ("fast", None, 5.0), ("draft", 1.5, 10.0), ("draft", 8.0, 16.0),
    ],
)  # fmt: skip
def test_pixels_follow_the_gsd_that_was_measured(preset: str, gsd_cm: float | None, expected: float) -> None:
    plan, _ = planned(preset, survey=replace(SURVEY, gsd_cm=gsd_cm))
    assert plan.orthophoto_resolution_cm == expected
    assert planned(preset, {"orthophoto-resolution": 3})[0].orthophoto_resolution_cm == 3


@pytest.mark.parametrize(
    ("cpus", "memory_gib", "megapixels", "threads"),
    [(16, 64, 20, 6), (4, 64, 20, 4), (16, 8, 45, 1), (0.5, 64, 20, 1), (16, 64, 0, 16), (7.9, 1000, 12, 7)],
)
def test_threads_fit_the_cores_and_the_memory(cpus, memory_gib, megapixels, threads) -> None:
    assert max_concurrency(cpus, memory_gib * GIB, megapixels) == threads


@pytest.mark.parametrize(
    ("preset", "options", "gpu", "granted", "features", "findings"),
    [
        ("standard", {}, TURING, True, "sift", []),
        ("standard", {}, Gpu(), False, None, []),
        ("standard", {}, replace(TURING, mode="off"), False, None, []),
        ("standard", {"feature-type": "orb"}, TURING, True, "orb", []),
        ("standard", {}, ADA, True, None, ["odm.gpu_no_features"]),
        ("standard", {}, Gpu(granted=True), True, "sift", []),
        ("forest", {}, TURING, True, None, []),
        ("forest", {"fast-orthophoto": True}, TURING, False, None, ["odm.gpu_idle"]),
        ("fast", {}, TURING, True, "sift", []),
        ("fast", {}, ADA, False, None, ["odm.gpu_idle"]),
        ("fast", {}, replace(ADA, mode="required"), True, None, ["odm.gpu_idle"]),
        ("fast", {"feature-type": "dspsift"}, TURING, False, "dspsift", ["odm.gpu_idle"]),
        ("fast", {"matcher-type": "bow"}, TURING, False, None, ["odm.gpu_idle"]),
        ("fast", {"fast-orthophoto": False, "feature-type": "dspsift"}, TURING, True, "dspsift", []),
    ],
)
def test_a_gpu_gets_work_or_is_given_back(preset, options, gpu, granted, features, findings) -> None:
    plan, codes = planned(preset, options, gpu=gpu)
    assert (plan.gpu.granted, plan.options.get("feature-type")) == (granted, features)
    assert codes == findings


def test_without_positions_features_are_not_for_the_gpu() -> None:
    survey = replace(SURVEY, positions={"a.JPG": CameraPosition()})
    plan, _ = planned(gpu=TURING, survey=survey)
    assert "feature-type" not in plan.options
    assert plan.boundary is None
    assert "auto-boundary" not in plan.options


def test_a_gpu_that_is_required_has_to_be_there() -> None:
    with pytest.raises(ConfigError) as caught:
        planned(gpu=Gpu(mode="required"))
    assert caught.value.code == "odm.gpu_missing"


@pytest.mark.parametrize(
    ("image", "own", "by_odm"),
    [
        (IMAGE, True, False),
        (replace(IMAGE, version="3.6.0"), False, True),
        (replace(IMAGE, version=None), False, True),
        (Image(reference="opendronemap/odm:3.5.6"), True, False),
        (replace(IMAGE, flavour="odx", version="3.8.1"), True, False),
        (replace(IMAGE, flavour="odx", version="3.7.1"), False, True),
    ],
)
def test_the_area_is_limited_one_way_or_the_other(image: Image, own: bool, by_odm: bool) -> None:
    plan, _ = planned(image=image)
    assert (plan.boundary is not None, plan.options.get("auto-boundary", False)) == (own, by_odm)


@pytest.mark.parametrize(
    ("options", "kept"),
    [
        ({"auto-boundary": True}, {"auto-boundary": True}),
        ({"auto-boundary": False}, {}),
        ({"auto-boundary-distance": 80}, {"auto-boundary": True, "auto-boundary-distance": 80}),
    ],
)
def test_a_persons_own_area_is_respected(options: dict[str, Any], kept: dict[str, Any]) -> None:
    plan, _ = planned(options=options)
    assert plan.boundary is None
    assert {name: option for name, option in plan.options.items() if name.startswith("auto-")} == kept


def test_without_a_gsd_odm_finds_the_area_itself() -> None:
    plan, _ = planned(survey=replace(SURVEY, gsd_cm=None))
    assert (plan.boundary, plan.options["auto-boundary"]) == (None, True)


def test_uploaded_positions_without_height_cost_all_heights() -> None:
    uploaded = CameraPosition(longitude=11.0, latitude=48.0, source="geo")
    plan, codes = planned(survey=replace(SURVEY, positions={**POSITIONS, "a.JPG": uploaded}))
    assert codes == ["odm.heights_lost"]
    assert (plan.positions.lines, plan.positions.accuracy_m) == (1, 3.0)


def test_the_note_says_what_matters() -> None:
    plan, _ = planned()
    assert plan.note == (
        "standard: pixels of 1.35 cm (GSD 1.50 cm), 6 threads in 64.0 GiB, without GPU, area from the cameras. "
        "No image tells its accuracy, so 3 m for all."
    )


def test_an_unknown_preset_is_a_configuration_error() -> None:
    with pytest.raises(ConfigError, match="no preset") as caught:
        planned("standart")
    assert caught.value.advice == "Did you mean standard?"
