"""Which indices a raster allows, and the reason where it does not allow one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from rasterio.enums import ColorInterp

from aerodag.raster.examining.classify import classify
from aerodag.raster.indices import INDICES, Numbers, compute
from aerodag.raster.indices.calibration import calibration_of
from samples.rasters import RGB, RGBA, ground, save

Array = npt.NDArray[Any]
VISIBLE = {"vari", "exg", "gli"}
NEEDS_NIR = {"ndvi", "savi", "gndvi", "osavi", "evi"}
FIVE = ["Blue", "Green", "Red", "Red edge", "NIR"]


def fields(count: int, dtype: str = "uint8", factor: float = 255) -> Array:
    """Bands that grow brighter with their number, valid everywhere, with some texture."""
    light = np.linspace(0.1, 0.4, count)[:, None, None] * np.random.default_rng(0).uniform(0.8, 1.2, (count, 90, 80))
    return np.asarray(light * factor).astype(dtype)


def named(path: Path, values: Array, names: list[str] | None, **options: Any) -> Path:
    save(path, values, **options)
    with rasterio.open(path, "r+") as dataset:
        for number, name in enumerate(names or [], 1):
            dataset.set_band_description(number, name)
    return path


def reasons(source: Path) -> dict[str, str | None]:
    result = compute(source, source.parent / "out")
    for entry in result.results:
        files = [entry.path, entry.preview]
        if entry.reason is None:
            assert all(path is not None and path.is_file() for path in files)
        else:
            assert files == [None, None]
            assert (entry.statistics, entry.classes, entry.cells) == (None, (), ())
    names = {path.stem for path in (source.parent / "out").iterdir()}
    assert names == {entry.name for entry in result.results if entry.reason is None}
    return {entry.name: entry.reason for entry in result.results}


def possible(found: dict[str, str | None]) -> set[str]:
    return {name for name, reason in found.items() if reason is None}


@pytest.mark.parametrize("colours", [RGB, RGBA], ids=["rgb", "rgba"])
def test_colours_of_a_camera(tmp_path: Path, colours: list[ColorInterp]) -> None:
    values = np.concatenate([ground(80), np.full((len(colours) - 3, 80, 80), 255, dtype=np.uint8)])
    found = reasons(save(tmp_path / "x.tif", values, colours, photometric="RGB"))
    assert possible(found) == VISIBLE | {"vndvi"}
    assert {found[name] for name in NEEDS_NIR} == {"needs nir; the raster has red, green, blue"}
    assert found["ndre"] == "needs red_edge, nir; the raster has red, green, blue"


@pytest.mark.parametrize(
    ("values", "options", "present"),
    [
        (fields(1), {}, "grey"),
        (fields(1, "float32", 900.0), {"nodata": -9999.0}, "elevation"),
        (fields(5, "uint16", 20_000), {"photometric": "MINISBLACK"}, "unknown"),
    ],
    ids=["grey", "dem", "five bands nobody named"],
)
def test_bands_of_another_meaning(tmp_path: Path, values: Array, options: dict[str, Any], present: str) -> None:
    found = reasons(save(tmp_path / "x.tif", values, **options))
    assert possible(found) == set()
    assert found["ndvi"] is not None
    assert found["ndvi"].startswith("needs red, nir; the raster has ")
    assert present in found["ndvi"]


def test_a_palette_has_no_bands_of_light(tmp_path: Path) -> None:
    source = save(tmp_path / "x.tif", fields(1) % 4, [ColorInterp.palette], photometric="palette")
    with rasterio.open(source, "r+") as dataset:
        dataset.write_colormap(1, {0: (0, 0, 0, 255), 1: (200, 30, 30, 255), 2: (30, 200, 30, 255), 3: (9, 9, 90, 255)})
    found = reasons(source)
    assert possible(found) == set()
    assert found["gli"] == "needs blue, green, red; the raster has palette"


@pytest.mark.parametrize(
    ("names", "dtype", "factor", "expected"),
    [
        (["Blue", "Green", "Red", "NIR"], "uint8", 255, {"ndvi", "gndvi", "vndvi", *VISIBLE}),
        (["Green", "Red", "Red edge", "NIR"], "uint16", 20_000, {"ndvi", "gndvi", "ndre"}),
        (FIVE, "uint16", 20_000, {"ndvi", "gndvi", "ndre", *VISIBLE}),
        (FIVE, "float32", 1.0, set(INDICES) - {"vndvi"}),
        (FIVE, "float32", 65_535.0, {"ndvi", "gndvi", "ndre", *VISIBLE}),
        (FIVE, "float32", 1e-5, {"ndvi", "gndvi", "ndre", *VISIBLE}),
        (["Green", "Red", "Red edge", "NIR"], "float32", 1.0, {"ndvi", "gndvi", "ndre", "savi", "osavi"}),
    ],
)
def test_bands_with_names(tmp_path: Path, names: list[str], dtype: str, factor: float, expected: set[str]) -> None:
    options = {"photometric": "MINISBLACK"}
    found = reasons(named(tmp_path / "x.tif", fields(len(names), dtype, factor), names, **options))
    assert possible(found) == expected
    if dtype == "uint16":
        assert found["savi"] == "needs reflectance (0 to 1); the raster holds uint16 numbers without a scale"


@pytest.mark.parametrize(
    ("dtype", "factor", "scale", "numbers"),
    [
        ("uint8", 255, 1.0, Numbers.BYTES),
        ("uint8", 255, 1 / 255, Numbers.REFLECTANCE),
        ("uint16", 10_000, 1.0, Numbers.UNCALIBRATED),
        ("uint16", 32_768, 1 / 32_768, Numbers.REFLECTANCE),
        ("uint16", 10_000, 0.01, Numbers.UNCALIBRATED),
        ("int16", 10_000, 1e-4, Numbers.REFLECTANCE),
        ("float32", 1.0, 1.0, Numbers.REFLECTANCE),
        ("float64", 1.0, 1.0, Numbers.REFLECTANCE),
        ("float32", 100.0, 1.0, Numbers.UNCALIBRATED),
        ("float32", 1e-5, 1.0, Numbers.UNCALIBRATED),
    ],
)
def test_what_the_numbers_are(tmp_path: Path, dtype: str, factor: float, scale: float, numbers: Numbers) -> None:
    source = named(tmp_path / "x.tif", fields(5, dtype, factor), FIVE, photometric="MINISBLACK")
    with rasterio.open(source, "r+") as dataset:
        dataset.scales = (scale,) * 5
    with rasterio.open(source) as dataset:
        found = calibration_of(dataset, classify(dataset))
    assert found.numbers is numbers
    assert found.scales == ((scale, 0.0),) * 5


def test_nothing_but_nodata(tmp_path: Path) -> None:
    source = named(tmp_path / "x.tif", np.full((5, 60, 60), -1, dtype=np.float32), FIVE, nodata=-1.0)
    found = reasons(source)
    assert possible(found) == set()
    assert found["ndvi"] == "the raster holds no valid pixel"


def test_colours_outside_of_an_index(tmp_path: Path) -> None:
    values = np.array([50, 50, 200], dtype=np.uint8)[:, None, None] * np.ones((1, 60, 60), dtype=np.uint8)
    found = reasons(save(tmp_path / "x.tif", values, RGB, photometric="RGB"))
    assert found["vari"] == "no valid pixel has a value"
    assert found["gli"] is None


def test_nodata_of_one_band_alone(tmp_path: Path) -> None:
    values = fields(5, "uint16", 20_000)
    values[4, :30], values[:, 60:] = 0, 0
    source = named(tmp_path / "x.tif", values, FIVE, nodata=0, photometric="MINISBLACK")
    ndvi, gli = compute(source, tmp_path, ["ndvi", "gli"]).results
    assert ndvi.statistics is not None
    assert gli.statistics is not None
    assert (ndvi.statistics.count, gli.statistics.count) == (30 * 80, 60 * 80)
    assert "50.0% of the valid pixels have no value" in (ndvi.note or "")


def test_an_undeclared_collar_is_left_out(tmp_path: Path) -> None:
    values = np.full((3, 700, 700), 255, dtype=np.uint8)
    values[:, 100:600, 100:600] = ground(500)
    values[:, 300:310, 300:310] = 255  # a white roof is no collar
    (entry,) = compute(save(tmp_path / "x.tif", values, RGB, photometric="RGB"), tmp_path, ["gli"]).results
    assert entry.statistics is not None
    assert entry.statistics.count == 500 * 500
