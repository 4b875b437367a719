"""The source, window by window: which pixels are valid, and the light in each band that some index needs."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from rasterio.io import DatasetReader
from rasterio.windows import Window

from aerodag.raster.examining.edges import Collar, tolerance_of
from aerodag.raster.gdal import has_mask, is_nodata, validity, value_bands
from aerodag.raster.indices.calibration import Calibration
from aerodag.raster.indices.expression import Floats
from aerodag.raster.indices.stress import Bins
from aerodag.raster.kinds import Meaning, RasterKind

BLOCK = 512
WINDOW_PIXELS = 1 << 20


@dataclass(frozen=True, slots=True)
class Pixels:
    """One window of the source: its bands as float32 with NaN where invalid or negative."""

    window: Window
    bands: Mapping[Meaning, Floats]


class Reading:
    """Reads windows of a source one after the other; ``footprint`` counts its valid pixels as they are met."""

    def __init__(
        self,
        dataset: DatasetReader,
        kind: RasterKind,
        calibration: Calibration,
        meanings: Sequence[Meaning],
    ) -> None:
        self.windows = tuple(_windows(dataset))
        self.footprint = Bins(dataset.width, dataset.height)
        self._dataset = dataset
        self._scales = calibration.scales
        self._indexes = {meaning: index for meaning in meanings if (index := kind.band(meaning)) is not None}
        # Alpha and mask speak for all bands; black in one of three bytes is a colour, not nodata.
        self._nodata_of_bands = dataset.dtypes[0] != "uint8" and not has_mask(dataset)
        self._collar = None
        if kind.edge_fill is not None:
            tolerance = tolerance_of(dataset)
            self._collar = Collar(self.windows, self._values, dataset.shape, kind.edge_fill, tolerance)

    def read(self, window: Window) -> Pixels | None:
        """Scaled bands of a window, None where no pixel of it is valid."""
        valid = self._valid(window)
        if not valid.any():
            return None
        self.footprint.add(window, valid)
        numbers = self._dataset.read(list(self._indexes.values()), window=window)
        bands = {
            meaning: self._light(index, values, valid)
            for (meaning, index), values in zip(self._indexes.items(), numbers, strict=True)
        }
        return Pixels(window, bands)

    def _values(self, window: Window) -> npt.NDArray[np.generic]:
        return np.asarray(self._dataset.read(value_bands(self._dataset), window=window))

    def _valid(self, window: Window) -> npt.NDArray[np.bool_]:
        valid = validity(self._dataset, window) > 0
        if self._collar is not None:
            collar = self._collar.of(window, self._values(window))
            valid = valid if collar is None else valid & ~collar
        return np.asarray(valid)

    def _light(self, index: int, values: npt.NDArray[np.generic], valid: npt.NDArray[np.bool_]) -> Floats:
        if self._nodata_of_bands:
            invalid = is_nodata(values, self._dataset.nodatavals[index - 1])
            valid = valid if invalid is None else valid & ~invalid
        scale, offset = self._scales[index - 1]
        light = values.astype(np.float32)
        if (scale, offset) != (1.0, 0.0):
            light = light * np.float32(scale) + np.float32(offset)
        with np.errstate(invalid="ignore"):
            return np.where(valid & (light >= 0), light, np.float32(np.nan))


def _windows(dataset: DatasetReader) -> Iterator[Window]:
    """Row by row of output tiles, so that a strip of the source is decoded once."""
    columns = max(BLOCK, WINDOW_PIXELS // BLOCK // BLOCK * BLOCK)
    for row in range(0, dataset.height, BLOCK):
        for column in range(0, dataset.width, columns):
            yield Window(column, row, min(columns, dataset.width - column), min(BLOCK, dataset.height - row))
