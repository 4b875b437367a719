"""Thumbnails of every kind of raster, looked at pixel by pixel and against GDAL's own tools."""

from __future__ import annotations

import math
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.enums import ColorInterp, Resampling
from rasterio.transform import Affine, from_origin

from aerodag.errors import ConfigError, DataError
from aerodag.raster.examining.classify import classify
from aerodag.raster.gdal import environment, opened
from aerodag.raster.picture import thumbnail as thumbnail_module
from aerodag.raster.picture.relief import hillshade
from aerodag.raster.picture.thumbnail import Thumbnail, make_thumbnails
from samples.rasters import PLACE, RGB, Array, code_of, disc, ground, save, save_rgba

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

GREY = [ColorInterp.gray]
TRANSLATE, DEM = (shutil.which(name) or "" for name in ("gdal_translate", "gdaldem"))
needs_translate = pytest.mark.skipif(not TRANSLATE, reason="GDAL's command line is absent")
needs_gdaldem = pytest.mark.skipif(not DEM, reason="GDAL's command line is absent")


@pytest.fixture(scope="module")
def rgba(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = save_rgba(tmp_path_factory.mktemp("rasters") / "orthophoto.tif")
    with environment(), rasterio.open(path, "r+") as dataset:
        dataset.build_overviews([2, 4], Resampling.average)
    return path


def make(source: Path, target: Path, size: int) -> Thumbnail:
    return make_thumbnails(source, [(target, size)])[0]


def picture(source: Path, size: int = 256) -> Array:
    """RGBA of a thumbnail, without the losses of a lossy format."""
    target = source.with_name(f"{source.stem}_thumbnail.png")
    make(source, target, size)
    return np.asarray(Image.open(target).convert("RGBA")).astype(np.int16)


def hills(side: int = 600) -> Array:
    rows, columns = np.mgrid[0:side, 0:side]
    heights = 200 + 25 * np.sin(rows / 45) * np.cos(columns / 60) + 6 * np.sin((rows + 2 * columns) / 17)
    return heights[np.newaxis].astype(np.float32)


def test_transparent_outside_and_neither_dark_nor_bright_at_the_border(rgba: Path, tmp_path: Path) -> None:
    found = make(rgba, tmp_path / "x.webp", 256)
    assert (found.width, found.height) == (256, 256)
    assert found.valid_ratio == pytest.approx(math.pi * 0.16, abs=0.02)
    with Image.open(found.path) as image:
        assert (image.format, image.mode, image.size) == ("WEBP", "RGBA", (256, 256))
    make(rgba, tmp_path / "x.png", 256)
    pixels = np.asarray(Image.open(tmp_path / "x.png"))
    assert pixels[0, 0].tolist() == [0, 0, 0, 0]
    assert pixels[128, 128, 3] == 255
    seen = pixels[pixels[..., 3] > 0][:, :3]
    assert seen.min() >= 57
    assert seen.max() <= 203


def test_jpeg_is_white_outside(rgba: Path, tmp_path: Path) -> None:
    pixels = np.asarray(Image.open(make(rgba, tmp_path / "x.jpg", 128).path))
    assert pixels.shape == (128, 128, 3)
    assert pixels[0, 0].min() > 250
    assert pixels.min() > 40


def test_all_sizes_and_formats_in_one_call(rgba: Path, tmp_path: Path) -> None:
    targets = [
        (tmp_path / "a.webp", 512),
        (tmp_path / "b.jpg", 512),
        (tmp_path / "c.webp", 100),
        (tmp_path / "d.png", 64),
    ]
    found = make_thumbnails(rgba, targets)
    assert [(one.path, one.width) for one in found] == targets
    assert [one.bytes for one in found] == [path.stat().st_size for path, _ in targets]
    smallest, alone = np.asarray(Image.open(targets[3][0])).astype(np.int16), picture(rgba, 64)
    assert np.abs(smallest - alone)[alone[..., 3] == 255].max() <= 3
    assert make_thumbnails(rgba, []) == []


def test_shape_is_kept_and_nothing_enlarged(tmp_path: Path) -> None:
    found = make(save(tmp_path / "a.tif", ground()[:, :130]), tmp_path / "a.png", 512)
    assert (found.width, found.height) == (512, 51)
    assert make(save(tmp_path / "b.tif", ground(40)), tmp_path / "b.png", 512).width == 40
    line = make(save(tmp_path / "c.tif", ground(900)[:, :1]), tmp_path / "c.png", 300)
    assert (line.width, line.height) == (300, 1)


@needs_translate
@pytest.mark.parametrize("size", [325, 300, 170])
def test_averages_as_gdal_does_from_the_same_overview(rgba: Path, tmp_path: Path, size: int) -> None:
    subprocess.run(
        [TRANSLATE, "-q", "-oo", "OVERVIEW_LEVEL=1", "-outsize", str(size), str(size), "-r", "average",
         str(rgba), str(tmp_path / "gdal.tif")],
        check=True, timeout=60,
    )  # fmt: skip
    with rasterio.open(tmp_path / "gdal.tif") as dataset:
        theirs = np.moveaxis(dataset.read(), 0, -1).astype(np.int16)
    ours = picture(rgba, size)
    opaque = (theirs[..., 3] == 255) & (ours[..., 3] == 255)
    assert opaque.mean() > 0.4
    off = np.abs(theirs - ours)[opaque]
    assert off.max() <= 1
    assert off.mean() < 0.3


def test_only_the_overview_is_read(rgba: Path, tmp_path: Path) -> None:
    """The full pixels are destroyed; who reads but one of them fails."""
    damaged = tmp_path / "x.tif"
    content = bytearray(rgba.read_bytes())
    with rasterio.open(rgba) as dataset:
        for _, window in dataset.block_windows(1):
            row, column = window.row_off // 256, window.col_off // 256
            start = int(dataset.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", 1))
            size = int(dataset.get_tag_item(f"BLOCK_SIZE_{column}_{row}", "TIFF", 1))
            content[start : start + size] = bytes(size)
    damaged.write_bytes(content)
    with opened(rgba) as dataset:
        kind = classify(dataset)
    for source in (damaged, rgba):
        make_thumbnails(source, [(tmp_path / f"{source.stem}.png", 500)], kind)
    read, expected = (np.asarray(Image.open(tmp_path / f"{source.stem}.png")) for source in (damaged, rgba))
    assert np.array_equal(read, expected)
    with pytest.raises(DataError) as caught:
        make_thumbnails(damaged, [(tmp_path / "x.webp", 1000)], kind)
    assert code_of(caught) == "raster.damaged"
    assert not (tmp_path / "x.webp").exists()


def test_a_large_raster_without_overviews_is_sampled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = save(tmp_path / "a.tif", ground(1024), RGB, tiled=True, blockxsize=64, blockysize=64)
    whole = picture(source, 128)
    monkeypatch.setattr(thumbnail_module, "_READ_WHOLE", 256)
    monkeypatch.setattr(thumbnail_module, "_DECODED_PIXELS", 300_000)
    coarse = picture(source, 128)
    assert coarse.shape == whole.shape
    assert 0 < np.abs(coarse - whole).mean() < 12


def test_deep_values_are_stretched_over_what_is_valid(tmp_path: Path) -> None:
    values = ground().astype(np.uint16) * 40
    values[:, :300] = 65535
    pixels = picture(save(tmp_path / "a.tif", values, nodata=65535))
    assert not pixels[:58, :, 3].any()
    assert (pixels[60:, :, 3] == 255).all()
    assert (pixels[60:, :, 0].min(), pixels[60:, :, 0].max()) == (0, 255)
    assert 100 < np.median(pixels[60:, :, 1]) < 155


def test_bytes_are_not_stretched(tmp_path: Path) -> None:
    pixels = picture(save(tmp_path / "a.tif", (ground() // 4 + 90).astype(np.uint8), RGB, photometric="RGB"))
    assert pixels[..., :3].min() >= 104
    assert pixels[..., :3].max() <= 141


def test_measured_bands_in_true_colour_where_they_are_known(tmp_path: Path) -> None:
    red, green, blue = ground(300).astype(np.uint16) * 100
    undefined = [ColorInterp.gray, *[ColorInterp.undefined] * 4]
    known = save(tmp_path / "a.tif", np.stack([blue, green, red, red // 2, green // 3]), undefined)
    with rasterio.open(known, "r+") as dataset:
        dataset.descriptions = ("Blue", "Green", "Red", "NIR", "Rededge")
    expected = picture(save(tmp_path / "b.tif", np.stack([red, green, blue]), RGB, photometric="RGB"))
    assert np.array_equal(picture(known), expected)
    unknown = save(tmp_path / "c.tif", np.stack([red, green, blue, blue]), [*undefined[:4]])
    assert np.array_equal(picture(unknown), expected)


def test_a_palette_is_drawn_in_its_colours(tmp_path: Path) -> None:
    values = np.array([[[0, 1], [2, 1]]], dtype=np.uint8).repeat(50, 1).repeat(50, 2)
    path = save(tmp_path / "a.tif", values, photometric="PALETTE")
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {0: (10, 20, 30, 255), 1: (200, 100, 50, 255), 2: (1, 2, 3, 255)})
    pixels = picture(path, 10)
    assert pixels[0, 0].tolist() == [10, 20, 30, 255]
    assert pixels[9, 9].tolist() == [200, 100, 50, 255]
    assert pixels[9, 0].tolist() == [1, 2, 3, 255]


def test_heat_is_a_ramp_from_dark_to_bright(tmp_path: Path) -> None:
    kelvin = np.linspace(280, 320, 200, dtype=np.float32)[np.newaxis, :, np.newaxis].repeat(200, 2)
    path = save(tmp_path / "a.tif", kelvin, GREY)
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ("Thermal",)
    light = picture(path, 100)[:, 50, :3].sum(axis=1)
    assert (np.diff(light) >= 0).all()
    assert (light[0], light[-1]) == (4, 252 + 255 + 164)


@pytest.mark.parametrize(
    "transform",
    [
        Affine(0.05, 0, 576_000, 0, 0.05, 5_187_935),
        Affine(-0.05, 0, 576_065, 0, 0.05, 5_187_935),
        Affine(0, 0.05, 576_000, -0.05, 0, 5_188_000),
    ],
    ids=["south up", "upside down", "on its side"],
)
def test_north_is_up_however_the_rows_run(tmp_path: Path, transform: Affine) -> None:
    values = ground()[:, :, :900]
    upright = picture(save(tmp_path / "a.tif", values, RGB, transform=PLACE, photometric="RGB"), 260)
    if transform.b:
        values = values.transpose(0, 2, 1)
    else:
        values = values[:, :: -1 if transform.e > 0 else 1, :: -1 if transform.a < 0 else 1]
    turned = picture(save(tmp_path / "b.tif", values, RGB, transform=transform, photometric="RGB"), 260)
    assert np.array_equal(turned, upright)


# heights


@needs_gdaldem
@pytest.mark.parametrize("pixel", [(0.5, 0.5), (0.3, 0.9)])
def test_the_hillshade_is_gdals(tmp_path: Path, pixel: tuple[float, float]) -> None:
    heights = hills(200)
    heights[0, 90:110, 60:90] = -9999
    source = save(tmp_path / "dem.tif", heights, nodata=-9999, transform=from_origin(576_000, 5_188_000, *pixel))
    shaded = tmp_path / "shade.tif"
    command = [DEM, "hillshade", "-q", "-multidirectional", "-compute_edges", str(source), str(shaded)]
    subprocess.run(command, check=True, timeout=60)
    with rasterio.open(shaded) as dataset:
        theirs = dataset.read(1).astype(float)
    ours = 1 + 254 * hillshade(np.where(heights[0] == -9999, np.nan, heights[0]).astype(np.float64), pixel)
    assert (np.isnan(ours) == (theirs == 0)).all()
    whole = np.zeros_like(theirs, dtype=bool)
    whole[1:-1, 1:-1] = True
    whole[89:111, 59:91] = False
    assert np.abs(ours - theirs)[whole].max() <= 1
    assert np.nanmean(np.abs(ours - theirs)[~whole & (theirs > 0)]) < 4


def test_a_slope_keeps_its_shade_up_to_the_edge_of_what_is_known() -> None:
    rows, columns = np.mgrid[0:40, 0:40]
    slope = (0.3 * columns - 0.2 * rows).astype(np.float64)
    slope[10:20, 10:25] = np.nan
    shade = hillshade(slope, (1.0, 1.0))
    assert np.nanmax(shade) - np.nanmin(shade) < 1e-12
    assert np.isnan(shade).sum() == 150


def test_heights_are_coloured_shaded_and_transparent_where_unknown(tmp_path: Path) -> None:
    heights = hills()
    heights[0, :, :150] = np.nan
    pixels = picture(save(tmp_path / "a.tif", heights, GREY, nodata=np.nan, transform=from_origin(5e5, 5e6, 1, 1)), 200)
    assert not pixels[:, :50, 3].any()
    assert (pixels[:, 50:, 3] == 255).all()
    seen = pixels[:, 50:, :3]
    assert seen.min() > 15
    assert len(np.unique(seen.reshape(-1, 3), axis=0)) > 2000
    rim, behind = seen[:, :1].mean(), seen[:, 1:4].mean()
    assert abs(rim - behind) < 6


@pytest.mark.parametrize(
    ("options", "scale"),
    [
        ({"crs": "EPSG:4326", "transform": from_origin(7.6, 60, 0.5 / 55_800, 0.5 / 111_412)}, 1.0),
        ({"crs": "EPSG:2264", "transform": from_origin(1_400_000, 600_000, 0.5 / 0.3048, 0.5 / 0.3048)}, 1 / 0.3048),
        ({"transform": Affine(0.5, 0, 576_000, 0, 0.5, 5_187_700)}, 1.0),
    ],
    ids=["degrees", "feet", "south up"],
)
def test_the_same_land_looks_the_same_in_all_units(tmp_path: Path, options: dict[str, Any], scale: float) -> None:
    heights = hills()
    usual = picture(save(tmp_path / "a.tif", heights, GREY, transform=from_origin(576_000, 5_188_000, 0.5, 0.5)), 200)
    values = heights[:, ::-1] if options["transform"].e > 0 else heights * np.float32(scale)
    path = save(tmp_path / "b.tif", values, GREY, **options)
    with rasterio.open(path, "r+") as dataset:
        dataset.units = ("ft" if scale > 1 else "m",)
    off = np.abs(picture(path, 200) - usual)
    assert off.max() <= 4
    assert off.mean() < 1


def test_level_land_is_calm(tmp_path: Path) -> None:
    pixels = picture(save(tmp_path / "a.tif", np.full((1, 300, 300), 12.5, dtype=np.float32), GREY), 100)
    assert (pixels == pixels[0, 0]).all()
    assert 120 < pixels[0, 0, :3].mean() < 240


def test_nothing_valid_is_an_empty_picture(tmp_path: Path) -> None:
    assert not picture(save(tmp_path / "a.tif", np.full((1, 64, 64), -9999, dtype=np.float32), nodata=-9999)).any()


def test_other_formats_are_refused(rgba: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        make_thumbnails(rgba, [(tmp_path / "x.webp", 64), (tmp_path / "x.gif", 64)])
    assert code_of(caught) == "raster.thumbnail_format"
    assert list(tmp_path.iterdir()) == []


def test_an_inside_mask_is_transparency(tmp_path: Path) -> None:
    pixels = picture(save(tmp_path / "a.tif", ground() * disc(), RGB, mask=disc(), photometric="RGB"))
    assert pixels[0, 0, 3] == 0
    assert pixels[pixels[..., 3] > 0][:, :3].min() >= 57


def test_a_mask_spares_the_search_of_the_margin_and_names_stay(tmp_path: Path) -> None:
    """Of a masked raster only an overview is looked at, with the names, units and tags of the full one."""
    kelvin = np.linspace(280, 320, 1024, dtype=np.float32)[np.newaxis, :, np.newaxis].repeat(1024, 2)
    path = save(tmp_path / "a.tif", kelvin, GREY, mask=disc(1024))
    with environment(), rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ("Thermal",)
        dataset.build_overviews([2, 4], Resampling.average)
    pixels = picture(path, 256)
    assert pixels[0, 0, 3] == 0
    cold, hot = pixels[30, 128, :3], pixels[225, 128, :3]
    assert cold[2] > cold[1]
    assert hot[2] < hot[0]
    assert hot.sum() > 600
