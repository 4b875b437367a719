"""Vector layers: the feature that contains a point, or the nearest one.

Read by pyogrio with a spatial filter, in batches, so that memory does not grow with the file.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pyogrio
import pyogrio.errors
import rasterio
import rasterio.errors
import shapely
from pyogrio import raw
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import ProjError
from shapely.geometry.base import BaseGeometry

from aerodag.errors import ConfigError
from aerodag.places.answers import LayerValue, plain, unknown_field, unreadable, without_crs, wrong_rule
from aerodag.settings import Layer

_BATCH = 500
_GEOD = Geod(ellps="WGS84")
_READER_ERRORS = (
    pyogrio.errors.DataSourceError,
    pyogrio.errors.DataLayerError,
    pyogrio.errors.FeatureError,
    pyogrio.errors.FieldError,
    pyogrio.errors.GeometryError,
    pyogrio.errors.CRSError,
    # Names in damaged files that are no UTF-8.
    UnicodeDecodeError,
)
# Dense layers answer within a small circle, sparse ones hold little in a large one.
_CIRCLES = (1 / 256, 1 / 16, 1.0)
_AZIMUTHS = np.linspace(0.0, 360.0, 72, endpoint=False)

Box = tuple[float, float, float, float]
Feature = tuple[BaseGeometry, dict[str, Any]]


class _Table:
    """One table of a vector file with geometry and CRS, and a way from degrees to its coordinates."""

    def __init__(self, layer: Layer) -> None:
        self.layer = layer
        self.name, info = _choose_table(layer)
        if not info["crs"]:
            raise without_crs(layer)
        try:
            self.crs = CRS.from_user_input(info["crs"])
            self._forward = Transformer.from_crs("EPSG:4326", self.crs, always_xy=True)
        except ProjError as error:
            raise without_crs(layer) from error
        self.areal = "Polygon" in info["geometry_type"] or "Surface" in info["geometry_type"]
        self.mixed = info["geometry_type"] in ("Unknown", "GeometryCollection")
        self._columns = None if layer.field is None else [layer.field]

    def project(self, longitudes: Any, latitudes: Any) -> tuple[Any, Any]:
        """Degrees to the table's coordinates; infinite where its projection does not reach."""
        return self._forward.transform(longitudes, latitudes)

    def features(self, box: Box) -> Iterator[Feature]:
        """Features whose bounds meet a box in the table's coordinates, with the attributes asked for."""
        skipped = 0
        while True:
            meta, _, shapes, columns = raw.read(
                self.layer.path, layer=self.name, columns=self._columns, bbox=box, force_2d=True,
                skip_features=skipped, max_features=_BATCH,
            )  # fmt: skip
            for index, shape in enumerate(shapely.from_wkb(shapes, on_invalid="ignore")):
                if shape is not None and not shape.is_empty:
                    names = zip(meta["fields"], columns, strict=True)
                    yield shape, {str(name): plain(column[index]) for name, column in names}
            if len(shapes) < _BATCH:
                return
            skipped += _BATCH


def look_up_features(layer: Layer, longitude: float, latitude: float) -> LayerValue:
    """Answer the rules ``containing`` and ``nearest`` at a point (degrees, WGS84).

    Raises:
        ConfigError: as ``aerodag.places.layers.look_up``.
    """
    rules: dict[str, Callable[[_Table, float, float], LayerValue]] = {"containing": _containing, "nearest": _nearest}
    try:
        return rules[layer.rule](_Table(layer), longitude, latitude)
    except _READER_ERRORS as error:
        raise (_a_raster(layer) or unreadable(layer, error)) from error


def _containing(table: _Table, longitude: float, latitude: float) -> LayerValue:
    """The smallest polygon around the point, its border included; holes are outside."""
    layer = table.layer
    if not (table.areal or table.mixed):
        raise wrong_rule(layer, "holds no polygons", "nearest")
    hits: list[Feature] = []
    for x, y in _turns(table, longitude, latitude):
        point = shapely.Point(x, y)
        hits += [(shape, fields) for shape, fields in table.features((x, y, x, y)) if _covers(shape, point)]
    if not hits:
        return LayerValue(reason="No polygon of the layer contains the point.", source=layer.path.name)
    _, fields = min(hits, key=lambda hit: hit[0].area)
    return _answer(layer, fields, 0.0)


def _covers(shape: BaseGeometry, point: shapely.Point) -> bool:
    """Also of polygons that cross themselves, which a strict reading would refuse."""
    if shape.geom_type not in ("Polygon", "MultiPolygon", "GeometryCollection"):
        return False
    sound = shape if shape.is_valid else shapely.make_valid(shape)
    return bool(shapely.covers(sound, point))


def _turns(table: _Table, longitude: float, latitude: float) -> list[tuple[float, float]]:
    """The point in the table's coordinates; where these are degrees, also a full turn away, as in 0..360 layers."""
    x, y = table.project(longitude, latitude)
    if not (math.isfinite(x) and math.isfinite(y)):
        return []
    return [(x, y), (x - 360, y), (x + 360, y)] if table.crs.is_geographic else [(x, y)]


def _nearest(table: _Table, longitude: float, latitude: float) -> LayerValue:
    """The nearest feature of any kind, within ``max_distance_m``."""
    layer = table.layer
    for share in _CIRCLES:
        radius = layer.max_distance_m * share
        found = _within(table, longitude, latitude, radius)
        if found is not None:
            distance_m, fields = found
            return _answer(layer, fields, round(distance_m, 1))
    return LayerValue(reason=f"No feature of the layer is within {layer.max_distance_m:.0f} m.", source=layer.path.name)


def _within(table: _Table, longitude: float, latitude: float, radius: float) -> tuple[float, dict[str, Any]] | None:
    """Nearest feature in a circle, by distances in an azimuthal equidistant plane around the point.

    Distances from the centre of that plane are those along the ellipsoid, whatever the layer's CRS.
    """
    plane = CRS.from_dict({"proj": "aeqd", "lon_0": longitude, "lat_0": latitude, "datum": "WGS84"})
    to_plane = Transformer.from_crs(table.crs, plane, always_xy=True)
    best: tuple[float, dict[str, Any]] | None = None
    for box in _boxes(table, longitude, latitude, radius):
        for shape, fields in table.features(box):
            distance_m = _distance(shape, to_plane)
            if distance_m <= radius and (best is None or distance_m < best[0]):
                best = distance_m, fields
    return best


def _distance(shape: BaseGeometry, to_plane: Transformer) -> float:
    """Metres from the plane's centre; infinite for what the plane does not reach."""
    flat = shapely.transform(shape, to_plane.transform, interleaved=False)
    if not np.isfinite(shapely.get_coordinates(flat)).all():
        return math.inf
    return float(flat.distance(shapely.Point(0.0, 0.0)))


def _boxes(table: _Table, longitude: float, latitude: float, radius: float) -> list[Box]:
    """Bounds of a circle on the ellipsoid in the table's coordinates; two more where these are degrees and wrap."""
    n = len(_AZIMUTHS)
    reach = min(radius, 1e7)
    rim = _GEOD.fwd(np.full(n, longitude), np.full(n, latitude), _AZIMUTHS, np.full(n, reach))
    longitudes, latitudes = np.append(rim[0], longitude), np.append(rim[1], latitude)
    # The rim must not jump by a turn where it passes the antimeridian.
    longitudes = longitude + (longitudes - longitude + 180) % 360 - 180
    if not table.crs.is_geographic:
        return _finite_box(*table.project(longitudes, latitudes))
    west, east = float(longitudes.min()), float(longitudes.max())
    south, north = float(latitudes.min()), float(latitudes.max())
    to_pole = _GEOD.inv(longitude, latitude, longitude, math.copysign(90.0, latitude))[2]
    if to_pole <= reach:
        west, east = -180.0, 180.0
        south, north = (south, 90.0) if latitude >= 0 else (-90.0, north)
    return [(west + turn, south, east + turn, north) for turn in (0.0, -360.0, 360.0)]


def _finite_box(xs: npt.NDArray[np.float64], ys: npt.NDArray[np.float64]) -> list[Box]:
    known = np.isfinite(xs) & np.isfinite(ys)
    if not known.any():
        return []
    return [(float(xs[known].min()), float(ys[known].min()), float(xs[known].max()), float(ys[known].max()))]


def _answer(layer: Layer, fields: dict[str, Any], distance_m: float) -> LayerValue:
    value = fields if layer.field is None else fields[layer.field]
    reason = f"The feature has no {layer.field}." if value is None else None
    return LayerValue(value, reason, distance_m, layer.path.name)


def _choose_table(layer: Layer) -> tuple[str, dict[str, Any]]:
    """The first table of the file with geometry and the field; files of one table are the rule."""
    fields: list[str] = []
    geometric = False
    for name, kind in pyogrio.list_layers(layer.path):
        if kind is None:
            continue
        geometric = True
        info = pyogrio.read_info(layer.path, layer=name)
        if layer.field is None or layer.field in info["fields"]:
            return str(name), info
        fields += [str(each) for each in info["fields"]]
    if not geometric:
        raise _a_raster(layer) or wrong_rule(layer, "holds no geometry", "value or curve, for a raster")
    raise unknown_field(layer, fields)


def _a_raster(layer: Layer) -> ConfigError | None:
    try:
        with rasterio.open(layer.path):
            return wrong_rule(layer, "is a raster", "value or curve")
    except (rasterio.errors.RasterioError, UnicodeDecodeError):
        return None
