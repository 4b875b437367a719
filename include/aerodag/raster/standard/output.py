"""A new raster in standard form, and the proof that it arrived on the disk."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import product
from pathlib import Path

import rasterio
from affine import Affine
from rasterio.enums import ColorInterp
from rasterio.io import DatasetReader, DatasetWriter
from rasterio.windows import Window

from aerodag.errors import DataError, InfrastructureError
from aerodag.raster.examining.whole import require_whole
from aerodag.raster.gdal import GDAL_ERRORS, Mask

BLOCK = 512
Shape = tuple[int, int]
COLOURS = (ColorInterp.red, ColorInterp.green, ColorInterp.blue)
# Half the processor time of DEFLATE at level 6 for the same size, on orthophotos; GDAL reads it since 2.3.
ENCODING = {"compress": "zstd", "zstd_level": 1, "predictor": 2}


@contextmanager
def new_rgba(
    path: Path, like: DatasetReader, transform: Affine, shape: tuple[int, int], sparse: bool
) -> Iterator[DatasetWriter]:
    """A new RGBA raster in the CRS of ``like``; blocks without content are left out where ``sparse``.

    Raises:
        InfrastructureError: ``raster.write_failed``.
    """
    profile = {
        "driver": "GTiff",
        "width": shape[1],
        "height": shape[0],
        "count": 4,
        "dtype": "uint8",
        "crs": like.crs,
        "transform": transform,
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        **ENCODING,
        "photometric": "RGB",
        "alpha": "yes",
        "interleave": "pixel",
        "bigtiff": "if_safer",
        "sparse_ok": sparse,
        "num_threads": "all_cpus",
    }
    with writing(path):
        out = rasterio.open(path, "w", **profile)
        out.colorinterp = (*COLOURS, ColorInterp.alpha)
    try:
        yield out
    except BaseException:
        with suppress(*GDAL_ERRORS):
            out.close()
        raise
    with writing(path):
        out.close()


@contextmanager
def writing(path: Path) -> Iterator[None]:
    """What GDAL says against writing, as an error of ours."""
    try:
        yield
    except GDAL_ERRORS as error:
        raise _failed(path, str(error)) from error


class Content:
    """Which blocks of a raster got content: each of them has to be there afterwards."""

    def __init__(self) -> None:
        self._blocks: set[tuple[int, int]] = set()

    def note(self, window: Window, alpha: Mask) -> None:
        """Take down the blocks under a window, which begins at the corner of one, that hold a valid pixel."""
        top, left = int(window.row_off) // BLOCK, int(window.col_off) // BLOCK
        for row, column in product(range(0, alpha.shape[0], BLOCK), range(0, alpha.shape[1], BLOCK)):
            if alpha[row : row + BLOCK, column : column + BLOCK].any():
                self._blocks.add((top + row // BLOCK, left + column // BLOCK))

    def require_written(self, path: Path) -> None:
        """Read the file back: on a full disk GDAL's compressing threads fail without anybody hearing of it.

        Raises:
            InfrastructureError: ``raster.write_failed``.
        """
        try:
            require_whole(path)
        except DataError as error:
            raise _failed(path, error.message) from error
        with rasterio.open(path) as written:
            absent = sum(
                not written.get_tag_item(f"BLOCK_OFFSET_{column}_{row}", "TIFF", bidx=1) for row, column in self._blocks
            )
        if absent:
            raise _failed(path, f"{absent} of {len(self._blocks)} blocks are missing")


def _failed(path: Path, why: str) -> InfrastructureError:
    return InfrastructureError(
        "raster.write_failed",
        f"{path.name} could not be written: {why.rstrip('.')}.",
        advice="Look at the disk it goes to; the step can then simply be tried again.",
    )
