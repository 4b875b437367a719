"""What a raster is and where it lies, from its header and decimated reads only."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from pyproj import Geod, Transformer
from rasterio.crs import CRS
from rasterio.features import shapes
from rasterio.io import DatasetReader
from rasterio.warp import transform_bounds
from shapely import make_valid, transform
from shapely.geometry import MultiPolygon, Polygon, mapping, shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from aerodag.raster.gdal import Mask, alpha_band, decimated_shape, has_mask, opened, require_georeference, validity

_FOOTPRINT_SIDE = 512
_SPAN_PIXELS = 100
_WGS84 = "EPSG:4326"


@dataclass(frozen=True, slots=True)
class RasterInfo:
    """Facts of a georeferenced raster.

    ``crs`` is an authority code (``EPSG:32615``) or WKT. ``gsd_m`` is the ground distance of one pixel at the centre
    in metres on the ellipsoid, whatever the CRS. ``bbox`` is (west, south, east, north) and ``footprint`` a GeoJSON
    Polygon or MultiPolygon of the valid pixels, both in WGS84 degrees; ``footprint`` is None if no pixel is valid.
    ``valid_ratio`` is the share of valid pixels, estimated like the footprint on at most 512 pixels a side.
    """

    width: int
    height: int
    count: int
    dtype: str
    crs: str
    gsd_m: float
    bbox: tuple[float, float, float, float]
    footprint: dict[str, Any] | None
    valid_ratio: float
    has_alpha: bool
    has_mask: bool
    nodata: float | None
    tiled: bool
    block: tuple[int, int]
    compression: str | None
    overviews: tuple[int, ...]


def describe(path: Path) -> RasterInfo:
    """Describe a raster; cheap where overviews exist, and in constant memory always.

    Raises:
        DataError: ``raster.unreadable``, ``raster.no_crs`` or ``raster.no_transform``.
    """
    with opened(path) as dataset:
        require_georeference(dataset)
        mask = validity(dataset, shape=decimated_shape(dataset, _FOOTPRINT_SIDE))
        nodata = dataset.nodata
        rows, columns = dataset.block_shapes[0]
        return RasterInfo(
            width=dataset.width,
            height=dataset.height,
            count=dataset.count,
            dtype=dataset.dtypes[0],
            crs=crs_text(dataset.crs),
            gsd_m=_ground_sampling_distance(dataset),
            bbox=transform_bounds(dataset.crs, _WGS84, *dataset.bounds, densify_pts=21),
            footprint=_footprint(dataset, mask),
            valid_ratio=float(np.count_nonzero(mask) / mask.size),
            has_alpha=alpha_band(dataset) is not None,
            has_mask=has_mask(dataset),
            nodata=None if nodata is None or not math.isfinite(nodata) else float(nodata),
            tiled=columns < dataset.width or bool(dataset.profile.get("tiled", False)),
            block=(rows, columns),
            compression=dataset.compression.value.lower() if dataset.compression else None,
            overviews=tuple(dataset.overviews(1)),
        )


def crs_text(crs: CRS) -> str:
    """Authority code where the CRS has one, else its WKT."""
    authority = crs.to_authority()
    return ":".join(authority) if authority else crs.to_wkt()


def _ground_sampling_distance(dataset: DatasetReader) -> float:
    """Mean of both pixel sides, by the geodesic over 100 pixels at the centre: true also in Mercator and degrees."""
    column, row = dataset.width / 2, dataset.height / 2
    corners = [
        dataset.transform @ point
        for point in ((column, row), (column + _SPAN_PIXELS, row), (column, row + _SPAN_PIXELS))
    ]
    to_degrees = Transformer.from_crs(dataset.crs.to_wkt(), _WGS84, always_xy=True)
    (x0, y0), *others = (to_degrees.transform(*corner) for corner in corners)
    geod = Geod(ellps="WGS84")
    sides = [abs(geod.inv(x0, y0, x, y)[2]) / _SPAN_PIXELS for x, y in others]
    return math.sqrt(sides[0] * sides[1])


def _footprint(dataset: DatasetReader, mask: Mask) -> dict[str, Any] | None:
    """Outline of the valid pixels, simplified to one decimated pixel, then reprojected and made valid."""
    rows, columns = mask.shape
    scale = dataset.transform @ dataset.transform.scale(dataset.width / columns, dataset.height / rows)
    valid = (mask > 0).astype(np.uint8)
    parts = [shape(geometry) for geometry, _ in shapes(valid, mask=valid.astype(bool), transform=scale)]
    if not parts:
        return None
    pixel = math.sqrt(abs(scale.determinant))
    outline = unary_union(parts).simplify(pixel)
    to_degrees = Transformer.from_crs(dataset.crs.to_wkt(), _WGS84, always_xy=True)
    polygons = _polygons(make_valid(transform(outline, to_degrees.transform, interleaved=False)))
    if not polygons:
        return None
    geometry: BaseGeometry = polygons[0] if len(polygons) == 1 else MultiPolygon(polygons)
    return dict(mapping(geometry))


def _polygons(geometry: BaseGeometry) -> list[Polygon]:
    """The areas of whatever making valid left; lines and points are dropped."""
    if isinstance(geometry, Polygon):
        return [] if geometry.is_empty else [geometry]
    return [polygon for part in getattr(geometry, "geoms", ()) for polygon in _polygons(part)]
