"""Any orthophoto to the one form the later steps expect: uint8 RGB with alpha or mask, tiled, lossless."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
import structlog
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader
from rasterio.windows import Window

from aerodag.errors import DataError
from aerodag.raster.gdal import (
    CACHE_MB,
    Mask,
    alpha_band,
    beside,
    decimated_shape,
    has_mask,
    opened,
    require_georeference,
    validity,
)

log = structlog.get_logger(__name__)

BLOCK = 512
_LOSSLESS = frozenset({"deflate", "zstd", "lzw", "packbits", "lzma"})
_WINDOW_BYTES = 48 << 20
_STRETCH_SIDE = 1024
_PERCENTILES = (2.0, 98.0)
_COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
Ranges = tuple[tuple[float, float], ...]
Bytes = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Standardised:
    """Where the standard raster is, why it had to be rewritten (nothing: it is the source itself), and how.

    ``bands`` are the source bands taken as red, green and blue; ``stretch`` the (2nd, 98th percentile) of each in
    source units where values were scaled to 0..255.
    """

    path: Path
    reasons: tuple[str, ...]
    bands: tuple[int, int, int]
    stretch: Ranges | None = None


def standardise(source: Path, target: Path, cache_mb: int = CACHE_MB) -> Standardised:
    """Bring ``source`` into standard form at ``target``; a raster already in it is returned untouched.

    The grid and the CRS stay as they are. Validity is taken from the source's own values, before any scaling, and
    becomes alpha; the nodata value is dropped. Memory does not grow with the raster.

    Raises:
        DataError: ``raster.unreadable``, ``raster.no_crs``, ``raster.no_transform`` or ``raster.empty``.
    """
    with opened(source, cache_mb) as dataset:
        require_georeference(dataset)
        bands = colour_bands(dataset)
        reasons = deviations(dataset)
        if not reasons:
            return Standardised(source, (), bands)
        stretch = None if _is_bytes(dataset) else percentile_ranges(dataset, bands)
        with beside(target) as partial:
            _rewrite(dataset, partial, bands, stretch)
    log.info("raster standardised", source=str(source), output=str(target), reasons=reasons)
    return Standardised(target, reasons, bands, stretch)


def deviations(dataset: DatasetReader) -> tuple[str, ...]:
    """What keeps a raster from being standard, as machine codes; empty when nothing does."""
    bands = 4 if alpha_band(dataset) else 3
    rows, columns = dataset.block_shapes[0]
    codec = dataset.compression.value.lower() if dataset.compression else "none"
    found = {
        "dtype": not _is_bytes(dataset),
        "bands": dataset.count != bands or tuple(dataset.colorinterp[:3]) != _COLOURS,
        "nodata": dataset.nodata is not None,
        "no_mask": not has_mask(dataset),
        "not_tiled": rows != columns or rows % 16 != 0,
        "compression": codec not in _LOSSLESS,
        "format": dataset.driver != "GTiff",
    }
    return tuple(code for code, wrong in found.items() if wrong)


def colour_bands(dataset: DatasetReader) -> tuple[int, int, int]:
    """Bands (from 1) to show as red, green and blue: as declared, as described, else the first ones; grey thrice."""
    kinds = list(dataset.colorinterp)
    if all(colour in kinds for colour in _COLOURS):
        red, green, blue = (kinds.index(colour) + 1 for colour in _COLOURS)
        return red, green, blue
    names = [(text or "").strip().lower() for text in dataset.descriptions]
    if all(colour in names for colour in ("red", "green", "blue")):
        return names.index("red") + 1, names.index("green") + 1, names.index("blue") + 1
    others = [index for index, kind in zip(dataset.indexes, kinds, strict=True) if kind is not ColorInterp.alpha]
    if len(others) < 3:
        return others[0], others[0], others[0]
    return others[0], others[1], others[2]


def percentile_ranges(dataset: DatasetReader, bands: tuple[int, int, int]) -> Ranges:
    """2nd and 98th percentile of each band over its valid pixels, on a read decimated to 1024 pixels a side.

    Raises:
        DataError: ``raster.empty`` if no pixel is valid.
    """
    shape = decimated_shape(dataset, _STRETCH_SIDE)
    valid = validity(dataset, shape=shape) > 0
    if not valid.any():
        raise DataError(
            "raster.empty",
            f"{Path(dataset.name).name} holds no valid pixel.",
            advice="Look at the raster: its nodata value, mask or alpha band hides everything.",
        )
    values = dataset.read(list(bands), out_shape=(3, *shape))
    return tuple(_range(band[valid]) for band in values)


def to_bytes(values: npt.NDArray[np.generic], ranges: Ranges) -> Bytes:
    """Scale (bands, rows, columns) linearly from ``ranges`` to 0..255; what is not a number becomes 0."""
    result = np.empty(values.shape, dtype=np.uint8)
    for band, (low, high), out in zip(values, ranges, result, strict=True):
        scaled = (band.astype(np.float32) - np.float32(low)) * np.float32(255.0 / (high - low))
        np.nan_to_num(scaled, copy=False, nan=0.0, posinf=255.0, neginf=0.0)
        out[:] = np.clip(np.rint(scaled), 0, 255)
    return result


def _range(values: npt.NDArray[np.generic]) -> tuple[float, float]:
    numbers = values.astype(np.float64)
    finite = numbers[np.isfinite(numbers)]
    if finite.size == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(finite, _PERCENTILES))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def _rewrite(dataset: DatasetReader, path: Path, bands: tuple[int, int, int], stretch: Ranges | None) -> None:
    profile = {
        "driver": "GTiff",
        "width": dataset.width,
        "height": dataset.height,
        "count": 4,
        "dtype": "uint8",
        "crs": dataset.crs,
        "transform": dataset.transform,
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "compress": "deflate",
        "predictor": 2,
        "photometric": "RGB",
        "alpha": "yes",
        "interleave": "pixel",
        "bigtiff": "if_safer",
        "sparse_ok": True,
        "num_threads": "all_cpus",
    }
    palette = palette_of(dataset)
    with rasterio.open(path, "w", **profile) as out:
        out.colorinterp = (*_COLOURS, ColorInterp.alpha)
        for window in _windows(dataset):
            out.write(_pixels(dataset, window, bands, stretch, palette), window=window)


def _pixels(
    dataset: DatasetReader,
    window: Window,
    bands: tuple[int, int, int],
    stretch: Ranges | None,
    palette: Bytes | None,
) -> Bytes:
    """RGBA of one window; invalid pixels are all zero, which compresses to nothing."""
    alpha: Mask = validity(dataset, window)
    values = dataset.read(list(bands), window=window)
    if palette is not None:
        colours: Bytes = np.moveaxis(palette[values[0]], -1, 0)
    else:
        colours = values if stretch is None else to_bytes(values, stretch)
    return np.concatenate([np.where(alpha > 0, colours, 0).astype(np.uint8), alpha[np.newaxis]])


def palette_of(dataset: DatasetReader) -> Bytes | None:
    """RGB (256, 3) of a paletted raster, None of any other."""
    if dataset.colorinterp[0] is not ColorInterp.palette:
        return None
    table = np.zeros((256, 3), dtype=np.uint8)
    for index, colour in dataset.colormap(1).items():
        table[index] = colour[:3]
    return table


def _windows(dataset: DatasetReader) -> Iterator[Window]:
    """Whole rows of output tiles where memory allows, so that strips of the source are decoded only once."""
    pixel = sum(np.dtype(kind).itemsize for kind in dataset.dtypes)
    columns = max(BLOCK, _WINDOW_BYTES // (BLOCK * max(4, pixel)) // BLOCK * BLOCK)
    for row in range(0, dataset.height, BLOCK):
        for column in range(0, dataset.width, columns):
            yield Window(column, row, min(columns, dataset.width - column), min(BLOCK, dataset.height - row))


def _is_bytes(dataset: DatasetReader) -> bool:
    return all(kind == "uint8" for kind in dataset.dtypes)
