"""Tiles for web maps, drawn straight from a raster file; what its bands hold decides how."""

from __future__ import annotations

import io
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Literal

import numpy as np
from PIL import Image
from rasterio.crs import CRS
from rio_tiler.errors import NoOverviewWarning, TileOutsideBounds
from rio_tiler.io import Reader
from rio_tiler.models import ImageData

from aerodag.errors import DataError
from aerodag.raster.gdal import opened, require_georeference
from aerodag.raster.indices.preview import coloured
from aerodag.raster.indices.table import INDICES
from aerodag.raster.kinds import Content, Meaning
from aerodag.raster.picture.rendering import (
    HEIGHTS,
    Bytes,
    Range,
    Sample,
    draw_colours,
    draw_ramp,
    stretch_range,
)
from aerodag.raster.picture.thumbnail import drawn_bands, kind_by_overview

TILE = 256
CACHE_MB = 64
_QUALITY = 82
_SAMPLED = 1024
# A raster without overviews is read whole for a tile of low zoom; more than so many pixels take too long.
_MOST_READ = 1 << 26
_BYTES: tuple[Range, ...] = ((0.0, 255.0),)
Bounds = tuple[float, float, float, float]

# Whether it can be read is looked at here, and zooms beyond morecantile's table are worked out by it.
warnings.simplefilter("ignore", NoOverviewWarning)
warnings.filterwarnings("ignore", "TileMatrix not found")


@dataclass(frozen=True, slots=True)
class Layer:
    """Where a raster lies: ``bounds`` west, south, east, north in degrees, never across the antimeridian.

    At ``maxzoom`` a pixel of a tile is about one of the raster, at ``minzoom`` the raster fits into a tile.
    """

    bounds: Bounds
    minzoom: int
    maxzoom: int


@dataclass(frozen=True, slots=True)
class _Look:
    """How a raster is drawn: its bands (from 1), and the values that are darkest and brightest in each."""

    manner: Literal["colours", "palette", "heights", "heat", "index"]
    bands: tuple[int, ...]
    ranges: tuple[Range, ...]


def layer(path: Path) -> Layer:
    """Where a raster lies and which zooms suit it.

    Raises:
        DataError: ``raster.unreadable`` and others of `aerodag.raster.gdal.opened`, or as ``require_georeference``.
    """
    with _reader(path) as reader:
        west, south, east, north = reader.get_geographic_bounds(CRS.from_epsg(4326))
        if west > east:
            west, east = -180.0, 180.0
        return Layer((west, south, east, north), int(reader.minzoom), int(reader.maxzoom))


def tile(path: Path, z: int, x: int, y: int, *, index: str | None = None) -> bytes | None:
    """One tile of 256 pixels as WEBP, transparent where the raster has nothing; None outside of it.

    Colours of 8 bits are shown as they are, other numbers from their 2nd to their 98th percentile, heights and
    temperatures as colour ramps. ``index`` names the vegetation index that the raster holds, which has colours of its
    own.

    Raises:
        DataError: as `layer`; ``raster.no_overviews`` where the whole of a large raster would have to be read.
    """
    look = _look(path, _signature(path), index)
    with _reader(path) as reader:
        _require_readable(path, reader, z)
        resampling: Literal["nearest", "bilinear"] = "nearest" if look.manner == "palette" else "bilinear"
        try:
            image = reader.tile(
                x, y, z, tilesize=TILE, indexes=look.bands, resampling_method=resampling, reproject_method=resampling
            )
        except TileOutsideBounds:
            return None
        if look.manner == "palette":
            image = image.apply_colormap(reader.colormap or {})
        pixels = _drawn(look, _sample(image))
    return _webp(pixels)


@contextmanager
def _reader(path: Path) -> Iterator[Reader]:
    with opened(path, CACHE_MB) as dataset:
        require_georeference(dataset)
        with Reader(None, dataset=dataset) as reader:
            yield reader


def _require_readable(path: Path, reader: Reader, z: int) -> None:
    if reader.dataset is None or reader.dataset.overviews(1):
        return
    side = TILE * 2.0 ** (reader.maxzoom - z)
    read = min(side, reader.width) * min(side, reader.height)
    if read > _MOST_READ:
        raise DataError(
            "raster.no_overviews",
            f"{path.name} has no overviews, so it can be shown from nearby only.",
            advice="Zoom in.",
            numbers={"pixels": int(read)},
        )


def _signature(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError as error:
        raise DataError("raster.unreadable", f"{path.name} is not there.", advice="Make the product again.") from error
    return status.st_mtime_ns, status.st_size


@lru_cache(maxsize=256)
def _look(path: Path, signature: tuple[int, int], index: str | None) -> _Look:
    """What is found out about a raster once; a file that changed is another one."""
    if index in INDICES:
        return _Look("index", (1,), (INDICES[index].shown,))
    with opened(path, CACHE_MB) as dataset:
        require_georeference(dataset)
        kind = kind_by_overview(dataset, _SAMPLED)
        bands = drawn_bands(kind)
        if kind.content is Content.PALETTE:
            return _Look("palette", bands, ())
        if all(dataset.dtypes[band - 1] == "uint8" for band in bands) and kind.content is not Content.ELEVATION:
            return _Look("colours", bands, _BYTES * len(bands))
        ranges = _ranges(path, bands)
    if kind.content is Content.ELEVATION:
        return _Look("heights", bands, ranges)
    return _Look("heat" if bands == (kind.band(Meaning.THERMAL),) else "colours", bands, ranges)


def _ranges(path: Path, bands: tuple[int, ...]) -> tuple[Range, ...]:
    """What is stretched to full contrast in each band, by a picture of at most 1024 pixels a side."""
    with _reader(path) as reader:
        image = reader.preview(indexes=bands, max_size=_SAMPLED)
    sample = _sample(image)
    return tuple(stretch_range(band, sample.opacity) for band in sample.values)


def _sample(image: ImageData) -> Sample:
    """Values and opacity; only alpha of uint8 knows half-tones, otherwise any band that holds a value counts."""
    values = np.nan_to_num(image.array.data.astype(np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    alpha = image.alpha_mask
    if alpha is not None and alpha.dtype == np.uint8:
        return Sample(values, alpha.astype(np.float32) / np.float32(255))
    valid = ~np.ma.getmaskarray(image.array).all(axis=0) if alpha is None else alpha > 0
    return Sample(values, np.asarray(valid, dtype=np.float32))


def _drawn(look: _Look, sample: Sample) -> Bytes:
    if look.manner == "palette":
        return draw_colours(sample, _BYTES * 3)
    if look.manner == "index":
        values = np.where(sample.opacity > 0, sample.values[0], np.float32(np.nan))
        return coloured(values, look.ranges[0])
    if look.manner == "heights":
        return draw_ramp(sample, look.ranges[0], HEIGHTS)
    if look.manner == "heat":
        return draw_ramp(sample, look.ranges[0])
    return draw_colours(sample, look.ranges)


def _webp(pixels: Bytes) -> bytes:
    kept = io.BytesIO()
    Image.fromarray(pixels).save(kept, "WEBP", quality=_QUALITY, method=2)
    return kept.getvalue()
