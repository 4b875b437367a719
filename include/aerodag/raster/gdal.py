"""GDAL as this room uses it: bounded in memory, on all cores, and strict about where a raster lies."""

from __future__ import annotations

import errno
import fcntl
import glob
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

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
_HUGE = 1e38
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
        DataError: ``raster.unreadable``; ``raster.damaged`` when reading fails later inside the block;
            ``raster.unreadable_text`` for names (of the CRS, of bands) that are not UTF-8.
    """
    with environment(cache_mb), _legible(path):
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
def _legible(path: Path) -> Iterator[None]:
    try:
        yield
    except UnicodeDecodeError as error:
        raise DataError(
            "raster.unreadable_text",
            f"{path.name} holds a name that is not UTF-8: {error.object!r}.",
            advice="Export it again with plain letters in the names of its bands and its CRS.",
        ) from error


@contextmanager
def beside(target: Path) -> Iterator[Path]:
    """A path to write to, in a directory of its own beside ``target``; renamed onto it when the block succeeds.

    GDAL's own temporary files land in that directory too and vanish with it.

    Raises:
        InfrastructureError: see ``scratch``.
    """
    with scratch(target) as directory:
        partial = directory / target.name
        yield partial
        partial.replace(target)


@contextmanager
def scratch(target: Path) -> Iterator[Path]:
    """A directory beside ``target``, on its disk, that vanishes; what killed writers of it left goes first.

    Raises:
        InfrastructureError: ``raster.target_unwritable``, or ``raster.disk_full`` in place of whatever failed for want
            of space.
    """
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _clear_left_over(target)
        directory = Path(mkdtemp(prefix=f".{target.name}.", dir=target.parent))
    except OSError as error:
        raise InfrastructureError(
            "raster.target_unwritable",
            f"{target.parent} cannot be written to: {error.strerror or error}.",
            advice="Give the pipeline's user the right to write there, or mount the storage writable.",
        ) from error
    with _held(directory):
        try:
            yield directory
        except Exception as error:
            free = shutil.disk_usage(directory).free
            if free < _DISK_RESERVE or (isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}):
                raise InfrastructureError(
                    "raster.disk_full",
                    f"{target.name} could not be written: {free >> 20} MB are free in {target.parent}.",
                    advice="Free space there; the step can then simply be tried again.",
                    numbers={"free_bytes": free},
                ) from error
            raise


@contextmanager
def _held(directory: Path) -> Iterator[None]:
    """The directory locked for as long as its writer lives, and removed when it is done."""
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        with suppress(OSError):  # a file system without locks: nobody will clear up there either
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(descriptor)


def _clear_left_over(target: Path) -> None:
    """Remove what killed writers of the same target left; nobody holds its lock any more."""
    for directory in target.parent.glob(f".{glob.escape(target.name)}.*"):
        if not directory.is_dir():
            continue
        descriptor = os.open(directory, os.O_RDONLY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(directory, ignore_errors=True)
        except OSError:
            continue
        finally:
            os.close(descriptor)


def require_georeference(dataset: DatasetReader) -> None:
    """Refuse a raster of which nobody knows where it lies.

    Raises:
        DataError: ``raster.gcps_only``, ``raster.no_crs``, ``raster.local_crs`` or ``raster.no_transform``. Nothing of
            it is ever made up.
    """
    name = Path(dataset.name).name
    placed = not (dataset.transform.is_identity or dataset.transform.is_degenerate)
    points = len(dataset.gcps[0])
    if not placed and (points or dataset.rpcs is not None):
        raise DataError(
            "raster.gcps_only",
            f"{name} is placed by {f'{points} ground control points' if points else 'a camera model (RPC)'} only.",
            advice="Rectify it first (gdalwarp, or Georeferencer in QGIS) and upload the result.",
            numbers={"gcps": points},
        )
    if not dataset.crs:
        raise DataError(
            "raster.no_crs",
            f"{name} has no coordinate reference system.",
            advice="Export it again with its CRS (the software that made it knows it), or process the images with "
            "GPS positions or ground control points.",
        )
    if not (dataset.crs.is_projected or dataset.crs.is_geographic):
        raise DataError(
            "raster.local_crs",
            f"{name} names a system that does not say where on the Earth it lies: {_title(dataset)}.",
            advice="Export it again in a projected or geographic CRS, such as the UTM zone of the site.",
        )
    if not placed:
        raise DataError(
            "raster.no_transform",
            f"{name} names a coordinate reference system but not where its pixels lie.",
            advice="Export it again as a GeoTIFF with its georeference, or add its world file before converting.",
        )


def _title(dataset: DatasetReader) -> str:
    """Kind and name of a CRS, the head of its WKT (``LOCAL_CS["site"``)."""
    head = str(dataset.crs.to_wkt()).partition(",")[0].replace('"', "")
    return head.replace("[", " ").strip()


def alpha_band(dataset: DatasetReader) -> int | None:
    """Index (from 1) of the alpha band, declared or called so, or None."""
    for index, kind, name in zip(dataset.indexes, dataset.colorinterp, dataset.descriptions, strict=True):
        if kind is ColorInterp.alpha or (name or "").strip().lower() == "alpha":
            return int(index)
    return None


def value_bands(dataset: DatasetReader) -> list[int]:
    """Indexes (from 1) of all bands but alpha."""
    alpha = alpha_band(dataset)
    return [index for index in dataset.indexes if index != alpha]


def mask_band(dataset: DatasetReader) -> bool:
    """Does a mask inside the file or beside it say which pixels are valid."""
    flags = dataset.mask_flag_enums[0]
    return MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags and MaskFlags.nodata not in flags


def has_mask(dataset: DatasetReader) -> bool:
    """Does an alpha band or a mask, not a nodata value, say which pixels are valid."""
    return alpha_band(dataset) is not None or mask_band(dataset)


def nodata_values(dataset: DatasetReader) -> tuple[float | None, ...]:
    """Nodata of each band but alpha; None where there is none or no pixel of that type can hold it."""
    values = dataset.nodatavals
    return tuple(_holdable(values[index - 1], dataset.dtypes[index - 1]) for index in value_bands(dataset))


def is_nodata(values: npt.NDArray[Any], nodata: float | None) -> npt.NDArray[np.bool_] | None:
    """Where ``values`` of one band are not numbers or the nodata value; None if they cannot be.

    A nodata beyond 1e38 (the smallest float written with too few digits, say) means every value beyond it.
    """
    invalid = ~np.isfinite(values) if values.dtype.kind == "f" else None
    if nodata is None or not np.isfinite(nodata):
        return invalid
    if abs(nodata) < _HUGE:
        found = values == values.dtype.type(nodata)
    else:
        found = values <= -_HUGE if nodata < 0 else values >= _HUGE
    return np.asarray(found if invalid is None else found | invalid)


def valid_values(values: npt.NDArray[Any], nodata: tuple[float | None, ...]) -> npt.NDArray[np.bool_] | None:
    """Pixels of (bands, rows, columns) of which at least one band holds a value; None: every one does."""
    invalid: npt.NDArray[np.bool_] | None = None
    for band, value in zip(values, nodata, strict=True):
        found = is_nodata(band, value)
        if found is None:
            return None
        invalid = found if invalid is None else invalid & found
    return None if invalid is None else ~invalid


def declared_validity(
    dataset: DatasetReader, window: Window | None = None, shape: tuple[int, int] | None = None
) -> Mask | None:
    """What alpha band and mask say, 0..255; None where there is neither. Only alpha of uint8 knows half-tones."""
    parts: list[Mask] = []
    if (alpha := alpha_band(dataset)) is not None:
        values = dataset.read(alpha, window=window, out_shape=shape)
        parts.append(values if values.dtype == np.uint8 else np.where(values > 0, 255, 0).astype(np.uint8))
    flags = dataset.mask_flag_enums[0]
    if MaskFlags.per_dataset in flags and MaskFlags.alpha not in flags:
        parts.append(dataset.read_masks(1, window=window, out_shape=shape))
    return np.minimum.reduce(parts) if parts else None


def validity(dataset: DatasetReader, window: Window | None = None, shape: tuple[int, int] | None = None) -> Mask:
    """Validity 0..255 of a window, optionally decimated to ``shape`` (rows, columns).

    All that the raster declares holds together: alpha band, mask and nodata value (all bands have to hold it). A pixel
    whose bands are all NaN or infinite is invalid in any case.
    """
    bands = value_bands(dataset)
    values = None
    if bands and can_tell(dataset):
        values = dataset.read(bands, window=window, out_shape=None if shape is None else (len(bands), *shape))
    rows, columns = shape or ((int(window.height), int(window.width)) if window else dataset.shape)
    return _combined(declared_validity(dataset, window, shape), values, nodata_values(dataset), (rows, columns))


def sample(dataset: DatasetReader, shape: tuple[int, int]) -> tuple[npt.NDArray[Any], Mask]:
    """Values of all bands but alpha (bands, rows, columns) and validity, decimated to ``shape``, read once."""
    bands = value_bands(dataset)
    values = dataset.read(bands, out_shape=(len(bands), *shape))
    declared = declared_validity(dataset, shape=shape)
    return values, _combined(declared, values if can_tell(dataset) else None, nodata_values(dataset), shape)


def can_tell(dataset: DatasetReader) -> bool:
    """Do the values themselves decide whether a pixel is valid: every band can hold NaN or has a nodata value."""
    floats = all(np.dtype(dataset.dtypes[index - 1]).kind == "f" for index in value_bands(dataset))
    return floats or None not in nodata_values(dataset)


def _combined(
    declared: Mask | None,
    values: npt.NDArray[Any] | None,
    nodata: tuple[float | None, ...],
    shape: tuple[int, int],
) -> Mask:
    mask: Mask = np.full(shape, 255, dtype=np.uint8) if declared is None else declared
    valid = None if values is None else valid_values(values, nodata)
    return mask if valid is None else np.where(valid, mask, 0).astype(np.uint8)


def _holdable(nodata: float | None, dtype: str) -> float | None:
    kind = np.dtype(dtype)
    if nodata is None or kind.kind not in "iu":
        return nodata
    limits = np.iinfo(kind)
    return nodata if float(nodata).is_integer() and limits.min <= nodata <= limits.max else None


def blocks_absent(dataset: DatasetReader, window: Window) -> bool:
    """Are all blocks under a window missing from the file (a sparse TIFF), in every band."""
    if dataset.driver != "GTiff":
        return False
    apart = dataset.tags(ns="IMAGE_STRUCTURE").get("INTERLEAVE") == "BAND"
    rows, columns = dataset.block_shapes[0]
    down = range(int(window.row_off) // rows, int(window.row_off + window.height - 1) // rows + 1)
    across = range(int(window.col_off) // columns, int(window.col_off + window.width - 1) // columns + 1)
    bands = dataset.indexes if apart else [1]
    return not any(
        dataset.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", bidx=band)
        for band in bands
        for row in down
        for column in across
    )


def decimated_shape(dataset: DatasetReader, longer_side: int) -> tuple[int, int]:
    """(rows, columns) of the raster shrunk to ``longer_side``, never enlarged, at least one pixel."""
    factor = min(1.0, longer_side / max(dataset.width, dataset.height))
    return max(1, round(dataset.height * factor)), max(1, round(dataset.width * factor))
