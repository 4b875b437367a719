"""Renders the mosaic window by window into a GeoTIFF; memory does not depend on the mosaic's size."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import cv2  # noqa: TID253 -- only the engine's child imports this module
import numpy as np
import rasterio
import rasterio.features
from numpy.typing import NDArray
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin
from rasterio.windows import Window as RasterWindow

from aerodag.photogrammetry.embedded.georeference import LocalFrame
from aerodag.photogrammetry.embedded.ground.surface import Surface
from aerodag.photogrammetry.embedded.mosaic.colour import Gains
from aerodag.photogrammetry.embedded.mosaic.grid import BLOCK, STEP, Grid, Window, enlarge, node_span
from aerodag.photogrammetry.embedded.mosaic.labels import NOBODY, Labels
from aerodag.photogrammetry.embedded.mosaic.pixels import ImageCache, sample
from aerodag.photogrammetry.embedded.poses.cameras import View

WINDOW = 2 * BLOCK
# Below this weight an image adds less than one grey level.
MIN_WEIGHT = 1.0 / 512.0
NODATA_HEIGHT = -9999.0


@dataclass(frozen=True, slots=True)
class Mosaic:
    """Everything a window needs to be painted."""

    views: Sequence[View]
    surface: Surface
    grid: Grid
    labels: Labels
    gains: Gains
    cache: ImageCache


def paint(mosaic: Mosaic, window: Window) -> NDArray[np.uint8] | None:
    """RGBA (height, width, 4) of one window, or None if it is empty."""
    step = mosaic.labels.step
    rows = node_span(window.row, window.height, step)
    columns = node_span(window.column, window.width, step)
    chosen = mosaic.labels.chosen[rows, columns]
    total = np.zeros((window.height, window.width, 3), dtype=np.float32)
    weights = np.zeros((window.height, window.width), dtype=np.float32)
    for number in np.unique(chosen[chosen != NOBODY]):
        weight = _weight(chosen == number, step, window)
        part = _extent(weight)
        if part is not None:
            total[part] += _rectified(mosaic, int(number), _inside(window, part)) * weight[part][..., None]
            weights[part] += weight[part]
    covered = _coverage(chosen != NOBODY, step, window)
    if not covered.any():
        return None
    rgba = np.zeros((window.height, window.width, 4), dtype=np.uint8)
    colour = total / np.maximum(weights, MIN_WEIGHT)[..., None]
    rgba[..., :3] = np.clip(colour + 0.5, 0.0, 255.0) * covered[..., None]
    rgba[..., 3] = covered * 255
    return rgba


def _coverage(painted: NDArray[np.bool_], step: int, window: Window) -> NDArray[np.bool_]:
    return np.asarray(enlarge(painted.astype(np.float32), step, window.height, window.width) >= 0.5)


def _weight(own: NDArray[np.bool_], step: int, window: Window) -> NDArray[np.float32]:
    """Share of one view per pixel: 1 inside, falling to 0 over one node step; all views' shares add up to about 1.

    The cubic makes the visible blend half as wide as the node step.
    """
    linear = enlarge(own.astype(np.float32), step, window.height, window.width)
    return np.asarray(linear * linear * (3.0 - 2.0 * linear), dtype=np.float32)


def _extent(weight: NDArray[np.float32]) -> tuple[slice, slice] | None:
    """Bounding box of the weights that count, on whole steps."""
    counts = weight > MIN_WEIGHT
    rows, columns = np.flatnonzero(counts.any(axis=1)), np.flatnonzero(counts.any(axis=0))
    if not rows.size:
        return None
    return (
        slice(int(rows[0]) // STEP * STEP, int(rows[-1]) + 1),
        slice(int(columns[0]) // STEP * STEP, int(columns[-1]) + 1),
    )


def _inside(window: Window, part: tuple[slice, slice]) -> Window:
    rows, columns = part
    return Window(
        window.row + rows.start, window.column + columns.start, rows.stop - rows.start, columns.stop - columns.start
    )


def positions(
    view: View, surface: Surface, grid: Grid, window: Window
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Image column and row (pixels) of every pixel of a window that starts on a whole step."""
    rows, columns = node_span(window.row, window.height, STEP), node_span(window.column, window.width, STEP)
    x, y = grid.nodes(STEP, rows, columns)
    u, v, _ = view.project(np.stack([x, y, surface.sample(x, y)], axis=-1))
    return (
        enlarge(u.astype(np.float32), STEP, window.height, window.width),
        enlarge(v.astype(np.float32), STEP, window.height, window.width),
    )


def _rectified(mosaic: Mosaic, number: int, window: Window) -> NDArray[np.float32]:
    view = mosaic.views[number]
    column, row = positions(view, mosaic.surface, mosaic.grid, window)
    image = sample(mosaic.cache.get(view.path), view.camera.width, column, row, cv2.INTER_CUBIC)
    return np.asarray(image * mosaic.gains.over(number, window), dtype=np.float32)


def render(
    mosaic: Mosaic, frame: LocalFrame, target: Path, software: str, threads: int, advance: Callable[[float], None]
) -> float:
    """Write the orthophoto; returns the covered area in square metres."""
    grid = mosaic.grid
    west, north = grid.west + frame.origin[0], grid.north + frame.origin[1]
    profile = {
        "driver": "GTiff",
        "dtype": "uint8",
        "count": 4,
        "height": grid.height,
        "width": grid.width,
        "crs": f"EPSG:{frame.epsg}",
        "transform": from_origin(west, north, grid.gsd, grid.gsd),
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "compress": "deflate",
        "predictor": 2,
        "interleave": "pixel",
        "photometric": "rgb",
        "alpha": "unassociated",
        "bigtiff": "if_safer",
        "sparse_ok": True,
        "num_threads": threads,
    }
    windows = grid.windows(WINDOW)
    covered = 0
    partial = target.with_name(f".{target.name}.part")
    with rasterio.Env(GDAL_CACHEMAX=64), rasterio.open(partial, "w", **profile) as file:
        file.colorinterp = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
        file.update_tags(TIFFTAG_SOFTWARE=software)
        for done, (window, rgba) in enumerate(_painted(mosaic, windows, threads), start=1):
            if rgba is not None:
                place = RasterWindow(window.column, window.row, window.width, window.height)
                file.write(np.moveaxis(rgba, -1, 0), window=place)
                covered += int(np.count_nonzero(rgba[..., 3]))
            advance(done / len(windows))
    partial.replace(target)
    return covered * grid.gsd**2


def _painted(mosaic: Mosaic, windows: list[Window], threads: int) -> Iterator[tuple[Window, NDArray[np.uint8] | None]]:
    """Painted windows in order; at most two per thread are in the air."""
    with ThreadPoolExecutor(threads) as pool:
        pending: list[tuple[Window, Future[NDArray[np.uint8] | None]]] = []
        for window in windows:
            pending.append((window, pool.submit(paint, mosaic, window)))
            if len(pending) >= 2 * threads:
                first, future = pending.pop(0)
                yield first, future.result()
        for first, future in pending:
            yield first, future.result()


def write_surface(surface: Surface, frame: LocalFrame, target: Path, software: str) -> None:
    """Write the surface as a float32 DSM (metres as the images' heights), `NODATA_HEIGHT` outside its area."""
    height, width = surface.heights.shape
    west, north = surface.west + frame.origin[0], surface.north + frame.origin[1]
    inside = rasterio.features.geometry_mask(
        [surface.area],
        (height, width),
        from_origin(surface.west, surface.north, surface.spacing, surface.spacing),
        invert=True,
    )
    values = np.where(inside, surface.heights + np.float32(frame.origin[2]), np.float32(NODATA_HEIGHT))
    partial = target.with_name(f".{target.name}.part")
    with rasterio.open(
        partial,
        "w",
        driver="GTiff",
        dtype="float32",
        count=1,
        height=height,
        width=width,
        crs=f"EPSG:{frame.epsg}",
        transform=from_origin(west, north, surface.spacing, surface.spacing),
        nodata=NODATA_HEIGHT,
        tiled=True,
        blockxsize=256,
        blockysize=256,
        compress="deflate",
        predictor=3,
    ) as file:
        file.write(values.astype(np.float32), 1)
        file.update_tags(TIFFTAG_SOFTWARE=software)
    partial.replace(target)
