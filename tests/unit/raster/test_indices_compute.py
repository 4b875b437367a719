"""Vegetation indices of whole rasters against an independent evaluation in numpy, and against GDAL's calculator."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from PIL import Image
from rasterio.transform import from_origin
from rio_cogeo.cogeo import cog_validate

from aerodag.errors import DataError
from aerodag.raster.indices import INDICES, IndexResult, Numbers, compute, reading
from aerodag.raster.indices.statistics import PERCENTILES
from samples.rasters import DATA, PLACE, RGB, RGBA, UTM, code_of, disc, ground, needs_data, save

Array = npt.NDArray[Any]
BANDS = ("Blue", "Green", "Red", "Red edge", "NIR")
SIDE = 1100
STEP = 2.0**-15


def reflectances(side: int = SIDE, seed: int = 5) -> Array:
    """Five bands (blue, green, red, red edge, near infrared) of a rough field, float32."""
    rng = np.random.default_rng(seed)
    rows, columns = np.mgrid[0:side, 0:side] / side
    cover = 0.5 + 0.45 * np.sin(7 * rows) * np.cos(5 * columns)
    noise = rng.uniform(0.85, 1.15, (5, side, side))
    soil, canopy = np.array([0.10, 0.13, 0.18, 0.195, 0.22]), np.array([0.04, 0.10, 0.05, 0.25, 0.50])
    mixed = soil[:, None, None] * (1 - cover) + canopy[:, None, None] * cover
    return np.asarray(mixed * noise, dtype=np.float32)


def multispectral(path: Path, values: Array, names: tuple[str, ...] = BANDS, **options: Any) -> Path:
    save(path, values, **options)
    with rasterio.open(path, "r+") as dataset:
        for number, name in enumerate(names, 1):
            dataset.set_band_description(number, name)
    return path


def in_numpy(name: str, bands: Array) -> Array:
    """The formulas once more, in double precision and written down apart from the table."""
    b, g, r, e, n = bands.astype(np.float64)
    with np.errstate(all="ignore"):
        return np.asarray({
            "ndvi": (n - r) / (n + r),
            "savi": (n - r) / (n + r + 0.5) * (1 + 0.5),
            "gndvi": (n - g) / (n + g),
            "ndre": (n - e) / (n + e),
            "osavi": (n - r) / (n + r + 0.16),
            "evi": 2.5 * (n - r) / (n + 6 * r - 7.5 * b + 1),
            "vari": (g - r) / (g + r - b),
            "exg": 2 * g / (r + g + b) - r / (r + g + b) - b / (r + g + b),
            "gli": ((g - r) + (g - b)) / (2 * g + r + b),
            "vndvi": 0.5268 * np.exp(-0.1294 * np.log(r) + 0.3389 * np.log(g) - 0.3118 * np.log(b)),
        }[name])  # fmt: skip


def written(result: IndexResult) -> Array:
    assert result.path is not None, result.reason
    with rasterio.open(result.path) as dataset:
        return np.asarray(dataset.read(1))


def check(result: IndexResult, expected: Array, valid: Array) -> None:
    """Every pixel of the raster, then every number of the statistics over the whole of it."""
    found = written(result)
    assert np.array_equal(np.isfinite(found), valid), result.name
    assert np.abs(found[valid] - expected[valid]).max() <= STEP / 2 + 1e-6, result.name
    values, statistics = found[valid].astype(np.float64), result.statistics
    assert statistics is not None
    assert (statistics.count, statistics.min, statistics.max) == (values.size, values.min(), values.max())
    assert statistics.mean == pytest.approx(values.mean(), abs=1e-6)
    assert statistics.std == pytest.approx(values.std(), abs=1e-6)
    assert list(statistics.percentiles.values()) == pytest.approx(np.percentile(values, PERCENTILES).tolist(), abs=1e-3)
    limits = np.array([-np.inf, *INDICES[result.name].limits, np.inf], dtype=np.float32)
    shares = np.histogram(found[valid], limits)[0] / values.size
    assert [area.share for area in result.classes] == pytest.approx(shares.tolist())


def test_reflectance_in_every_index(tmp_path: Path) -> None:
    values, inside = reflectances(), disc(SIDE)
    values[:, ~inside] = np.nan
    source = multispectral(
        tmp_path / "reflectance.tif", values, nodata=np.nan, tiled=True, blockxsize=256, blockysize=256
    )
    result = compute(source, tmp_path / "out")
    assert result.numbers is Numbers.REFLECTANCE
    assert [entry.name for entry in result.results] == list(INDICES)
    for entry in result.results[:-1]:
        assert (entry.reason, entry.note) == (None, None)
        check(entry, in_numpy(entry.name, values), inside)
        area = np.count_nonzero(inside) * 0.05**2
        assert sum(part.area_m2 for part in entry.classes) == pytest.approx(area, rel=1e-3)
    assert result.results[-1].name == "vndvi"
    assert "needs 8-bit camera colours" in (result.results[-1].reason or "")
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == sorted(
        f"{entry.name}{suffix}" for entry in result.results[:-1] for suffix in (".tif", ".webp")
    )


def test_an_orthophoto_of_bytes(tmp_path: Path) -> None:
    inside = disc(SIDE)
    colours = np.random.default_rng(1).integers(0, 256, (3, SIDE, SIDE), dtype=np.uint8)
    alpha = (inside * np.uint8(255))[np.newaxis]
    source = save(tmp_path / "rgba.tif", np.concatenate([colours * inside, alpha]), RGBA, photometric="RGB")
    result = compute(source, tmp_path, ["gli", "exg", "vari", "vndvi"])
    assert [entry.name for entry in result.results] == ["gli", "exg", "vari", "vndvi"]
    red, green, blue = colours.astype(int)
    sums = {"gli": red + green + blue, "exg": red + green + blue, "vari": green + red - blue}
    bands = np.stack([blue, green, red, red, red])
    for entry in result.results:
        expected = in_numpy(entry.name, bands)
        low, high = INDICES[entry.name].valid
        possible = sums[entry.name] > 0 if entry.name in sums else (red > 0) & (blue > 0)
        with np.errstate(invalid="ignore"):
            check(entry, expected, inside & possible & (expected >= low) & (expected <= high))
        assert "uncalibrated (8-bit colours)" in (entry.note or "")


def test_scale_and_offset_of_the_bands_are_applied(tmp_path: Path) -> None:
    light = reflectances(400)
    numbers = np.round((light + 0.1) * 10_000).astype(np.uint16)
    source = multispectral(tmp_path / "scaled.tif", numbers)
    with rasterio.open(source, "r+") as dataset:
        dataset.scales, dataset.offsets = (1e-4,) * 5, (-0.1,) * 5
    result = compute(source, tmp_path, ["ndvi", "savi"])
    assert result.numbers is Numbers.REFLECTANCE
    for entry in result.results:
        found = written(entry)
        assert np.abs(found - in_numpy(entry.name, numbers * 1e-4 - 0.1)).max() < STEP
        assert entry.note is None


@pytest.mark.parametrize(
    "layout",
    [
        {},
        {"tiled": True, "blockxsize": 64, "blockysize": 128},
        {"interleave": "band", "compress": "deflate"},
        {"tiled": True, "blockxsize": 512, "blockysize": 512, "interleave": "pixel", "compress": "lzw"},
    ],
    ids=["strips", "tiles", "bands", "pixels"],
)
@pytest.mark.parametrize("window", [1, 1 << 20])
def test_windows_and_layout_change_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, layout: dict[str, Any], window: int
) -> None:
    values, inside = reflectances(1100), disc(1100)
    values[:, ~inside] = np.nan
    expected = compute(multispectral(tmp_path / "a.tif", values, nodata=np.nan), tmp_path / "a", ["ndvi"]).results[0]
    monkeypatch.setattr(reading, "BLOCK", 192 if window == 1 else 512)
    monkeypatch.setattr(reading, "WINDOW_PIXELS", window)
    source = multispectral(tmp_path / "b.tif", values, nodata=np.nan, **layout)
    found = compute(source, tmp_path / "b", ["ndvi"]).results[0]
    assert np.array_equal(written(found), written(expected), equal_nan=True)
    assert found.classes == expected.classes
    assert found.statistics is not None
    assert expected.statistics is not None
    assert found.statistics.percentiles == expected.statistics.percentiles
    assert [cell.mean for cell in found.cells] == pytest.approx([cell.mean for cell in expected.cells])
    assert [cell.footprint for cell in found.cells] == [cell.footprint for cell in expected.cells]


def test_the_raster_is_a_cog_that_says_what_it_is(tmp_path: Path) -> None:
    source = multispectral(tmp_path / "m.tif", reflectances())
    (entry,) = compute(source, tmp_path / "out", ["evi"]).results
    assert entry.path is not None
    assert cog_validate(entry.path, strict=True, quiet=True)[0]
    with rasterio.open(source) as before, rasterio.open(entry.path) as after:
        assert (after.count, after.dtypes, after.crs, after.transform) == (
            1,
            ("float32",),
            before.crs,
            before.transform,
        )
        assert after.shape == before.shape
        assert np.isnan(after.nodata)
        assert after.descriptions == ("EVI",)
        tags = after.tags()
        assert tags["FORMULA"] == "2.5 * (N - R) / (N + 6 * R - 7.5 * B + 1)"
        assert tags["BANDS"] == "blue = band 1, red = band 3, nir = band 5"
        assert "Huete" in tags["SOURCE"]
        assert tags["NUMBERS"].startswith("reflectance: ")


def test_the_preview_is_transparent_where_nothing_is(tmp_path: Path) -> None:
    inside = disc(800)
    values = np.where(inside, 0.2, 0).astype(np.float32) * np.ones((5, 1, 1), dtype=np.float32)
    values[4, :, :400], values[4, :, 400:] = 0.2, 0.9
    alpha = np.where(inside, 1, np.nan).astype(np.float32)
    source = multispectral(tmp_path / "m.tif", values * alpha, nodata=np.nan)
    (entry,) = compute(source, tmp_path, ["ndvi"]).results
    assert entry.preview is not None
    picture = np.asarray(Image.open(entry.preview).convert("RGBA")).astype(int)
    assert picture.shape == (800, 800, 4)
    assert np.array_equal(picture[..., 3] > 0, inside)
    poor, rich = picture[400, 200, :3], picture[400, 600, :3]
    assert poor[0] > 200 > 100 > poor[1], "NDVI 0 is red on the scale of -0.2 to 1"
    assert rich[1] > rich[0] + 30, "0.64 is green"


@pytest.mark.parametrize(
    ("crs", "transform", "pixel"),
    [
        ("EPSG:3857", from_origin(-10_241_000.0, 5_916_000.0, 0.1, 0.1), 0.1**2 * np.cos(np.radians(46.85)) ** 2),
        ("EPSG:2264", from_origin(1_400_000.0, 600_000.0, 0.5, 0.5), (0.5 * 1200 / 3937) ** 2),
        (UTM, PLACE @ rasterio.Affine.rotation(30), 0.05**2),
    ],
)
def test_areas_are_true_in_every_crs(tmp_path: Path, crs: str, transform: rasterio.Affine, pixel: float) -> None:
    source = save(tmp_path / "x.tif", ground(200), RGB, crs=crs, transform=transform)
    (entry,) = compute(source, tmp_path, ["gli"]).results
    assert sum(area.area_m2 for area in entry.classes) == pytest.approx(200 * 200 * pixel, rel=0.005)


def test_a_raster_without_a_place_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        compute(save(tmp_path / "x.tif", ground(50), RGB, crs=None), tmp_path)
    assert code_of(caught) == "raster.no_crs"


@pytest.mark.skipif(shutil.which("gdal_calc.py") is None, reason="gdal_calc.py is not installed")
@pytest.mark.parametrize("name", ["ndvi", "evi"])
def test_agreement_with_gdal_calc(tmp_path: Path, name: str) -> None:
    source = multispectral(tmp_path / "m.tif", reflectances(700))
    (entry,) = compute(source, tmp_path / "out", [name]).results
    target = tmp_path / "gdal.tif"
    bands = ["-A", source, "--A_band=1", "-B", source, "--B_band=3", "-C", source, "--C_band=5"]
    formula = {"ndvi": "(C-B)/(C+B)", "evi": "2.5*(C-B)/(C+6*B-7.5*A+1)"}[name]
    command = [
        "gdal_calc.py",
        *map(str, bands),
        f"--calc={formula}",
        f"--outfile={target}",
        "--type=Float32",
        "--quiet",
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode != 0 and "ModuleNotFoundError" in done.stderr:
        pytest.skip("gdal_calc.py lacks its Python bindings")
    assert done.returncode == 0, done.stderr
    with rasterio.open(target) as dataset:
        assert np.abs(dataset.read(1) - written(entry)).max() <= STEP / 2 + 1e-6


@needs_data
def test_a_real_orthophoto(tmp_path: Path) -> None:
    source = DATA / "odm_outputs" / "nodeodm_fixture" / "odm_orthophoto" / "odm_orthophoto.tif"
    with rasterio.open(source) as dataset:
        red, green, blue, alpha = dataset.read()
    result = compute(source, tmp_path, ["gli"])
    bands = np.stack([blue, green, red, red, red]).astype(int)
    check(result.results[0], in_numpy("gli", bands), (alpha > 0) & (bands.sum(axis=0) > 0))
