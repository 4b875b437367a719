"""What each product is called in every item, so that a program finds it under the same key from run to run."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import PurePosixPath

from pystac import MediaType

COG = str(MediaType.COG)
GEOTIFF = str(MediaType.GEOTIFF)

_LAZ = "application/vnd.laszip"
_MEDIA_TYPES = {
    ".tif": GEOTIFF,
    ".tiff": GEOTIFF,
    ".jpg": str(MediaType.JPEG),
    ".jpeg": str(MediaType.JPEG),
    ".png": str(MediaType.PNG),
    ".webp": "image/webp",
    ".las": "application/vnd.las",
    ".laz": _LAZ,
    ".pdf": str(MediaType.PDF),
    ".html": str(MediaType.HTML),
    ".geojson": str(MediaType.GEOJSON),
    ".json": str(MediaType.JSON),
    ".zip": "application/zip",
    ".glb": "model/gltf-binary",
    ".gltf": "model/gltf+json",
    ".obj": "model/obj",
}


@dataclass(frozen=True, slots=True)
class Product:
    """Title and roles of an asset, by its key."""

    title: str
    roles: tuple[str, ...]


_PRODUCTS = {
    "visual": Product("Orthophoto for viewing", ("visual", "overview")),
    "orthophoto": Product("Orthophoto with all bands and values", ("data",)),
    "source": Product("Orthophoto as it was delivered", ("data", "source")),
    "standardised": Product("Orthophoto as RGBA of eight bits", ("visual",)),
    "dsm": Product("Digital surface model", ("data",)),
    "dtm": Product("Digital terrain model", ("data",)),
    "pointcloud": Product("Point cloud", ("data",)),
    "mesh": Product("Textured mesh", ("data",)),
    "thumbnail": Product("Thumbnail", ("thumbnail",)),
    "footprint": Product("Footprint", ("metadata",)),
    "metadata": Product("Facts of the dataset", ("metadata",)),
    "report": Product("Engine's report", ("metadata",)),
    "preflight": Product("Pre-flight report", ("metadata",)),
    "shots": Product("Camera positions", ("metadata",)),
    "cameras": Product("Camera models", ("metadata",)),
}


def product(key: str) -> Product:
    """Title and roles of an asset key; ``thumbnail_256_jpeg`` is a ``thumbnail``, any other key is data (``ndvi``)."""
    known = _PRODUCTS.get(key) or _PRODUCTS.get(key.partition("_")[0])
    return known or Product(key.replace("_", " ").upper(), ("data",))


def media_type(path: str) -> str:
    """Media type by suffix: ``GEOTIFF`` of any TIFF (say ``COG`` where it was checked), octets of what is not known."""
    return _MEDIA_TYPES.get(PurePosixPath(path).suffix.lower(), "application/octet-stream")
