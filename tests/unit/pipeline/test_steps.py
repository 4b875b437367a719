"""Which steps a run goes through, and what a failing disk makes of any of them."""

from __future__ import annotations

import errno
from types import SimpleNamespace

import pytest

from aerodag.errors import InfrastructureError
from aerodag.pipeline.steps import STEPS, StepSpec, not_wanted

USUAL = ["odm_processing", "geotiff", "cog", "thumbnail", "metadata"]
ALWAYS = {"stage", "promote", "stac", "finish", "cleanup"}
IMAGES = {"validate", "extract_metadata", "assess_images", "preflight", "review", "plan_engine", "odm"}
PRODUCTS = {"publish_ortho", "standardise", "cog", "thumbnail", "metadata"}


def wanted(upload_type: str, task_types: list[str]) -> set[str]:
    run, dataset = SimpleNamespace(task_types=task_types), SimpleNamespace(upload_type=upload_type)
    return STEPS.keys() - not_wanted(run, dataset)


@pytest.mark.parametrize(
    ("upload_type", "task_types", "steps"),
    [
        ("raw_images_zip", USUAL, ALWAYS | IMAGES | PRODUCTS),
        ("geotiff", USUAL, ALWAYS | PRODUCTS),
        ("geotiff", ["geotiff", "cog"], ALWAYS | {"publish_ortho", "standardise", "cog"}),
        ("geotiff", ["thumbnail"], ALWAYS | {"thumbnail"}),
        ("raw_images_zip", ["geotiff"], ALWAYS | {"standardise"}),
        ("raw_images_zip", ["odm_processing"], ALWAYS | IMAGES | {"publish_ortho"}),
        ("raw_images_zip", ["indices"], ALWAYS | {"indices"}),
    ],
)
def test_steps_of_a_run(upload_type: str, task_types: list[str], steps: set[str]) -> None:
    assert wanted(upload_type, task_types) == steps


def test_a_skipped_step_says_why() -> None:
    run = SimpleNamespace(task_types=["cog"])
    assert "no images" in STEPS["odm"].not_wanted(run, SimpleNamespace(upload_type="geotiff"))
    assert "thumbnail" in STEPS["thumbnail"].not_wanted(run, SimpleNamespace(upload_type="raw_images_zip"))


def test_every_step_has_its_function() -> None:
    import pkgutil

    for step in STEPS.values():
        assert callable(pkgutil.resolve_name(f"aerodag.pipeline.{step.module}:{step.name}"))


def test_a_failing_disk_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_context: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "/data/x.tif")

    monkeypatch.setattr("aerodag.pipeline.intake.stage", full)
    with pytest.raises(InfrastructureError, match=r"storage\.disk_full"):
        StepSpec("stage", "intake").work(SimpleNamespace())
