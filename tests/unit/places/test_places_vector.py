"""Extra vector layers: written in several formats and CRS, looked up by both rules."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from pyogrio import raw
from pyproj import Geod, Transformer
from rasterio.transform import from_origin
from shapely.geometry.base import BaseGeometry

from aerodag.errors import ConfigError
from aerodag.places.layers import look_up
from aerodag.settings import Layer

LONGITUDE, LATITUDE = 8.40, 49.01
FORMATS = {"gpkg": "GPKG", "geojson": "GeoJSON", "shp": "ESRI Shapefile", "fgb": "FlatGeobuf"}
GEOD = Geod(ellps="WGS84")


def write(
    path: Path, shapes: list[BaseGeometry], crs: str | None = "EPSG:4326", geometry_type: str = "Polygon", **fields: Any
) -> Path:
    """Shapes given in degrees, stored in ``crs``."""
    if crs not in (None, "EPSG:4326"):
        forward = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
        shapes = [shapely.transform(shape, forward.transform, interleaved=False) for shape in shapes]
    columns = fields or {"name": [f"feature {index}" for index in range(len(shapes))]}
    raw.write(
        path, shapely.to_wkb(shapes), [np.array(column) for column in columns.values()], list(columns),
        driver=FORMATS[path.suffix[1:]], geometry_type=geometry_type, crs=crs, promote_to_multi=False,
    )  # fmt: skip
    return path


def square(longitude: float, latitude: float, half: float) -> shapely.Polygon:
    return shapely.box(longitude - half, latitude - half, longitude + half, latitude + half)


def layer(path: Path, rule: str = "containing", field: str | None = "name", reach: float = 10_000.0) -> Layer:
    return Layer.model_validate({"name": "extra", "path": path, "rule": rule, "field": field, "max_distance_m": reach})


def code_of(broken: Layer) -> str:
    with pytest.raises(ConfigError) as refused:
        look_up(broken, LONGITUDE, LATITUDE)
    assert refused.value.advice
    return refused.value.code


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:32632", "EPSG:3035", "EPSG:31467"])
@pytest.mark.parametrize("suffix", FORMATS)
def test_a_polygon_contains_the_point_in_any_format_and_crs(tmp_path: Path, suffix: str, crs: str) -> None:
    shapes = [square(8.2, 49.01, 0.1), square(LONGITUDE, LATITUDE, 0.1), square(8.6, 49.01, 0.05)]
    path = write(tmp_path / f"layer.{suffix}", shapes, "EPSG:4326" if suffix == "geojson" else crs)
    answer = look_up(layer(path), LONGITUDE, LATITUDE)
    assert (answer.value, answer.reason, answer.distance_m, answer.source) == ("feature 1", None, 0.0, path.name)


def test_a_hole_is_outside_and_an_island_in_it_is_inside(tmp_path: Path) -> None:
    ring = square(LONGITUDE, LATITUDE, 0.3).difference(square(LONGITUDE, LATITUDE, 0.2))
    island = square(LONGITUDE, LATITUDE, 0.01)
    path = write(tmp_path / "a.gpkg", [shapely.MultiPolygon([ring, island])], geometry_type="MultiPolygon")
    assert look_up(layer(path), LONGITUDE, LATITUDE).value == "feature 0"
    assert look_up(layer(path), LONGITUDE + 0.25, LATITUDE).value == "feature 0"
    outside = look_up(layer(path), LONGITUDE + 0.1, LATITUDE)
    assert (outside.value, outside.distance_m) == (None, None)
    assert outside.reason == "No polygon of the layer contains the point."


def test_of_polygons_over_each_other_the_smallest_answers(tmp_path: Path) -> None:
    shapes = [square(LONGITUDE, LATITUDE, half) for half in (0.3, 0.02, 0.1)]
    assert look_up(layer(write(tmp_path / "a.fgb", shapes)), LONGITUDE, LATITUDE).value == "feature 1"


def test_every_batch_of_a_crowded_spot_is_read(tmp_path: Path) -> None:
    shapes = [square(LONGITUDE, LATITUDE, 0.3 - index * 0.0002) for index in range(1200)]
    assert look_up(layer(write(tmp_path / "a.gpkg", shapes)), LONGITUDE, LATITUDE).value == "feature 1199"


def test_a_polygon_that_crosses_itself_still_answers(tmp_path: Path) -> None:
    bow_tie = shapely.Polygon([(8.3, 48.9), (8.5, 49.1), (8.5, 48.9), (8.3, 49.1)])
    path = write(tmp_path / "a.gpkg", [bow_tie])
    assert look_up(layer(path), 8.33, 49.0).value == "feature 0"
    assert look_up(layer(path), 8.40, 49.09).value is None


def test_degrees_from_0_to_360_are_understood(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [square(260.0, 40.0, 1.0)])
    assert look_up(layer(path), -100.0, 40.0).value == "feature 0"
    assert look_up(layer(path, "nearest", reach=150_000), -101.5, 40.0).value == "feature 0"


def test_attributes_become_what_json_knows(tmp_path: Path) -> None:
    fields = {
        "whole": np.array([7], dtype=np.int32), "part": [0.5], "nothing": [float("nan")],
        "day": np.array(["2024-05-06"], dtype="datetime64[D]"), "text": ["Wald"],
    }  # fmt: skip
    path = write(tmp_path / "a.gpkg", [square(LONGITUDE, LATITUDE, 1)], **fields)
    value = look_up(layer(path, field=None), LONGITUDE, LATITUDE).value
    assert value == {"whole": 7, "part": 0.5, "nothing": None, "day": "2024-05-06", "text": "Wald"}
    empty = look_up(layer(path, field="nothing"), LONGITUDE, LATITUDE)
    assert (empty.value, empty.reason) == (None, "The feature has no nothing.")


@pytest.mark.parametrize("crs", ["EPSG:4326", "EPSG:3857", "EPSG:32632", "EPSG:3035"])
def test_the_nearest_feature_is_told_with_its_distance_on_the_ground(tmp_path: Path, crs: str) -> None:
    ends = [GEOD.fwd(LONGITUDE, LATITUDE, azimuth, metres)[:2] for azimuth, metres in ((90, 4000), (0, 3000))]
    path = write(tmp_path / "a.gpkg", [shapely.Point(end) for end in ends], crs, "Point")
    answer = look_up(layer(path, "nearest"), LONGITUDE, LATITUDE)
    assert answer.value == "feature 1"
    assert answer.distance_m == pytest.approx(3000, abs=0.2)


def test_the_nearest_line_is_measured_to_its_closest_point_not_to_a_vertex(tmp_path: Path) -> None:
    line = shapely.LineString([(LONGITUDE - 0.2, LATITUDE + 0.02), (LONGITUDE + 0.2, LATITUDE + 0.02)])
    path = write(tmp_path / "a.gpkg", [line], geometry_type="LineString")
    answer = look_up(layer(path, "nearest"), LONGITUDE, LATITUDE)
    assert answer.distance_m == pytest.approx(GEOD.inv(LONGITUDE, LATITUDE, LONGITUDE, LATITUDE + 0.02)[2], rel=0.01)


def test_a_feature_beyond_the_distance_is_not_told(tmp_path: Path) -> None:
    end = GEOD.fwd(LONGITUDE, LATITUDE, 45, 10_500)[:2]
    path = write(tmp_path / "a.geojson", [shapely.Point(end)], geometry_type="Point")
    answer = look_up(layer(path, "nearest"), LONGITUDE, LATITUDE)
    assert (answer.value, answer.reason) == (None, "No feature of the layer is within 10000 m.")
    assert look_up(layer(path, "nearest", reach=11_000), LONGITUDE, LATITUDE).value == "feature 0"


@pytest.mark.parametrize(("longitude", "other"), [(179.99, -179.99), (-179.99, 179.99)])
def test_nearest_looks_over_the_antimeridian(tmp_path: Path, longitude: float, other: float) -> None:
    path = write(tmp_path / "a.gpkg", [shapely.Point(other, -17.0)], geometry_type="Point")
    answer = look_up(layer(path, "nearest"), longitude, -17.0)
    assert answer.distance_m == pytest.approx(GEOD.inv(longitude, -17, other, -17)[2], abs=0.2)


def test_nearest_looks_over_the_pole(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [shapely.Point(-100.0, 89.99)], geometry_type="Point")
    answer = look_up(layer(path, "nearest"), 80.0, 89.98)
    assert answer.distance_m == pytest.approx(GEOD.inv(80, 89.98, -100, 89.99)[2], abs=1)


def test_nearest_agrees_with_every_distance_measured(tmp_path: Path) -> None:
    generator = np.random.default_rng(5)
    ends = np.column_stack([generator.uniform(8.2, 8.6, 3000), generator.uniform(48.9, 49.1, 3000)])
    path = write(tmp_path / "a.fgb", list(shapely.points(ends)), "EPSG:25832", "Point")
    for longitude, latitude in generator.uniform((8.25, 48.92), (8.55, 49.08), (10, 2)):
        starts = np.full(len(ends), longitude), np.full(len(ends), latitude)
        distances = GEOD.inv(*starts, ends[:, 0], ends[:, 1])[2]
        answer = look_up(layer(path, "nearest"), longitude, latitude)
        assert answer.value == f"feature {int(np.argmin(distances))}"
        assert answer.distance_m == pytest.approx(distances.min(), abs=0.2)


def test_a_point_outside_a_projection_is_outside_its_layer(tmp_path: Path) -> None:
    path = write(tmp_path / "a.gpkg", [square(LONGITUDE, LATITUDE, 0.1)], "EPSG:3857")
    assert look_up(layer(path), 0.0, 90.0).value is None
    assert look_up(layer(path, "nearest"), 0.0, -90.0).value is None


def test_the_table_with_the_field_is_chosen(tmp_path: Path) -> None:
    path = tmp_path / "two.gpkg"
    for name, append in (("first", False), ("second", True)):
        raw.write(
            path, shapely.to_wkb([square(LONGITUDE, LATITUDE, 0.1)]), [np.array([name])], [f"of_{name}"],
            layer=name, driver="GPKG", geometry_type="Polygon", crs="EPSG:4326", append=append,
        )  # fmt: skip
    assert look_up(layer(path, field="of_second"), LONGITUDE, LATITUDE).value == "second"


def test_wrong_settings_are_named(tmp_path: Path) -> None:
    polygons = write(tmp_path / "a.gpkg", [square(LONGITUDE, LATITUDE, 0.1)])
    points = write(tmp_path / "b.gpkg", [shapely.Point(LONGITUDE, LATITUDE)], geometry_type="Point")
    adrift = write(tmp_path / "c.shp", [square(LONGITUDE, LATITUDE, 0.1)], crs=None)
    noise, image = tmp_path / "d.gpkg", tmp_path / "e.tif"
    noise.write_bytes(b"no GeoPackage")
    grid = {"driver": "GTiff", "width": 4, "height": 4, "count": 1, "dtype": "uint8", "crs": "EPSG:4326"}
    with rasterio.open(image, "w", **grid, transform=from_origin(8, 50, 1, 1)):
        pass
    assert code_of(layer(tmp_path / "absent.gpkg")) == "places.layer_missing"
    assert code_of(layer(polygons, field="nmae")) == "places.layer_field"
    assert code_of(layer(points)) == "places.layer_rule"
    assert code_of(layer(adrift)) == "places.layer_no_crs"
    assert code_of(layer(noise)) == "places.layer_unreadable"
    assert code_of(layer(image)) == "places.layer_rule"
