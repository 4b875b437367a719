"""Small rasters made for the tests: what is in them, written to a file, and read back."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin

from aerodag.errors import AerodagError
from aerodag.raster.gdal import environment

DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[2].parent / "shared" / "data")
needs_data = pytest.mark.skipif(not DATA.is_dir(), reason="the shared test rasters are absent (AERODAG_TEST_DATA)")

UTM = "EPSG:32615"
SIDE = 1300
PLACE = from_origin(576_000, 5_188_000, 0.05, 0.05)
RGB = [ColorInterp.red, ColorInterp.green, ColorInterp.blue]
RGBA = [*RGB, ColorInterp.alpha]
Array = npt.NDArray[Any]


def ground(side: int = SIDE) -> Array:
    """Smooth colours between 60 and 200, (3, side, side) uint8, so that black or white can only be an artefact."""
    rows, columns = np.mgrid[0:side, 0:side]
    bands = [130 + 70 * np.sin(rows / 90), 130 + 70 * np.cos(columns / 70), 130 + 70 * np.sin((rows + columns) / 120)]
    return np.stack(bands).round().astype(np.uint8)


def disc(side: int = SIDE) -> Array:
    """True inside a circle of 0.4 sides around the centre, (side, side) bool."""
    rows, columns = np.mgrid[0:side, 0:side]
    return np.asarray((rows - side / 2) ** 2 + (columns - side / 2) ** 2 < (0.4 * side) ** 2)


def save(
    path: Path, values: Array, colours: list[ColorInterp] | None = None, mask: Array | None = None, **options: Any
) -> Path:
    """Write (bands, rows, columns) as a GeoTIFF in UTM at 5 cm; ``options`` go over rasterio's profile."""
    profile = {
        "driver": "GTiff", "count": values.shape[0], "height": values.shape[1], "width": values.shape[2],
        "dtype": values.dtype, "crs": UTM, "transform": PLACE,
    } | options  # fmt: skip
    with environment(), rasterio.open(path, "w", **profile) as out:
        if colours:
            out.colorinterp = colours
        out.write(values)
        if mask is not None:
            out.write_mask(mask)
    return path


def save_rgba(path: Path, side: int = SIDE) -> Path:
    """An orthophoto as ODM writes it: RGBA, tiled, deflated; black where nothing was seen, a disc in the middle."""
    inside = disc(side)
    values = np.concatenate([ground(side) * inside, inside[np.newaxis] * np.uint8(255)]).astype(np.uint8)
    return save(path, values, RGBA, tiled=True, blockxsize=256, blockysize=256, compress="deflate", photometric="RGB")


def read(path: Path) -> Array:
    """All bands, (bands, rows, columns)."""
    with rasterio.open(path) as dataset:
        return np.asarray(dataset.read())


def code_of(caught: pytest.ExceptionInfo[AerodagError]) -> str:
    """The machine-readable code of the error that was raised."""
    return caught.value.code
