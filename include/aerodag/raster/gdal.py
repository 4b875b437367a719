"""GDAL as this room uses it: bounded in memory, on all cores, and strict about where a raster lies."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import numpy.typing as npt
import rasterio
from rasterio._err import CPLE_BaseError
from rasterio.enums import ColorInterp, MaskFlags
from rasterio.errors import RasterioError
from rasterio.io import DatasetReader
from rasterio.windows import Window

from aerodag.errors import DataError, InfrastructureError

CACHE_MB = 256
GDAL_ERRORS = (RasterioError, CPLE_BaseError)  # some calls let GDAL's own errors through
_DISK_RESERVE = 64 << 20
Mask = npt.NDArray[np.uint8]


def environment(cache_mb: int = CACHE_MB) -> rasterio.Env:
    """GDAL's block cache bounded to ``cache_mb`` mebibytes (its default grows with the host), all cores in use.

    Rasterio hands the number on as bytes, unlike GDAL's command line, where small numbers are mebibytes.
    """
    return rasterio.Env(GDAL_CACHEMAX=cache_mb << 20, GDAL_NUM_THREADS="ALL_CPUS", GDAL_TIFF_INTERNAL_MASK=True)


@contextmanager
def opened(path: Path, cache_mb: int = CACHE_MB) -> Iterator[DatasetReader]:
    """Open a raster for reading inside the bounded environment.

    Raises:
        DataError: ``raster.unreadable``, or ``raster.damaged`` when reading fails later inside the block.
    """
    with environment(cache_mb):
        try:
            dataset = rasterio.open(path)
        except GDAL_ERRORS as error:
            raise DataError(
                "raster.unreadable",
                f"{path.name} cannot be opened as a raster: {error}.",
                advice="Upload a whole GeoTIFF; a picture without its TIFF structure is not enough.",
            ) from error
        with dataset:
            try:
                yield dataset
            except GDAL_ERRORS as error:
                raise DataError(
                    "raster.damaged",
                    f"{path.name} opens, but its pixels cannot be read: {error}.",
                    advice="Copy or upload the raster again; part of it is missing or overwritten.",
                ) from error


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A path to write to, in a directory of its own beside ``target``; renamed onto it when the block succeeds.

    GDAL's own temporary files land in that directory too and vanish with it.

    Raises:
        InfrastructureError: ``raster.disk_full``, in place of whatever failed for want of space.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as directory:
        partial = Path(directory) / target.name
        try:
            yield partial
        except Exception as error:
            free = shutil.disk_usage(directory).free
            if free < _DISK_RESERVE:
                raise InfrastructureError(
                    "raster.disk_full",
                    f"{target.name} could not be written: {free >> 20} MB are free in {target.parent}.",
                    advice="Free space there; the step can then simply be tried again.",
                    numbers={"free_bytes": free},
                ) from error
            raise
        partial.replace(target)


def require_georeference(dataset: DatasetReader) -> None:
    """Refuse a raster of which nobody knows where it lies.

    Raises:
        DataError: ``raster.no_crs`` or ``raster.no_transform``. Neither is ever made up.
    """
    name = Path(dataset.name).name
    if dataset.crs is None or not (dataset.crs.is_projected or dataset.crs.is_geographic):
        raise DataError(
            "raster.no_crs",
            f"{name} has no coordinate reference system.",
            advice="Export it again with its CRS (the software that made it knows it), or process the images with "
            "GPS positions or ground control points.",
        )
    if dataset.transform.is_identity or dataset.transform.is_degenerate:
        raise DataError(
            "raster.no_transform",
            f"{name} names a coordinate reference system but not where its pixels lie.",
            advice="Export it again as a GeoTIFF with its georeference, or add its world file before converting.",
        )


def alpha_band(dataset: DatasetReader) -> int | None:
    """Index (from 1) of the alpha band, or None."""
    kinds = list(dataset.colorinterp)
    return kinds.index(ColorInterp.alpha) + 1 if ColorInterp.alpha in kinds else None


def has_mask(dataset: DatasetReader) -> bool:
    """Does an alpha band or an internal mask, not a nodata value, say which pixels are valid."""
    return MaskFlags.per_dataset in dataset.mask_flag_enums[0]


def validity(dataset: DatasetReader, window: Window | None = None, shape: tuple[int, int] | None = None) -> Mask:
    """Validity 0..255 of a window, optionally decimated to ``shape`` (rows, columns).

    From the alpha band, the mask or the nodata value, whichever the raster has; a pixel whose bands are all NaN or
    infinite is invalid in any case.
    """
    if all(MaskFlags.all_valid in flags for flags in dataset.mask_flag_enums):
        # GDAL would fill a mask of the full size for this, block by block.
        rows, columns = shape or ((window.height, window.width) if window else dataset.shape)
        mask: Mask = np.full((rows, columns), 255, dtype=np.uint8)
    else:
        mask = dataset.dataset_mask(window=window, out_shape=shape)
    if np.issubdtype(np.dtype(dataset.dtypes[0]), np.floating):
        kinds = zip(dataset.indexes, dataset.colorinterp, strict=True)
        bands = [index for index, kind in kinds if kind is not ColorInterp.alpha]
        out_shape = None if shape is None else (len(bands), *shape)
        finite = np.isfinite(dataset.read(bands, window=window, out_shape=out_shape)).any(axis=0)
        mask = np.where(finite, mask, 0).astype(np.uint8)
    return mask


def decimated_shape(dataset: DatasetReader, longer_side: int) -> tuple[int, int]:
    """(rows, columns) of the raster shrunk to ``longer_side``, never enlarged, at least one pixel."""
    factor = min(1.0, longer_side / max(dataset.width, dataset.height))
    return max(1, round(dataset.height * factor)), max(1, round(dataset.width * factor))
