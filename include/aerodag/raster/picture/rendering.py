"""The picture of a decimated raster: what its bands hold decides how it is drawn."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from aerodag.raster.picture.relief import hillshade

Floats = npt.NDArray[np.float32]
Bytes = npt.NDArray[np.uint8]
Flags = npt.NDArray[np.bool_]
Range = tuple[float, float]

_PERCENTILES = (2.0, 98.0)
# Stops at equal distances. Heights: the layer tints of a map, green to brown to white; heat: matplotlib's inferno.
HEIGHTS = (
    (58, 110, 88), (104, 150, 96), (166, 186, 116), (222, 210, 150), (206, 172, 116), (172, 134, 100), (232, 226, 220),
)  # fmt: skip
HEAT = (
    (0, 0, 4), (31, 12, 72), (85, 15, 109), (136, 34, 106), (186, 54, 85), (227, 89, 51), (249, 140, 10),
    (249, 201, 50), (252, 255, 164),
)  # fmt: skip
_AMBIENT = 0.35
_LEAST_RELIEF_SHARE = 0.04
_MOST_EXAGGERATED = 6.0


@dataclass(frozen=True, slots=True)
class Sample:
    """Pixels of a raster in source units: ``values`` (bands, rows, columns), ``opacity`` 0..1 (rows, columns).

    What ``values`` hold where ``opacity`` is 0 does not matter.
    """

    values: Floats
    opacity: Floats

    def shrunk(self, rows: int, columns: int) -> Sample:
        """Averaged over areas to another shape, each pixel by its opacity: nothing invalid bleeds in."""
        premultiplied = np.where(self.opacity > 0, self.values, 0) * self.opacity
        opacity = averaged(self.opacity, rows, columns)
        values = np.stack([averaged(band, rows, columns) for band in premultiplied])
        np.divide(values, opacity, out=values, where=opacity > 0)
        return Sample(values, opacity)


def averaged(values: npt.NDArray[Any], rows: int, columns: int) -> Floats:
    """Mean of the area under each new pixel, partly covered ones by their part; shrinks (rows, columns) only."""
    fewer_rows = _overlaps(values.shape[0], rows) @ values.astype(np.float32)
    return np.ascontiguousarray((_overlaps(values.shape[1], columns) @ fewer_rows.T).T)


def _overlaps(length: int, count: int) -> csr_array:
    """The part that each of ``length`` pixels (columns) has in each of ``count`` larger ones (rows)."""
    edges = np.linspace(0, length, count + 1)
    cuts = np.unique(np.concatenate([edges, np.arange(length + 1)]))
    middles = (cuts[:-1] + cuts[1:]) / 2
    larger = np.searchsorted(edges, middles) - 1
    weights = (np.diff(cuts) * (count / length)).astype(np.float32)
    return csr_array((weights, (larger, middles.astype(np.intp))), shape=(count, length))


def stretch_range(values: npt.NDArray[Any], opacity: Floats) -> Range:
    """2nd and 98th percentile of the opaque pixels; never empty."""
    numbers = values[opacity >= 0.5] if (opacity >= 0.5).any() else values[opacity > 0]
    if numbers.size == 0:
        return 0.0, 1.0
    low, high = (float(value) for value in np.percentile(numbers, _PERCENTILES))
    return (low, high) if high > low else (low - 0.5, low + 0.5)


def draw_colours(sample: Sample, ranges: tuple[Range, ...]) -> Bytes:
    """RGBA (rows, columns, 4) of one band (grey) or three, each scaled from its range to 0..255."""
    lows = np.array([low for low, _ in ranges], dtype=np.float32)[:, np.newaxis, np.newaxis]
    spans = np.array([high - low for low, high in ranges], dtype=np.float32)[:, np.newaxis, np.newaxis]
    colours = (sample.values - lows) * (np.float32(255) / spans)
    if len(colours) == 1:
        colours = np.repeat(colours, 3, axis=0)
    return _with_opacity(np.moveaxis(colours, 0, -1), sample.opacity)


def draw_ramp(sample: Sample, limits: Range, stops: tuple[tuple[int, int, int], ...] = HEAT) -> Bytes:
    """RGBA (rows, columns, 4) of one band as a colour ramp from the lower to the upper limit."""
    return _with_opacity(_ramp(sample.values[0], limits, stops), sample.opacity)


def draw_heights(sample: Sample, limits: Range, pixel: tuple[float, float], z_factor: float) -> Bytes:
    """RGBA (rows, columns, 4) of heights: layer tints under a hillshade.

    ``pixel`` is the width and height of a pixel of the sample in metres; heights times ``z_factor`` are metres. Where
    the land is flat for the size of the picture, heights are exaggerated for the shade (six times at most).
    """
    heights = np.where(sample.opacity > 0, sample.values[0], np.float32(np.nan)).astype(np.float64) * z_factor
    shade = hillshade(heights * _exaggeration(heights, pixel), pixel)
    tint = _ramp(sample.values[0], limits, HEIGHTS)
    light = _AMBIENT + (1 - _AMBIENT) * np.nan_to_num(shade, nan=1.0) / _flat_shade()
    return _with_opacity(tint * light[..., np.newaxis].astype(np.float32), sample.opacity)


def _exaggeration(heights: npt.NDArray[np.float64], pixel: tuple[float, float]) -> float:
    """So that neighbours differ by 4 % of a pixel's width at least, in the upper tenth of the picture."""
    steps = np.abs(np.diff(heights, axis=1)) / pixel[0]
    steps = steps[np.isfinite(steps)]
    steep = float(np.percentile(steps, 90)) if steps.size else 0.0
    if steep <= 0:
        return 1.0
    return min(max(_LEAST_RELIEF_SHARE / steep, 1.0), _MOST_EXAGGERATED)


def _flat_shade() -> float:
    return float(hillshade(np.zeros((3, 3)), (1.0, 1.0))[1, 1])


def _ramp(values: Floats, limits: Range, stops: tuple[tuple[int, int, int], ...]) -> Floats:
    low, high = limits
    places = np.linspace(low, high, len(stops))
    channels = [np.interp(values, places, channel) for channel in np.array(stops, dtype=np.float64).T]
    return np.stack(channels, axis=-1).astype(np.float32)


def _with_opacity(colours: Floats, opacity: Floats) -> Bytes:
    result = np.empty((*opacity.shape, 4), dtype=np.uint8)
    result[..., :3] = np.clip(np.rint(colours), 0, 255) * (opacity > 0)[..., np.newaxis]
    result[..., 3] = np.rint(opacity * 255)
    return result
