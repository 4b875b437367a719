"""A GeoTIFF through every product step on a real ledger: what lies on storage, what is on record, what STAC says."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import numpy as np
import psycopg
import pystac
import pytest
import rasterio
from PIL import Image
from rio_cogeo.cogeo import cog_validate
from shapely.geometry import shape

from aerodag import ledger
from aerodag.errors import AerodagError, DataError
from aerodag.storage import local_path, sha256_of
from cases.products import ProductFlow
from cases.stac_validators import complaints
from samples.rasters import DATA, PLACE, UTM, ground, needs_data, save, save_rgba

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

SIDE = 1300
SITE = 'ENGCRS["site",EDATUM["site"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["m",1]]'
GDALINFO = shutil.which("gdalinfo")


@pytest.fixture
def flow(ledger_connection: psycopg.Connection, database_url: str, tmp_path: Path) -> ProductFlow:
    return ProductFlow(ledger_connection, database_url, tmp_path)


def through(flow: ProductFlow, raster: Path, dag_run_id: str = "first") -> None:
    flow.open(flow.upload(raster), dag_run_id)
    flow.steps()


def multispectral(path: Path) -> Path:
    """Five named bands of reflectance, 16 bits with their scale, as a calibrated orthophoto has them."""
    values = np.stack([ground(600)[0] * np.uint16(k) for k in (20, 35, 25, 90, 60)]).astype(np.uint16)
    with rasterio.open(
        path, "w", driver="GTiff", count=5, width=600, height=600, dtype="uint16", crs=UTM, transform=PLACE, tiled=True,
        compress="deflate", nodata=0,
    ) as out:  # fmt: skip
        out.write(values)
        out.descriptions = ("Blue", "Green", "Red", "NIR", "Red edge")
        out.scales = (1 / 32768,) * 5
    return path


def heights(path: Path) -> Path:
    rows, columns = np.mgrid[0:600, 0:600]
    values = (300 + 20 * np.sin(rows / 60) * np.cos(columns / 80)).astype(np.float32)
    values[:50] = -9999
    return save(path, values[np.newaxis], nodata=-9999, tiled=True)


def test_all_that_is_made_of_an_orthophoto(flow: ProductFlow, tmp_path: Path) -> None:
    through(flow, save_rgba(tmp_path / "map.tif", SIDE))
    flow.require_whole()
    assert flow.leftovers() == []
    source = flow.artifact("orthophoto")
    assert source is not None
    assert source.uri == flow.artifact("standardised").uri, "a standard orthophoto is not written twice"
    assert flow.storage.current_orthophoto(source.dataset_id).samefile(local_path(source.uri))
    for name, lossless in (("", False), ("archive", True)):
        path = flow.file("cog", name)
        assert cog_validate(path, strict=True, quiet=True)[0]
        with rasterio.open(path) as cog, rasterio.open(flow.file("orthophoto")) as original:
            assert (cog.crs, cog.transform, cog.shape) == (original.crs, original.transform, original.shape)
            assert np.array_equal(cog.dataset_mask(), original.dataset_mask())
            if lossless:
                assert np.array_equal(cog.read(), original.read())
    pictures = {name: Image.open(flow.file("thumbnail", name)) for name in ("", "512.jpeg", "256.webp", "256.jpeg")}
    assert {name: (picture.format, picture.size) for name, picture in pictures.items()} == {
        "": ("WEBP", (512, 512)), "512.jpeg": ("JPEG", (512, 512)),
        "256.webp": ("WEBP", (256, 256)), "256.jpeg": ("JPEG", (256, 256)),
    }  # fmt: skip
    assert flow.step("cog") == {
        kind: {"bytes": flow.artifact("cog", name).bytes, "published_before": True}
        for kind, name in (("web", ""), ("archive", "archive"))
    }


def test_indices_that_the_bands_allow_and_reasons_for_the_others(flow: ProductFlow, tmp_path: Path) -> None:
    through(flow, multispectral(tmp_path / "field.tif"))
    found = {index.name: index for index in ledger.list_indices(flow.conn, run_id=flow.context.run.id)}
    assert len(found) == 10
    values = ground(600)[0].astype(float)
    red, nir = 25 * values / 32768, 90 * values / 32768
    assert found["ndvi"].mean == pytest.approx(((nir - red) / (nir + red)).mean(), abs=1e-3)
    assert found["savi"].reason is None
    assert found["vndvi"].reason
    with rasterio.open(flow.file("indices", "ndvi")) as ndvi:
        assert ndvi.dtypes == ("float32",)
        assert (ndvi.crs.to_epsg(), ndvi.transform) == (32615, PLACE)
    assert flow.artifact("indices", "vndvi") is None
    assert len(ledger.list_stress_cells(flow.conn, run_id=flow.context.run.id, name="ndvi")) == 100
    with rasterio.open(flow.file("cog", "archive")) as archive:
        assert (archive.count, archive.dtypes[0], archive.descriptions[3]) == (5, "uint16", "NIR")


def test_heights_keep_their_values_and_look_like_a_relief(flow: ProductFlow, tmp_path: Path) -> None:
    through(flow, heights(tmp_path / "dsm.tif"))
    with rasterio.open(flow.file("cog", "archive")) as archive, rasterio.open(flow.file("orthophoto")) as original:
        assert np.array_equal(archive.read(), original.read())
        assert archive.nodata == -9999
    picture = np.asarray(Image.open(flow.file("thumbnail")).convert("RGBA"))
    assert picture[:35, :, 3].max() == 0
    assert picture[60:, :, 3].min() == 255
    assert not np.array_equal(picture[..., 0], picture[..., 2]), "tinted, not grey"


def test_the_metadata_record(flow: ProductFlow, tmp_path: Path) -> None:
    through(flow, save_rgba(tmp_path / "map.tif", SIDE))
    (record,) = flow.conn.execute("select metadata from v2_metadata").fetchone()
    assert record["gadm"]["NAME_0"] == "United States"
    assert {"biome", "phenology", "reasons", "attribution", "captured", "images", "extent"} <= record.keys()
    assert record["captured"] == {"from": None, "to": None, "source": None}
    assert shape(record["extent"]["footprint"]).is_valid


def test_the_item_names_every_file_with_its_checksum(flow: ProductFlow, tmp_path: Path) -> None:
    through(flow, multispectral(tmp_path / "field.tif"))
    collection = pystac.Collection.from_file(str(flow.storage.root / "stac" / "collection.json"))
    (item,) = collection.get_items(recursive=True)
    recorded = {path: sha256 for path, sha256 in flow.recorded().items() if path.parent.parent.name != "stac"}
    listed = {
        Path(asset.get_absolute_href()): asset.extra_fields["file:checksum"].removeprefix("1220")
        for asset in item.assets.values()
    }
    assert listed == recorded
    assert all(sha256_of(path) == checksum for path, checksum in listed.items())
    assert {"visual", "orthophoto", "source", "standardised", "thumbnail", "ndvi", "metadata"} <= item.assets.keys()
    bands = item.assets["orthophoto"].extra_fields["bands"]
    assert [band["eo:common_name"] for band in bands] == ["blue", "green", "red", "nir", "rededge"]
    assert item.assets["orthophoto"].extra_fields["proj:code"] == UTM
    assert item.collection_id == "aerodag"
    documents = sorted((flow.storage.root / "stac").rglob("*.json"))
    assert len(documents) == 3
    for path in documents:
        assert complaints(json.loads(path.read_text())) == [], path


def test_private_datasets_are_not_catalogued(flow: ProductFlow, tmp_path: Path) -> None:
    dataset_id = flow.upload(save_rgba(tmp_path / "map.tif", SIDE))
    flow.conn.execute("update aerodag.dataset set access = 'private' where id = %s", [dataset_id])
    flow.open(dataset_id)
    flow.steps()
    collection = pystac.Collection.from_file(str(flow.storage.root / "stac" / "collection.json"))
    assert list(collection.get_items(recursive=True)) == []


def test_a_rerun_becomes_valid_when_it_finishes(flow: ProductFlow, tmp_path: Path) -> None:
    through(flow, save_rgba(tmp_path / "map.tif", SIDE))
    dataset_id, first = flow.context.dataset.id, flow.file("cog")
    flow.open(dataset_id, "second")
    flow.steps("stage", "publish_ortho", "standardise", "cog", "thumbnail", "indices", "metadata")
    assert flow.file("cog") == first
    flow.step("promote")
    second = flow.file("cog")
    assert second != first
    assert first.is_file()
    assert flow.storage.current_orthophoto(dataset_id).samefile(flow.file("orthophoto"))


@pytest.mark.parametrize(
    ("options", "code"),
    [
        ({"crs": None}, "raster.no_crs"),
        ({"crs": SITE}, "raster.local_crs"),
    ],
)  # fmt: skip
def test_a_raster_that_nobody_can_place_is_refused(
    flow: ProductFlow, tmp_path: Path, options: dict[str, Any], code: str
) -> None:
    flow.open(flow.upload(save(tmp_path / "map.tif", ground(64), **options)))
    with pytest.raises(DataError) as caught:
        flow.step("publish_ortho")
    assert caught.value.code == code
    assert flow.artifact("orthophoto") is None


def test_a_truncated_upload_is_refused(flow: ProductFlow, tmp_path: Path) -> None:
    whole = save_rgba(tmp_path / "map.tif", SIDE).read_bytes()
    cut = tmp_path / "cut.tif"
    cut.write_bytes(whole[: len(whole) * 3 // 4])
    flow.open(flow.upload(cut))
    with pytest.raises(AerodagError, match=r"raster\.(damaged|unreadable)"):
        flow.step("publish_ortho")


@needs_data
@pytest.mark.parametrize(
    "name",
    [
        "geotiff/forest_ortho/OSBS_029.tif",
        "geotiff/forest_ortho/2018_SJER_3_252000_4107000_image_477.tif",
        "geotiff/rio_cogeo/image_nodata.tif",
        "geotiff/rio_cogeo/image_rgba.tif",
        "geotiff/rio_cogeo/validate/image_dec.tif",
        "odm_outputs/nodeodm_fixture/odm_orthophoto/odm_orthophoto.tif",
        "odm_outputs/nodeodm_fixture/odm_dem/dsm.tif",
    ],
)
def test_real_rasters(flow: ProductFlow, name: str) -> None:
    through(flow, DATA / name)
    flow.require_whole()
    assert flow.artifact("cog") is not None


@pytest.mark.skipif(GDALINFO is None, reason="GDAL's command line is not installed")
def test_gdal_itself_takes_it_for_a_cog(flow: ProductFlow, tmp_path: Path) -> None:
    through(flow, save_rgba(tmp_path / "map.tif", SIDE))
    for name in ("", "archive"):
        told = subprocess.run([GDALINFO, "-json", flow.file("cog", name)], capture_output=True, check=True)
        assert json.loads(told.stdout)["metadata"]["IMAGE_STRUCTURE"]["LAYOUT"] == "COG"
