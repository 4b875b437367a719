"""Extra raster layers: values, classes and curves at a point, nodata and rasters beside it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pyogrio.raw
import pytest
import rasterio
import shapely
from affine import Affine
from pyproj import Geod, Transformer
from rasterio.transform import from_origin

from aerodag.errors import ConfigError
from aerodag.places import pixels
from aerodag.places.layers import look_up
from aerodag.settings import Layer

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
LONGITUDE, LATITUDE = 8.40, 49.01
GEOD = Geod(ellps="WGS84")
DEGREES = from_origin(8.0, 49.5, 0.01, 0.01)
CLASSES = """<PAMDataset><PAMRasterBand band="1"><GDALRasterAttributeTable tableType="thematic">
<FieldDefn index="0"><Name>Value</Name><Type>0</Type><Usage>5</Usage></FieldDefn>
<FieldDefn index="1"><Name>Class</Name><Type>2</Type><Usage>2</Usage></FieldDefn>
<FieldDefn index="2"><Name>Realm</Name><Type>2</Type><Usage>0</Usage></FieldDefn>
<Row index="0"><F>4</F><F>Temperate broadleaf forest</F><F>Palearctic</F></Row>
<Row index="1"><F>6</F><F>Boreal forest</F><F>Nearctic</F></Row>
</GDALRasterAttributeTable></PAMRasterBand></PAMDataset>"""
CATEGORIES = """<PAMDataset><PAMRasterBand band="1"><CategoryNames><Category>water</Category>
<Category>land</Category></CategoryNames></PAMRasterBand></PAMDataset>"""


def write(path: Path, values: npt.NDArray[Any], **options: Any) -> Path:
    profile = {
        "driver": "GTiff", "count": values.shape[0], "height": values.shape[1], "width": values.shape[2],
        "dtype": values.dtype, "crs": "EPSG:4326", "transform": DEGREES,
    } | options  # fmt: skip
    with rasterio.open(path, "w", **profile) as out:
        out.write(values)
    return path


def numbered(rows: int = 100, columns: int = 100, dtype: str = "int32") -> npt.NDArray[Any]:
    """Each pixel says where it is: its row times 1000 plus its column."""
    return (np.arange(rows)[:, None] * 1000 + np.arange(columns))[None].astype(dtype)


def layer(path: Path, rule: str = "value", reach: float = 10_000.0, field: str | None = None) -> Layer:
    return Layer.model_validate({"name": "extra", "path": path, "rule": rule, "field": field, "max_distance_m": reach})


def code_of(broken: Layer) -> str:
    with pytest.raises(ConfigError) as refused:
        look_up(broken, LONGITUDE, LATITUDE)
    assert refused.value.advice
    return refused.value.code


def test_the_pixel_at_the_point_answers(tmp_path: Path) -> None:
    answer = look_up(layer(write(tmp_path / "a.tif", numbered())), 8.405, 49.013)
    assert (answer.value, answer.distance_m, answer.reason, answer.source) == (48_040, 0.0, None, "a.tif")


@pytest.mark.parametrize("crs", ["EPSG:32632", "EPSG:3857", "EPSG:3035"])
def test_a_raster_in_another_crs_is_reprojected_to(tmp_path: Path, crs: str) -> None:
    x, y = Transformer.from_crs("EPSG:4326", crs, always_xy=True).transform(LONGITUDE, LATITUDE)
    grid = from_origin(x - 40 * 500 - 100, y + 30 * 500 + 100, 500, 500)
    path = write(tmp_path / "a.tif", numbered(), crs=crs, transform=grid)
    assert look_up(layer(path), LONGITUDE, LATITUDE).value == 30_040


def test_a_turned_raster_is_read_at_the_right_pixel(tmp_path: Path) -> None:
    grid = Affine(0.0, 0.01, 8.0, 0.01, 0.0, 48.5)
    values = numbered()
    answer = look_up(layer(write(tmp_path / "a.tif", values, transform=grid)), 8.405, 49.015)
    assert answer.value == 40_051
    values[0, 36:45, 49:53] = -1
    beside = look_up(layer(write(tmp_path / "b.tif", values, transform=grid, nodata=-1)), 8.405, 49.015)
    assert beside.value == 40_053
    assert beside.distance_m == pytest.approx(GEOD.inv(8.405, 49.015, 8.405, 49.035)[2], abs=1)


@pytest.mark.parametrize("empty", ["nodata", "nan", "mask"])
def test_where_the_pixel_is_empty_the_nearest_valid_one_answers(tmp_path: Path, empty: str) -> None:
    """A degree of longitude is shorter than one of latitude: 5 columns are nearer than 4 rows."""
    values = numbered(dtype="float32")
    keep = np.zeros(values.shape[1:], dtype=bool)
    keep[48, 45] = keep[52, 40] = True
    path, filler = tmp_path / "a.tif", {"nodata": -9999.0, "nan": np.nan, "mask": 1.0}[empty]
    values[0, ~keep] = filler
    write(path, values, nodata=filler if empty == "nodata" else None)
    if empty == "mask":
        with rasterio.open(path, "r+") as out:
            out.write_mask(keep)
    answer = look_up(layer(path), 8.405, 49.015)
    assert answer.value == 48_045
    assert answer.distance_m == pytest.approx(GEOD.inv(8.405, 49.015, 8.455, 49.015)[2], abs=1)
    beyond = look_up(layer(path, reach=3000), 8.405, 49.015)
    assert (beyond.value, beyond.reason) == (None, "No valid pixel is within 3000 m.")


def test_a_nearer_pixel_outside_the_first_window_wins_over_its_corner(tmp_path: Path) -> None:
    values = np.full((1, 100, 100), -1, dtype="int32")
    values[0, 56, 48], values[0, 48, 52] = 1, 2
    path = write(tmp_path / "a.tif", values, nodata=-1)
    assert look_up(layer(path), 8.405, 49.015).value == 2


def test_in_a_wide_gap_far_north_the_pixel_to_the_east_is_nearest(tmp_path: Path) -> None:
    rows, columns = np.mgrid[0:200, 0:200]
    values = numbered(200, 200)
    values[0, np.hypot(rows - 100, columns - 100) < 30] = -1
    path = write(tmp_path / "a.tif", values, nodata=-1, transform=from_origin(8.0, 80.0, 0.01, 0.01))
    answer = look_up(layer(path, reach=50_000), 9.006, 78.995)
    assert answer.value == 100_130
    assert answer.distance_m == pytest.approx(GEOD.inv(9.006, 78.995, 9.305, 78.995)[2], abs=1)


@pytest.mark.parametrize("seed", range(5))
def test_the_nearest_valid_pixel_agrees_with_every_distance_measured(tmp_path: Path, seed: int) -> None:
    generator = np.random.default_rng(seed)
    values = numbered(300, 300)
    keep = generator.random(values.shape[1:]) < 0.0004
    keep[0, 0] = True
    values[0, ~keep] = -1
    path = write(tmp_path / "a.tif", values, nodata=-1)
    rows, columns = np.nonzero(keep)
    for longitude, latitude in generator.uniform((8.2, 46.7), (10.8, 49.3), (6, 2)):
        n = len(rows)
        centres = 8.0 + (columns + 0.5) * 0.01, 49.5 - (rows + 0.5) * 0.01
        distances = GEOD.inv(np.full(n, longitude), np.full(n, latitude), *centres)[2]
        answer = look_up(layer(path, reach=300_000), longitude, latitude)
        if answer.distance_m == 0:
            continue
        assert answer.distance_m == pytest.approx(distances.min(), abs=0.2)
        assert answer.value == values[0, rows[np.argmin(distances)], columns[np.argmin(distances)]]


def test_beside_the_raster_its_nearest_edge_answers(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbered())
    assert look_up(layer(path), 7.95, 49.005).value == 49_000
    assert look_up(layer(path), 7.50, 49.005).value is None
    assert look_up(layer(path), -120.0, -30.0).value is None


def test_degrees_from_0_to_360_and_the_projection_s_end_are_understood(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", numbered(), transform=from_origin(259.5, 40.5, 0.01, 0.01))
    assert look_up(layer(path), -100.0 + 0.005, 40.0 - 0.005).value == 50_050
    mercator = write(tmp_path / "b.tif", numbered(), crs="EPSG:3857", transform=from_origin(0, 0, 500, 500))
    assert look_up(layer(mercator), 0.0, 90.0).value is None


def test_a_curve_has_one_value_a_band_and_none_where_a_band_is_empty(tmp_path: Path) -> None:
    values = np.tile(np.arange(366, dtype="float32")[:, None, None], (1, 20, 20))
    values[:5, :, :] = -1
    values[:, :, :10] = -1
    path = write(tmp_path / "a.tif", values, nodata=-1, transform=from_origin(8.3, 49.1, 0.01, 0.01))
    answer = look_up(layer(path, "curve"), 8.405, 49.015)
    assert answer.value == [None] * 5 + [float(day) for day in range(5, 366)]
    assert answer.distance_m == 0.0
    beside = look_up(layer(path, "curve"), 8.355, 49.015)
    assert beside.value == answer.value
    assert beside.distance_m == pytest.approx(GEOD.inv(8.355, 49.015, 8.405, 49.015)[2], abs=1)


def test_scale_and_offset_give_the_units(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.full((1, 100, 100), 7342, dtype="int16"))
    with rasterio.open(path, "r+") as out:
        out.scales, out.offsets = (0.0001,), (0.1,)
    assert look_up(layer(path), LONGITUDE, LATITUDE).value == pytest.approx(0.8342)


def test_a_class_is_told_by_its_name_and_its_number(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.full((1, 100, 100), 4, dtype="uint8"))
    assert look_up(layer(path), LONGITUDE, LATITUDE).value == 4
    Path(f"{path}.aux.xml").write_text(CLASSES)
    answer = look_up(layer(path), LONGITUDE, LATITUDE)
    assert (answer.value, answer.code) == ("Temperate broadleaf forest", 4)
    assert look_up(layer(path, field="Realm"), LONGITUDE, LATITUDE).value == "Palearctic"
    assert code_of(layer(path, field="Continent")) == "places.layer_field"


def test_a_number_without_a_class_stays_a_number(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.full((1, 100, 100), 9, dtype="uint8"))
    Path(f"{path}.aux.xml").write_text(CLASSES)
    answer = look_up(layer(path), LONGITUDE, LATITUDE)
    assert (answer.value, answer.code) == (9, None)


def test_category_names_count_from_zero(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.ones((1, 100, 100), dtype="uint8"))
    Path(f"{path}.aux.xml").write_text(CATEGORIES)
    assert look_up(layer(path), LONGITUDE, LATITUDE).value == "land"


def test_the_table_that_arcgis_writes_is_read(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.full((1, 100, 100), 2, dtype="uint8"))
    table = tmp_path / "table.shp"
    pyogrio.raw.write(
        table, shapely.to_wkb(shapely.points([[0, 0], [1, 1]])), [np.array([1, 2]), np.array(["Moor", "Wald"])],
        ["Value", "Class"], driver="ESRI Shapefile", geometry_type="Point", crs="EPSG:4326",
    )  # fmt: skip
    table.with_suffix(".dbf").rename(f"{path}.vat.dbf")
    assert look_up(layer(path), LONGITUDE, LATITUDE).value == "Wald"


def test_a_table_that_is_no_xml_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "a.tif", np.ones((1, 100, 100), dtype="uint8"))
    Path(f"{path}.aux.xml").write_text("<PAMDataset><PAM")
    assert code_of(layer(path)) == "places.layer_unreadable"


def test_a_search_never_reads_more_than_its_widest_window(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    whole = pixels._valid
    monkeypatch.setattr(pixels, "_valid", lambda *given: read.append(given[2].width * given[2].height) or whole(*given))
    path = _empty(tmp_path / "a.tif")
    answer = look_up(layer(path), 8.15, 49.35)
    assert answer.value is None
    assert max(read) == (2 * 1024 + 1) ** 2


def _empty(path: Path) -> Path:
    """A gigapixel with no data, of a few kilobytes."""
    profile = {
        "driver": "GTiff", "count": 1, "height": 30_000, "width": 30_000, "dtype": "int16", "crs": "EPSG:4326",
        "transform": from_origin(8.0, 49.5, 1e-5, 1e-5), "nodata": -1, "tiled": True, "sparse_ok": True,
    }  # fmt: skip
    with rasterio.open(path, "w", **profile):
        pass
    return path


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    adrift = write(tmp_path / "a.tif", numbered(), crs=None)
    local = write(tmp_path / "local.tif", numbered(), crs='LOCAL_CS["site",UNIT["metre",1]]')
    good = write(tmp_path / "b.tif", numbered())
    noise, torn, shapes = tmp_path / "c.tif", tmp_path / "d.tif", tmp_path / "e.geojson"
    noise.write_bytes(b"no raster")
    torn.write_bytes(good.read_bytes()[:9000])
    shapes.write_text('{"type":"FeatureCollection","features":[]}')
    assert code_of(layer(tmp_path / "absent.tif")) == "places.layer_missing"
    assert code_of(layer(adrift)) == "places.layer_no_crs"
    assert code_of(layer(local)) == "places.layer_no_crs"
    assert code_of(layer(noise)) == "places.layer_unreadable"
    assert code_of(layer(torn)) == "places.layer_unreadable"
    assert code_of(layer(shapes)) == "places.layer_rule"
    assert code_of(layer(good, field="Class")) == "places.layer_field"
