"""From measures to findings."""

from __future__ import annotations

import io
import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from aerodag.findings import Finding, Severity
from aerodag.imagery import Assessment, assess, quality_findings
from aerodag.imagery.tags.sensor import Modality
from aerodag.settings import Checks

DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[3].parent / "shared" / "data")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared test images are absent (AERODAG_TEST_DATA)")
GOOD = Assessment(
    "a/x.jpg", decodable=True, scale=2, sharpness=900.0, low_texture_share=0.1, mean=110.0, std=40.0, p5=40.0,
    p95=180.0, dark_share=0.01, bright_share=0.02,
)  # fmt: skip
BLACK = replace(GOOD, mean=8.0, std=4.0, p5=2.0, p95=14.0, dark_share=0.98)


def found(assessment: Assessment, **checks: object) -> list[Finding]:
    return quality_findings(assessment, Checks(**checks))  # type: ignore[arg-type]


def only(assessment: Assessment, **checks: object) -> Finding:
    (finding,) = found(assessment, **checks)
    assert finding.image == assessment.name
    assert finding.advice
    return finding


def test_a_good_image_needs_no_words() -> None:
    assert found(GOOD) == []


@pytest.mark.parametrize("code", ["image.unreadable", "image.truncated", "image.damaged"])
def test_files_that_do_not_decode(code: str) -> None:
    finding = only(Assessment("x.jpg", decodable=False, problem=code, message="x.jpg is broken: 12 bytes."))
    assert (finding.code, finding.severity) == (code, Severity.WARNING)
    assert finding.message == "x.jpg is broken: 12 bytes."


@pytest.mark.parametrize("code", ["image.raw_preview_only", "image.raw_not_decoded"])
def test_raw_images_are_told_of(code: str) -> None:
    finding = only(replace(GOOD, problem=code, sharpness=1.0))
    assert (finding.code, finding.severity) == (code, Severity.INFO)


def test_blur_carries_its_numbers() -> None:
    finding = only(replace(GOOD, sharpness=212.4))
    assert (finding.code, finding.severity) == ("image.blurred", Severity.WARNING)
    assert finding.numbers == {"sharpness": 212.4, "threshold": 400.0, "scale": 2}
    assert "212" in finding.message
    assert "400" in finding.message


def test_the_threshold_belongs_to_the_scale_and_to_the_settings() -> None:
    assert found(replace(GOOD, scale=1, sharpness=212.4)) == []
    assert only(replace(GOOD, scale=4, sharpness=900.0)).code == "image.blurred"
    assert found(replace(GOOD, sharpness=212.4), blurred_below={2: 200.0}) == []


@pytest.mark.parametrize("ground", ["water", "snow_ice", "sand"])
def test_smooth_ground_is_not_blurred(ground: str) -> None:
    finding = only(replace(GOOD, sharpness=20.0, low_texture_share=0.9, terrain=ground))
    assert (finding.code, finding.severity) == ("image.smooth_ground", Severity.INFO)
    assert finding.numbers["low_texture_share"] == 0.9


def test_black_and_white_carry_their_numbers_and_hide_blur() -> None:
    finding = only(replace(BLACK, sharpness=3.0))
    assert finding.code == "image.black"
    assert finding.numbers == {"mean": 8.0, "std": 4.0, "share": 0.98}
    white = only(replace(GOOD, mean=250.0, std=3.0, p5=244.0, p95=255.0, dark_share=0.0, bright_share=0.99))
    assert white.code == "image.white"
    assert "99%" in white.message


def test_many_dark_pixels_in_a_narrow_range_are_black_too() -> None:
    speckled = replace(BLACK, mean=12.0, std=30.0, p5=0.0, p95=20.0, dark_share=0.95)
    assert only(speckled).code == "image.black"
    assert found(replace(speckled, p95=60.0)) == []
    assert found(BLACK, black_mean=5.0, flat_share=0.99) == []


def test_deep_sensors_and_other_bands_are_not_judged() -> None:
    assert found(replace(BLACK, dark_share=None, bright_share=None, sharpness=1.0)) == []
    assert quality_findings(BLACK, Checks(), Modality.THERMAL) == []
    assert quality_findings(replace(GOOD, sharpness=1.0), Checks(), Modality.MULTISPECTRAL) == []


@pytest.mark.parametrize(("level", "code"), [(5, "image.black"), (250, "image.white")])
def test_whole_pictures(level: int, code: str) -> None:
    buffer = io.BytesIO()
    Image.fromarray(np.full((200, 200, 3), level, dtype=np.uint8)).save(buffer, "JPEG")
    assert only(assess(buffer, "x.jpg")).code == code


@needs_data
def test_sharp_real_surveys_have_no_findings() -> None:
    files = [*(DATA / "mapping").glob("*/images/*.JPG")]
    assert len(files) > 60
    chosen = sorted(files)[::4]
    assert [found(assess(io.BytesIO(file.read_bytes()), file.name)) for file in chosen] == [[] for _ in chosen]
