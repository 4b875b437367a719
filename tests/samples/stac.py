"""Facts of datasets and files as a pipeline would hand them over."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from aerodag import stac

CREATED = datetime(2026, 5, 4, 9, 30, tzinfo=UTC)
FOOTPRINT = {
    "type": "Polygon",
    "coordinates": [[[9.0, 48.0], [9.0, 48.002], [9.003, 48.002], [9.003, 48.0], [9.0, 48.0]]],
}
SHA256 = "0123456789abcdef" * 4
SITE_GRID = (
    'ENGCRS["Site grid",EDATUM["Benchmark 7"],CS[Cartesian,2],AXIS["x",east],AXIS["y",north],LENGTHUNIT["metre",1]]'
)
ALBERS = (
    'PROJCS["Own Albers",GEOGCS["WGS 84",DATUM["WGS_1984",SPHEROID["WGS 84",6378137,298.257223563]],'
    'PRIMEM["Greenwich",0],UNIT["degree",0.0174532925199433]],PROJECTION["Albers_Conic_Equal_Area"],'
    'PARAMETER["latitude_of_center",40],PARAMETER["longitude_of_center",9],PARAMETER["standard_parallel_1",43],'
    'PARAMETER["standard_parallel_2",62],PARAMETER["false_easting",0],PARAMETER["false_northing",0],UNIT["metre",1]]'
)


def facts(**changed: Any) -> stac.ItemFacts:
    """A whole dataset, changed where the test wants it."""
    whole: dict[str, Any] = {
        "dataset_id": 1234,
        "name": "Wald bei Tübingen",
        "footprint": FOOTPRINT,
        "created": CREATED,
        "updated": CREATED.replace(hour=12),
        "captured_from": CREATED.replace(day=1),
        "captured_to": CREATED.replace(day=1, hour=10),
        "captured_source": "DateTimeOriginal",
        "platform": "drone",
        "instruments": ("DJI FC6310",),
        "gsd_m": 0.021,
        "run_id": 77,
        "processed": CREATED.replace(hour=11),
        "software": {"odm": "3.6.0", "aerodag": "0.1.0"},
        "lineage": "Structure from motion, dense matching and orthorectification of 412 images.",
        "level": "L3",
        "licence": "CC-BY-4.0",
        "authors": ("Ada Field",),
        "providers": (stac.Provider(name="Forest Lab", roles=("processor", "host"), url="https://example.org"),),
    }
    return stac.ItemFacts(**(whole | changed))


def raster(key: str, bands: tuple[stac.Band, ...], **changed: Any) -> stac.Asset:
    """A COG of 100 rows and 200 columns in UTM 32 north."""
    whole: dict[str, Any] = {
        "key": key,
        "path": f"cogs/1234_{key}.tif",
        "media_type": stac.COG,
        "title": stac.product(key).title,
        "roles": stac.product(key).roles,
        "bytes": 1000,
        "sha256": SHA256,
        "crs": "EPSG:32632",
        "bbox_native": (500000.0, 5316000.0, 500004.0, 5316002.0),
        "shape": (100, 200),
        "transform": (0.02, 0.0, 500000.0, 0.0, -0.02, 5316002.0),
        "bands": bands,
        "gsd_m": 0.02,
        "created": CREATED,
    }
    return stac.Asset(**(whole | changed))


def visual(**changed: Any) -> stac.Asset:
    """RGB with alpha."""
    bands = tuple(stac.Band(name=name, meaning=name, dtype="uint8") for name in ("red", "green", "blue", "alpha"))
    return raster("visual", bands, **changed)


def multispectral() -> stac.Asset:
    """Six bands of reflectance as a five-band camera with a panchromatic one writes them."""
    bands = (("Blue", 475), ("Green", 560), ("Red", 668), ("Red_edge", 717), ("NIR", 842))
    return raster(
        "orthophoto",
        (
            *(
                stac.Band(name=name, meaning=name.lower(), dtype="uint16", nodata=65535.0, wavelength_nm=wavelength)
                for name, wavelength in bands
            ),
            stac.Band(name="panchromatic", meaning="grey", dtype="uint16", nodata=65535.0),
        ),
    )


def elevation(**changed: Any) -> stac.Asset:
    """A surface model with NaN where nothing is known."""
    statistics = stac.Statistics(minimum=301.5, maximum=355.25, mean=float("nan"), stddev=7.5, valid_percent=81.25)
    band = stac.Band(
        name="height", meaning="elevation", dtype="float32", nodata=float("nan"), unit="m", statistics=statistics
    )
    return raster("dsm", (band,), **changed)


def thumbnail() -> stac.Asset:
    """A picture without a place."""
    return stac.Asset(
        key="thumbnail",
        path="thumbnails/1234_512.webp",
        media_type=stac.media_type("1234_512.webp"),
        title="Thumbnail",
        roles=("thumbnail",),
        shape=(256, 512),
    )
