"""The area that a survey can have seen, which keeps stray points from making a canvas of many kilometres."""

from __future__ import annotations

import json
import math
from collections.abc import Collection

import pyproj
from shapely import MultiPoint, Polygon, set_precision, transform
from shapely.geometry import mapping
from shapely.geometry.polygon import orient

_LEAST_POSITIONS = 3
_DEGREES = 1e-7  # 1 cm
_SIDES = 1.5  # long to short side of a usual sensor; between 4:3 and 16:9 the diagonal differs by 5 %
_SIMPLER = 0.02  # of the buffer; cameras in a row would each put a corner on a straight edge
_TILT = 2.0  # a camera that looks 20 degrees off nadir sees about twice as far to that side


def reach_m(gsd_cm: float, megapixels: float) -> float:
    """How far from its camera's position an image can show ground: half its footprint's diagonal, doubled for tilt.

    ODM's ``--auto-boundary`` uses 100 m for each cm of GSD, which is the same for 12 megapixels.
    """
    diagonal_px = math.sqrt(megapixels * 1e6 * (_SIDES + 1 / _SIDES))
    return _TILT * gsd_cm / 100 * diagonal_px / 2


def boundary(points: Collection[tuple[float, float]], buffer_m: float) -> str | None:
    """GeoJSON with one polygon: the convex hull of ``points`` widened by ``buffer_m`` metres.

    ``points`` are longitude and latitude in WGS84 degrees, and so is the polygon. None for fewer than 3 different
    positions, without a buffer, or where the area crosses the date line or covers a pole.
    """
    distinct = sorted({point for point in points if math.isfinite(point[0]) and math.isfinite(point[1])})
    if len(distinct) < _LEAST_POSITIONS or not buffer_m > 0:
        return None
    longitude, latitude = distinct[len(distinct) // 2]
    local = f"+proj=aeqd +lat_0={latitude} +lon_0={longitude} +datum=WGS84 +units=m"
    there = pyproj.Transformer.from_crs("EPSG:4326", local, always_xy=True)
    back = pyproj.Transformer.from_crs(local, "EPSG:4326", always_xy=True)
    hull = transform(MultiPoint(distinct), there.transform, interleaved=False).convex_hull
    widened = hull.buffer(buffer_m, quad_segs=4).simplify(buffer_m * _SIMPLER)
    area = transform(widened, back.transform, interleaved=False)
    if not _is_usable(area, distinct):
        return None
    feature = {"type": "Feature", "properties": {}, "geometry": mapping(orient(set_precision(area, _DEGREES)))}
    return json.dumps({"type": "FeatureCollection", "features": [feature]}, separators=(",", ":"))


def _is_usable(area: object, points: Collection[tuple[float, float]]) -> bool:
    return isinstance(area, Polygon) and area.is_valid and area.covers(MultiPoint(list(points)))
