"""The command line, word for word."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from aerodag.errors import Retry
from aerodag.photogrammetry.odm.planning.command import arguments, project_arguments
from aerodag.photogrammetry.odm.planning.make import Survey, Wish, make_plan
from aerodag.photogrammetry.odm.planning.options import OPTIONS
from aerodag.photogrammetry.odm.planning.plan import Gpu, Image, OdmPlan, Remedy
from aerodag.photogrammetry.odm.planning.positions import Positions, Telling
from aerodag.photogrammetry.odm.planning.resume import Passed, decide
from aerodag.rtk import CameraPosition

GOLDEN = {
    "fast": "--auto-boundary --fast-orthophoto --feature-quality medium --gps-accuracy 3 --max-concurrency 6 --no-gpu "
    "--orthophoto-resolution 5 --skip-3dmodel",
    "standard": "--auto-boundary --dsm --gps-accuracy 3 --max-concurrency 6 --no-gpu --orthophoto-resolution 1.35 "
    "--skip-3dmodel",
    "dem": "--auto-boundary --dsm --dtm --gps-accuracy 3 --max-concurrency 6 --no-gpu --orthophoto-resolution 1.35 "
    "--pc-quality high --skip-3dmodel",
    "forest": "--auto-boundary --dsm --gps-accuracy 3 --max-concurrency 6 --min-num-features 18000 --no-gpu "
    "--orthophoto-resolution 1.35 --skip-3dmodel --texturing-keep-unseen-faces",
    "multispectral": "--auto-boundary --gps-accuracy 3 --max-concurrency 6 --no-gpu --orthophoto-resolution 1.35 "
    "--radiometric-calibration camera --skip-3dmodel --texturing-skip-global-seam-leveling",
    "draft": "--auto-boundary --fast-orthophoto --feature-quality low --gps-accuracy 3 --max-concurrency 6 --no-gpu "
    "--orthophoto-resolution 10 --skip-3dmodel --skip-report",
}

PLAIN = CameraPosition(longitude=11.0, latitude=48.0, altitude=600.0, source="exif")


def planned(preset: str = "standard", version: str | None = "3.6.0", **options: object) -> OdmPlan:
    positions = {f"{number}.JPG": replace(PLAIN, longitude=11 + number * 1e-3) for number in range(5)}
    plan, _ = make_plan(
        Survey(positions=positions, megapixels=20.0, gsd_cm=1.5),
        Wish(preset=preset, options=options),
        image=Image(reference="opendronemap/odm", version=version),
        gpu=Gpu(),
        memory_bytes=64 * 1024**3,
        cpus=16,
    )
    return plan


@pytest.mark.parametrize(("preset", "words"), GOLDEN.items())
def test_each_preset(preset: str, words: str) -> None:
    assert arguments(planned(preset)) == words.split()


def test_with_a_gpu_no_word_against_it() -> None:
    plan = replace(planned(), gpu=Gpu(granted=True))
    assert "--no-gpu" not in arguments(plan)


def test_accuracy_of_the_images_is_left_alone() -> None:
    plan = replace(planned(), positions=Positions(telling=Telling.GEO, lines=5, reason="."))
    assert not {"--gps-accuracy", "--geo"} & set(arguments(plan))


def test_the_boundary_goes_as_text_that_no_place_is_needed_for() -> None:
    words = arguments(planned(version="3.5.6"))
    assert "--auto-boundary" not in words
    assert words[words.index("--boundary") + 1].startswith('{"type":"FeatureCollection"')


def test_a_resumed_run_names_its_stage() -> None:
    journal = [Passed(stage, True) for stage in ("dataset", "opensfm", "openmvs")]
    words = arguments(planned(), decide(journal, same_inputs=True))
    assert words[words.index("--rerun-from") + 1] == "odm_filterpoints"
    assert "--rerun-from" not in arguments(planned(), decide([], same_inputs=True))


@pytest.mark.parametrize(
    ("value", "written"), [(-0.00001, "-0.00001"), (-5, "-5"), (2.50, "2.5"), (1e5, "100000"), (0.0, "0")]
)
def test_numbers_are_written_so_that_argparse_takes_none_for_an_option(value: float, written: str) -> None:
    words = arguments(planned(**{"gps-z-offset": value}))
    assert words[words.index("--gps-z-offset") + 1] == written


def test_odm_makes_no_raster_product_of_ours_and_keeps_what_a_restart_needs() -> None:
    for preset in GOLDEN:
        words = {word.removeprefix("--") for word in arguments(planned(preset))}
        assert not words & {
            "cog",
            "tiles",
            "build-overviews",
            "orthophoto-png",
            "orthophoto-kmz",
            "optimize-disk-space",
        }
        assert "max-concurrency" in words


def test_every_long_name_is_one_that_odm_has() -> None:
    plan = replace(planned("dem", "3.5.6"), remedies=(Remedy(Retry.SMALLER, "."),))
    assert {word[2:] for word in arguments(plan) if word.startswith("--")} <= OPTIONS.keys()


def test_the_project_by_the_folder_above_it() -> None:
    assert project_arguments(Path("/data/scratch/7/project")) == ["--project-path", "/data/scratch/7", "project"]
