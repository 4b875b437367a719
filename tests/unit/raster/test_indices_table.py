"""Formulas of the vegetation indices, against values worked out by hand and against numpy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from aerodag.errors import ConfigError
from aerodag.raster.indices.expression import LETTERS, evaluate, needs
from aerodag.raster.indices.layer import values_of
from aerodag.raster.indices.table import INDICES, LIMIT_SPECTRA, TABLE, Index, select
from aerodag.raster.kinds import Meaning

# One canopy: B 0.04, G 0.10, R 0.05, red edge 0.25, NIR 0.45.
CANOPY = {"B": 0.04, "G": 0.10, "R": 0.05, "E": 0.25, "N": 0.45}
BY_HAND = {
    "ndvi": 0.40 / 0.50,
    "savi": 1.5 * 0.40 / 1.00,
    "gndvi": 0.35 / 0.55,
    "ndre": 0.20 / 0.70,
    "osavi": 0.40 / 0.66,
    "evi": 2.5 * 0.40 / (0.45 + 0.30 - 0.30 + 1),
    "vari": 0.05 / 0.11,
    "exg": 0.11 / 0.19,
    "gli": 0.11 / 0.29,
}
HALF_STEP = 2.0**-16


def pixels(**letters: float | list[float]) -> dict[Meaning, np.ndarray]:
    return {LETTERS[name]: np.atleast_1d(np.asarray(value, dtype=np.float32)) for name, value in letters.items()}


def value(index: str, **letters: float) -> float:
    return float(values_of(INDICES[index], pixels(**letters))[0])


@pytest.mark.parametrize(("name", "expected"), BY_HAND.items())
def test_a_canopy_by_hand(name: str, expected: float) -> None:
    assert value(name, **CANOPY) == pytest.approx(expected, abs=HALF_STEP + 1e-6)


def test_visible_ndvi_by_hand() -> None:
    expected = 0.5268 / math.exp(0.1294 * math.log(60)) * math.exp(0.3389 * math.log(100) - 0.3118 * math.log(40))
    assert value("vndvi", R=60, G=100, B=40) == pytest.approx(expected, abs=HALF_STEP + 1e-6)
    assert expected == pytest.approx(0.46755, abs=1e-5)


def test_the_ten_that_are_promised() -> None:
    assert set(INDICES) == {"ndvi", "savi", "gndvi", "ndre", "osavi", "evi", "vari", "exg", "gli", "vndvi"}
    assert all(index.source and index.limits_source and index.title for index in TABLE)


@pytest.mark.parametrize("index", TABLE, ids=lambda index: index.name)
def test_class_limits_are_the_values_at_the_limits_of_ndvi(index: Index) -> None:
    spectra = LIMIT_SPECTRA
    if index.name == "vndvi":  # a camera's 8-bit colours are sRGB
        spectra = tuple({band: 255 * (1.055 * v ** (1 / 2.4) - 0.055) for band, v in s.items()} for s in spectra)
    found = [evaluate(index.formula, {band: np.float32(v) for band, v in s.items()}) for s in spectra]  # type: ignore[misc]
    assert index.limits == pytest.approx([float(v) for v in found], abs=0.0055)
    assert list(index.limits) == sorted(index.limits)
    assert index.valid[0] <= index.shown[0] < index.limits[0] < index.limits[-1] < index.shown[1] <= index.valid[1]


def test_needed_bands_come_from_the_formula() -> None:
    assert needs("(N - R) / (N + R)") == (Meaning.RED, Meaning.NIR)
    assert INDICES["evi"].bands == (Meaning.BLUE, Meaning.RED, Meaning.NIR)
    assert INDICES["ndre"].bands == (Meaning.RED_EDGE, Meaning.NIR)
    rgb = [index.name for index in TABLE if set(index.bands) <= {Meaning.RED, Meaning.GREEN, Meaning.BLUE}]
    assert rgb == ["vari", "exg", "gli", "vndvi"]


@pytest.mark.parametrize("formula", ["__import__('os')", "R.real", "R if G else B", "R % G", "X + 1", "'a' + R"])
def test_only_arithmetic_is_a_formula(formula: str) -> None:
    with pytest.raises(ValueError, match="not part of a formula"):
        evaluate(formula, pixels(R=1, G=1, B=1))


@pytest.mark.parametrize(
    ("name", "letters"),
    [
        ("ndvi", {"N": 0.0, "R": 0.0}),
        ("ndvi", {"N": math.nan, "R": 0.1}),
        ("ndvi", {"N": math.inf, "R": 0.1}),
        ("vari", {"G": 0.1, "R": 0.1, "B": 0.2}),  # denominator 0
        ("vari", {"G": 0.1, "R": 0.1, "B": 0.3}),  # negative denominator
        ("vari", {"G": 100, "R": 90, "B": 185}),  # 2: a blue roof
        ("evi", {"N": 0.3, "R": 0.1, "B": 0.2533333}),  # 1 + 0.9 - 1.9
        ("evi", {"N": 0.3, "R": 0.1, "B": 0.5}),
        ("vndvi", {"R": 0, "G": 10, "B": 10}),  # 0 to a negative power
        ("vndvi", {"R": 10, "G": 10, "B": -1}),
        ("exg", {"R": 0, "G": 0, "B": 0}),
    ],
)
def test_no_value_is_nan_and_never_infinite(name: str, letters: dict[str, float]) -> None:
    assert math.isnan(value(name, **letters))


def test_extremes_of_the_range_are_values() -> None:
    assert value("ndvi", N=0.3, R=0) == 1
    assert value("ndvi", N=0, R=0.3) == -1
    assert value("exg", R=0, G=9, B=0) == 2
    assert value("exg", R=9, G=0, B=0) == -1
    assert value("evi", N=1, R=0, B=0) == 1.25


def test_excess_green_is_of_chromatic_coordinates() -> None:
    r, g, b = (channel / (37 + 80 + 41) for channel in (37, 80, 41))
    assert value("exg", R=37, G=80, B=41) == pytest.approx(2 * g - r - b, abs=HALF_STEP + 1e-6)
    for scale in (1, 257, 1 / 255):
        assert value("exg", R=37 * scale, G=80 * scale, B=41 * scale) == value("exg", R=37, G=80, B=41)


def test_select() -> None:
    assert select(None) == TABLE
    assert [index.name for index in select([" EVI", "ndvi", "evi"])] == ["evi", "ndvi"]
    with pytest.raises(ConfigError, match="no vegetation index msavi") as caught:
        select(["ndvi", "msavi"])
    assert caught.value.code == "raster.unknown_index"
    assert "ndvi, savi" in caught.value.advice
