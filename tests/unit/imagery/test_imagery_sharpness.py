"""The grid rule of sharpness, and its agreement with the rule at full resolution."""

from __future__ import annotations

import io
import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from aerodag.imagery.pixels.decode import decode, grey
from aerodag.imagery.pixels.sharpness import sharpness_by_grid
from aerodag.settings import Checks

DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[3].parent / "shared" / "data")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared test images are absent (AERODAG_TEST_DATA)")
Bytes = npt.NDArray[np.uint8]


def noise(height: int, width: int) -> Bytes:
    return np.random.default_rng(1).integers(0, 255, (height, width), dtype=np.uint8)


def test_the_score_is_the_variance_of_the_laplacian() -> None:
    values = np.zeros((42, 42), dtype=np.uint8)
    values[::2, ::2] = 100
    score, _ = sharpness_by_grid(values, 1)
    # Of four pixels one has the Laplacian -400, two have 200 and one has 0.
    assert score == pytest.approx(np.var([-400, 200, 200, 0]), rel=0.1)


def test_water_beside_land_does_not_blur_the_land() -> None:
    values = np.full((400, 400), 90, dtype=np.uint8)
    values[:, :100] = noise(400, 100)
    score, low = sharpness_by_grid(values, 1)
    assert low == 0.75
    assert score == pytest.approx(sharpness_by_grid(noise(400, 400), 1)[0], rel=0.05)


def test_without_texture_the_score_is_the_mean() -> None:
    values = np.full((400, 400), 90, dtype=np.uint8)
    values[::40, ::40] = 95
    score, low = sharpness_by_grid(values, 1)
    assert low == 1.0
    assert score is not None
    assert 0 < score < 30


def test_a_tiny_image_has_no_score() -> None:
    assert sharpness_by_grid(noise(7, 100), 1) == (None, 1.0)
    assert sharpness_by_grid(noise(8, 8), 1)[0] is not None


def test_the_middle_speaks_for_a_large_cell() -> None:
    large, small = sharpness_by_grid(noise(4000, 4000), 2)[0], sharpness_by_grid(noise(1600, 1600), 2)[0]
    assert large == pytest.approx(small, rel=0.02)


def full_resolution_score(image: Bytes) -> float:
    """The rule as its source computes it: CV_64F on full-size grey."""
    import cv2

    values = cv2.cvtColor(image, cv2.COLOR_BGR2GRAY)
    rows, columns = (np.linspace(0, side, 5, dtype=int) for side in values.shape)
    cells = np.array(
        [
            cv2.Laplacian(values[rows[r] : rows[r + 1], columns[c] : columns[c + 1]], cv2.CV_64F).var()
            for r in range(4)
            for c in range(4)
        ]
    )
    textured = cells[cells >= 30]
    return float(np.percentile(textured, 75) if textured.size else cells.mean())


def degraded(image: Bytes) -> Iterator[Bytes]:
    import cv2

    yield image
    for sigma in (0.5, 0.7, 1.0, 1.4, 2.0, 3.0):
        yield cv2.GaussianBlur(image, (0, 0), sigma)
    for length in (3, 5, 9, 15, 25, 41):
        yield cv2.blur(image, (length, 1) if length % 4 == 1 else (1, length))
    blurred = cv2.GaussianBlur(image, (0, 0), 1.4)
    yield cv2.addWeighted(blurred, 2.5, cv2.GaussianBlur(blurred, (0, 0), 1.0), -1.5, 0)


def as_jpeg(image: Bytes) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image[..., ::-1]).save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


SAMPLES = [
    "p4m_rtk_mirafiori/images/DJI_0010.JPG",
    "p4m_rtk_mirafiori/images/DJI_0170.JPG",
    "brighton_beach/images/DJI_0020.JPG",
    "brighton_beach/images/DJI_0031.JPG",
]


@needs_data
def test_the_reduced_decode_agrees_with_the_rule_at_full_resolution() -> None:
    threshold = Checks().blurred_below
    pairs = []
    for sample in SAMPLES:
        image = np.asarray(Image.open(DATA / "mapping" / sample).convert("RGB"))[..., ::-1]
        # A quarter of a large image keeps its detail and saves time.
        for copy in degraded(np.ascontiguousarray(image[:1000, :1600])):
            content = as_jpeg(copy)
            found = decode(content, sample)
            assert found is not None
            assert found.scale == 2
            score, _ = sharpness_by_grid(grey(found.values), found.scale)
            assert score is not None
            full = full_resolution_score(np.asarray(Image.open(io.BytesIO(content)))[..., ::-1])
            pairs.append((full, score < threshold[found.scale]))
    agreeing = [(full < 100) == blurred for full, blurred in pairs]
    clear = [agree for agree, (full, _) in zip(agreeing, pairs, strict=True) if not 50 <= full <= 200]
    # Most of these copies lie about the threshold on purpose.
    assert sum(agreeing) >= 0.8 * len(agreeing)
    assert len(clear) > 30
    assert all(clear)


@needs_data
def test_at_full_size_it_is_the_rule_itself() -> None:
    files = sorted((DATA / "mapping" / "sheffield_cross_800" / "images").glob("*.JPG"))[:5]
    for file in files:
        image = np.asarray(Image.open(file))[..., ::-1]
        found = decode(file.read_bytes(), file.name)
        assert found is not None
        assert found.scale == 1
        assert sharpness_by_grid(grey(found.values), 1)[0] == pytest.approx(full_resolution_score(image), rel=0.02)
