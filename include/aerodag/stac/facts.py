"""What an item is made of: plain facts that somebody else found out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

Bbox = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Statistics of the valid pixels of one band, in the band's own units; ``valid_percent`` is 0 to 100."""

    minimum: float | None = None
    maximum: float | None = None
    mean: float | None = None
    stddev: float | None = None
    valid_percent: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Band:
    """One band of a raster.

    ``meaning`` is what it holds (``red``, ``red_edge``, ``nir``, ``elevation``, ``alpha`` ...), ``dtype`` NumPy's name
    of its type, ``nodata`` in source units and possibly NaN.
    """

    name: str
    meaning: str
    dtype: str
    nodata: float | None = None
    wavelength_nm: float | None = None
    description: str | None = None
    unit: str | None = None
    statistics: Statistics | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """One file of a dataset.

    ``path`` lies below the data root, with forward slashes and not percent-encoded. ``sha256`` is hexadecimal.
    ``crs`` is an authority code or WKT, None for a picture or a document; ``bbox_native`` is west, south, east, north
    in that CRS, ``shape`` (rows, columns), ``transform`` (a, b, c, d, e, f) as in x = a * column + b * row + c.
    ``vertical_datum`` names what heights refer to; say ``unknown`` where a file has heights and nobody knows.
    """

    key: str
    path: str
    media_type: str
    title: str
    roles: tuple[str, ...]
    bytes: int | None = None
    sha256: str | None = None
    crs: str | None = None
    bbox_native: Bbox | None = None
    shape: tuple[int, int] | None = None
    transform: tuple[float, float, float, float, float, float] | None = None
    bands: tuple[Band, ...] = ()
    gsd_m: float | None = None
    vertical_datum: str | None = None
    created: datetime | None = None
    description: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Provider:
    """Who made, processed, licenses or hosts the data."""

    name: str
    roles: tuple[Literal["producer", "processor", "licensor", "host"], ...]
    url: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFacts:
    """One dataset.

    ``footprint`` is a GeoJSON Polygon or MultiPolygon and ``bbox`` (west, south, east, north), both in WGS84 degrees;
    the bounding box serves where there is no footprint, and its west is greater than its east when it crosses the
    antimeridian. ``captured_from`` and ``captured_to`` are None where no image says when it was taken, and
    ``captured_source`` says which tag did. ``created`` is when the dataset came in, ``updated`` and ``processed`` when
    it was last described and when the engine finished. ``software`` maps names to versions, ``level`` is a processing
    level such as L3, ``gsd_m`` the ground distance of one pixel in metres.
    """

    dataset_id: int
    name: str
    created: datetime
    footprint: Mapping[str, Any] | None = None
    bbox: Bbox | None = None
    updated: datetime | None = None
    captured_from: datetime | None = None
    captured_to: datetime | None = None
    captured_source: str | None = None
    platform: str | None = None
    instruments: tuple[str, ...] = ()
    gsd_m: float | None = None
    run_id: int | None = None
    processed: datetime | None = None
    software: Mapping[str, str] = field(default_factory=dict)
    lineage: str | None = None
    level: str | None = None
    licence: str | None = None
    authors: tuple[str, ...] = ()
    providers: tuple[Provider, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Extent:
    """Where and when all items of a collection lie; None is unknown, or open at that end."""

    bbox: Bbox | None = None
    start: datetime | None = None
    end: datetime | None = None
