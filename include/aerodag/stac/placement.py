"""Footprints and bounding boxes as GeoJSON wants them (RFC 7946), across the antimeridian too."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import antimeridian
import numpy as np
import numpy.typing as npt
import shapely
from shapely.geometry import mapping, shape
from shapely.geometry.base import BaseGeometry

from aerodag.stac.facts import Bbox

_DECIMALS = 9
"""A tenth of a millimetre; more digits would only be noise."""


def place(footprint: Mapping[str, Any] | None, bbox: Bbox | None) -> tuple[dict[str, Any], list[float]] | None:
    """Geometry and bounding box of an item in WGS84 degrees, from the footprint or else from the bounding box.

    The geometry is two-dimensional, cut at the antimeridian (RFC 7946, 3.1.9), exterior rings counterclockwise; the
    bounding box is (west, south, east, north) with west greater than east across the antimeridian (RFC 7946, 5.2).
    None where neither is known.
    """
    outline = _outline(footprint, bbox)
    if outline is None:
        return None
    cut = shape(antimeridian.fix_geojson(dict(mapping(outline)), fix_winding=True, great_circle=False))
    oriented = shapely.orient_polygons(shapely.transform(cut, _rounded))
    geometry = _plain(mapping(oriented))
    return geometry, [float(edge) for edge in antimeridian.bbox(geometry)]


def cover(bboxes: Iterable[Bbox]) -> Bbox | None:
    """The bounding box around others; across the antimeridian only where one of them is. None of none.

    Then the longitudes are the shortest arc that holds all: what is left when the widest gap is taken out.
    """
    boxes = list(bboxes)
    if not boxes:
        return None
    south, north = min(box[1] for box in boxes), max(box[3] for box in boxes)
    if all(box[0] <= box[2] for box in boxes):
        return min(box[0] for box in boxes), south, max(box[2] for box in boxes), north
    west, east = _shortest_arc([(box[0], box[2]) for box in boxes])
    return west, south, east, north


def _shortest_arc(spans: list[tuple[float, float]]) -> tuple[float, float]:
    """West and east around spans of which one crosses the antimeridian, so that no gap can lie there."""
    parts: list[tuple[float, float]] = []
    for west, east in spans:
        parts += [(west, east)] if west <= east else [(-180.0, east), (west, 180.0)]
    widest, start, end, reach = 0.0, -180.0, 180.0, -180.0
    for west, east in sorted(parts):
        if west - reach > widest:
            widest, start, end = west - reach, west, reach
        reach = max(reach, east)
    return start, end


def _outline(footprint: Mapping[str, Any] | None, bbox: Bbox | None) -> BaseGeometry | None:
    if footprint is not None:
        return shapely.force_2d(shape(footprint))
    if bbox is None:
        return None
    west, south, east, north = bbox
    return shapely.box(west, south, east if east >= west else east + 360, north)


def _rounded(coordinates: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    return np.round(coordinates, _DECIMALS)


def _plain(geometry: Mapping[str, Any]) -> dict[str, Any]:
    """Lists instead of Shapely's tuples, as they are after a round trip through JSON."""
    return {"type": geometry["type"], "coordinates": _lists(geometry["coordinates"])}


def _lists(value: Any) -> Any:
    return [_lists(part) for part in value] if isinstance(value, tuple | list) else value
