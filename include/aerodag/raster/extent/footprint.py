"""The outline of a raster's valid pixels on the Earth, and the area they cover there."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
from pyproj import Geod, Transformer
from rasterio.features import shapes
from rasterio.io import DatasetReader
from scipy import ndimage
from shapely import box, get_coordinates, get_num_coordinates, make_valid
from shapely.affinity import translate
from shapely.geometry import LinearRing, MultiPolygon, Polygon, mapping, shape
from shapely.geometry.base import BaseGeometry
from shapely.geometry.polygon import orient
from shapely.ops import unary_union

from aerodag.raster.extent.coverage import Bools, Coverage, Floats

_MOST_VERTICES = 300
_MOST_PARTS = 50
_LONGEST_EDGE = 16
_SMALLEST_PART = 4
_SMALLEST_HOLE = 9
_NEGLIGIBLE = 0.01
_HALVINGS = 6
_BENT = 0.25
_PATCHES = 16
_PATCH_POINTS = 8
_AROUND = ((1, 1, 1), (1, 1, 1), (1, 1, 1))
_WGS84 = "EPSG:4326"
Points = npt.NDArray[np.float64]


def footprint(dataset: DatasetReader, coverage: Coverage) -> dict[str, Any] | None:
    """GeoJSON Polygon or MultiPolygon in WGS84 degrees, wound and cut at the antimeridian by RFC 7946; None if empty.

    It follows the valid pixels to about a cell of ``coverage``. Parts below four cells and hairlines thinner than half
    a cell are left out while they hold less than 1 % of what is valid; holes below nine cells are closed.
    """
    cells = outlined_cells(coverage.share)
    if not cells.any():
        return None
    earth = _Earth(dataset, coverage)
    pieces = [piece for polygon in _polygons(_simplified(cells)) for piece in _polygons(earth.polygon(polygon))]
    joined = _polygons(make_valid(unary_union(pieces)))
    if not joined:
        return None
    wound = [orient(polygon, 1.0) for polygon in joined]
    return dict(mapping(wound[0] if len(wound) == 1 else MultiPolygon(wound)))


def valid_area(dataset: DatasetReader, coverage: Coverage) -> float:
    """Square metres of valid pixels on the WGS84 ellipsoid, whatever the CRS does to areas."""
    weights = coverage.share * np.outer(coverage.rows(), coverage.columns())
    to_degrees = _to_degrees(dataset)
    geod = Geod(ellps="WGS84")
    rows, columns = (np.unique(np.linspace(0, n, _PATCHES + 1).round().astype(int)) for n in weights.shape)
    sums = np.add.reduceat(np.add.reduceat(weights, rows[:-1], axis=0), columns[:-1], axis=1)
    heights, widths = np.add.reduceat(coverage.rows(), rows[:-1]), np.add.reduceat(coverage.columns(), columns[:-1])
    scale = _pixels_per_cell(dataset, coverage)
    total = 0.0
    for row, column in zip(*np.nonzero(sums), strict=True):
        patch = box(columns[column], rows[row], columns[column + 1], rows[row + 1])
        ring = get_coordinates(patch.segmentize(max(patch.bounds[2] - patch.bounds[0], 1) / _PATCH_POINTS))
        pixels = np.minimum(ring * scale, (dataset.width, dataset.height))
        longitudes, latitudes = to_degrees.transform(*(dataset.transform @ tuple(pixels.T)))
        area = abs(geod.polygon_area_perimeter(longitudes, latitudes)[0])
        total += area * float(sums[row, column]) / float(heights[row] * widths[column])
    return total


def outlined_cells(share: Floats) -> Bools:
    """Cells to draw the outline around: all that hold anything valid, less negligible crumbs, with pinholes closed."""
    occupied = share > 0
    body = occupied & ndimage.binary_dilation(share >= 0.5, _AROUND)
    if not _negligible(share, occupied & ~body):
        body = occupied
    small = _below(body, _SMALLEST_PART, _AROUND)
    if _negligible(share, small):
        body &= ~small
    return _joined(body)


def _negligible(share: Floats, cells: Bools) -> bool:
    return float(share[cells].sum(dtype=np.float64)) <= _NEGLIGIBLE * float(share.sum(dtype=np.float64))


def _joined(cells: Bools) -> Bools:
    """Pinholes closed, and scattered cells grown together until they are few parts."""
    cells = cells | _below(~cells, _SMALLEST_HOLE, None)
    reach = 1
    while _ragged(cells) and reach < max(cells.shape):
        grown = ndimage.maximum_filter(np.pad(cells, reach), 2 * reach + 1)
        cells = cells | ndimage.minimum_filter(grown, 2 * reach + 1)[reach:-reach, reach:-reach]
        cells |= _below(~cells, _SMALLEST_HOLE, None)
        reach *= 2
    return cells


def _ragged(cells: Bools) -> bool:
    """Has it more than some dozens of parts and holes, or an edge many times as long as the canvas."""
    edge = sum(np.count_nonzero(np.diff(cells, axis=axis)) for axis in (0, 1))
    if edge > _LONGEST_EDGE * max(cells.shape):
        return True
    return int(ndimage.label(cells, _AROUND)[1]) + int(ndimage.label(~cells)[1]) > _MOST_PARTS


def _below(cells: Bools, smallest: int, neighbours: tuple[tuple[int, ...], ...] | None) -> Bools:
    """Cells of connected parts that have fewer than ``smallest`` cells."""
    labels, _ = ndimage.label(cells, neighbours)
    sizes = np.bincount(labels.ravel())
    return np.asarray((sizes < smallest)[labels] & cells)


def _simplified(cells: Bools) -> BaseGeometry:
    """Outline in cells, simplified to one cell, and further until it is light."""
    parts = [shape(part) for part, _ in shapes(cells.astype(np.uint8), mask=cells)]
    exact = unary_union(parts)
    tolerance = 1.0
    outline = exact.simplify(tolerance)
    while get_num_coordinates(outline) > _MOST_VERTICES and tolerance < max(cells.shape) / 4:
        tolerance *= 1.5
        outline = exact.simplify(tolerance)
    return outline


def _polygons(geometry: BaseGeometry) -> list[Polygon]:
    """The areas of whatever making valid left; lines and points are dropped."""
    if isinstance(geometry, Polygon):
        return [] if geometry.is_empty else [geometry]
    return [polygon for part in getattr(geometry, "geoms", ()) for polygon in _polygons(part)]


def _to_degrees(dataset: DatasetReader) -> Transformer:
    return Transformer.from_crs(dataset.crs.to_wkt(), _WGS84, always_xy=True)


def _pixels_per_cell(dataset: DatasetReader, coverage: Coverage) -> Points:
    return coverage.cell * np.array([dataset.width / coverage.width, dataset.height / coverage.height])


class _Earth:
    """Rings of cells to rings of degrees: bent as the projection bends them, whole across the antimeridian and pole."""

    def __init__(self, dataset: DatasetReader, coverage: Coverage) -> None:
        self._transform = dataset.transform
        self._size = np.array([dataset.width, dataset.height], dtype=np.float64)
        self._scale = _pixels_per_cell(dataset, coverage)
        self._geographic = dataset.crs.is_geographic
        self._degrees_per_unit = math.degrees(dataset.crs.units_factor[1]) if self._geographic else 1.0
        self._degrees = _to_degrees(dataset)
        middle = self._size / self._scale / 2
        (x0, y0), (x1, y1) = self._located(np.vstack([middle, middle + 0.5]))
        self._straight = _BENT * math.hypot((x1 - x0) * math.cos(math.radians(y0)), y1 - y0)

    def polygon(self, cells: Polygon) -> BaseGeometry:
        """A polygon in WGS84 degrees within 180 degrees, cut where it crosses them."""
        area = self._area(cells.exterior)
        for hole in cells.interiors:
            area = area.difference(self._area(hole))
        return area

    def _area(self, ring: LinearRing) -> BaseGeometry:
        points = self._ring(ring)
        if len(points) < 4:
            return Polygon()
        return _within_180(make_valid(Polygon(points)).simplify(self._straight))

    def _ring(self, ring: LinearRing) -> Points:
        cells = get_coordinates(ring.segmentize(float((self._size / self._scale).max()) / 8))
        if not self._geographic:
            cells = self._bent(cells)
        degrees = self._located(cells)
        return degrees if self._geographic else _around_pole(degrees)

    def _located(self, cells: Points) -> Points:
        """(longitude, latitude) of points; longitudes go on beyond 180 degrees where the raster does."""
        x, y = self._transform @ tuple(np.minimum(cells * self._scale, self._size).T)
        longitude, latitude = self._degrees.transform(x, y)
        points: Points = np.column_stack([longitude, latitude])
        if self._geographic:
            points[:, 0] += 360 * np.round((x * self._degrees_per_unit - points[:, 0]) / 360)
            return points
        points = points[np.isfinite(points).all(axis=1)]
        if len(points):
            points[:, 0] = np.unwrap(points[:, 0], period=360)
        return points

    def _bent(self, cells: Points) -> Points:
        """With points added where a straight line of degrees would leave the edge by more than a quarter of a cell."""
        for _ in range(_HALVINGS):
            middles = (cells[:-1] + cells[1:]) / 2
            every = np.empty((2 * len(cells) - 1, 2))
            every[::2], every[1::2] = cells, middles
            degrees = self._located(every)
            if len(degrees) < len(every):
                break
            shrink = np.column_stack([np.cos(np.radians(degrees[1::2, 1])), np.ones(len(middles))])
            off = np.hypot(*((degrees[1::2] - (degrees[:-1:2] + degrees[2::2]) / 2) * shrink).T)
            length = np.hypot(*((degrees[2::2] - degrees[:-1:2]) * shrink).T)
            cell = length / np.hypot(*np.diff(cells, axis=0).T)
            far = np.flatnonzero(off > _BENT * cell)
            if not far.size:
                break
            cells = np.insert(cells, far + 1, middles[far], axis=0)
        return cells


def _around_pole(ring: Points) -> Points:
    """A ring that goes once around a pole, closed along the pole, as degrees know no other way to hold it."""
    if len(ring) < 2 or abs(ring[-1, 0] - ring[0, 0]) < 180:
        return ring
    pole = math.copysign(90.0, float(np.mean(ring[:, 1])))
    return np.vstack([ring, [ring[-1, 0], pole], [ring[0, 0], pole], ring[:1]])


def _within_180(area: BaseGeometry) -> BaseGeometry:
    west, _, east, _ = area.bounds
    if west >= -180 and east <= 180:
        return area
    turns = range(math.floor((west + 180) / 360), math.ceil((east - 180) / 360) + 1)
    pieces = [
        translate(area.intersection(box(360 * turn - 180, -90, 360 * turn + 180, 90)), -360 * turn) for turn in turns
    ]
    return unary_union(pieces)
