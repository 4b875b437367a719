"""What a raster is and where it lies, in bounded memory at any size."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyproj import Geod, Transformer
from rasterio.crs import CRS
from rasterio.io import DatasetReader
from rasterio.warp import transform_bounds

from aerodag.raster.examining.bands import bands_of
from aerodag.raster.examining.classify import classify, vertical_name
from aerodag.raster.extent.coverage import absent_at_margin, coverage
from aerodag.raster.extent.footprint import footprint, valid_area
from aerodag.raster.gdal import alpha_band, has_mask, opened, require_georeference
from aerodag.raster.kinds import Band

_SPAN_PIXELS = 100
_WGS84 = "EPSG:4326"
Bounds = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class RasterInfo:
    """Facts of a georeferenced raster.

    ``crs`` is an authority code (``EPSG:32615``) or WKT, ``vertical_datum`` the name of the heights' system, None where
    the raster does not say. ``transform`` holds GDAL's six numbers in rasterio's order (a, b, c, d, e, f) and
    ``bounds`` (left, bottom, right, top), both in units of the CRS. ``gsd_m`` is the ground distance of one pixel at
    the centre in metres on the ellipsoid, whatever the CRS.

    ``bbox`` is (west, south, east, north) of the canvas in WGS84 degrees, west > east across the antimeridian.
    ``footprint`` is a GeoJSON Polygon or MultiPolygon (RFC 7946) of the valid pixels, None if there are none;
    ``valid_ratio`` their share of the canvas, ``valid_area_m2`` their area on the ellipsoid. ``exact`` says whether
    these three come from every pixel; else they come from an overview.
    """

    width: int
    height: int
    count: int
    bands: tuple[Band, ...]
    dtype: str
    crs: str
    vertical_datum: str | None
    transform: tuple[float, ...]
    bounds: Bounds
    gsd_m: float
    bbox: Bounds
    footprint: dict[str, Any] | None
    valid_ratio: float
    valid_area_m2: float
    exact: bool
    has_alpha: bool
    has_mask: bool
    nodata: float | None
    tiled: bool
    block: tuple[int, int]
    compression: str | None
    overviews: tuple[int, ...]


def describe(path: Path) -> RasterInfo:
    """Describe a raster: in about a second where it is sparse or has overviews, else in the time of reading it once.

    Raises:
        DataError: ``raster.unreadable``, ``raster.damaged`` or what ``require_georeference`` refuses.
    """
    with opened(path) as dataset:
        require_georeference(dataset)
        # Where the canvas begins with nothing there is no collar; a huge sparse file is spared the classifier's read.
        edge_fill = None if absent_at_margin(dataset) else classify(dataset).edge_fill
        valid = coverage(dataset, edge_fill)
        nodata = dataset.nodata
        rows, columns = dataset.block_shapes[0]
        return RasterInfo(
            width=dataset.width,
            height=dataset.height,
            count=dataset.count,
            bands=bands_of(dataset),
            dtype=dataset.dtypes[0],
            crs=crs_text(dataset.crs),
            vertical_datum=vertical_name(dataset),
            transform=tuple(dataset.transform)[:6],
            bounds=_bounds(dataset),
            gsd_m=math.sqrt(math.prod(pixel_metres(dataset))),
            bbox=_bbox(dataset),
            footprint=footprint(dataset, valid),
            valid_ratio=valid.ratio(),
            valid_area_m2=valid_area(dataset, valid),
            exact=valid.exact,
            has_alpha=alpha_band(dataset) is not None,
            has_mask=has_mask(dataset),
            nodata=None if nodata is None or not math.isfinite(nodata) else float(nodata),
            tiled=columns < dataset.width or bool(dataset.profile.get("tiled", False)),
            block=(rows, columns),
            compression=dataset.compression.value.lower() if dataset.compression else None,
            overviews=tuple(dataset.overviews(1)),
        )


def crs_text(crs: CRS) -> str:
    """Authority code where the CRS is the very one of that code, else its WKT; GDAL's search finds similar ones too."""
    authority = crs.to_authority()
    code = ":".join(authority) if authority else None
    return code if code and CRS.from_user_input(code) == crs else crs.to_wkt()


def pixel_metres(dataset: DatasetReader) -> tuple[float, float]:
    """Width and height of a pixel on the WGS84 ellipsoid, by geodesics over 100 pixels at most at its centre."""
    column, row = dataset.width / 2, dataset.height / 2
    span = min(_SPAN_PIXELS, max(1.0, min(dataset.width, dataset.height) / 8))
    corners = [dataset.transform @ point for point in ((column, row), (column + span, row), (column, row + span))]
    to_degrees = Transformer.from_crs(dataset.crs.to_wkt(), _WGS84, always_xy=True)
    (x0, y0), *others = (to_degrees.transform(*corner) for corner in corners)
    geod = Geod(ellps="WGS84")
    across, down = (abs(geod.inv(x0, y0, x, y)[2]) / span for x, y in others)
    return across, down


def _bounds(dataset: DatasetReader) -> Bounds:
    """The canvas, also of a rotated or south-up grid, whose corners are not where rasterio's ``bounds`` has them."""
    corners = [
        dataset.transform @ corner
        for corner in ((0, 0), (dataset.width, 0), (0, dataset.height), (dataset.width, dataset.height))
    ]
    xs, ys = zip(*corners, strict=True)
    return min(xs), min(ys), max(xs), max(ys)


def _bbox(dataset: DatasetReader) -> Bounds:
    west, south, east, north = transform_bounds(dataset.crs, _WGS84, *_bounds(dataset), densify_pts=21)
    if west >= -180 and east <= 180:
        return west, south, east, north
    if east - west >= 360:
        return -180.0, south, 180.0, north
    return (west + 180) % 360 - 180, south, (east + 180) % 360 - 180, north
