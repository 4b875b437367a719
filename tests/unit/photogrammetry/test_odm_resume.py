"""What of an interrupted run may be used again: never a file that may be half written."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.errors import ConfigError
from aerodag.photogrammetry.odm.planning.plan import Gpu, Image, OdmPlan
from aerodag.photogrammetry.odm.planning.positions import Positions, Telling
from aerodag.photogrammetry.odm.planning.resume import Passed, asked, changed_stage, decide, redoes
from aerodag.photogrammetry.odm.stages import ORDER, PRODUCTS, STAGES

PLAN = OdmPlan(
    image=Image(reference="odm"),
    preset="standard",
    options={"dsm": True, "orthophoto-resolution": 1.35},
    memory_bytes=8 * 1024**3,
    cpus=4,
    max_concurrency=4,
    gpu=Gpu(),
    positions=Positions(telling=Telling.NOTHING, reason="."),
)


def journal(*finished: str, begun: str | None = None) -> list[Passed]:
    return [Passed(stage, True) for stage in finished] + ([Passed(begun, False)] if begun else [])


def until(stage: str, begun: str | None = None) -> list[Passed]:
    names = [known.name for known in STAGES[: ORDER[stage] + 1]]
    return journal(*names, begun=begun)


@pytest.mark.parametrize(
    ("entries", "rerun_from", "first_removed"),
    [
        pytest.param(journal("dataset"), "dataset", "opensfm", id="nothing but the images known"),
        pytest.param(journal("dataset", begun="opensfm"), "dataset", "opensfm", id="half of the features"),
        pytest.param(until("merge", "opensfm"), "dataset", "opensfm", id="with the stages for split datasets"),
        pytest.param(until("opensfm", "openmvs"), "openmvs", "opensfm/undistorted/openmvs", id="half dense"),
        pytest.param(until("opensfm"), "openmvs", "opensfm/undistorted/openmvs", id="between stages"),
        pytest.param(journal("dataset", "opensfm", begun="odm_filterpoints"), "odm_filterpoints", "odm_filterpoints",
                     id="sparse points only"),
        pytest.param(until("odm_dem", "odm_orthophoto"), "odm_orthophoto", "odm_orthophoto", id="half an orthophoto"),
        pytest.param([*until("odm_dem"), Passed("openmvs", False)], "openmvs", "opensfm/undistorted/openmvs",
                     id="the last word counts"),
        pytest.param(until("odm_postprocess"), "odm_postprocess", None, id="all done"),
    ],
)  # fmt: skip
def test_goes_on_after_the_last_stage_that_finished(entries, rerun_from, first_removed) -> None:
    resume = decide(entries, same_inputs=True)
    assert (resume.rerun_from, resume.fresh) == (rerun_from, False)
    assert next(iter(resume.remove), None) == first_removed


@pytest.mark.parametrize(
    ("entries", "same_inputs", "changed"),
    [
        ([], True, None),
        (journal(begun="dataset"), True, None),
        (until("odm_report"), False, None),
        (until("odm_report"), True, "dataset"),
    ],
)
def test_starts_afresh_where_nothing_can_be_kept(entries, same_inputs, changed) -> None:
    resume = decide(entries, same_inputs=same_inputs, changed_from=changed)
    assert (resume.rerun_from, resume.fresh, resume.remove) == (None, True, PRODUCTS)
    assert redoes(resume.rerun_from, "dataset")


def test_a_change_reaches_back_only_as_far_as_it_has_to() -> None:
    entries = until("odm_dem", "odm_orthophoto")
    assert decide(entries, same_inputs=True, changed_from="odm_dem").rerun_from == "odm_dem"
    assert decide(entries, same_inputs=True, changed_from="odm_report").rerun_from == "odm_orthophoto"
    assert decide(entries, same_inputs=True, changed_from="opensfm").rerun_from == "dataset"


def test_a_product_that_was_found_unusable_is_made_again() -> None:
    resume = decide(until("odm_postprocess"), same_inputs=True, failed_stage="odm_orthophoto")
    assert (resume.rerun_from, resume.remove) == ("odm_orthophoto", ("odm_orthophoto", "odm_report"))
    assert decide(until("odm_postprocess"), same_inputs=True, failed_stage="?").rerun_from == "odm_postprocess"


def test_stages_that_only_load_are_no_entries() -> None:
    resume = decide(until("opensfm", "openmvs"), same_inputs=True, failure="engine.disk_full")
    loading = [stage.name for stage in STAGES if not redoes(resume.rerun_from, stage.name)]
    assert loading == ["dataset", "split", "merge", "opensfm"]
    assert "engine.disk_full" in resume.reason


_ENTRIES = st.builds(Passed, st.sampled_from([stage.name for stage in STAGES]), st.booleans())


@pytest.mark.fuzz
@given(st.lists(_ENTRIES, max_size=30), st.none() | st.sampled_from([stage.name for stage in STAGES]))
def test_inputs_stay_and_nothing_unfinished_does(entries, changed) -> None:
    resume = decide(entries, same_inputs=True, changed_from=changed)
    assert not {"images", "geo.txt", "gcp_list.txt", "", "."} & set(resume.remove)
    assert not any(path.startswith(("/", "..", "images/")) for path in resume.remove)
    last_word = {entry.stage: entry.finished for entry in entries}
    removed = {stage.name for stage in STAGES if set(stage.writes) <= set(resume.remove)}
    for stage in STAGES:
        if stage.name not in {"split", "merge"} and stage.writes and not last_word.get(stage.name, True):
            assert stage.name in removed or any(stage.writes[0].startswith(f"{path}/") for path in resume.remove)


@pytest.mark.parametrize("stage", ["openmvs", "odm_dem", "odm_orthophoto", "opensfm"])
def test_a_person_may_go_back(stage: str) -> None:
    resume = asked(stage, until("odm_report"), same_inputs=True)
    assert (resume.rerun_from, resume.fresh) == (stage, False)
    assert set(resume.remove) >= {path for known in STAGES if known.name == stage for path in known.writes}


def test_a_person_may_always_begin_at_the_beginning() -> None:
    assert asked("dataset", [], same_inputs=False).fresh


@pytest.mark.parametrize(
    ("stage", "entries", "same_inputs", "said"),
    [
        ("odm_dem", until("opensfm", "openmvs"), True, "Not finished: openmvs, odm_filterpoints"),
        ("opensfm", [], True, "Not finished: dataset"),
        ("odm_dem", until("odm_report"), False, "others than before"),
        ("odm_demm", until("odm_report"), True, "no stage 'odm_demm'"),
    ],
)
def test_a_person_cannot_jump_over_what_is_missing(stage, entries, same_inputs, said) -> None:
    with pytest.raises(ConfigError) as caught:
        asked(stage, entries, same_inputs=same_inputs)
    assert caught.value.code == "odm.resume_impossible"
    assert said in caught.value.message


@pytest.mark.parametrize(
    ("after", "stage"),
    [
        (PLAN, None),
        (replace(PLAN, max_concurrency=1, gpu=Gpu(granted=True), note="."), None),
        (replace(PLAN, options={**PLAN.options, "orthophoto-resolution": 2}), "odm_orthophoto"),
        (replace(PLAN, options={"orthophoto-resolution": 2}), "odm_dem"),
        (replace(PLAN, options={**PLAN.options, "feature-quality": "low", "pc-quality": "low"}), "opensfm"),
        (replace(PLAN, options={**PLAN.options, "pc-quality": "low"}), "openmvs"),
        (replace(PLAN, boundary="{}"), "odm_filterpoints"),
        (replace(PLAN, sanitise_images=True), "dataset"),
        (replace(PLAN, positions=Positions(telling=Telling.GEO, lines=3, reason=".")), "dataset"),
        (replace(PLAN, positions=replace(PLAN.positions, reason="In other words.")), None),
    ],
)
def test_what_a_change_of_plan_concerns(after: OdmPlan, stage: str | None) -> None:
    assert changed_stage(PLAN, after) == changed_stage(after, PLAN) == stage
