"""Items: what is in them, and what validators that are not ours say about them."""

from __future__ import annotations

import json
from datetime import datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS

from aerodag import stac
from aerodag.errors import ConfigError, DataError
from aerodag.stac.extensions import EXTENSIONS
from cases.stac_validators import by_pystac, by_stac_pydantic, by_stac_valid, complaints
from samples.stac import ALBERS, CREATED, SHA256, SITE_GRID, elevation, facts, multispectral, raster, thumbnail, visual

UNDATED = {"captured_from": None, "captured_to": None, "captured_source": None}
FIJI = (179.99, -17.01, -179.99, -17.0)


def item(*assets: stac.Asset, **changed: Any) -> dict[str, Any]:
    return stac.make_item(facts(**changed), assets, "aerodag")


ITEMS = {
    "rgb": item(visual(), thumbnail()),
    "multispectral": item(multispectral()),
    "elevation": item(elevation()),
    "undated": item(visual(), **UNDATED),
    "one moment": item(visual(), captured_to=CREATED.replace(day=1)),
    "own projection": item(visual(crs=ALBERS)),
    "engineering grid": item(visual(crs=SITE_GRID)),
    "antimeridian": item(visual(), footprint=None, bbox=FIJI),
    "no place": item(thumbnail(), footprint=None),
    "no file": item(),
    "bare": stac.make_item(stac.ItemFacts(dataset_id=0, name="0", created=CREATED, bbox=(0, 0, 1, 1)), [], "aerodag"),
    "served": stac.make_item(facts(), [visual()], "aerodag", "https://maps.example.org/data/"),
}


@pytest.mark.parametrize("name", ITEMS)
def test_items_are_valid(name: str) -> None:
    assert complaints(ITEMS[name]) == []


def _asset(document: dict[str, Any]) -> dict[str, Any]:
    return document["assets"]["visual"]


BROKEN = {
    "core: no datetime": lambda d: d["properties"].pop("datetime"),
    "core: half an interval": lambda d: d["properties"].pop("end_datetime"),
    "core: local time": lambda d: d["properties"].update(created="2026-05-04T09:30:00+02:00"),
    "core: three edges": lambda d: d.update(bbox=[1.0, 2.0, 3.0]),
    "core: geometry": lambda d: d.update(geometry={"type": "Polygon", "coordinates": [[0, 0]]}),
    "core: link without its field": lambda d: d.pop("collection"),
    "core: licence": lambda d: d["properties"].update(license="CC BY"),
    "core: data type": lambda d: _asset(d)["bands"][0].update(data_type="byte"),
    "core: gsd": lambda d: d["properties"].update(gsd=0),
    "projection: shape": lambda d: _asset(d).update({"proj:shape": [1]}),
    "projection: field of version 1": lambda d: _asset(d).update({"proj:epsg": 32632}),
    "projection: geometry": lambda d: _asset(d).update({"proj:geometry": {"type": "Square"}}),
    "projection: projjson": lambda d: _asset(d).update({"proj:projjson": {"type": "ProjectedCRS"}}),
    "raster: resolution": lambda d: _asset(d)["bands"][0].update({"raster:spatial_resolution": "2 cm"}),
    "raster: field of version 1": lambda d: _asset(d).update({"raster:bands": []}),
    "file: size": lambda d: _asset(d).update({"file:size": "3"}),
    "file: checksum": lambda d: _asset(d).update({"file:checksum": SHA256.upper()}),
    "processing: software": lambda d: d["properties"].update({"processing:software": ["odm"]}),
    "processing: local time": lambda d: d["properties"].update({"processing:datetime": "2026-05-04T09:30:00"}),
    "eo: common name": lambda d: _asset(d)["bands"][0].update({"eo:common_name": "red_edge"}),
    "eo: declared, not used": lambda d: [band.pop("eo:common_name", None) for band in _asset(d)["bands"]],
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_broken_is_refused(name: str) -> None:
    """Without this, a validator that finds nothing would look like an item that is valid."""
    document = json.loads(stac.encode(item(visual())))
    assert by_pystac(document) is None
    assert by_stac_valid(document) is None
    BROKEN[name](document)
    assert by_pystac(document)
    assert by_stac_valid(document)


def test_the_third_validator_refuses_too() -> None:
    document = json.loads(stac.encode(item(visual())))
    del document["properties"]["datetime"]
    assert by_stac_pydantic(document)


def test_capture_dates_follow_the_specification() -> None:
    dated = ITEMS["rgb"]["properties"]
    assert (dated["datetime"], dated["start_datetime"]) == (None, "2026-05-01T09:30:00Z")
    assert dated["end_datetime"] == "2026-05-01T10:30:00Z"
    moment = ITEMS["one moment"]["properties"]
    assert moment["datetime"] == "2026-05-01T09:30:00Z"
    assert "start_datetime" not in moment
    assert moment["aerodag:captured_source"] == "DateTimeOriginal"
    assert item(captured_to=None)["properties"]["datetime"] == "2026-05-01T09:30:00Z"
    assert item(captured_from=None)["properties"]["datetime"] == "2026-05-01T10:30:00Z"


def test_an_unknown_capture_date_is_said_and_not_invented() -> None:
    properties = ITEMS["undated"]["properties"]
    assert properties["datetime"] == properties["created"] == "2026-05-04T09:30:00Z"
    assert properties["aerodag:captured_source"] == "unknown"
    assert properties["description"] == "The capture date is not known; datetime is when the dataset came in."
    assert "description" not in ITEMS["rgb"]["properties"]


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"captured_from": datetime(2026, 5, 1)}, "stac.no_time_zone"),  # noqa: DTZ001
        ({"captured_from": CREATED, "captured_to": CREATED.replace(day=3)}, "stac.capture_order"),
    ],
)
def test_times_that_make_no_sense_are_refused(changed: dict[str, Any], code: str) -> None:
    with pytest.raises(DataError) as caught:
        item(**changed)
    assert caught.value.code == code


def test_two_files_under_one_key_are_refused() -> None:
    with pytest.raises(ConfigError, match="visual"):
        item(visual(), visual())


def test_only_extensions_in_use_are_declared() -> None:
    assert ITEMS["rgb"]["stac_extensions"] == list(EXTENSIONS.values())
    assert ITEMS["bare"]["stac_extensions"] == []
    names = {schema.split("/")[3] for schema in ITEMS["elevation"]["stac_extensions"]}
    assert names == {"projection", "raster", "file", "processing"}


def test_bands_carry_names_wavelengths_and_nodata() -> None:
    bands = ITEMS["multispectral"]["assets"]["orthophoto"]["bands"]
    assert [band.get("eo:common_name") for band in bands] == ["blue", "green", "red", "rededge071", "nir", None]
    assert [band.get("eo:center_wavelength") for band in bands] == [0.475, 0.56, 0.668, 0.717, 0.842, None]
    assert {band["nodata"] for band in bands} == {65535}
    assert bands[5] == {
        "name": "panchromatic",
        "data_type": "uint16",
        "nodata": 65535,
        "raster:spatial_resolution": 0.02,
    }


@pytest.mark.parametrize(
    ("meaning", "wavelength", "expected"),
    [
        ("red_edge", None, "rededge"),
        ("red_edge", 705, "rededge071"),
        ("red_edge", 740, "rededge075"),
        ("red_edge", 783, "rededge078"),
        ("swir", 1610, "swir16"),
        ("swir", 2190, "swir22"),
        ("swir", 1900, None),
        ("swir", None, None),
        ("thermal", 11000, "lwir"),
        ("alpha", None, None),
        ("unknown", 550, None),
    ],
)
def test_common_names_are_the_extensions_own(meaning: str, wavelength: float | None, expected: str | None) -> None:
    band = stac.Band(name="b", meaning=meaning, dtype="uint16", wavelength_nm=wavelength)
    document = item(raster("orthophoto", (band,)))
    assert document["assets"]["orthophoto"]["bands"][0].get("eo:common_name") == expected
    assert complaints(document) == []


def test_heights_say_their_datum_even_when_nobody_knows_it() -> None:
    asset = ITEMS["elevation"]["assets"]["dsm"]
    assert asset["aerodag:vertical_datum"] == "unknown"
    known = item(elevation(vertical_datum="EGM96 height"))["assets"]["dsm"]
    assert known["aerodag:vertical_datum"] == "EGM96 height"
    assert "aerodag:vertical_datum" not in ITEMS["rgb"]["assets"]["visual"]
    (band,) = asset["bands"]
    assert band["nodata"] == "nan"
    assert band["statistics"] == {"minimum": 301.5, "maximum": 355.25, "stddev": 7.5, "valid_percent": 81.25}


def test_a_crs_without_a_code_is_written_out() -> None:
    asset = ITEMS["own projection"]["assets"]["visual"]
    assert asset["proj:code"] is None
    assert CRS.from_wkt(asset["proj:wkt2"]) == CRS.from_json_dict(asset["proj:projjson"])
    assert "Own Albers" in asset["proj:wkt2"]
    compound = item(visual(crs="EPSG:32632+5773"))["assets"]["visual"]
    assert CRS.from_wkt(compound["proj:wkt2"]).is_compound
    with pytest.raises(DataError, match="CRS of a file"):
        item(visual(crs="PROJCS[broken"))


def test_the_grid_is_placed_in_its_own_crs() -> None:
    asset = item(visual(transform=(0.0, 0.02, 500000.0, 0.02, 0.0, 5316000.0)))["assets"]["visual"]
    (ring,) = asset["proj:geometry"]["coordinates"]
    assert ring == [
        [500000.0, 5316000.0],
        [500002.0, 5316000.0],
        [500002.0, 5316004.0],
        [500000.0, 5316004.0],
        [500000.0, 5316000.0],
    ]
    assert asset["proj:shape"] == [100, 200]
    picture = ITEMS["rgb"]["assets"]["thumbnail"]
    assert (picture["proj:code"], picture["proj:shape"]) == (None, [256, 512])


@pytest.mark.parametrize(
    ("licence", "expected"),
    [
        ("CC-BY-4.0", {"license": "CC-BY-4.0"}),
        ("mit", {"license": "MIT"}),
        ("CC BY-NC", {"license": "other", "aerodag:license_name": "CC BY-NC"}),
        ("MIT OR Apache-2.0", {"license": "other", "aerodag:license_name": "MIT OR Apache-2.0"}),
        (None, {}),
    ],
)
def test_licences_are_spdx_or_other(licence: str | None, expected: dict[str, str]) -> None:
    document = item(licence=licence)
    assert {name: value for name, value in document["properties"].items() if "license" in name} == expected
    assert complaints(document) == []


def test_the_same_facts_make_the_same_bytes() -> None:
    first = stac.encode(item(visual(), elevation(), software={"odm": "3.6.0", "aerodag": "0.1.0"}))
    again = stac.encode(item(visual(), elevation(), software={"aerodag": "0.1.0", "odm": "3.6.0"}))
    assert first == again
    assert "Tübingen".encode() in first


numbers = st.none() | st.floats()


@pytest.mark.fuzz
@given(numbers, numbers, numbers, st.sampled_from(["uint8", "int16", "float32", "complex64", "bool"]), st.text())
def test_no_number_makes_an_item_unreadable(
    nodata: float | None, gsd: float | None, mean: float | None, dtype: str, name: str
) -> None:
    statistics = stac.Statistics(mean=mean)
    band = stac.Band(name=name, meaning="nir", dtype=dtype, nodata=nodata, wavelength_nm=gsd, statistics=statistics)
    usable = gsd if gsd is None or gsd > 0 or gsd != gsd else None
    document = item(raster("orthophoto", (band,), gsd_m=usable), name=name, gsd_m=usable)
    assert json.loads(stac.encode(document)) == document
    assert complaints(document) == []
