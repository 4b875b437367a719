"""Tiles show what GDAL's own warp shows, nothing where nothing is, and refuse what they cannot show."""

from __future__ import annotations

import io
import math
from pathlib import Path

import numpy as np
import pytest
import rasterio
from PIL import Image
from rasterio.crs import CRS
from rasterio.enums import ColorInterp, Resampling
from rasterio.transform import from_bounds, from_origin
from rasterio.warp import reproject, transform_bounds

from aerodag.errors import DataError
from aerodag.raster.cog import archive_profile, make_cog, web_profile
from aerodag.raster.picture import tiles
from aerodag.raster.picture.tiles import TILE, layer, tile
from samples.rasters import PLACE, RGBA, UTM, code_of, ground, save, save_rgba

HALF = 20037508.342789244
UTM_EDGE = from_origin(500_000, 0, 30, 30)


def around(path: Path, zoom: int) -> tuple[int, int]:
    """Column and row of the tile over the middle of a raster."""
    west, south, east, north = layer(path).bounds
    longitude, latitude = (west + east) / 2, math.radians((south + north) / 2)
    x = (longitude + 180) / 360 * 2**zoom
    y = (1 - math.asinh(math.tan(latitude)) / math.pi) / 2 * 2**zoom
    return int(x), int(y)


def pixels(content: bytes | None) -> np.ndarray:
    """RGBA of a tile, (256, 256, 4)."""
    assert content is not None
    with Image.open(io.BytesIO(content)) as picture:
        assert (picture.format, picture.size) == ("WEBP", (TILE, TILE))
        return np.asarray(picture.convert("RGBA")).astype(int)


def warped(path: Path, z: int, x: int, y: int) -> np.ndarray:
    """What GDAL's warper puts onto the grid of the tile, (bands, 256, 256)."""
    side = 2 * HALF / 2**z
    edges = (-HALF + x * side, HALF - (y + 1) * side, -HALF + (x + 1) * side, HALF - y * side)
    with rasterio.open(path) as source:
        shown = np.zeros((source.count, TILE, TILE), source.dtypes[0])
        reproject(
            rasterio.band(source, source.indexes),
            shown,
            dst_transform=from_bounds(*edges, TILE, TILE),
            dst_crs="EPSG:3857",
            resampling=Resampling.bilinear,
        )
    return shown


@pytest.fixture(scope="module")
def ortho(tmp_path_factory):
    return save_rgba(tmp_path_factory.mktemp("tiles") / "ortho.tif")


@pytest.fixture(scope="module")
def web(ortho):
    target = ortho.with_name("web.tif")
    make_cog(ortho, target, web_profile("JPEG", 85, "native"))
    return target


@pytest.fixture(scope="module")
def archive(ortho):
    target = ortho.with_name("archive.tif")
    make_cog(ortho, target, archive_profile("ZSTD"))
    return target


@pytest.mark.parametrize("name", ["web", "archive", "ortho"])
def test_a_tile_is_what_gdal_warps_there(request, ortho, name):
    path = request.getfixturevalue(name)
    zoom = layer(path).maxzoom
    x, y = around(path, zoom)
    shown, expected = pixels(tile(path, zoom, x, y)), warped(ortho, zoom, x, y)
    inside = (shown[..., 3] == 255) & (expected[3] == 255)
    assert inside.mean() > 0.9
    differences = np.abs(shown[..., :3] - np.moveaxis(expected[:3], 0, -1).astype(int))[inside]
    assert differences.mean() < 6


def test_from_afar_it_is_the_whole_disc_on_nothing(web):
    found = layer(web)
    shown = pixels(tile(web, found.minzoom, *around(web, found.minzoom)))
    valid = (shown[..., 3] > 0).mean()
    assert 0 < valid < 1
    assert shown[..., :3][shown[..., 3] == 255].min() > 40  # ground is never black


def test_outside_and_where_the_raster_is_empty(web):
    found = layer(web)
    assert tile(web, found.maxzoom, 0, 0) is None
    assert tile(web, 30, 0, 0) is None
    x, y = around(web, found.maxzoom)
    edge = min(
        (pixels(content)[..., 3].max() for dx in (-2, 2) for dy in (-2, 2)
         if (content := tile(web, found.maxzoom, x + dx, y + dy)) is not None),
        default=0,
    )  # fmt: skip
    assert edge in {0, 255}


def test_far_closer_than_its_pixels_it_is_only_larger(web):
    x, y = around(web, 26)
    assert pixels(tile(web, 26, x, y))[..., 3].min() == 255


def test_a_layer_says_where_it_lies_and_how_close(web):
    found = layer(web)
    with rasterio.open(web) as dataset:
        expected = transform_bounds(dataset.crs, "EPSG:4326", *dataset.bounds, densify_pts=21)
    assert found.bounds == pytest.approx(expected, abs=1e-6)
    assert found.minzoom < found.maxzoom
    # 5 cm at 46.8 degrees north are 7.3 cm of Web Mercator; zoom 21 has 7.5 cm.
    assert found.maxzoom == 21


def lying(path: Path, crs: object, transform: object) -> Path:
    rgba = np.concatenate([ground(512), np.full((1, 512, 512), 255, np.uint8)])
    return save(path, rgba, RGBA, crs=crs, transform=transform)


@pytest.mark.parametrize(
    ("crs", "transform"),
    [
        ("EPSG:4326", from_origin(7.0, 46.0, 1e-6, 1e-6)),
        ("EPSG:3857", from_origin(800_000, 5_800_000, 0.1, 0.1)),
        ("EPSG:2056", from_origin(2_600_000, 1_200_000, 0.1, 0.1)),
        ("EPSG:3031", from_origin(500_000, 1_900_000, 0.5, 0.5)),
        ("EPSG:32718", from_origin(600_000, 8_500_000, 0.1, 0.1)),
        ("EPSG:27700", from_origin(400_000, 300_000, 0.1, 0.1)),
        ("EPSG:2263", from_origin(980_000, 200_000, 0.3, 0.3)),
        ("EPSG:32632+5773", from_origin(500_000, 5_200_000, 0.1, 0.1)),
        (CRS.from_wkt(CRS.from_epsg(32633).to_wkt()), from_origin(500_000, 5_200_000, 0.1, -0.1)),
    ],
    ids=str,
)
def test_any_place_on_earth(tmp_path, crs, transform):
    path = lying(tmp_path / "there.tif", crs, transform)
    found = layer(path)
    west, south, east, north = found.bounds
    assert west < east
    assert south < north
    assert pixels(tile(path, found.maxzoom, *around(path, found.maxzoom)))[..., 3].max() == 255


def test_on_both_sides_of_the_antimeridian(tmp_path):
    path = lying(tmp_path / "fiji.tif", "EPSG:3460", from_origin(2_090_000, 3_900_000, 100, 100))
    assert -180 <= layer(path).bounds[0] < layer(path).bounds[2] <= 180


def test_beyond_the_edge_of_web_mercator_there_is_nothing(tmp_path):
    path = lying(tmp_path / "pole.tif", "EPSG:3031", from_origin(-100, 100, 0.4, 0.4))
    assert tile(path, 10, 512, 1023) is None or pixels(tile(path, 10, 512, 1023))[..., 3].max() == 0


def test_heights_are_tints_of_a_ramp_over_what_is_common(tmp_path):
    heights = np.linspace(400, 500, 512 * 512, dtype=np.float32).reshape(1, 512, 512)
    heights[0, :8, :8] = -9999
    heights[0, 20, 20] = 9000
    path = save(tmp_path / "dsm.tif", heights, nodata=-9999)
    zoom = layer(path).maxzoom
    shown = pixels(tile(path, zoom, *around(path, zoom)))
    assert shown[..., 3].max() == 255
    assert (shown[..., 0] != shown[..., 1]).mean() > 0.5
    upper, lower = shown[20, 128, :3], shown[-20, 128, :3]
    assert np.abs(upper - lower).sum() > 20


def test_measured_bands_are_stretched_true_colour(tmp_path):
    near, far = np.full((512, 256), 200, np.uint16), np.full((512, 256), 3_000, np.uint16)
    band = np.hstack([near, far])
    values = np.stack([band, band, band, band * 2, band])
    path = save(tmp_path / "multispectral.tif", values)
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ("Blue", "Green", "Red", "NIR", "Red edge")
    zoom = layer(path).maxzoom
    shown = pixels(tile(path, zoom, *around(path, zoom)))
    opaque = shown[shown[..., 3] == 255][:, :3]
    assert opaque.min() < 10
    assert opaque.max() > 245


def test_an_index_has_its_own_colours_and_nan_is_nothing(tmp_path):
    values = np.full((1, 512, 512), 0.9, np.float32)
    values[0, :, :200] = np.nan
    path = save(tmp_path / "ndvi.tif", values, nodata=float("nan"))
    zoom = layer(path).maxzoom
    x, y = around(path, zoom)
    shown = np.concatenate(
        [pixels(content) for dx in (-1, 0, 1) if (content := tile(path, zoom, x + dx, y, index="ndvi"))]
    )
    opaque = shown[shown[..., 3] == 255][:, :3].mean(axis=0)
    assert opaque[1] > opaque[0] + 50  # green
    assert (shown[..., 3] == 0).any()


def test_a_palette_is_shown_in_its_colours(tmp_path):
    path = save(tmp_path / "classes.tif", np.ones((1, 512, 512), np.uint8), [ColorInterp.palette])
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {0: (0, 0, 0, 255), 1: (200, 30, 90, 255)})
    zoom = layer(path).maxzoom
    shown = pixels(tile(path, zoom, *around(path, zoom)))
    assert np.abs(shown[128, 128] - [200, 30, 90, 255]).max() < 12


def test_a_large_raster_without_overviews_is_shown_from_nearby_only(tmp_path, monkeypatch, ortho):
    monkeypatch.setattr(tiles, "_MOST_READ", 300 * 300)
    found = layer(ortho)
    with pytest.raises(DataError) as caught:
        tile(ortho, found.minzoom, *around(ortho, found.minzoom))
    assert code_of(caught) == "raster.no_overviews"
    assert tile(ortho, found.maxzoom, *around(ortho, found.maxzoom)) is not None


@pytest.mark.parametrize(
    "content", [b"", b"no raster", b"II*\x00\x08\x00\x00\x00\xff\xff"], ids=["empty", "text", "cut"]
)
def test_what_is_no_raster_is_refused(tmp_path, content):
    path = tmp_path / "broken.tif"
    path.write_bytes(content)
    for ask in (lambda: layer(path), lambda: tile(path, 1, 0, 0)):
        with pytest.raises(DataError):
            ask()


def test_a_missing_file_is_refused(tmp_path):
    with pytest.raises(DataError):
        tile(tmp_path / "gone.tif", 1, 0, 0)


def test_a_raster_cut_off_is_refused_or_empty(tmp_path, web):
    path = tmp_path / "cut.tif"
    path.write_bytes(web.read_bytes()[: web.stat().st_size // 3])
    zoom = 21
    x, y = around(web, zoom)
    with pytest.raises(DataError) as caught:
        tile(path, zoom, x, y)
    assert code_of(caught) in {"raster.damaged", "raster.unreadable"}


def test_without_a_place_there_is_no_map(tmp_path):
    path = save(tmp_path / "nowhere.tif", ground(64), crs=None)
    with pytest.raises(DataError) as caught:
        layer(path)
    assert code_of(caught) == "raster.no_crs"


def test_a_file_that_changed_is_looked_at_again(tmp_path):
    path = tmp_path / "heights.tif"
    for low, high in ((0.0, 10.0), (500.0, 900.0)):
        save(path, np.linspace(low, high, 300 * 300, dtype=np.float32).reshape(1, 300, 300), nodata=-1)
        zoom = layer(path).maxzoom
        shown = pixels(tile(path, zoom, *around(path, zoom)))
        colours = shown[shown[..., 3] == 255][:, :3]
        assert np.ptp(colours, axis=0).max() > 100


def test_same_place_as_the_samples(ortho):
    with rasterio.open(ortho) as dataset:
        assert (dataset.crs.to_string(), dataset.transform) == (UTM, PLACE)
