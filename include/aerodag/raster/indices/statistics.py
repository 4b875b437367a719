"""Statistics of all pixels of an index, met window by window, in memory that does not grow."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from aerodag.raster.indices.expression import Floats
from aerodag.raster.indices.table import CLASS_NAMES, Index

PERCENTILES = (2, 5, 25, 50, 75, 95, 98)
_STEP = 0.0005


@dataclass(frozen=True, slots=True)
class Statistics:
    """Of all valid pixels; ``percentiles`` by percent (2, 5, 25, 50, 75, 95, 98), each within 0.0005 of the exact."""

    count: int
    min: float
    max: float
    mean: float
    std: float
    percentiles: dict[int, float]


@dataclass(frozen=True, slots=True)
class ClassArea:
    """Pixels with ``low`` <= value < ``high`` (None: unlimited), square metres on the ellipsoid, share of the valid."""

    name: str
    low: float | None
    high: float | None
    area_m2: float
    share: float


class Tally:
    """Running count, extremes, moments, histogram and class counts of one index."""

    def __init__(self, index: Index) -> None:
        self._low, high = index.valid
        self._limits = index.limits
        self._bins = np.zeros(math.ceil((high - self._low) / _STEP) + 1, dtype=np.int64)
        self._below = np.zeros(len(index.limits), dtype=np.int64)
        self._mean = self._squares = 0.0
        self._min, self._max = math.inf, -math.inf
        self.count = 0

    def add(self, values: Floats) -> None:
        """Take in valid values, one-dimensional."""
        if values.size == 0:
            return
        self._min = min(self._min, float(values.min()))
        self._max = max(self._max, float(values.max()))
        self._below += [np.count_nonzero(values < np.float32(limit)) for limit in self._limits]
        places = ((values - np.float32(self._low)) * np.float32(1 / _STEP)).astype(np.int64)
        self._bins += np.bincount(places, minlength=self._bins.size)
        # Chan, Golub & LeVeque (1979): the moments of two parts, joined without cancellation.
        mean = float(values.mean(dtype=np.float64))
        squares = float(np.square(values - np.float32(mean)).sum(dtype=np.float64))
        total, shift = self.count + values.size, mean - self._mean
        self._squares += squares + shift * shift * self.count * values.size / total
        self._mean += shift * values.size / total
        self.count = total

    def statistics(self) -> Statistics | None:
        """What was found; None if there was no pixel."""
        if not self.count:
            return None
        return Statistics(
            count=self.count,
            min=self._min,
            max=self._max,
            mean=self._mean,
            std=math.sqrt(self._squares / self.count),
            percentiles={percent: self._percentile(percent) for percent in PERCENTILES},
        )

    def classes(self, pixel_m2: float) -> tuple[ClassArea, ...]:
        """Area by class for pixels of ``pixel_m2``; empty if there was no pixel."""
        if not self.count:
            return ()
        counts = np.diff([0, *self._below.tolist(), self.count]).tolist()
        edges = (None, *self._limits, None)
        return tuple(
            ClassArea(name, low, high, count * pixel_m2, count / self.count)
            for name, low, high, count in zip(CLASS_NAMES, edges[:-1], edges[1:], counts, strict=True)
        )

    def _percentile(self, percent: float) -> float:
        """Between the two neighbouring ranks, as numpy does by default."""
        rank = percent / 100 * (self.count - 1)
        lower, upper = self._ranked(math.floor(rank)), self._ranked(math.ceil(rank))
        return lower + (upper - lower) * (rank - math.floor(rank))

    def _ranked(self, rank: int) -> float:
        """The value of that rank (from 0), its bin's values taken as evenly spread."""
        through = np.cumsum(self._bins)
        place = int(np.searchsorted(through, rank, side="right"))
        inside = rank - (int(through[place - 1]) if place else 0)
        value = self._low + (place + (inside + 0.5) / int(self._bins[place])) * _STEP
        return min(max(value, self._min), self._max)
