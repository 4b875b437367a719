"""Documents on disk beside real files, read back by programs that know nothing of us."""

from __future__ import annotations

import hashlib
import os
import warnings
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import numpy as np
import pystac
import pytest
import rasterio
from rasterio.crs import CRS
from rasterio.errors import NotGeoreferencedWarning, RasterioIOError
from rasterio.transform import from_origin
from rasterio.warp import transform_bounds

from aerodag import stac
from cases.stac_validators import complaints
from samples.stac import facts, raster

UTM = "EPSG:32632"
DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[3].parent / "shared" / "data")
GROUP = "1000-1999"


def save(path: Path, crs: str = UTM) -> np.ndarray:
    """Random RGBA of 90 rows and 120 columns, half a metre a pixel."""
    values = np.random.default_rng(7).integers(1, 255, (4, 90, 120), dtype=np.uint8)
    path.parent.mkdir(parents=True, exist_ok=True)
    profile: dict[str, Any] = {"driver": "GTiff", "count": 4, "width": 120, "height": 90, "dtype": "uint8"}
    transform = from_origin(500000, 5316000, 0.5, 0.5)
    with rasterio.open(path, "w", crs=CRS.from_user_input(crs), transform=transform, **profile) as out:
        out.write(values)
    return values


def asset_of(root: Path, path: str, key: str) -> stac.Asset:
    """What is true of a file on disk."""
    file = root / path
    with rasterio.open(file) as dataset:
        a, b, c, d, e, f = dataset.transform[:6]
        return raster(
            key,
            tuple(
                stac.Band(name=f"b{index}", meaning=colour.name, dtype=dtype, nodata=nodata)
                for index, colour, dtype, nodata in zip(
                    dataset.indexes, dataset.colorinterp, dataset.dtypes, dataset.nodatavals, strict=True
                )
            ),
            path=path,
            crs=":".join(dataset.crs.to_authority() or ()) or dataset.crs.to_wkt(),
            media_type=stac.media_type(path),
            bytes=file.stat().st_size,
            sha256=hashlib.sha256(file.read_bytes()).hexdigest(),
            bbox_native=tuple(dataset.bounds),
            shape=dataset.shape,
            transform=(a, b, c, d, e, f),
            gsd_m=0.5,
        )


def write(root: Path, path: str, document: dict[str, Any]) -> Path:
    target = root / path
    target.parent.mkdir(parents=True, exist_ok=True)
    target.write_bytes(stac.encode(document))
    return target


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A data root with two datasets, their files, items, catalog and collection."""
    root = tmp_path / "data root"
    for dataset_id in (1001, 1234):
        path = f"cogs/{dataset_id}_web.tif"
        save(root / path)
        with rasterio.open(root / path) as dataset:
            bbox = transform_bounds(dataset.crs, "EPSG:4326", *dataset.bounds)
        known = facts(dataset_id=dataset_id, footprint=None, bbox=bbox)
        item = stac.make_item(known, [asset_of(root, path, "visual")], "aerodag")
        write(root, stac.item_path(dataset_id), item)
    write(root, stac.catalog_path(GROUP), stac.make_catalog(GROUP, "aerodag", [1001, 1234]))
    extent = stac.Extent(bbox=bbox)
    write(root, stac.COLLECTION_PATH, stac.make_collection("aerodag", "Orthophotos", "All.", extent, [GROUP]))
    return root


def test_the_tree_hangs_together(site: Path) -> None:
    collection = pystac.Collection.from_file(str(site / stac.COLLECTION_PATH))
    items = list(collection.get_items(recursive=True))
    assert [item.id for item in items] == ["1001", "1234"]
    for item in items:
        assert item.get_parent().id == "aerodag-1000-1999"
        assert item.get_collection().id == item.get_root().id == "aerodag"
        assert complaints(item.to_dict(transform_hrefs=False)) == []
    assert Path(items[1].get_self_href()) == site / stac.item_path(1234)


def test_files_are_found_from_the_item_and_are_what_it_says(site: Path) -> None:
    item = pystac.Item.from_file(str(site / stac.item_path(1234)))
    asset = item.assets["visual"]
    path = Path(asset.get_absolute_href() or "")
    assert path == site / "cogs/1234_web.tif"
    content = path.read_bytes()
    assert asset.extra_fields["file:size"] == len(content)
    checksum = asset.extra_fields["file:checksum"]
    assert (checksum[:4], checksum[4:]) == ("1220", hashlib.sha256(content).hexdigest())
    with rasterio.open(path) as dataset:
        assert asset.extra_fields["proj:code"] == dataset.crs.to_string()
        assert asset.extra_fields["proj:shape"] == list(dataset.shape)
        assert asset.extra_fields["proj:transform"] == list(dataset.transform)[:6]
        assert len(asset.extra_fields["bands"]) == dataset.count


def rasters_of(*folders: str) -> list[str]:
    found = (path for folder in folders for path in (DATA / folder).rglob("*.tif"))
    return sorted(path.relative_to(DATA).as_posix() for path in found)


@pytest.mark.skipif(not DATA.is_dir(), reason="the shared test data is not there")
@pytest.mark.parametrize("path", rasters_of("geotiff", "odm_outputs"))
def test_real_rasters_make_valid_items(path: str) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", NotGeoreferencedWarning)
        try:
            with rasterio.open(DATA / path) as dataset:
                if dataset.crs is None:
                    pytest.skip("has no CRS")
                bbox = transform_bounds(dataset.crs, "EPSG:4326", *dataset.bounds)
        except RasterioIOError:
            pytest.skip("is no raster")
    document = stac.make_item(facts(footprint=None, bbox=bbox), [asset_of(DATA, path, "orthophoto")], "aerodag")
    assert complaints(document) == []
    assert (DATA / path).stat().st_size == document["assets"]["orthophoto"]["file:size"]


def test_an_item_still_holds_after_the_data_root_moved(site: Path) -> None:
    moved = site.rename(site.with_name("elsewhere"))
    item = pystac.Item.from_file(str(moved / stac.item_path(1001)))
    assert Path(item.assets["visual"].get_absolute_href() or "").is_file()


def test_odd_names_are_found_by_anyone_who_decodes_urls(tmp_path: Path) -> None:
    path = "archive/Wald & Feld #1 100%.tif"
    save(tmp_path / path)
    document = stac.make_item(facts(), [asset_of(tmp_path, path, "orthophoto")], "aerodag")
    target = write(tmp_path, stac.item_path(1234), document)
    href = document["assets"]["orthophoto"]["href"]
    assert (target.parent / unquote(urlsplit(href).path)).resolve() == (tmp_path / path).resolve()
    assert complaints(document) == []


def test_a_served_item_links_files_by_plain_addresses(site: Path) -> None:
    served = "https://maps.example.org/data"
    document = stac.make_item(facts(), [asset_of(site, "cogs/1234_web.tif", "visual")], "aerodag", served)
    assert document["assets"]["visual"]["href"] == f"{served}/cogs/1234_web.tif"
    links = {link["rel"]: link["href"] for link in document["links"]}
    assert links == {
        "root": "../collection.json",
        "parent": "./catalog.json",
        "collection": "../collection.json",
        "self": f"{served}/stac/1000-1999/1234.json",
    }


def test_gdal_opens_the_item_itself(tmp_path: Path) -> None:
    """GDAL's own STAC driver places the pixels by the item's projection fields alone."""
    with rasterio.Env() as env:
        if "STACIT" not in env.drivers():
            pytest.skip("this GDAL has no STACIT driver")
    values = save(tmp_path / "cogs/1234_web.tif")
    asset = asset_of(tmp_path, "cogs/1234_web.tif", "visual")
    document = stac.make_item(facts(), [asset], "aerodag", tmp_path.as_posix())
    target = write(tmp_path, stac.item_path(1234), document)
    with rasterio.open(f'STACIT:"{target}":asset=visual', driver="STACIT") as mosaic:
        with rasterio.open(tmp_path / "cogs/1234_web.tif") as file:
            assert (mosaic.crs, mosaic.transform, mosaic.shape) == (file.crs, file.transform, file.shape)
        assert np.array_equal(mosaic.read([1, 2, 3]), values[:3])


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("a/7_ortho.TIF", "image/tiff; application=geotiff"),
        ("7.webp", "image/webp"),
        ("7.jpg", "image/jpeg"),
        ("7.laz", "application/vnd.laszip"),
        ("7.pdf", "application/pdf"),
        ("7.geojson", "application/geo+json"),
        ("7.json", "application/json"),
        ("7.log.gz", "application/octet-stream"),
    ],
)
def test_media_types(name: str, expected: str) -> None:
    assert stac.media_type(name) == expected
    assert stac.COG == "image/tiff; application=geotiff; profile=cloud-optimized"


@pytest.mark.parametrize(
    ("key", "title", "roles"),
    [
        ("visual", "Orthophoto for viewing", ("visual", "overview")),
        ("thumbnail_256_jpeg", "Thumbnail", ("thumbnail",)),
        ("ndvi", "NDVI", ("data",)),
        ("report", "Engine's report", ("metadata",)),
    ],
)
def test_keys_have_titles_and_roles(key: str, title: str, roles: tuple[str, ...]) -> None:
    assert stac.product(key) == stac.Product(title, roles)
