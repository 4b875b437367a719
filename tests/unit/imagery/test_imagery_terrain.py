"""Smooth ground: water, snow and sand, and what is none of them."""

from __future__ import annotations

import io
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageFilter

from aerodag.imagery import assess
from aerodag.imagery.pixels.terrain import Colours, Terrain, colours_of, terrain

DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[3].parent / "shared" / "data")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared test images are absent (AERODAG_TEST_DATA)")


def colours(
    *, saturation: float = 60, value: float = 120, blue: float = 0, warm: float = 0, unevenness: float = 5
) -> Colours:
    return Colours(saturation, value, blue, warm, unevenness)


@pytest.mark.parametrize(
    ("measured", "share", "expected"),
    [
        (colours(blue=0.5), 0.7, Terrain.WATER),
        (colours(blue=0.5), 0.5, None),
        (colours(blue=0.5, saturation=15), 0.7, None),
        (colours(value=60, saturation=30, blue=0.2), 0.7, Terrain.WATER),
        (colours(blue=0.5, unevenness=25), 0.7, None),
        (colours(), 1.0, Terrain.WATER),
        (colours(), 0.95, None),
        (colours(saturation=5), 1.0, None),
        (colours(saturation=10, value=210), 0.8, Terrain.SNOW_ICE),
        (colours(saturation=60, warm=0.9), 0.8, Terrain.SAND),
        (colours(saturation=150, warm=0.9), 0.8, None),
        (colours(saturation=50, value=170), 0.8, Terrain.SAND),
    ],
)
def test_the_rules(measured: Colours, share: float, expected: Terrain | None) -> None:
    assert terrain(measured, share) == expected


@pytest.mark.parametrize(
    ("bgr", "blue", "warm", "value"), [((200, 100, 20), 1, 0, 200), ((60, 120, 180), 0, 1, 180), ((0, 0, 0), 0, 1, 0)]
)
def test_colours_in_units_of_opencv(bgr: tuple[int, int, int], blue: float, warm: float, value: float) -> None:
    found = colours_of(np.full((20, 30, 3), bgr, dtype=np.uint8))
    assert (found.blue, found.warm, found.value, found.unevenness) == (blue, warm, value, 0)


def assessed_terrain(image: Image.Image) -> str | None:
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=92)
    return assess(io.BytesIO(buffer.getvalue()), "x.jpg").terrain


@pytest.mark.parametrize(
    ("colour", "expected"), [((40, 90, 140), "water"), ((225, 228, 232), "snow_ice"), ((214, 180, 130), "sand")]
)
def test_whole_pictures(colour: tuple[int, int, int], expected: str) -> None:
    ripples = np.random.default_rng(5).normal(0, 6, (60, 80, 1))
    values = np.clip(np.array(colour) + ripples, 0, 255).astype(np.uint8)
    assert assessed_terrain(Image.fromarray(values).resize((1600, 1200), Image.Resampling.BICUBIC)) == expected


def test_only_most_of_the_picture_must_be_even() -> None:
    values = np.full((160, 160, 3), (140, 100, 60), dtype=np.uint8)
    values[:40] = np.random.default_rng(1).integers(0, 255, (40, 160, 3))
    assert colours_of(values).unevenness == 0
    values[:80] = np.random.default_rng(1).integers(0, 255, (80, 160, 3))
    assert colours_of(values).unevenness > 40


@needs_data
def test_real_images_and_badly_blurred_ones_are_not_exempt() -> None:
    for folder in ("p4m_rtk_mirafiori", "sheffield_cross_800"):
        for file in sorted((DATA / "mapping" / folder / "images").glob("*.JPG"))[:4]:
            image = Image.open(file).convert("RGB")
            assert assessed_terrain(image) is None
            assert assessed_terrain(image.filter(ImageFilter.GaussianBlur(5))) is None
