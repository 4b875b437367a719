"""What an installation holds, told to the world: STAC 1.1 items, their catalogs and the collection."""

from aerodag.stac.catalogs import make_catalog, make_collection
from aerodag.stac.facts import Asset, Band, Bbox, Extent, ItemFacts, Provider, Statistics
from aerodag.stac.items import make_item
from aerodag.stac.layout import COLLECTION_PATH, GROUP_SIZE, catalog_path, group_of, href, ids_of, item_path
from aerodag.stac.placement import cover, place
from aerodag.stac.products import COG, GEOTIFF, Product, media_type, product
from aerodag.stac.writing import encode

__all__ = [
    "COG",
    "COLLECTION_PATH",
    "GEOTIFF",
    "GROUP_SIZE",
    "Asset",
    "Band",
    "Bbox",
    "Extent",
    "ItemFacts",
    "Product",
    "Provider",
    "Statistics",
    "catalog_path",
    "cover",
    "encode",
    "group_of",
    "href",
    "ids_of",
    "item_path",
    "make_catalog",
    "make_collection",
    "make_item",
    "media_type",
    "place",
    "product",
]
