"""Whether an orthophoto is one, and lies where its cameras were; in constant memory whatever its size."""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyproj
import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.enums import MaskFlags
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from shapely import MultiPoint, Point, box, transform
from shapely.geometry.base import BaseGeometry

from aerodag.errors import EngineError, Retry

# So many samples a side: few blocks are read of a raster of any size; more only if nothing valid turns up.
_SAMPLES: Final = (64, 512, 2048)
_CACHE_BYTES: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Orthophoto:
    """An orthophoto's facts: size in pixels, pixel size in metres, share of valid pixels (sampled).

    ``extent`` is the whole canvas and ``centre`` the middle of its valid pixels, as WGS84 geometries.
    """

    width: int
    height: int
    bands: int
    epsg: int | None
    gsd_m: float
    valid_ratio: float
    extent: BaseGeometry
    centre: Point


def read_orthophoto(path: Path) -> Orthophoto:
    """Open and look at ODM's orthophoto.

    Raises:
        EngineError: ``engine.no_orthophoto``, ``engine.empty_file``, ``engine.unreadable_orthophoto``,
            ``engine.not_georeferenced``, ``engine.empty_orthophoto``.
    """
    _require_file(path)
    with rasterio.Env(GDAL_CACHEMAX=_CACHE_BYTES):
        try:
            with rasterio.open(path) as dataset:
                _require_georeference(dataset)
                return _look(dataset)
        except (RasterioError, CPLE_BaseError, pyproj.exceptions.ProjError, ValueError, MemoryError) as error:
            raise _broken("engine.unreadable_orthophoto", f"The orthophoto cannot be read: {error}.", path) from error


def _require_file(path: Path) -> None:
    if not path.is_file():
        raise EngineError(
            "engine.no_orthophoto",
            "ODM ended well but made no orthophoto.",
            advice="Look for warnings of the crop in the log; clear the odm task to make it again.",
            numbers={"path": str(path)},
        )
    if path.stat().st_size == 0:
        raise _broken("engine.empty_file", "ODM's orthophoto is an empty file.", path)


def _broken(code: str, message: str, path: Path) -> EngineError:
    return EngineError(
        code,
        message,
        advice="Look at the disk it was written to; the orthophoto is made again from the stages before.",
        numbers={"path": str(path), "stage": "odm_orthophoto"},
        retry=Retry.CLEAN_STAGE,
    )


def _require_georeference(dataset: DatasetReader) -> None:
    located = dataset.crs is not None and (dataset.crs.is_projected or dataset.crs.is_geographic)
    if located and not (dataset.transform.is_identity or dataset.transform.is_degenerate):
        return
    raise EngineError(
        "engine.not_georeferenced",
        "ODM's orthophoto does not say where it lies.",
        advice="The images need GPS positions, a geo.txt or ground control points.",
        numbers={"crs": None if dataset.crs is None else dataset.crs.to_string()[:200]},
    )


def _look(dataset: DatasetReader) -> Orthophoto:
    degrees = pyproj.Transformer.from_crs(dataset.crs.to_wkt(), "EPSG:4326", always_xy=True)
    ratio, column, row = _valid_pixels(dataset)
    if ratio == 0:
        raise _broken("engine.empty_orthophoto", "ODM's orthophoto has no valid pixel.", Path(dataset.name))
    middle = dataset.transform @ (column, row)
    return Orthophoto(
        width=dataset.width,
        height=dataset.height,
        bands=dataset.count,
        epsg=dataset.crs.to_epsg(),
        gsd_m=_pixel_size(dataset, degrees),
        valid_ratio=ratio,
        extent=transform(box(*dataset.bounds), degrees.transform, interleaved=False),
        centre=Point(*degrees.transform(*middle)),
    )


def _valid_pixels(dataset: DatasetReader) -> tuple[float, float, float]:
    """Share of valid pixels, and their mean column and row."""
    if MaskFlags.all_valid in dataset.mask_flag_enums[0]:
        return 1.0, dataset.width / 2, dataset.height / 2
    for side in _SAMPLES:
        shape = min(side, dataset.height), min(side, dataset.width)
        mask: npt.NDArray[np.uint8] = dataset.read_masks(1, out_shape=shape)
        rows, columns = np.nonzero(mask)
        if rows.size:
            return (
                rows.size / mask.size,
                (float(columns.mean()) + 0.5) * dataset.width / shape[1],
                (float(rows.mean()) + 0.5) * dataset.height / shape[0],
            )
        if shape == dataset.shape:
            break
    return 0.0, 0.0, 0.0


def _pixel_size(dataset: DatasetReader, degrees: pyproj.Transformer) -> float:
    """Metres; on the ellipsoid for a CRS in degrees."""
    if dataset.crs.is_projected:
        return math.sqrt(abs(dataset.transform.determinant)) * float(dataset.crs.linear_units_factor[1])
    middle = dataset.width / 2, dataset.height / 2
    (x0, y0), (x1, y1), (x2, y2) = (
        degrees.transform(*(dataset.transform @ point))
        for point in (middle, (middle[0] + 1, middle[1]), (middle[0], middle[1] + 1))
    )
    geod = pyproj.Geod(ellps="WGS84")
    return math.sqrt(abs(geod.inv(x0, y0, x1, y1)[2] * geod.inv(x0, y0, x2, y2)[2]))


@dataclass(frozen=True, slots=True)
class Placement:
    """``off_m``: from the orthophoto's middle to the hull of its cameras; ``ratio``: canvas over the area they saw."""

    off_m: float
    ratio: float


def place(orthophoto: Orthophoto, cameras: Collection[tuple[float, float]], reach_m: float) -> Placement | None:
    """Compare with the cameras (longitude, latitude in WGS84), whose images reach ``reach_m`` metres around them.

    Canvases are upright, so the area is the upright rectangle around the cameras' reach: a diagonal strip is no stray.
    None without a camera.
    """
    if not cameras:
        return None
    longitude, latitude = (float(value) for value in np.median(np.array(list(cameras)), axis=0))
    local = pyproj.Transformer.from_crs(
        "EPSG:4326", f"+proj=aeqd +lat_0={latitude} +lon_0={longitude} +datum=WGS84 +units=m", always_xy=True
    )
    hull, centre, extent = (
        transform(geometry, local.transform, interleaved=False)
        for geometry in (MultiPoint(list(cameras)).convex_hull, orthophoto.centre, orthophoto.extent)
    )
    if not all(math.isfinite(value) for value in (*centre.coords[0], *extent.bounds)):
        return Placement(math.inf, math.inf)
    return Placement(float(hull.distance(centre)), float(extent.area / hull.buffer(max(reach_m, 1.0)).envelope.area))
