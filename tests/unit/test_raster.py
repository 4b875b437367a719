"""Rasters of every kind that uploads bring: described, standardised, written as COG and drawn small."""

from __future__ import annotations

import math
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from PIL import Image
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin
from rio_cogeo.cogeo import cog_validate
from shapely.geometry import Point, shape

from aerodag.errors import AerodagError, ConfigError, DataError, EngineError, InfrastructureError
from aerodag.raster import ARCHIVE, ARCHIVE_ZSTD, WEB, CogProfile, describe, gdal, make_cog, make_thumbnail, standardise
from aerodag.raster import cog as cog_module
from aerodag.raster.gdal import environment

DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[2].parent / "shared" / "data")
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared test rasters are absent (AERODAG_TEST_DATA)")

UTM = "EPSG:32615"
SIDE = 1300
RGB = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
Array = npt.NDArray[Any]


def ground(side: int = SIDE) -> Array:
    """Smooth colours between 60 and 200, so that black or white can only be an artefact."""
    rows, columns = np.mgrid[0:side, 0:side]
    bands = [130 + 70 * np.sin(rows / 90), 130 + 70 * np.cos(columns / 70), 130 + 70 * np.sin((rows + columns) / 120)]
    return np.stack(bands).round().astype(np.uint8)


def disc(side: int = SIDE) -> Array:
    rows, columns = np.mgrid[0:side, 0:side]
    return np.asarray((rows - side / 2) ** 2 + (columns - side / 2) ** 2 < (0.4 * side) ** 2)


def save(
    path: Path, values: Array, colours: list[ColorInterp] | None = None, mask: Array | None = None, **options: Any
) -> Path:
    profile = {
        "driver": "GTiff", "count": values.shape[0], "height": values.shape[1], "width": values.shape[2],
        "dtype": values.dtype, "crs": UTM, "transform": from_origin(576_000, 5_188_000, 0.05, 0.05),
    } | options  # fmt: skip
    with environment(), rasterio.open(path, "w", **profile) as out:
        if colours:
            out.colorinterp = colours
        out.write(values)
        if mask is not None:
            out.write_mask(mask)
    return path


@pytest.fixture(scope="module")
def rgba(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As ODM writes it: RGBA, tiled, deflated; black where nothing was seen."""
    inside = disc()
    values = np.concatenate([ground() * inside, inside[np.newaxis] * np.uint8(255)]).astype(np.uint8)
    path = tmp_path_factory.mktemp("rasters") / "odm_orthophoto.tif"
    return save(
        path, values, [*RGB, ColorInterp.alpha], tiled=True, blockxsize=256, blockysize=256, compress="deflate",
        photometric="RGB",
    )  # fmt: skip


def read(path: Path) -> Array:
    with rasterio.open(path) as dataset:
        return np.asarray(dataset.read())


def code_of(caught: pytest.ExceptionInfo[AerodagError]) -> str:
    return caught.value.code


# describe ------------------------------------------------------------------------------------------------------------


def test_describe_a_round_orthophoto(rgba: Path) -> None:
    info = describe(rgba)
    assert (info.width, info.height, info.count, info.dtype) == (SIDE, SIDE, 4, "uint8")
    assert (info.crs, info.has_alpha, info.nodata, info.tiled, info.compression) == (UTM, True, None, True, "deflate")
    assert info.gsd_m == pytest.approx(0.05, rel=1e-3)
    assert info.valid_ratio == pytest.approx(math.pi * 0.16, abs=0.01)
    west, south, east, north = info.bbox
    assert -92.1 < west < east < -91.9
    assert 46.8 < south < north < 46.9
    footprint = shape(info.footprint)
    assert footprint.is_valid
    assert footprint.area / ((east - west) * (north - south)) == pytest.approx(math.pi * 0.16, abs=0.02)
    assert footprint.contains(Point((west + east) / 2, (south + north) / 2))
    assert not footprint.contains(Point(west, north))


@pytest.mark.parametrize(
    ("crs", "origin", "pixel", "gsd"),
    [
        ("EPSG:3857", (-10_241_000.0, 5_916_000.0), 0.1, 0.1 * math.cos(math.radians(46.85))),
        ("EPSG:4326", (-92.0, 46.85), 1e-6, 1e-6 * 111_320 * math.sqrt(math.cos(math.radians(46.85)))),
        ("EPSG:2264", (1_400_000.0, 600_000.0), 0.5, 0.5 * 1200 / 3937),
    ],
)
def test_ground_distance_is_true_in_every_crs(
    tmp_path: Path, crs: str, origin: tuple[float, float], pixel: float, gsd: float
) -> None:
    path = save(tmp_path / "x.tif", ground(200), crs=crs, transform=from_origin(*origin, pixel, pixel))
    assert describe(path).gsd_m == pytest.approx(gsd, rel=0.005)


def test_a_footprint_may_have_parts_and_holes(tmp_path: Path) -> None:
    valid = np.zeros((600, 600), dtype=np.uint8)
    valid[50:250, 50:250] = 255
    valid[120:180, 120:180] = 0
    valid[400:500, 400:500] = 255
    info = describe(save(tmp_path / "x.tif", np.stack([valid] * 3), mask=valid))
    footprint = shape(info.footprint)
    assert (footprint.geom_type, footprint.is_valid, info.has_mask, info.has_alpha) == (
        "MultiPolygon",
        True,
        True,
        False,
    )
    assert sum(len(part.interiors) for part in footprint.geoms) == 1


def test_nothing_valid_has_no_footprint(tmp_path: Path) -> None:
    info = describe(save(tmp_path / "x.tif", np.full((1, 64, 64), -9999, dtype=np.float32), nodata=-9999))
    assert (info.footprint, info.valid_ratio, info.nodata) == (None, 0.0, -9999)


def test_not_a_number_is_not_valid(tmp_path: Path) -> None:
    values = np.ones((1, 100, 100), dtype=np.float32)
    values[:, :25] = np.nan
    assert describe(save(tmp_path / "x.tif", values)).valid_ratio == 0.75


@pytest.mark.parametrize("call", [describe, lambda path: standardise(path, path), lambda path: make_cog(path, path)])
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_where_nobody_knows_the_place_nothing_is_made_up(tmp_path: Path, call: Any) -> None:
    path = save(tmp_path / "a.tif", ground(64), crs=None)
    with pytest.raises(DataError) as caught:
        call(path)
    assert code_of(caught) == "raster.no_crs"
    assert caught.value.advice
    path = save(tmp_path / "b.tif", ground(64), transform=rasterio.Affine.identity())
    with pytest.raises(DataError) as caught:
        call(path)
    assert code_of(caught) == "raster.no_transform"


@pytest.mark.parametrize("content", [b"", b"<html>", b"II*\x00\x08\x00\x00\x00"])
def test_no_raster_is_unreadable(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "x.tif"
    path.write_bytes(content)
    with pytest.raises(DataError) as caught:
        describe(path)
    assert code_of(caught) == "raster.unreadable"


# standardise ---------------------------------------------------------------------------------------------------------


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


# make_cog ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("profile", [ARCHIVE, ARCHIVE_ZSTD])
def test_a_lossless_cog_is_the_same_picture(rgba: Path, tmp_path: Path, profile: CogProfile) -> None:
    report = make_cog(rgba, tmp_path / "cogs" / "x.tif", profile)
    assert (report.bytes, report.overviews) == (report.path.stat().st_size, (2, 4))
    assert (read(report.path) == read(rgba)).all()
    assert cog_validate(report.path, strict=True, quiet=True)[0]
    with rasterio.open(report.path) as dataset:
        assert dataset.block_shapes[0] == (512, 512)
        assert dataset.colorinterp[3] is ColorInterp.alpha
        assert dataset.crs == UTM
    assert [file.name for file in report.path.parent.iterdir()] == ["x.tif"]


def test_overviews_do_not_darken_at_the_border(rgba: Path, tmp_path: Path) -> None:
    report = make_cog(rgba, tmp_path / "x.tif")
    with rasterio.open(report.path, overview_level=1) as top:
        values = top.read()
    assert values[:3, values[3] > 0].min() > 50


def test_a_web_cog_has_colours_and_a_mask(rgba: Path, tmp_path: Path) -> None:
    report = make_cog(rgba, tmp_path / "x.tif", WEB)
    assert 0 < report.largest_mean_error < 5
    with rasterio.open(report.path) as dataset:
        assert (dataset.count, dataset.compression.value, dataset.photometric.value) == (3, "JPEG", "YCbCr")
        assert ((dataset.dataset_mask() > 0) == disc()).all()
    assert cog_validate(report.path, strict=True, quiet=True)[0]


def test_an_internal_mask_is_kept_in_both_profiles(tmp_path: Path) -> None:
    inside = disc()
    source = save(tmp_path / "a.tif", ground() * inside, RGB, mask=inside, photometric="RGB")
    for profile in (ARCHIVE, WEB):
        with rasterio.open(make_cog(source, tmp_path / f"{profile.name}.tif", profile).path) as dataset:
            assert dataset.count == 3
            assert ((dataset.dataset_mask() > 0) == inside).all()


def test_heights_become_a_cog_too(tmp_path: Path) -> None:
    heights = ground()[:1].astype(np.float32) + np.float32(0.123)
    heights[0, :200] = np.nan
    source = save(tmp_path / "a.tif", heights, nodata=np.nan)
    report = make_cog(source, tmp_path / "b.tif")
    np.testing.assert_array_equal(read(report.path), heights)


def test_a_full_disk_is_told_from_a_fault(rgba: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gdal.shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    monkeypatch.setattr(cog_module, "gdal_copy", lambda *_, **__: Path("/nowhere/x").write_bytes(b""))
    with pytest.raises(InfrastructureError) as caught:
        make_cog(rgba, tmp_path / "b.tif")
    assert code_of(caught) == "raster.disk_full"
    assert list(tmp_path.iterdir()) == []


def test_lossy_needs_colours(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        make_cog(save(tmp_path / "a.tif", ground().astype(np.uint16)), tmp_path / "b.tif", WEB)
    assert code_of(caught) == "raster.not_rgb"


def test_a_small_raster_needs_no_overview(tmp_path: Path) -> None:
    report = make_cog(save(tmp_path / "a.tif", ground(100)), tmp_path / "b.tif")
    assert report.overviews == ()


@pytest.mark.parametrize("what", ["grid", "crs", "pixels", "mask", "layout", "empty"])
def test_a_wrong_cog_never_gets_its_name(
    rgba: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, what: str
) -> None:
    """The writer is made to write a sound COG of something else; the checks themselves are the real ones."""
    values = read(rgba)
    options: dict[str, Any] = {"tiled": True, "compress": "deflate", "photometric": "RGB"}
    if what == "grid":
        options["transform"] = from_origin(576_000.5, 5_188_000, 0.05, 0.05)
    elif what == "crs":
        options["crs"] = "EPSG:32616"
    elif what == "pixels":
        values[0, 600, 600] ^= 1
        values[0, 2, 2] ^= 1
        values[:3] = values[:3] // 2
    elif what == "mask":
        values[3, :700] = 0
    elif what == "empty":
        values[:] = 0
    other = save(tmp_path / "other.tif", values, [*RGB, ColorInterp.alpha], **options)
    real_copy = cog_module.gdal_copy

    def write_other(_: object, path: Path, driver: str, **chosen: str) -> None:
        if what == "layout":
            real_copy(other, path, driver="GTiff")
        else:
            real_copy(other, path, driver=driver, **chosen)

    monkeypatch.setattr(cog_module, "gdal_copy", write_other)
    with pytest.raises(EngineError) as caught:
        make_cog(rgba, tmp_path / "x.tif")
    assert code_of(caught) == "raster.cog_invalid"
    assert [file.name for file in tmp_path.iterdir()] == ["other.tif"]


def test_a_source_damaged_inside_is_an_engine_error(rgba: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.tif"
    content = bytearray(rgba.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    source.write_bytes(content)
    with pytest.raises(EngineError) as caught:
        make_cog(source, tmp_path / "b.tif")
    assert code_of(caught) == "raster.cog_failed"
    with pytest.raises(DataError) as damaged:
        make_thumbnail(source, tmp_path / "b.webp")
    assert code_of(damaged) == "raster.damaged"
    assert [file.name for file in tmp_path.iterdir()] == ["a.tif"]


# make_thumbnail ------------------------------------------------------------------------------------------------------


def test_a_thumbnail_is_transparent_outside_and_not_dark_at_the_border(rgba: Path, tmp_path: Path) -> None:
    cog = make_cog(rgba, tmp_path / "x.tif").path
    found = make_thumbnail(cog, tmp_path / "x.webp", 256)
    assert (found.width, found.height) == (256, 256)
    assert found.valid_ratio == pytest.approx(math.pi * 0.16, abs=0.02)
    with Image.open(found.path) as picture:
        assert (picture.format, picture.mode, picture.size) == ("WEBP", "RGBA", (256, 256))
    make_thumbnail(cog, tmp_path / "x.png", 256)
    pixels = np.asarray(Image.open(tmp_path / "x.png"))
    assert pixels[0, 0, 3] == 0
    assert pixels[128, 128, 3] == 255
    assert pixels[pixels[..., 3] > 8][:, :3].min() > 50


def test_jpeg_is_white_outside(rgba: Path, tmp_path: Path) -> None:
    found = make_thumbnail(rgba, tmp_path / "x.jpg", 128)
    pixels = np.asarray(Image.open(found.path))
    assert pixels.shape == (128, 128, 3)
    assert pixels[0, 0].min() > 250
    assert pixels.min() > 40


def test_shape_is_kept_and_nothing_enlarged(tmp_path: Path) -> None:
    wide = save(tmp_path / "a.tif", ground()[:, :130])
    found = make_thumbnail(wide, tmp_path / "a.png", 512)
    assert (found.width, found.height) == (512, 51)
    small = save(tmp_path / "b.tif", ground(40))
    assert make_thumbnail(small, tmp_path / "b.png", 512).width == 40


def test_deep_values_are_stretched_in_thumbnails(tmp_path: Path) -> None:
    values = ground().astype(np.uint16) * 40
    values[:, :300] = 65535
    make_thumbnail(save(tmp_path / "a.tif", values, nodata=65535), tmp_path / "x.png", 256)
    pixels = np.asarray(Image.open(tmp_path / "x.png"))
    assert not pixels[:50, :, 3].any()
    assert pixels[70:, :, 0].min() == 0
    assert pixels[70:, :, 0].max() == 255


def test_other_formats_are_refused(rgba: Path, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        make_thumbnail(rgba, tmp_path / "x.gif")
    assert code_of(caught) == "raster.thumbnail_format"


# real rasters --------------------------------------------------------------------------------------------------------


@needs_data
@pytest.mark.parametrize(
    "path",
    [
        "odm_outputs/nodeodm_fixture/odm_orthophoto/odm_orthophoto.tif",
        "odm_outputs/nodeodm_fixture/odm_dem/dsm.tif",
        "geotiff/forest_ortho/OSBS_029.tif",
        "geotiff/rio_cogeo/image_nodata.tif",
        "geotiff/rio_cogeo/image_rgba.tif",
        "geotiff/rio_cogeo/image_web.tif",
        "geotiff/rio_cogeo/image_51px.tif",
        "geotiff/rio_cogeo/validate/image_external.tif",
        "geotiff/rio_cogeo/validate/image_no_overview.tif",
    ],
)
def test_real_rasters_go_all_the_way(tmp_path: Path, path: str) -> None:
    source = DATA / path
    before = describe(source)
    standard = standardise(source, tmp_path / "standard.tif").path
    for profile in (ARCHIVE, WEB):
        cog = make_cog(standard, tmp_path / f"{profile.name}.tif", profile).path
        after = describe(cog)
        assert (after.crs, after.width, after.height) == (before.crs, before.width, before.height)
        assert after.bbox == pytest.approx(before.bbox, abs=1e-12)
        assert after.valid_ratio == pytest.approx(before.valid_ratio, abs=0.02)
        assert make_thumbnail(cog, tmp_path / f"{profile.name}.webp").bytes > 0


@needs_data
@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_a_picture_without_place_is_refused() -> None:
    with pytest.raises(DataError) as caught:
        describe(DATA / "geotiff/rio_cogeo/validate/nontiff.jpg")
    assert code_of(caught) in {"raster.no_crs", "raster.no_transform"}
