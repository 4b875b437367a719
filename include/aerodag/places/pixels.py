"""Raster layers: the value of the pixel at a point, or of all its bands as a curve.

Where the pixel is empty or the point beside the raster, the nearest valid pixel within the layer's distance answers.
Read in windows around the point, so that memory does not grow with the file.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
import rasterio.errors
from pyproj import CRS, Geod, Transformer
from pyproj.exceptions import ProjError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from aerodag.errors import ConfigError
from aerodag.places.answers import LayerValue, plain, unreadable, without_crs, wrong_rule
from aerodag.places.classes import class_name
from aerodag.settings import Layer

# Pixels to each side; the widest window of one band of float64 takes 34 MB.
_REACHES = (8, 64, 256, 1024)
_REFINED = 64
_GEOD = Geod(ellps="WGS84")

Bools = npt.NDArray[np.bool_]
Found = tuple[int, int, float]


class _Grid:
    """A raster's pixels seen from one point: rows and columns, and how far away they are."""

    def __init__(self, dataset: DatasetReader, longitude: float, latitude: float) -> None:
        self.dataset = dataset
        self.longitude, self.latitude = longitude, latitude
        crs = CRS.from_wkt(dataset.crs.to_wkt())
        self._geographic = crs.is_geographic
        self._forward = Transformer.from_crs("EPSG:4326", crs, always_xy=True)
        self._back = Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
        self.column, self.row = self._position()

    def _position(self) -> tuple[float, float]:
        """Column and row of the point, pixel corners at whole numbers; not finite where the projection ends."""
        x, y = self._forward.transform(self.longitude, self.latitude)
        if not (math.isfinite(x) and math.isfinite(y)):
            return math.inf, math.inf
        # Degrees may count 0..360: the turn whose column is nearest to the raster's middle is the one meant.
        turns = (x, x - 360, x + 360) if self._geographic else (x,)
        into = ~self.dataset.transform
        positions = [into @ (turn, y) for turn in turns]
        column, row = min(positions, key=lambda position: abs(position[0] - self.dataset.width / 2))
        return float(column), float(row)

    def contains(self) -> bool:
        """Whether the point is on the raster."""
        return bool(0 <= self.column < self.dataset.width and 0 <= self.row < self.dataset.height)

    def distances(self, rows: npt.NDArray[Any], columns: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
        """Metres along the ellipsoid to the centres of pixels."""
        affine = self.dataset.transform
        x = affine.a * (columns + 0.5) + affine.b * (rows + 0.5) + affine.c
        y = affine.d * (columns + 0.5) + affine.e * (rows + 0.5) + affine.f
        longitudes, latitudes = self._back.transform(x, y)
        starts = np.full(len(rows), self.longitude), np.full(len(rows), self.latitude)
        known = np.isfinite(longitudes) & np.isfinite(latitudes)
        ends = np.where(known, longitudes, 0.0), np.where(known, latitudes, 0.0)
        return np.where(known, np.asarray(_GEOD.inv(*starts, *ends)[2]), np.inf)

    def steps(self) -> tuple[float, float]:
        """Metres from one column and from one row to the next, near the point."""
        rows = np.array([self.row - 0.5, self.row + 0.5, self.row - 0.5])
        columns = np.array([self.column - 0.5, self.column - 0.5, self.column + 0.5])
        _, down, right = self.distances(rows, columns)
        return float(right), float(down)


def look_up_pixels(layer: Layer, longitude: float, latitude: float) -> LayerValue:
    """Answer the rules ``value`` and ``curve`` at a point (degrees, WGS84).

    Raises:
        ConfigError: as ``aerodag.places.layers.look_up``.
    """
    try:
        with rasterio.open(layer.path) as dataset:
            if dataset.crs is None:
                raise without_crs(layer)
            return _answer(layer, dataset, longitude, latitude)
    except ProjError as error:
        raise without_crs(layer) from error
    except (rasterio.errors.RasterioError, UnicodeDecodeError) as error:
        raise (_a_vector(layer) or unreadable(layer, error)) from error


def _answer(layer: Layer, dataset: DatasetReader, longitude: float, latitude: float) -> LayerValue:
    source = layer.path.name
    bands = list(dataset.indexes) if layer.rule == "curve" else [1]
    found = _nearest_valid(_Grid(dataset, longitude, latitude), bands, layer.max_distance_m)
    if found is None:
        return LayerValue(reason=f"No valid pixel is within {layer.max_distance_m:.0f} m.", source=source)
    row, column, distance_m = found
    values = _values(dataset, bands, row, column)
    if layer.rule == "curve":
        return LayerValue(values, None, distance_m, source)
    name = class_name(layer, values[0])
    return (
        LayerValue(values[0], None, distance_m, source)
        if name is None
        else LayerValue(name, None, distance_m, source, values[0])
    )


def _values(dataset: DatasetReader, bands: list[int], row: int, column: int) -> list[Any]:
    """One pixel of these bands in the units that scale and offset give; None where a band has nodata."""
    window = Window(column, row, 1, 1)
    pixel = dataset.read(bands, window=window)[:, 0, 0]
    values: list[Any] = []
    for band, stored in zip(bands, pixel, strict=True):
        scale, offset = dataset.scales[band - 1], dataset.offsets[band - 1]
        value = plain(stored if (scale, offset) == (1.0, 0.0) else stored * scale + offset)
        values.append(value if _valid(dataset, [band], window)[0, 0] else None)
    return values


def _nearest_valid(grid: _Grid, bands: list[int], limit_m: float) -> Found | None:
    """Row and column of the nearest pixel that is valid in any of the bands, and its distance in metres."""
    if not (math.isfinite(grid.column) and math.isfinite(grid.row)):
        return None
    if grid.contains():
        row, column = int(grid.row), int(grid.column)
        if _valid(grid.dataset, bands, Window(column, row, 1, 1)).any():
            return row, column, 0.0
    steps = grid.steps()
    best: Found | None = None
    for reach, window in _windows(grid):
        best = _nearest_in(grid, bands, window, steps) or best
        covered_m = reach * min(steps)
        if covered_m >= limit_m or (best is not None and best[2] <= covered_m):
            break
    return best if best is not None and best[2] <= limit_m else None


def _windows(grid: _Grid) -> Iterator[tuple[int, Window]]:
    """Growing windows around the point, cut at the raster's edges; those beside the raster are left out."""
    width, height = grid.dataset.width, grid.dataset.height
    for reach in _REACHES:
        left, right = max(0, int(grid.column) - reach), min(width, int(grid.column) + reach + 1)
        top, bottom = max(0, int(grid.row) - reach), min(height, int(grid.row) + reach + 1)
        if left < right and top < bottom:
            yield reach, Window(left, top, right - left, bottom - top)


def _nearest_in(grid: _Grid, bands: list[int], window: Window, steps: tuple[float, float]) -> Found | None:
    """Ordered by pixels times their size on the ground, then measured exactly."""
    rows, columns = np.nonzero(_valid(grid.dataset, bands, window))
    if not len(rows):
        return None
    rows, columns = rows + window.row_off, columns + window.col_off
    rough = np.hypot((columns + 0.5 - grid.column) * steps[0], (rows + 0.5 - grid.row) * steps[1])
    few = np.argsort(rough, kind="stable")[:_REFINED]
    exact = grid.distances(rows[few], columns[few])
    first = int(np.argmin(exact))
    return int(rows[few][first]), int(columns[few][first]), round(float(exact[first]), 1)


def _valid(dataset: DatasetReader, bands: list[int], window: Window) -> Bools:
    """Pixels with a value in at least one of the bands: nodata, masks and NaN count as empty."""
    valid = np.zeros((window.height, window.width), dtype=bool)
    for band in bands:
        seen = dataset.read_masks(band, window=window) > 0
        if np.issubdtype(np.dtype(dataset.dtypes[band - 1]), np.floating):
            seen &= np.isfinite(dataset.read(band, window=window))
        valid |= seen
        if valid.all():
            break
    return valid


def _a_vector(layer: Layer) -> ConfigError | None:
    import pyogrio
    from pyogrio.errors import DataSourceError

    try:
        pyogrio.list_layers(layer.path)
    except (DataSourceError, UnicodeDecodeError):
        return None
    return wrong_rule(layer, "is a vector file", "containing or nearest")
