"""Writing the standard form: windows of the source read ahead, made RGBA, compressed in threads."""

from __future__ import annotations

import math
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import rasterio
from affine import Affine
from rasterio.enums import Resampling
from rasterio.io import DatasetReader
from rasterio.vrt import WarpedVRT
from rasterio.warp import reproject
from rasterio.windows import Window

from aerodag.raster.examining.edges import Collar, tolerance_of
from aerodag.raster.gdal import (
    Mask,
    blocks_absent,
    can_tell,
    declared_validity,
    environment,
    mask_band,
    nodata_values,
    valid_values,
    validity,
    value_bands,
)
from aerodag.raster.kinds import Grid, RasterKind
from aerodag.raster.standard.output import BLOCK, Content, new_rgba, writing
from aerodag.raster.standard.stretch import Bytes, Ranges, to_bytes

_WINDOW_BYTES = 24 << 20
_TALLEST = 4096
_WARP_MB = 64
Array = npt.NDArray[Any]


@dataclass(frozen=True, slots=True)
class View:
    """How a picture is made of the source: its kind, the bands shown, their ranges, the colours of a palette."""

    kind: RasterKind
    bands: tuple[int, int, int]
    stretch: Ranges | None
    palette: Bytes | None


@dataclass(frozen=True, slots=True)
class _Piece:
    """Values of a window (bands, rows, columns), north up, and what alpha and mask say of it."""

    window: Window
    values: Array
    declared: Mask | None


def rewrite(dataset: DatasetReader, path: Path, view: View, cache_mb: int) -> None:
    """Write ``dataset`` as RGBA to ``path``: on its own grid, or on one that lies north up where it is rotated.

    Raises:
        InfrastructureError: ``raster.write_failed``.
    """
    if not is_skewed(view.kind, dataset.transform):
        _write(dataset, path, view, cache_mb)
        return
    skewed = path.with_name(f"skewed.{path.name}")
    _write(dataset, skewed, view, cache_mb)
    _north_up(skewed, path)
    skewed.unlink()


def is_skewed(kind: RasterKind, transform: Affine) -> bool:
    """Does it take resampling to lay the pixels north up; flipping them is not enough."""
    return kind.grid is Grid.ROTATED and (transform.b != 0 or transform.d != 0)


def _write(dataset: DatasetReader, path: Path, view: View, cache_mb: int) -> None:
    reading = _Reading(dataset, view)
    content = Content()
    with new_rgba(path, dataset, reading.transform, dataset.shape, sparse=True) as out:
        for piece in _ahead(reading, cache_mb):
            pixels = _pixels(piece, view, reading)
            if pixels is not None:
                content.note(piece.window, pixels[3])
                with writing(path):
                    out.write(pixels, window=piece.window)
    content.require_written(path)


def _north_up(source: Path, path: Path) -> None:
    """Onto the grid that gdalwarp would choose in the same CRS; bilinear, weighted by alpha."""
    with rasterio.open(source) as dataset:
        with WarpedVRT(dataset, crs=dataset.crs, src_alpha=4) as suggestion:
            transform, shape = suggestion.transform, suggestion.shape
        with new_rgba(path, dataset, transform, shape, sparse=False) as out, writing(path):
            reproject(
                rasterio.band(dataset, [1, 2, 3]),
                rasterio.band(out, [1, 2, 3]),
                src_alpha=4,
                dst_alpha=4,
                resampling=Resampling.bilinear,
                num_threads=2,
                warp_mem_limit=_WARP_MB,
                # From the window sizes GDAL takes a raster turned by ninety degrees for shrunk, and blurs it.
                XSCALE=1,
                YSCALE=1,
            )
    content = Content()
    content.note(Window(0, 0, shape[1], shape[0]), np.broadcast_to(np.uint8(255), shape))
    content.require_written(path)


class _Reading:
    """Windows of the source with all that decides over their validity."""

    def __init__(self, dataset: DatasetReader, view: View) -> None:
        self._dataset = dataset
        placed = dataset.transform
        skewed = is_skewed(view.kind, placed)
        self._flip_rows = bool(placed.e > 0) and not skewed
        self._flip_columns = bool(placed.a < 0) and not skewed
        down = Affine.translation(0, dataset.height) @ Affine.scale(1, -1) if self._flip_rows else Affine.identity()
        across = Affine.translation(dataset.width, 0) @ Affine.scale(-1, 1) if self._flip_columns else Affine.identity()
        self.transform = placed @ down @ across
        self.nodata = nodata_values(dataset)
        every = value_bands(dataset)
        self.by_value = can_tell(dataset)
        # One value is enough for a pixel to be valid, so all bands are looked at where values decide.
        self.bands = every if self.by_value or view.kind.edge_fill else sorted(set(view.bands))
        self.shown = [self.bands.index(band) for band in view.bands]
        self.windows = list(_windows(dataset, len(self.bands)))
        self.collar: Collar | None = None
        if view.kind.edge_fill is not None:
            self.collar = Collar(self.windows, self._values, dataset.shape, view.kind.edge_fill, tolerance_of(dataset))

    def piece(self, window: Window) -> _Piece | None:
        """A window read and turned north up; None where the source holds nothing at all."""
        if self._is_absent(window):
            return None
        declared = declared_validity(self._dataset, self._source(window))
        return _Piece(window, self._values(window), None if declared is None else self._turned(declared))

    def _values(self, window: Window) -> Array:
        return self._turned(self._dataset.read(self.bands, window=self._source(window)))

    def _turned(self, pixels: Array) -> Array:
        """(..., rows, columns) of the source as they lie north up."""
        return pixels[..., :: -1 if self._flip_rows else 1, :: -1 if self._flip_columns else 1]

    def _source(self, window: Window) -> Window:
        top = self._dataset.height - window.row_off - window.height if self._flip_rows else window.row_off
        left = self._dataset.width - window.col_off - window.width if self._flip_columns else window.col_off
        return Window(left, top, window.width, window.height)

    def _is_absent(self, window: Window) -> bool:
        """Were its blocks never written, and does that make its pixels invalid: decided on one pixel."""
        if (
            self.collar is not None
            or mask_band(self._dataset)
            or not blocks_absent(self._dataset, self._source(window))
        ):
            return False
        source = self._source(window)
        return not validity(self._dataset, Window(source.col_off, source.row_off, 1, 1)).any()


def _ahead(reading: _Reading, cache_mb: int) -> Iterator[_Piece]:
    """One window is read in a thread of its own while the one before is worked on and compressed."""

    def read(window: Window) -> _Piece | None:
        with environment(cache_mb):
            return reading.piece(window)

    with ThreadPoolExecutor(1) as pool:
        windows = iter(reading.windows)
        pending = pool.submit(read, next(windows))
        for window in windows:
            current, pending = pending, pool.submit(read, window)
            if (piece := current.result()) is not None:
                yield piece
        if (piece := pending.result()) is not None:
            yield piece


def _pixels(piece: _Piece, view: View, reading: _Reading) -> Bytes | None:
    """RGBA of one window, all zero where invalid, which compresses to nothing; None where nothing is valid."""
    alpha = _alpha(piece, reading)
    if not alpha.any():
        return None
    values = piece.values[reading.shown]
    if view.palette is not None:
        colours = view.palette[values[0]]
        values = np.moveaxis(colours[..., :3], -1, 0)
        alpha = np.minimum(alpha, colours[..., 3])
    elif view.stretch is not None:
        values = to_bytes(values, view.stretch)
    return np.concatenate([np.where(alpha > 0, values, np.uint8(0)), alpha[np.newaxis]])


def _alpha(piece: _Piece, reading: _Reading) -> Mask:
    alpha = np.full(piece.values.shape[1:], 255, dtype=np.uint8) if piece.declared is None else piece.declared.copy()
    if reading.by_value and (valid := valid_values(piece.values, reading.nodata)) is not None:
        alpha[~valid] = 0
    if reading.collar is not None and (collar := reading.collar.of(piece.window, piece.values)) is not None:
        alpha[collar] = 0
    return alpha


def _windows(dataset: DatasetReader, bands: int) -> Iterator[Window]:
    """Whole rows of blocks where memory allows, so that no block of source or output is worked on twice."""
    block_rows = dataset.block_shapes[0][0]
    height = min(_TALLEST, math.ceil(block_rows / BLOCK) * BLOCK) if block_rows < dataset.height else BLOCK
    pixel = bands * max(np.dtype(kind).itemsize for kind in dataset.dtypes)
    columns = max(BLOCK, _WINDOW_BYTES // (height * max(4, pixel)) // BLOCK * BLOCK)
    for row in range(0, dataset.height, height):
        for column in range(0, dataset.width, columns):
            yield Window(column, row, min(columns, dataset.width - column), min(height, dataset.height - row))
