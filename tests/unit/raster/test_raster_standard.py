"""Rasters brought into standard form: what is rewritten, and what comes out of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin
from scipy import ndimage

from aerodag.errors import DataError
from aerodag.raster.standard import rewriting
from aerodag.raster.standard.standardising import standardise
from samples.rasters import PLACE, RGB, RGBA, UTM, Array, code_of, ground, read, save, save_rgba

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")


@pytest.fixture(scope="module")
def rgba(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_rgba(tmp_path_factory.mktemp("rasters") / "odm_orthophoto.tif")


def test_a_standard_raster_is_left_alone(rgba: Path, tmp_path: Path) -> None:
    found = standardise(rgba, tmp_path / "x.tif")
    assert (found.path, found.reasons, found.stretch) == (rgba, (), None)
    assert list(tmp_path.iterdir()) == []


def standard_form(path: Path) -> tuple[Array, Array]:
    with rasterio.open(path) as dataset:
        assert (dataset.count, dataset.dtypes, dataset.nodata) == (4, ("uint8",) * 4, None)
        assert dataset.colorinterp == (*RGB, ColorInterp.alpha)
        assert dataset.block_shapes[0] == (512, 512)
        assert dataset.crs == UTM
        values = dataset.read()
    return values[:3], values[3]


def test_nodata_becomes_alpha_and_white_pixels_stay(tmp_path: Path) -> None:
    values = ground()
    values[:, :100] = 255
    values[0, 700:710, 700:710] = 255
    source = save(tmp_path / "a.tif", values, nodata=255, compress="lzw")
    found = standardise(source, tmp_path / "out" / "b.tif")
    assert found.reasons == ("nodata", "no_mask", "not_tiled")
    colours, alpha = standard_form(found.path)
    assert not alpha[:100].any()
    assert (alpha[100:] == 255).all()
    assert (colours[:, 100:] == values[:, 100:]).all()
    assert not colours[:, :100].any()
    assert standardise(found.path, tmp_path / "c.tif").path == found.path
    assert [file.name for file in (tmp_path / "out").iterdir()] == ["b.tif"]


def test_deep_values_are_stretched_over_what_is_valid(tmp_path: Path) -> None:
    values = ground().astype(np.uint16) * 40
    values[:, :300] = 65535
    source = save(tmp_path / "a.tif", values, nodata=65535)
    found = standardise(source, tmp_path / "b.tif")
    assert found.stretch is not None
    assert all(2000 < low < 3000 < high < 8100 for low, high in found.stretch)
    colours, alpha = standard_form(found.path)
    assert not alpha[:300].any()
    low, high = found.stretch[0]
    expected = np.clip((values[0, 300:].astype(float) - low) * 255 / (high - low), 0, 255)
    assert np.abs(colours[0, 300:] - expected).max() <= 0.51


def test_floats_with_nan_and_infinity(tmp_path: Path) -> None:
    values = ground()[:1].astype(np.float32) / 255
    values[0, :50] = np.nan
    values[0, 60, 60] = np.inf
    found = standardise(save(tmp_path / "a.tif", values), tmp_path / "b.tif")
    assert found.bands == (1, 1, 1)
    colours, alpha = standard_form(found.path)
    assert not alpha[:50].any()
    assert alpha[60, 60] == 0
    assert (alpha[100:] == 255).all()
    assert (colours[0] == colours[2]).all()


def test_a_constant_band_does_not_divide_by_zero(tmp_path: Path) -> None:
    found = standardise(save(tmp_path / "a.tif", np.full((1, 100, 100), 7.5, dtype=np.float32)), tmp_path / "b.tif")
    colours, alpha = standard_form(found.path)
    assert (alpha == 255).all()
    assert set(np.unique(colours)) <= {127, 128}


def test_nothing_valid_cannot_be_stretched(tmp_path: Path) -> None:
    source = save(tmp_path / "a.tif", np.full((1, 64, 64), np.nan, dtype=np.float32))
    with pytest.raises(DataError) as caught:
        standardise(source, tmp_path / "b.tif")
    assert code_of(caught) == "raster.empty"
    assert [file.name for file in tmp_path.iterdir()] == ["a.tif"]


def test_bands_are_found_by_declaration_and_description(tmp_path: Path) -> None:
    red, green, blue = ground(300)
    undefined = [ColorInterp.gray, *[ColorInterp.undefined] * 4]
    path = save(tmp_path / "a.tif", np.stack([blue, green, red, red // 2, red // 3]), undefined)
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ("Blue", "Green", "Red", "NIR", "Rededge")
    found = standardise(path, tmp_path / "b.tif")
    assert found.bands == (3, 2, 1)
    assert (standard_form(found.path)[0] == ground(300)).all()
    path = save(tmp_path / "c.tif", np.stack([blue, green, red]), RGB[::-1], photometric="MINISBLACK")
    assert standardise(path, tmp_path / "d.tif").bands == (3, 2, 1)


def test_a_palette_becomes_colours(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", np.array([[[0, 1], [2, 1]]], dtype=np.uint8).repeat(50, 1).repeat(50, 2))
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {0: (10, 20, 30, 255), 1: (200, 100, 50, 255), 2: (1, 2, 3, 255)})
    colours, _ = standard_form(standardise(path, tmp_path / "b.tif").path)
    assert colours[:, 0, 0].tolist() == [10, 20, 30]
    assert colours[:, 99, 99].tolist() == [200, 100, 50]


@pytest.mark.parametrize("options", [{}, {"tiled": True, "blockxsize": 1024, "blockysize": 1024}])
def test_a_collar_is_followed_over_all_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, options: dict[str, Any]
) -> None:
    """A winding corridor of white, white roofs that touch nothing, and noise of white: told apart exactly."""
    monkeypatch.setattr(rewriting, "_WINDOW_BYTES", 1)
    values = ground(1700)
    values[:, np.random.default_rng(5).random((1700, 1700)) < 0.2] = 255
    values[:, :30] = 255
    values[:, :1600, 800:830] = values[:, 1570:1600, 200:830] = values[:, 300:1600, 200:220] = 255
    values[:, 400:700, 1000:1400] = 133
    values[:, 450:600, 1100:1300] = 255
    source = save(tmp_path / "a.tif", values, compress="lzw", **options)
    found = standardise(source, tmp_path / "b.tif")
    assert found.reasons[:2] == ("no_mask", "edge_fill")
    white = (values == 255).all(axis=0)
    parts, _ = ndimage.label(white)
    margin = np.unique(np.concatenate([parts[0], parts[-1], parts[:, 0], parts[:, -1]]))
    collar = np.isin(parts, margin[margin > 0])
    assert collar[400, 210]
    assert not collar[500, 1200]
    colours, alpha = standard_form(found.path)
    np.testing.assert_array_equal(alpha == 0, collar)
    np.testing.assert_array_equal(colours, np.where(collar, 0, values))


def test_the_collar_of_jpeg_goes_with_its_noise(tmp_path: Path) -> None:
    values = ground()
    values[:, :200] = 255
    source = save(tmp_path / "a.tif", values, compress="jpeg", photometric="YCBCR", tiled=True)
    colours, alpha = standard_form(standardise(source, tmp_path / "b.tif").path)
    assert not alpha[:190].any()
    assert (alpha[208:] == 255).all()
    np.testing.assert_array_equal(colours[:, 208:], read(source)[:, 208:])


def test_declared_and_undeclared_hold_together(tmp_path: Path) -> None:
    """Alpha and a nodata value at once: GDAL itself would take the nodata value only."""
    values = np.concatenate([ground(200), np.full((1, 200, 200), 255, np.uint8)])
    values[3, :20] = 0
    values[:3, 50:60, 50:60] = 7
    source = save(tmp_path / "a.tif", values, RGBA, nodata=7, photometric="RGB")
    _, alpha = standard_form(standardise(source, tmp_path / "b.tif").path)
    expected = np.full((200, 200), 255)
    expected[:20] = 0
    expected[50:60, 50:60] = 0
    np.testing.assert_array_equal(alpha, expected)


def test_half_transparent_stays_so_in_bytes_only(tmp_path: Path) -> None:
    alpha = np.tile(np.arange(256, dtype=np.uint8), (256, 1))
    source = save(tmp_path / "a.tif", np.concatenate([ground(256), alpha[np.newaxis]]), RGBA, photometric="RGB")
    np.testing.assert_array_equal(standard_form(standardise(source, tmp_path / "b.tif").path)[1], alpha)
    deep = np.concatenate([ground(256), alpha[np.newaxis]]).astype(np.uint16)
    deep[3, :, 1:] = 255  # written by somebody who forgot that alpha goes to 65535
    source = save(tmp_path / "c.tif", deep, RGBA, photometric="RGB")
    np.testing.assert_array_equal(
        standard_form(standardise(source, tmp_path / "d.tif").path)[1], np.where(alpha > 0, 255, 0)
    )


def test_alpha_is_found_among_many_bands(tmp_path: Path) -> None:
    values = np.full((6, 100, 100), 900, np.uint16) + ground(100)[:1]
    values[5] = 65535
    values[5, :10] = 0
    undefined = [*RGB, ColorInterp.undefined, ColorInterp.undefined, ColorInterp.alpha]
    source = save(tmp_path / "a.tif", values, undefined, photometric="RGB")
    _, alpha = standard_form(standardise(source, tmp_path / "b.tif").path)
    np.testing.assert_array_equal(alpha == 0, values[5] == 0)


def test_transparent_colours_of_a_palette_are_honoured(tmp_path: Path) -> None:
    values = np.tile(np.arange(4, dtype=np.uint8), (1, 100, 25))
    path = save(tmp_path / "a.tif", values, nodata=3)
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {0: (9, 9, 9, 0), 1: (200, 100, 50, 255), 2: (1, 2, 3, 255), 3: (4, 5, 6, 255)})
    with rasterio.open(path) as dataset:
        seen = {number: dataset.colormap(1)[number][3] for number in range(4)}
    _, alpha = standard_form(standardise(path, tmp_path / "b.tif").path)
    np.testing.assert_array_equal(alpha, np.where(values[0] == 3, 0, np.vectorize(seen.get)(values[0])))


def test_wide_integers_keep_their_differences(tmp_path: Path) -> None:
    values = (4_000_000_000 + np.arange(256 * 256).reshape(1, 256, 256) % 256).astype(np.uint32)
    found = standardise(save(tmp_path / "a.tif", values), tmp_path / "b.tif")
    assert len(np.unique(standard_form(found.path)[0])) > 240


def test_files_beside_the_raster_are_taken_in(tmp_path: Path, rgba: Path) -> None:
    source = save(tmp_path / "a.tif", read(rgba)[:3], RGB, tiled=True, compress="deflate", photometric="RGB")
    with rasterio.Env(GDAL_TIFF_INTERNAL_MASK=False), rasterio.open(source, "r+") as dataset:
        dataset.write_mask(read(rgba)[3] > 0)
    assert source.with_name("a.tif.msk").exists()
    found = standardise(source, tmp_path / "b.tif")
    assert found.reasons == ("sidecar",)
    np.testing.assert_array_equal(standard_form(found.path)[1], read(rgba)[3])


def test_a_damaged_source_leaves_nothing_behind(tmp_path: Path) -> None:
    source = save(tmp_path / "a.tif", ground(), compress="lzw")
    source.write_bytes(source.read_bytes()[:-20_000])
    with pytest.raises(DataError) as caught:
        standardise(source, tmp_path / "b.tif")
    assert code_of(caught) == "raster.damaged"
    assert [file.name for file in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.parametrize(("across", "down"), [(-1, 1), (1, -1), (-1, -1)])
def test_mirrored_grids_are_flipped_exactly(tmp_path: Path, across: int, down: int) -> None:
    values = ground(700)[:, :, :600]
    values[:, :150, :300] = 255
    source = save(tmp_path / "a.tif", values, transform=PLACE @ Affine.scale(across, down))
    found = standardise(source, tmp_path / "b.tif")
    colours, alpha = standard_form(found.path)
    turned = values[:, ::down, ::across]
    np.testing.assert_array_equal(alpha == 0, (turned == 255).all(axis=0))
    np.testing.assert_array_equal(colours, np.where(alpha == 0, 0, turned))
    with rasterio.open(found.path) as dataset:
        west = 576_000 - (30 if across < 0 else 0)
        north = 5_188_000 + (35 if down < 0 else 0)
        assert dataset.transform.almost_equals(from_origin(west, north, 0.05, 0.05), 1e-9)
