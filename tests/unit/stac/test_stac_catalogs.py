"""The collection and its catalogs; and that one more item stays cheap."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag import stac
from aerodag.errors import ConfigError
from cases.stac_validators import by_pystac, by_stac_pydantic, by_stac_valid, complaints
from samples.stac import CREATED

EXTENT = stac.Extent(bbox=(9.0, 48.0, 9.5, 48.5), start=CREATED, end=CREATED.replace(month=6))
SERVED = "https://maps.example.org/data"


def collection(**changed: Any) -> dict[str, Any]:
    whole: dict[str, Any] = {"extent": EXTENT, "groups": ["1000-1999", "0-999"]}
    return stac.make_collection("aerodag", "Orthophotos", "Orthophotos of drone surveys.", **(whole | changed))


def targets(document: dict[str, Any], rel: str) -> list[str]:
    return [link["href"] for link in document["links"] if link["rel"] == rel]


@pytest.mark.parametrize(
    "document",
    [
        collection(),
        collection(extent=stac.Extent(), groups=[]),
        collection(licence="CC-BY-4.0", providers=[stac.Provider(name="Lab", roles=("host",))], base_url=SERVED),
        stac.make_catalog("1000-1999", "aerodag", [1234, 1001]),
        stac.make_catalog("1000-1999", "aerodag", [], SERVED),
    ],
    ids=["collection", "empty collection", "served collection", "catalog", "empty served catalog"],
)
def test_collections_and_catalogs_are_valid(document: dict[str, Any]) -> None:
    assert complaints(document) == []


@pytest.mark.parametrize("field", ["description", "extent", "license", "links", "id"])
def test_a_broken_collection_is_refused(field: str) -> None:
    document = collection()
    del document[field]
    assert by_pystac(document)
    assert by_stac_valid(document)
    assert by_stac_pydantic(document)


@pytest.mark.parametrize("field", ["description", "links", "id"])
def test_a_broken_catalog_is_refused(field: str) -> None:
    document = stac.make_catalog("0-999", "aerodag", [1])
    del document[field]
    assert by_pystac(document)
    assert by_stac_valid(document)
    assert by_stac_pydantic(document)


def test_an_unknown_extent_is_open_and_not_invented() -> None:
    extent = collection(extent=stac.Extent())["extent"]
    assert extent == {"spatial": {"bbox": [[-180.0, -90.0, 180.0, 90.0]]}, "temporal": {"interval": [[None, None]]}}
    assert collection()["extent"] == {
        "spatial": {"bbox": [[9.0, 48.0, 9.5, 48.5]]},
        "temporal": {"interval": [["2026-05-04T09:30:00Z", "2026-06-04T09:30:00Z"]]},
    }


def test_links_are_relative_sorted_and_named_once() -> None:
    whole = collection(groups=["12000-12999", "1000-1999", "1000-1999", "0-999"])
    assert targets(whole, "child") == ["./0-999/catalog.json", "./1000-1999/catalog.json", "./12000-12999/catalog.json"]
    catalog = stac.make_catalog("1000-1999", "aerodag", [1234, 1001, 1234])
    assert targets(catalog, "item") == ["./1001.json", "./1234.json"]
    assert targets(catalog, "parent") == targets(catalog, "root") == ["../collection.json"]
    assert targets(catalog, "self") == targets(whole, "self") == []


def test_what_is_served_knows_its_own_address() -> None:
    assert targets(collection(base_url=SERVED), "self") == [f"{SERVED}/stac/collection.json"]
    catalog = stac.make_catalog("1000-1999", "aerodag", [1001], SERVED)
    assert targets(catalog, "self") == [f"{SERVED}/stac/1000-1999/catalog.json"]
    assert targets(catalog, "item") == ["./1001.json"]


def test_a_catalog_takes_its_own_items_only() -> None:
    with pytest.raises(ValueError, match="2000"):
        stac.make_catalog("1000-1999", "aerodag", [1999, 2000])


@pytest.mark.fuzz
@given(st.integers(0, 10**9))
def test_every_dataset_has_one_place(dataset_id: int) -> None:
    group = stac.group_of(dataset_id)
    assert dataset_id in stac.ids_of(group)
    assert len(stac.ids_of(group)) == stac.GROUP_SIZE
    assert stac.item_path(dataset_id) == f"stac/{group}/{dataset_id}.json"
    assert stac.catalog_path(group).startswith(f"stac/{group}/")


def test_one_more_item_rewrites_little_however_many_there_are() -> None:
    groups = [stac.group_of(first) for first in range(0, 100_000, stac.GROUP_SIZE)]
    assert len(targets(collection(groups=groups), "child")) == 100
    written = stac.encode(collection(groups=groups)) + stac.encode(
        stac.make_catalog(groups[-1], "aerodag", stac.ids_of(groups[-1]))
    )
    assert len(written) < 200_000


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("cogs/7_web.tif", "../../cogs/7_web.tif"),
        ("stac/0-999/8.json", "./8.json"),
        ("archive/Wald & Feld #1 100%.tif", "../../archive/Wald%20%26%20Feld%20%231%20100%25.tif"),
        ("archive/ä:b?.tif", "../../archive/%C3%A4%3Ab%3F.tif"),
    ],
)
def test_links_are_relative_and_percent_encoded(path: str, expected: str) -> None:
    assert stac.href(path, "stac/0-999/7.json") == expected
    served = stac.href(path, "stac/0-999/7.json", "https://maps.example.org/data/")
    assert served == "https://maps.example.org/data/" + expected.removeprefix("../../").replace("./", "stac/0-999/")


@pytest.mark.parametrize("path", ["/etc/passwd", "../secret.tif", "cogs/../../secret.tif", ""])
def test_nothing_outside_the_data_root_is_linked(path: str) -> None:
    with pytest.raises(ConfigError) as caught:
        stac.href(path, "stac/0-999/7.json")
    assert caught.value.code == "stac.path_outside"


def test_numbers_that_json_does_not_know_are_not_written() -> None:
    with pytest.raises(ValueError, match="JSON"):
        stac.encode({"gsd": float("nan")})
    assert json.loads(stac.encode({"name": "Tübingen"})) == {"name": "Tübingen"}
