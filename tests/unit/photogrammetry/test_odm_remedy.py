"""One remedy for each class of failure, in words, and never the same twice."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from aerodag.errors import AerodagError, DataError, EngineError, InfrastructureError, ResourceError, Retry
from aerodag.photogrammetry.odm.planning.options import OPTIONS
from aerodag.photogrammetry.odm.planning.plan import Gpu, Image, OdmPlan, dump, load
from aerodag.photogrammetry.odm.planning.positions import Positions, Telling
from aerodag.photogrammetry.odm.planning.remedy import remedy
from aerodag.photogrammetry.odm.planning.resume import changed_stage
from aerodag.photogrammetry.odm.stages import ORDER, STAGES

PLAN = OdmPlan(
    image=Image(reference="odm"),
    preset="standard",
    options={"auto-boundary": True, "orthophoto-resolution": 1.35},
    memory_bytes=8 * 1024**3,
    cpus=4,
    max_concurrency=6,
    gpu=Gpu(granted=True, devices=({"compute_cap": "7.5"},)),
    positions=Positions(telling=Telling.NOTHING, reason="."),
)


def failure(retry: Retry, stage: str | None = None) -> AerodagError:
    return EngineError("engine.failed", "Failed.", advice="Look.", retry=retry, numbers={"stage": stage})


def cured(retry: Retry, stage: str | None = None, plan: OdmPlan = PLAN) -> tuple[OdmPlan, str]:
    found = remedy(failure(retry, stage), plan)
    assert found is not None
    return found


@pytest.mark.parametrize(
    ("stage", "options", "text"),
    [
        (None, {"feature-quality": "medium", "pc-quality": "low"},
         "Smaller: 6 to 3 threads, feature-quality high to medium, pc-quality medium to low."),
        ("opensfm", {"feature-quality": "medium", "pc-quality": "low"}, None),
        ("openmvs", {"pc-quality": "low"}, "Smaller: 6 to 3 threads, pc-quality medium to low."),
        ("odm_meshing", {"mesh-octree-depth": 10}, None),
        ("odm_dem", {"dem-resolution": 10.0}, "Smaller: 6 to 3 threads, dem-resolution 5 to 10.0."),
        ("odm_orthophoto", {"orthophoto-resolution": 2.7}, None),
        ("odm_report", {}, "Smaller: 6 to 3 threads."),
    ],
)  # fmt: skip
def test_smaller_where_it_hurt(stage: str | None, options: dict[str, Any], text: str | None) -> None:
    after, said = cured(Retry.SMALLER, stage)
    assert after.max_concurrency == 3
    assert after.options == {**PLAN.options, **options}
    assert text is None or said == text
    assert [(done.kind, done.text) for done in after.remedies] == [(Retry.SMALLER, said)]
    assert load(dump(after)) == after


@pytest.mark.parametrize("stage", [stage.name for stage in STAGES if stage.name not in {"dataset", "split", "merge"}])
def test_work_before_the_stage_that_failed_is_kept(stage: str) -> None:
    concerned = changed_stage(PLAN, cured(Retry.SMALLER, stage)[0])
    assert concerned is None or ORDER[concerned] >= ORDER[stage]


def test_stray_points_are_kept_out_where_nothing_did_so() -> None:
    boundless = replace(PLAN, options={"orthophoto-resolution": 1.35})
    assert cured(Retry.SMALLER, "odm_orthophoto", boundless)[0].options["auto-boundary"] is True
    bounded = replace(boundless, boundary="{}")
    assert "auto-boundary" not in cured(Retry.SMALLER, "odm_orthophoto", bounded)[0].options


def test_sparse_points_get_no_sparser() -> None:
    fast = replace(PLAN, options={**PLAN.options, "fast-orthophoto": True})
    assert "pc-quality" not in cured(Retry.SMALLER, None, fast)[0].options


@pytest.mark.parametrize("retry", [Retry.SMALLER, Retry.WITHOUT_GPU, Retry.CLEAN_STAGE, Retry.CLEAN_IMAGES])
def test_each_class_once(retry: Retry) -> None:
    after, _ = cured(retry)
    assert remedy(failure(retry), after) is None
    others = {Retry.SMALLER, Retry.WITHOUT_GPU, Retry.CLEAN_STAGE, Retry.CLEAN_IMAGES} - {retry}
    assert all(remedy(failure(other), after) is not None for other in others)


def test_nothing_left_to_shrink() -> None:
    smallest = replace(
        PLAN, max_concurrency=1, options={**PLAN.options, "feature-quality": "lowest", "pc-quality": "lowest"}
    )
    assert remedy(failure(Retry.SMALLER), smallest) is None
    assert remedy(failure(Retry.SMALLER, "odm_report"), smallest) is None
    assert OPTIONS["pc-quality"].choices[-1] == "lowest"


def test_without_gpu_unless_it_is_required() -> None:
    after, text = cured(Retry.WITHOUT_GPU)
    assert (after.gpu.granted, after.gpu.devices, text) == (False, (), "Without GPU.")
    for gpu in (Gpu(mode="required", granted=True), Gpu()):
        assert remedy(failure(Retry.WITHOUT_GPU), replace(PLAN, gpu=gpu)) is None


def test_copies_without_maker_notes() -> None:
    after, text = cured(Retry.CLEAN_IMAGES)
    assert after.sanitise_images
    assert "maker notes" in text
    assert remedy(failure(Retry.CLEAN_IMAGES), replace(PLAN, sanitise_images=True)) is None


def test_a_clean_stage_changes_no_plan_but_is_remembered() -> None:
    after, _ = cured(Retry.CLEAN_STAGE)
    assert replace(after, remedies=()) == PLAN


@pytest.mark.parametrize(
    "error",
    [
        DataError("engine.low_overlap", "Low.", advice="Fly."),
        InfrastructureError("engine.unreachable", "Gone.", advice="Wait."),
        ResourceError("engine.timeout", "Late.", advice="Wait.", retry=Retry.NEVER),
    ],
)
def test_no_remedy_for_what_none_cures(error: AerodagError) -> None:
    assert remedy(error, PLAN) is None
