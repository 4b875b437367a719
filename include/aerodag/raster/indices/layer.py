"""One index on its way: the raster it is written to and what is remembered of it while the windows pass."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np
import rasterio
from rasterio.io import DatasetReader
from rasterio.windows import Window

from aerodag.errors import InfrastructureError
from aerodag.raster.indices.expression import Floats, evaluate
from aerodag.raster.indices.reading import BLOCK, Pixels
from aerodag.raster.indices.statistics import Tally
from aerodag.raster.indices.stress import Bins
from aerodag.raster.indices.table import Index
from aerodag.raster.kinds import Meaning

# Values are kept to 15 binary places: finer than 16-bit sensors tell, and the noise below would not compress.
_PRECISION = 2.0**15


class Layer:
    """Takes windows, in any order but one at a time; a context manager around the file it writes."""

    def __init__(self, index: Index, source: DatasetReader, path: Path) -> None:
        self.index = index
        self.path = path
        self.tally = Tally(index)
        self.bins = Bins(source.width, source.height)
        self._raster = rasterio.open(path, "w", **_profile(source))
        self._raster.set_band_description(1, index.name.upper())
        self._written: list[Window] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._raster.close()

    def describe(self, **tags: str) -> None:
        """Put metadata into the file."""
        self._raster.update_tags(**tags)

    def take(self, pixels: Pixels) -> None:
        """Compute, remember and write one window."""
        values = values_of(self.index, pixels.bands)
        valid = np.isfinite(values)
        if valid.any():
            self.tally.add(values[valid])
            self.bins.add(pixels.window, valid, values)
            self._raster.write(values, 1, window=pixels.window)
            self._written.append(pixels.window)

    def check(self, path: Path) -> None:
        """Count the values of the finished raster at ``path``.

        GDAL writes blocks when its cache is full, and what fails then (a full disk that has room again a second later)
        fails for nobody: the block reads as if it had never held a value.

        Raises:
            InfrastructureError: ``raster.incomplete``.
        """
        with rasterio.open(path) as raster:
            count = sum(int(np.count_nonzero(np.isfinite(raster.read(1, window=part)))) for part in self._written)
        if count != self.tally.count:
            raise InfrastructureError(
                "raster.incomplete",
                f"{path.name} holds {count} values where {self.tally.count} were computed.",
                advice="Something kept GDAL from writing, such as a disk full for a moment; try the step again.",
                numbers={"written": count, "computed": self.tally.count},
            )


def values_of(index: Index, bands: Mapping[Meaning, Floats]) -> Floats:
    """The index of every pixel, rounded to 1/32768; NaN where it has none or one outside the index's range."""
    values = evaluate(index.formula, bands)
    low, high = index.valid
    with np.errstate(invalid="ignore"):
        possible = (values >= np.float32(low)) & (values <= np.float32(high))
    rounded = np.rint(values * np.float32(_PRECISION)) * np.float32(1 / _PRECISION)
    return np.where(possible, rounded, np.float32(np.nan))


def _profile(source: DatasetReader) -> dict[str, object]:
    return {
        "driver": "GTiff",
        "width": source.width,
        "height": source.height,
        "count": 1,
        "dtype": "float32",
        "crs": source.crs,
        "transform": source.transform,
        # No number can be mistaken for an index value, QGIS and GDAL's averages skip it, and titiler needs no setting.
        "nodata": float("nan"),
        "tiled": True,
        "blockxsize": BLOCK,
        "blockysize": BLOCK,
        "compress": "zstd",
        "zstd_level": 1,
        "predictor": 3,
        "bigtiff": "if_safer",
        "sparse_ok": True,
        "num_threads": "all_cpus",
    }
