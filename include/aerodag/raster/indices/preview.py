"""A small picture of an index in colours that mean the same in every picture of that index."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import rasterio
from PIL import Image
from rasterio.enums import Resampling

from aerodag.raster.gdal import beside, decimated_shape
from aerodag.raster.indices.expression import Floats

PREVIEW_SIDE = 1024
_QUALITY = 90
# RdYlGn in 11 colours, of ColorBrewer 2.0 by Cynthia Brewer, Mark Harrower and The Pennsylvania State University.
_COLOURS = (
    "a50026", "d73027", "f46d43", "fdae61", "fee08b", "ffffbf", "d9ef8b", "a6d96a", "66bd63", "1a9850", "006837",
)  # fmt: skip


def draw(source: Path, target: Path, shown: tuple[float, float], size: int = PREVIEW_SIDE) -> None:
    """Draw a one-band float raster at most ``size`` pixels a side as WEBP or PNG, transparent where it has no value.

    Colours run from red at ``shown[0]`` to green at ``shown[1]``; what lies beyond has the end's colour.
    """
    with rasterio.open(source) as dataset:
        shape = decimated_shape(dataset, size)
        values = dataset.read(1, out_shape=shape, resampling=Resampling.average, masked=True).filled(np.nan)
    with beside(target) as partial:
        Image.fromarray(coloured(values, shown)).save(partial, quality=_QUALITY)


def coloured(values: Floats, shown: tuple[float, float]) -> npt.NDArray[np.uint8]:
    """RGBA (rows, columns, 4) of values; NaN is transparent."""
    low, high = shown
    valid = np.isfinite(values)
    shade = np.clip((np.where(valid, values, low) - low) / (high - low), 0, 1)
    picture = _palette()[np.rint(shade * 255).astype(np.uint8)]
    return np.dstack([picture, np.where(valid, 255, 0).astype(np.uint8)])


def _palette() -> npt.NDArray[np.uint8]:
    """The colours, spread evenly over 256 steps, (256, 3)."""
    colours = np.array([list(bytes.fromhex(colour)) for colour in _COLOURS])
    places = np.linspace(0, len(_COLOURS) - 1, 256)
    channels = [np.interp(places, np.arange(len(_COLOURS)), channel) for channel in colours.T]
    return np.asarray(np.rint(np.stack(channels, axis=-1)), dtype=np.uint8)
