"""What a raster is: names and wavelengths of bands, nodata as people write it, places, and what is refused."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from rasterio.control import GroundControlPoint

from aerodag.errors import AerodagError, DataError
from aerodag.raster.examining.bands import at_wavelength, named
from aerodag.raster.examining.classify import classify, inspect
from aerodag.raster.examining.whole import require_whole
from aerodag.raster.gdal import opened
from aerodag.raster.kinds import Content, CrsKind, Grid, Invalid, Meaning, RasterKind
from samples.rasters import DATA, PLACE, RGB, Array, code_of, ground, needs_data, save, save_rgba

pytestmark = [
    pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning"),
    pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning"),
]
U, R, G, B, N, E = Meaning.UNKNOWN, Meaning.RED, Meaning.GREEN, Meaning.BLUE, Meaning.NIR, Meaning.RED_EDGE


def kind_of(path: Path) -> RasterKind:
    with opened(path) as dataset:
        return classify(dataset)


def heights(side: int = 64) -> Array:
    return ground(side)[:1].astype(np.float32)


@pytest.mark.parametrize(
    ("names", "meanings"),
    [
        (["Red", "Green", "Blue", "NIR", "Rededge"], [R, G, B, N, E]),
        (["Blue", "Green", "Red", "Red edge", "NIR", "LWIR"], [B, G, R, E, N, Meaning.THERMAL]),
        (["MS_G", "MS_R", "MS_RE", "MS_NIR"], [G, R, E, N]),
        (["Band 1 (Blue)", "Band 5 (RedEdge)", "Band 4 (Near Infra-Red)"], [B, E, N]),
        (["GRE", "RED", "REG", "NIR"], [G, R, E, N]),
        (["green_560nm", "red 660", "735 nm", "790 nm"], [G, R, E, N]),
        (["Blue-444", "Blue-475", "Green-531", "Red edge-705"], [Meaning.COASTAL, B, G, E]),
        (["near infrared", "infrared", "Infra red", "SWIR 1"], [N, U, U, Meaning.SWIR]),
        (["r", "g", "b"], [R, G, B]),
        (["band 1", "B04", "predictor", "reduced", "770 nm"], [U, U, U, U, U]),
        (["Panchro", "Coastal Aerosol", "yellow"], [Meaning.GREY, Meaning.COASTAL, Meaning.YELLOW]),
    ],
)
def test_bands_are_what_their_names_say(tmp_path: Path, names: list[str], meanings: list[Meaning]) -> None:
    path = save(tmp_path / "a.tif", np.full((len(names), 32, 32), 700, dtype=np.uint16))
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = names
    kind = kind_of(path)
    assert [band.meaning for band in kind.bands] == meanings
    assert [band.description for band in kind.bands] == names
    assert kind.content is (Content.RGB if meanings == [R, G, B] else Content.MULTISPECTRAL)


def test_bands_are_what_their_wavelengths_say(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", np.full((5, 32, 32), 700, dtype=np.uint16))
    with rasterio.open(path, "r+") as dataset:
        dataset.update_tags(1, ns="IMAGERY", CENTRAL_WAVELENGTH_UM="0.475")
        dataset.update_tags(2, ns="IMAGERY", CENTRAL_WAVELENGTH_UM="0.56")
        dataset.update_tags(3, wavelength="668", wavelength_units="Nanometers")
        dataset.update_tags(4, WAVELENGTH="0.717")
        dataset.update_tags(5, BandName="NIR", Wavelength="nonsense")
    found = kind_of(path).bands
    assert [band.meaning for band in found] == [B, G, R, E, N]
    assert [band.wavelength_nm for band in found] == [475, 560, 668, 717, None]


def test_names_go_before_the_colours_of_the_file(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", ground(32), RGB, photometric="RGB")
    with rasterio.open(path, "r+") as dataset:
        dataset.descriptions = ["Blue", "Green", "Red"]
    assert [band.meaning for band in kind_of(path).bands] == [B, G, R]


@given(text=st.text(max_size=40), number=st.floats(allow_nan=False, min_value=0))
@pytest.mark.fuzz
def test_any_name_and_number_means_something_or_nothing(text: str, number: float) -> None:
    assert isinstance(named(text), Meaning)
    assert isinstance(at_wavelength(number), Meaning)


@pytest.mark.parametrize(
    ("dtype", "options", "name", "unit", "content"),
    [
        ("float32", {"nodata": -9999}, None, None, Content.ELEVATION),
        ("float64", {"nodata": np.nan}, None, None, Content.ELEVATION),
        ("int16", {"nodata": -32767}, None, None, Content.ELEVATION),
        ("int32", {}, None, "metre", Content.ELEVATION),
        ("uint16", {}, None, "m", Content.ELEVATION),
        ("uint8", {}, "CHM", None, Content.ELEVATION),
        ("int16", {"nodata": 0}, None, None, Content.UNKNOWN),
        ("float32", {}, "NDVI", None, Content.UNKNOWN),
        ("float32", {}, None, "percent", Content.UNKNOWN),
        ("float32", {}, "LWIR", None, Content.MULTISPECTRAL),
        ("uint16", {}, "NIR", None, Content.MULTISPECTRAL),
        ("uint16", {}, None, None, Content.GREY),
        ("float32", {"scale": 255}, None, None, Content.UNKNOWN),
    ],
)
def test_one_band_is_height_grey_a_measurement_or_unknown(
    tmp_path: Path, dtype: str, options: dict[str, Any], name: str | None, unit: str | None, content: Content
) -> None:
    scale = options.pop("scale", 1)
    path = save(tmp_path / "a.tif", (heights() / scale).astype(dtype), **options)
    with rasterio.open(path, "r+") as dataset:
        if name:
            dataset.descriptions = [name]
        if unit:
            dataset.units = [unit]
    assert kind_of(path).content is content


@pytest.mark.parametrize(
    ("dtype", "written", "nodata", "invalid"),
    [
        ("uint8", b"nan", None, set()),
        ("uint8", b"-99", None, set()),
        ("uint16", b"1e9", None, set()),
        ("uint8", b"9.5", None, set()),
        ("int16", b"-99", -99, {Invalid.NODATA}),
        ("float32", b"nan", None, {Invalid.NAN}),
        ("float32", b"7.5", 7.5, {Invalid.NODATA}),
    ],
)
def test_nodata_is_read_as_people_write_it(
    tmp_path: Path, dtype: str, written: bytes, nodata: float | None, invalid: set[Invalid]
) -> None:
    path = save(tmp_path / "a.tif", heights().astype(dtype), nodata=101)
    content = path.read_bytes()
    assert content.count(b"101\0") == 1
    path.write_bytes(content.replace(b"101\0", written + b"\0"))
    kind = kind_of(path)
    assert kind.invalid == invalid
    assert kind.nodata == nodata or (nodata is None and np.isnan(kind.nodata or np.nan))


@pytest.mark.parametrize(
    ("dtype", "fill"),
    [
        ("uint8", 0), ("uint8", 255), ("uint16", 0), ("uint16", 65535), ("int16", -9999), ("int16", -32768),
        ("int32", -(2**31)), ("float32", -9999), ("float32", -32767), ("float32", 0), ("float64", np.finfo("f4").min),
    ],
)  # fmt: skip
def test_an_undeclared_collar_is_seen(tmp_path: Path, dtype: str, fill: float) -> None:
    values = ground(400).astype(dtype)
    values[:, :3] = fill
    kind = kind_of(save(tmp_path / "a.tif", values))
    assert (kind.invalid, kind.nodata, kind.edge_fill) == ({Invalid.EDGE}, fill, (fill,) * 3)


def test_no_collar_is_made_up(tmp_path: Path) -> None:
    values = ground(400)
    values[:, 100:300, 100:300] = 255
    values[:, 150:250, :5] = 255  # reaches the margin, but no corner of it
    assert kind_of(save(tmp_path / "a.tif", values)).invalid == set()
    values[:, :50] = 133  # no number anybody fills with
    assert kind_of(save(tmp_path / "b.tif", values)).invalid == set()
    assert kind_of(save_rgba(tmp_path / "c.tif", 300)).invalid == {Invalid.ALPHA}


def test_a_collar_of_jpeg_is_seen_through_its_noise(tmp_path: Path) -> None:
    values = ground(400)
    values[:, :90] = 255
    path = save(tmp_path / "a.tif", values, compress="jpeg", photometric="YCBCR", tiled=True)
    assert kind_of(path).edge_fill == (255, 255, 255)


@pytest.mark.parametrize(
    ("transform", "grid"),
    [
        (PLACE, Grid.NORTH_UP),
        (PLACE @ Affine.scale(1, -1), Grid.SOUTH_UP),
        (PLACE @ Affine.rotation(3), Grid.ROTATED),
        (PLACE @ Affine.scale(-1, 1), Grid.ROTATED),
        (PLACE @ Affine.rotation(1e-8), Grid.NORTH_UP),
    ],
)
def test_how_it_lies(tmp_path: Path, transform: Affine, grid: Grid) -> None:
    assert kind_of(save(tmp_path / "a.tif", ground(64), transform=transform)).grid is grid


@pytest.mark.parametrize(
    ("crs", "kind", "vertical", "code"),
    [
        ("EPSG:4979", CrsKind.GEOGRAPHIC, None, None),
        ("EPSG:6349", CrsKind.GEOGRAPHIC, "NAVD88 height", None),
        ("EPSG:4978", CrsKind.GEOCENTRIC, None, "raster.local_crs"),
        ("EPSG:5773", CrsKind.ENGINEERING, None, "raster.local_crs"),  # a TIFF holds no vertical CRS alone
    ],
)
def test_where_it_lies(tmp_path: Path, crs: str, kind: CrsKind, vertical: str | None, code: str | None) -> None:
    transform = Affine.translation(-92, 46) @ Affine.scale(1e-6, -1e-6)
    path = save(tmp_path / "a.tif", ground(64), crs=crs, transform=transform)
    found = kind_of(path)
    assert (found.crs, found.vertical) == (kind, vertical)
    if code is not None:
        with pytest.raises(DataError) as caught:
            inspect(path)
        assert code_of(caught) == code


def test_control_points_alone_are_no_place(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", ground(64), crs=None, transform=Affine.identity())
    points = [GroundControlPoint(r, c, 576_000 + c, 5_188_000 - r) for r, c in ((0, 0), (0, 64), (64, 0), (64, 64))]
    with rasterio.open(path, "r+") as dataset:
        dataset.gcps = points, rasterio.CRS.from_epsg(32615)
    with pytest.raises(DataError) as caught:
        inspect(path)
    assert (code_of(caught), caught.value.numbers) == ("raster.gcps_only", {"gcps": 4})
    assert "Rectify" in caught.value.advice


@pytest.mark.parametrize(
    ("values", "options"),
    [
        (np.zeros((3, 64, 64), np.uint8), {}),
        (np.full((1, 64, 64), np.nan, np.float32), {}),
        (np.full((1, 2000, 64), -9999, np.float32), {"nodata": -9999}),
        (np.zeros((4, 64, 64), np.uint8), {"photometric": "RGB"}),
    ],
)
def test_nothing_valid_is_empty(tmp_path: Path, values: Array, options: dict[str, Any]) -> None:
    with pytest.raises(DataError) as caught:
        inspect(save(tmp_path / "a.tif", values, **options))
    assert code_of(caught) == "raster.empty"


def test_a_name_in_another_encoding_is_no_crash(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", ground(64), crs='LOCAL_CS["Baustelle",UNIT["metre",1]]')
    content = path.read_bytes()
    assert b"Baustelle" in content
    path.write_bytes(content.replace(b"Baustelle", b"Baust\xe4lle"))
    with pytest.raises(DataError) as caught:
        inspect(path)
    assert code_of(caught) == "raster.unreadable_text"


def test_one_valid_pixel_is_enough(tmp_path: Path) -> None:
    values = np.full((1, 5000, 40), -9999, np.float32)
    values[0, 3333, 7] = 5
    assert inspect(save(tmp_path / "a.tif", values, nodata=-9999)).content is Content.UNKNOWN


def test_complex_numbers_are_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        inspect(save(tmp_path / "a.tif", np.ones((1, 64, 64), np.complex64)))
    assert code_of(caught) == "raster.unsupported"


@needs_data
@pytest.mark.parametrize(
    ("path", "content", "invalid"),
    [
        ("geotiff/forest_ortho/OSBS_029.tif", Content.RGB, {Invalid.NODATA}),
        ("geotiff/forest_ortho/2018_SJER_3_252000_4107000_image_477.tif", Content.RGB, {Invalid.NODATA}),
        ("geotiff/rio_cogeo/dataset_namespace_metadata.tif", Content.RGB, None),
        ("geotiff/rio_cogeo/image_51px.tif", Content.RGB, None),
        ("geotiff/rio_cogeo/image_missing_nodata.tif", Content.ELEVATION, {Invalid.EDGE}),
        ("geotiff/rio_cogeo/image_nodata.tif", Content.ELEVATION, {Invalid.NODATA}),
        ("geotiff/rio_cogeo/image_rgb.tif", Content.RGB, set()),
        ("geotiff/rio_cogeo/image_rgba.tif", Content.RGB, {Invalid.ALPHA}),
        ("geotiff/rio_cogeo/image_web.tif", Content.RGB, None),
        ("geotiff/rio_cogeo/validate/image_dec.tif", Content.RGB, set()),
        ("geotiff/rio_cogeo/validate/image_external.tif", Content.RGB, {Invalid.ALPHA}),
        ("geotiff/rio_cogeo/validate/image_no_overview.tif", Content.RGB, {Invalid.ALPHA, Invalid.MASK}),
        ("geotiff/rio_cogeo/validate/image_rioCOG_gdal3.1.tif", Content.RGB, {Invalid.NODATA}),
        ("odm_outputs/nodeodm_fixture/odm_dem/dsm.tif", Content.ELEVATION, {Invalid.NODATA}),
        ("odm_outputs/nodeodm_fixture/odm_dem/dtm.tif", Content.ELEVATION, {Invalid.NODATA}),
        ("odm_outputs/nodeodm_fixture/odm_orthophoto/odm_orthophoto.tif", Content.RGB, {Invalid.ALPHA}),
    ],
)
def test_real_rasters_are_known(path: str, content: Content, invalid: set[Invalid] | None) -> None:
    kind = inspect(DATA / path)
    assert kind.content is content
    assert invalid is None or kind.invalid == invalid


@needs_data
@pytest.mark.parametrize(("name", "nanometres", "meaning"), [("GRE", 550, G), ("RED", 660, R)])
def test_a_camera_band_says_its_wavelength(name: str, nanometres: float, meaning: Meaning) -> None:
    band = kind_of(DATA / f"multispectral/parrot_sequoia/IMG_180413_080658_0000_{name}.TIF").bands[0]
    assert (band.meaning, band.wavelength_nm) == (meaning, nanometres)


SMALL = [
    {}, {"tiled": True, "blockxsize": 16, "blockysize": 16, "compress": "deflate"},
    {"bigtiff": "YES", "compress": "lzw", "nodata": 0},
]  # fmt: skip


@given(data=st.data())
@pytest.mark.fuzz
def test_broken_bytes_raise_nothing_but_our_errors(
    data: st.DataObject, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = save(tmp_path_factory.mktemp("fuzz") / "a.tif", ground(32), **data.draw(st.sampled_from(SMALL)))
    content = bytearray(path.read_bytes())
    for place, byte in data.draw(st.lists(st.tuples(st.integers(0, 700), st.integers(0, 255)), max_size=12)):
        content[place % len(content)] = byte
    path.write_bytes(
        content[: data.draw(st.sampled_from([len(content), len(content) - 9]) | st.integers(0, len(content)))]
    )
    for call in (kind_of, inspect, require_whole):
        with suppress(AerodagError):
            call(path)
