"""Files of a dataset as STAC assets: where, what, how big, with which checksum and on which grid."""

from __future__ import annotations

import re
from typing import Any

import pystac
from pyproj import CRS
from pyproj.exceptions import CRSError

from aerodag.errors import DataError
from aerodag.stac.bands import band_fields, finite
from aerodag.stac.facts import Asset
from aerodag.stac.layout import href
from aerodag.stac.times import timestamp

_MULTIHASH_SHA256 = "1220"
"""Function code and length of SHA2-256 in front of the digest (multiformats.io/multihash)."""

_CODE = re.compile(r"[A-Za-z][A-Za-z0-9_]*:[A-Za-z0-9_.]+")


def make_asset(asset: Asset, document: str, base_url: str | None) -> pystac.Asset:
    """The asset as ``document`` describes it; see ``layout.href`` for the link.

    Raises:
        ConfigError: ``stac.path_outside``.
        DataError: ``stac.crs`` or ``stac.no_time_zone``.
    """
    fields = {
        "created": None if asset.created is None else timestamp(asset.created),
        "file:size": asset.bytes,
        "file:checksum": None if asset.sha256 is None else _MULTIHASH_SHA256 + asset.sha256.lower(),
        "gsd": finite(asset.gsd_m),
        "aerodag:vertical_datum": _vertical_datum(asset),
        "bands": [band_fields(band, asset.gsd_m) for band in asset.bands] or None,
    }
    return pystac.Asset(
        href=href(asset.path, document, base_url),
        title=asset.title,
        description=asset.description,
        media_type=asset.media_type,
        roles=list(asset.roles),
        extra_fields={name: value for name, value in fields.items() if value is not None} | _projection(asset),
    )


def _projection(asset: Asset) -> dict[str, Any]:
    """Fields of the projection extension 2.0; a picture without a place says so by a code of null."""
    if asset.crs is None and asset.shape is None:
        return {}
    fields = _crs_fields(asset.crs)
    if asset.shape is not None:
        fields["proj:shape"] = list(asset.shape)
    if asset.crs is None:
        return fields
    if asset.transform is not None:
        fields["proj:transform"] = list(asset.transform)
    if asset.bbox_native is not None:
        fields["proj:bbox"] = list(asset.bbox_native)
    if asset.transform is not None and asset.shape is not None:
        fields["proj:geometry"] = {"type": "Polygon", "coordinates": [_corners(asset.transform, asset.shape)]}
    return fields


def _crs_fields(crs: str | None) -> dict[str, Any]:
    if crs is None:
        return {"proj:code": None}
    if _CODE.fullmatch(crs):
        return {"proj:code": crs}
    try:
        known = CRS.from_user_input(crs)
    except CRSError as error:
        raise DataError(
            "stac.crs",
            f"The CRS of a file cannot be read: {error}.",
            advice="Look at the coordinate system of the raster with gdalinfo.",
        ) from error
    return {"proj:code": None, "proj:wkt2": known.to_wkt("WKT2_2019"), "proj:projjson": known.to_json_dict()}


def _corners(transform: tuple[float, float, float, float, float, float], shape: tuple[int, int]) -> list[list[float]]:
    """The outline of the grid in the native CRS, closed, counterclockwise where the raster is north-up."""
    a, b, c, d, e, f = transform
    rows, columns = shape
    ring = ((0, 0), (0, rows), (columns, rows), (columns, 0), (0, 0))
    return [[a * column + b * row + c, d * column + e * row + f] for column, row in ring]


def _vertical_datum(asset: Asset) -> str | None:
    if asset.vertical_datum is None and any(band.meaning == "elevation" for band in asset.bands):
        return "unknown"
    return asset.vertical_datum
