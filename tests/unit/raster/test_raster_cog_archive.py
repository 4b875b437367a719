"""The lossless COG: every kind of raster comes back as it was, in the form GDAL itself would have given it."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import Affine, from_origin
from rasterio.windows import Window

from aerodag.errors import ConfigError, DataError
from aerodag.raster.cog import ARCHIVE, ARCHIVE_DEFLATE, CogProfile, archive_profile, make_cog
from samples.rasters import DATA, RGB, RGBA, Array, disc, ground, needs_data, read, save, save_rgba

SMALL = 700
VALIDATOR = Path("/usr/lib/python3/dist-packages/osgeo_utils/samples/validate_cloud_optimized_geotiff.py")
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")


@pytest.fixture(scope="module")
def rgba(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_rgba(tmp_path_factory.mktemp("rasters") / "odm_orthophoto.tif")


def same(before: Array, after: Array) -> bool:
    return np.array_equal(before, after, equal_nan=before.dtype.kind in "fc")


def values_of(dtype: str, bands: int) -> Array:
    """Values that use the type's whole width, in stripes and smooth parts."""
    kind = np.dtype(dtype)
    smooth = np.resize(ground(SMALL), (bands, SMALL, SMALL)).astype(np.float64)
    if kind.kind in "fc":
        return ((smooth - 130.5) * 1234.567).astype(kind)
    limits = np.iinfo(kind)
    share = (smooth - 60) / 140
    result = (share * (float(limits.max) / 2 - float(limits.min) / 2) + float(limits.min) / 2).astype(kind)
    result[:, 5, :7] = limits.max
    result[:, 6, :7] = limits.min
    return np.asarray(result)


@pytest.mark.parametrize("profile", [ARCHIVE, ARCHIVE_DEFLATE], ids=lambda profile: profile.compress)
@pytest.mark.parametrize("bands", [1, 5])
@pytest.mark.parametrize("nodata", [None, 0, 77])
@pytest.mark.parametrize(
    "dtype", ["uint8", "int8", "uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"]
)
def test_values_come_back(tmp_path: Path, dtype: str, bands: int, nodata: float | None, profile: CogProfile) -> None:
    values = values_of(dtype, bands)
    if nodata is not None:
        values[:, :300] = nodata
    report = make_cog(save(tmp_path / "a.tif", values, nodata=nodata), tmp_path / "b.tif", profile)
    assert same(values, read(report.path))
    assert report.largest_mean_error == 0
    assert report.pixels_compared > 0
    with rasterio.open(report.path) as dataset:
        assert (dataset.nodata, dataset.dtypes, dataset.compression.value) == (
            nodata,
            (dtype,) * bands,
            {"ZSTD": "ZSTD", "DEFLATE": "DEFLATE"}[profile.compress],
        )
        assert dataset.tags(ns="IMAGE_STRUCTURE").get("PREDICTOR") == ("3" if dtype.startswith("float") else "2")


def test_complex_numbers_come_back(tmp_path: Path) -> None:
    values = values_of("complex64", 1) * np.complex64(1 + 2j)
    assert same(values, read(make_cog(save(tmp_path / "a.tif", values), tmp_path / "b.tif").path))


@pytest.mark.parametrize("nodata", [None, float("nan"), -9999.0])
def test_heights_with_holes_come_back(tmp_path: Path, nodata: float | None) -> None:
    heights = ground()[:1].astype(np.float32) + np.float32(0.123)
    heights[0, :200] = np.nan
    heights[0, 300:600] = -9999
    heights[0, 650, 650] = np.inf
    report = make_cog(save(tmp_path / "a.tif", heights, nodata=nodata), tmp_path / "b.tif")
    assert same(heights, read(report.path))


@pytest.mark.parametrize("profile", [ARCHIVE, ARCHIVE_DEFLATE], ids=lambda profile: profile.compress)
def test_colours_under_transparency_and_half_tones_come_back(rgba: Path, tmp_path: Path, profile: CogProfile) -> None:
    values = read(rgba)
    values[3, 400:600] = 130
    values[:3, :50] = 99
    source = save(tmp_path / "a.tif", values, RGBA, photometric="RGB")
    report = make_cog(source, tmp_path / "cogs" / "x.tif", profile)
    assert same(values, read(report.path))
    assert (report.bytes, report.overviews) == (report.path.stat().st_size, (2, 4))
    with rasterio.open(report.path) as dataset:
        assert dataset.block_shapes[0] == (512, 512)
        assert dataset.colorinterp == tuple(RGBA)
    assert [file.name for file in report.path.parent.iterdir()] == ["x.tif"]


def test_a_mask_is_kept(tmp_path: Path) -> None:
    inside = disc()
    values = ground() * inside
    source = save(tmp_path / "a.tif", values, RGB, mask=inside, photometric="RGB")
    with rasterio.open(make_cog(source, tmp_path / "b.tif").path) as dataset:
        assert same(values, dataset.read())
        assert ((dataset.dataset_mask() > 0) == inside).all()


def test_what_values_mean_is_kept(tmp_path: Path) -> None:
    source = save(tmp_path / "a.tif", values_of("uint16", 5), tiled=True)
    with rasterio.open(source, "r+") as dataset:
        dataset.descriptions = ("Blue", "Green", "Red", "Rededge", "NIR")
        dataset.scales, dataset.offsets = (1e-4,) * 5, (0.0, -0.1, 0.0, 0.0, 0.5)
        dataset.units = ("reflectance",) * 5
        dataset.update_tags(TIFFTAG_SOFTWARE="ODM 3.6.0", flight="A")
        dataset.update_tags(5, wavelength_nm="842")
    with rasterio.open(make_cog(source, tmp_path / "b.tif").path) as dataset:
        assert dataset.descriptions == ("Blue", "Green", "Red", "Rededge", "NIR")
        assert (dataset.scales, dataset.offsets) == ((1e-4,) * 5, (0.0, -0.1, 0.0, 0.0, 0.5))
        assert dataset.units == ("reflectance",) * 5
        assert dataset.tags().items() >= {"TIFFTAG_SOFTWARE": "ODM 3.6.0", "flight": "A"}.items()
        assert dataset.tags(5)["wavelength_nm"] == "842"


def test_classes_are_not_averaged(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    values = np.kron(rng.choice([1, 7, 200], (1, 130, 130)), np.ones((1, 10, 10))).astype(np.uint8)
    colours = {1: (10, 20, 30, 255), 7: (200, 100, 50, 255), 200: (1, 2, 3, 255)}
    source = save(tmp_path / "a.tif", values, photometric="palette")
    with rasterio.open(source, "r+") as dataset:
        dataset.write_colormap(1, colours)
    path = make_cog(source, tmp_path / "b.tif").path
    assert same(values, read(path))
    with rasterio.open(path, OVERVIEW_LEVEL=0) as overview:
        assert overview.colorinterp == (ColorInterp.palette,)
        assert {value: overview.colormap(1)[value] for value in colours} == colours
        assert set(np.unique(overview.read())) == {1, 7, 200}


@pytest.mark.parametrize("shape", [(1, 1), (51, 51), (512, 512), (513, 511), (3, 2000), (1025, 2), (1023, 1535)])
def test_any_size(tmp_path: Path, shape: tuple[int, int]) -> None:
    values = np.resize(ground(), (3, *shape))
    report = make_cog(save(tmp_path / "a.tif", values), tmp_path / "b.tif")
    assert same(values, read(report.path))
    assert len(report.overviews) == sum(max(shape) > 512 << level for level in range(4))


@pytest.mark.parametrize(
    "layout",
    [
        {"blockysize": 1},
        {"blockysize": 700},
        {"tiled": True, "blockxsize": 16, "blockysize": 16, "interleave": "band", "compress": "lzw"},
        {"bigtiff": "yes", "compress": "packbits"},
        {"transform": Affine(0.04, 0.03, 576_000, 0.03, -0.04, 5_188_000)},
        {"transform": Affine(0.05, 0, 576_000, 0, 0.05, 5_188_000)},
        {"crs": "EPSG:4326", "transform": from_origin(-92, 46.85, 1e-6, 1e-6)},
        {"crs": "EPSG:32615+5703"},
    ],
)
def test_any_layout_and_placement(tmp_path: Path, layout: dict[str, Any]) -> None:
    source = save(tmp_path / "a.tif", ground(SMALL), **layout)
    report = make_cog(source, tmp_path / "b.tif")
    with rasterio.open(source) as before, rasterio.open(report.path) as after:
        assert (after.crs, after.transform) == (before.crs, before.transform)
    assert same(ground(SMALL), read(report.path))


def test_empty_tiles_take_no_room(tmp_path: Path) -> None:
    side = 8_000
    source = tmp_path / "a.tif"
    options = {"driver": "GTiff", "tiled": True, "compress": "deflate", "sparse_ok": True, "photometric": "RGB"}
    place = {"crs": "EPSG:32615", "transform": from_origin(576_000, 5_188_000, 0.05, 0.05)}
    with rasterio.open(source, "w", width=side, height=side, count=4, dtype="uint8", **options, **place) as out:
        out.colorinterp = RGBA
        out.write(np.full((4, 300, 300), 255, dtype=np.uint8), window=Window(4_500, 3_300, 300, 300))
    report = make_cog(source, tmp_path / "b.tif")
    assert report.bytes < 200_000
    assert report.pixels_compared > 0
    with rasterio.open(report.path) as dataset:
        assert dataset.get_tag_item("BLOCK_OFFSET_0_0", "TIFF", bidx=1) is None
        assert dataset.read(window=Window(4_500, 3_300, 300, 300)).min() == 255


def test_overviews_do_not_darken_at_the_border(rgba: Path, tmp_path: Path) -> None:
    report = make_cog(rgba, tmp_path / "x.tif")
    with rasterio.open(report.path, OVERVIEW_LEVEL=1) as top:
        values = top.read()
    assert values[:3, values[3] > 0].min() > 50


@pytest.mark.skipif(shutil.which("gdal_translate") is None, reason="GDAL's command line is not installed")
@pytest.mark.parametrize("profile", [ARCHIVE, ARCHIVE_DEFLATE], ids=lambda profile: profile.compress)
def test_the_command_line_makes_the_same_pixels(rgba: Path, tmp_path: Path, profile: CogProfile) -> None:
    options = [f"{name}={value}" for name, value in profile.options().items()]
    peer = tmp_path / "peer.tif"
    command = ["gdal_translate", "-q", "-of", "COG", *(word for option in options for word in ("-co", option))]
    subprocess.run([*command, str(rgba), str(peer)], check=True)
    ours = make_cog(rgba, tmp_path / "ours.tif", profile)
    assert same(read(peer), read(ours.path))
    for level in range(len(ours.overviews)):
        with (
            rasterio.open(peer, OVERVIEW_LEVEL=level) as theirs,
            rasterio.open(ours.path, OVERVIEW_LEVEL=level) as own,
        ):
            assert (theirs.width, theirs.height) == (own.width, own.height)
            assert np.abs(theirs.read().astype(int) - own.read()).max() <= 1


@pytest.mark.skipif(not VALIDATOR.exists(), reason="GDAL's own validator is not installed")
def test_the_validator_of_gdal_agrees(rgba: Path, tmp_path: Path) -> None:
    path = make_cog(rgba, tmp_path / "x.tif", ARCHIVE_DEFLATE).path
    command = ["/usr/bin/python3", str(VALIDATOR), "--full-check=yes", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert "is a valid cloud optimized GeoTIFF" in done.stdout


def test_lossless_means_the_native_grid() -> None:
    with pytest.raises(ConfigError) as caught:
        CogProfile("archive", "ZSTD", grid="web_mercator")
    assert caught.value.code == "raster.cog_profile"


@needs_data
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_every_real_raster_comes_back_or_is_refused(tmp_path: Path) -> None:
    sources = [*(DATA / "geotiff").rglob("*.tif"), *(DATA / "odm_outputs").rglob("*.tif")]
    made = 0
    for source in sources:
        try:
            report = make_cog(source, tmp_path / f"{source.stem}.tif", archive_profile())
        except DataError:
            continue
        made += 1
        assert same(read(source), read(report.path)), source
    assert made >= 10
