"""Streamed statistics and cells against numpy over all values at once, whatever the windows."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rasterio.windows import Window

from aerodag.raster.indices.statistics import PERCENTILES, Statistics, Tally
from aerodag.raster.indices.stress import Bins
from aerodag.raster.indices.table import INDICES, TABLE

NDVI = INDICES["ndvi"]


def tallied(values: np.ndarray, parts: int, name: str = "ndvi") -> Tally:
    tally = Tally(INDICES[name])
    for part in np.array_split(values, parts):
        tally.add(part)
    return tally


def check(found: Statistics | None, values: np.ndarray) -> None:
    assert found is not None
    exact = values.astype(np.float64)
    assert (found.count, found.min, found.max) == (exact.size, exact.min(), exact.max())
    assert found.mean == pytest.approx(exact.mean(), abs=1e-7)
    assert found.std == pytest.approx(exact.std(), abs=1e-6)
    expected = np.percentile(exact, PERCENTILES)
    assert list(found.percentiles) == list(PERCENTILES)
    assert np.abs(np.array(list(found.percentiles.values())) - expected).max() <= 0.001


@pytest.mark.parametrize("index", TABLE, ids=lambda index: index.name)
@pytest.mark.parametrize("parts", [1, 7])
def test_a_million_values(index: str, parts: int) -> None:
    low, high = index.valid  # type: ignore[attr-defined]
    spread = np.random.default_rng(parts).beta(2, 5, 1_000_000)
    values = (low + spread * (high - low)).astype(np.float32)
    check(tallied(values, parts, index.name).statistics(), values)  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    "values", [[0.3], [-1.0, 1.0], [0.1, 0.1, 0.1001], [-1.0] * 50 + [1.0] * 50, [0.25] * 1000], ids=str
)
def test_few_or_equal_values(values: list[float]) -> None:
    array = np.array(values, dtype=np.float32)
    check(tallied(array, 1).statistics(), array)


@pytest.mark.fuzz
@given(st.lists(st.floats(-1, 1, width=32), min_size=1, max_size=200), st.integers(1, 9))
def test_any_values_in_any_parts(values: list[float], parts: int) -> None:
    array = np.array(values, dtype=np.float32)
    tally = tallied(array, parts)
    check(tally.statistics(), array)
    assert sum(area.share for area in tally.classes(1.0)) == pytest.approx(1)


def test_a_mean_far_from_zero_keeps_its_spread() -> None:
    values = (0.9 + 1e-4 * np.random.default_rng(0).standard_normal(500_000)).astype(np.float32)
    found = tallied(values, 11).statistics()
    assert found is not None
    assert found.std == pytest.approx(values.astype(np.float64).std(), rel=1e-4)


def test_classes_are_half_open_and_in_square_metres() -> None:
    values = np.array([-0.5, 0.0999, 0.1, 0.2999, 0.3, 0.6, 0.6, 0.9], dtype=np.float32)
    bare, sparse, moderate, dense = tallied(values, 3).classes(0.25)
    assert [area.name for area in (bare, sparse, moderate, dense)] == ["bare", "sparse", "moderate", "dense"]
    assert [area.area_m2 for area in (bare, sparse, moderate, dense)] == [0.5, 0.5, 0.25, 0.75]
    assert [area.share for area in (bare, sparse, moderate, dense)] == [0.25, 0.25, 0.125, 0.375]
    assert [(area.low, area.high) for area in (bare, sparse, moderate, dense)] == [
        (None, 0.1),
        (0.1, 0.3),
        (0.3, 0.6),
        (0.6, None),
    ]


def test_nothing_has_no_statistics() -> None:
    tally = Tally(NDVI)
    tally.add(np.array([], dtype=np.float32))
    assert tally.statistics() is None
    assert tally.classes(1.0) == ()


@pytest.mark.parametrize(("width", "height"), [(37, 21), (1300, 700), (512, 513), (3, 2000)])
@pytest.mark.parametrize("step", [64, 97, 512])
def test_squares_do_not_depend_on_the_windows(width: int, height: int, step: int) -> None:
    rng = np.random.default_rng(width)
    values = rng.random((height, width), dtype=np.float32)
    valid = rng.random((height, width)) < 0.7
    bins = Bins(width, height)
    for row in range(0, height, step):
        for column in range(0, width, step):
            window = Window(column, row, min(step, width - column), min(step, height - row))
            part = window.toslices()
            bins.add(window, valid[part], values[part])
    assert max(bins.counts.shape) <= 512
    side = bins.pixels
    for i, j in np.ndindex(*bins.counts.shape):
        square = (slice(i * side, (i + 1) * side), slice(j * side, (j + 1) * side))
        assert bins.counts[i, j] == np.count_nonzero(valid[square])
    assert bins.sums.sum() == pytest.approx(values[valid].sum(dtype=np.float64))


def test_cells_cover_the_bounding_box_of_what_is_valid() -> None:
    valid = np.zeros((400, 300), dtype=bool)
    valid[100:200, 50:250] = True
    bins = Bins(300, 400)
    assert bins.edges() == ([], [])
    bins.add(Window(0, 0, 300, 400), valid)
    assert bins.edges() == (list(range(100, 201, 10)), list(range(50, 251, 20)))
