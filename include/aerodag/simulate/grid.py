"""The regular raster of the invented land, in the survey's local metres."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from aerodag.simulate.camera import Singles
from aerodag.simulate.survey import Survey

# Camera tilt, drift and relief widen a footprint by less than this part of the flying height.
REACH = 0.12
MARGIN_M = 2.0


@dataclass(frozen=True, slots=True)
class Patch:
    """A rectangle of the grid: slices to cut it out and local east and north of its cell centres."""

    rows: slice
    cols: slice
    x: Singles
    y: Singles

    @property
    def window(self) -> tuple[slice, slice]:
        """Index of the rectangle in a raster of the grid."""
        return self.rows, self.cols


@dataclass(frozen=True, slots=True)
class Grid:
    """North-up cells of ``texel`` metres; ``west`` and ``north`` are the outer corner of the first cell."""

    west: float
    north: float
    texel: float
    rows: int
    cols: int

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        return self.rows, self.cols

    def whole(self) -> Patch:
        """The whole grid; ``x`` is one row and ``y`` one column, to be broadcast."""
        return self._patch(0, self.rows, 0, self.cols)

    def around(self, x: float, y: float, radius: float) -> Patch | None:
        """The cells within a square around a point, or None if it lies outside."""
        left = max(0, math.floor((x - radius - self.west) / self.texel))
        right = min(self.cols, math.ceil((x + radius - self.west) / self.texel))
        top = max(0, math.floor((self.north - y - radius) / self.texel))
        bottom = min(self.rows, math.ceil((self.north - y + radius) / self.texel))
        return self._patch(top, bottom, left, right) if left < right and top < bottom else None

    def _patch(self, top: int, bottom: int, left: int, right: int) -> Patch:
        x = self.west + (np.arange(left, right, dtype=np.float64) + 0.5) * self.texel
        y = self.north - (np.arange(top, bottom, dtype=np.float64) + 0.5) * self.texel
        return Patch(
            slice(top, bottom), slice(left, right), x.astype(np.float32)[None, :], y.astype(np.float32)[:, None]
        )


def land_grid(survey: Survey) -> Grid:
    """The land that the survey's images can show, in cells no coarser than its ground sampling distance."""
    gsd = survey.ground_sampling_distance
    texel = math.floor(gsd / 0.005) * 0.005 if gsd >= 0.005 else gsd
    per_line = math.ceil(survey.images / survey.lines)
    reach = REACH * survey.height_above_ground + MARGIN_M
    half_east = (survey.lines - 1) / 2 * survey.line_spacing + survey.width * gsd / 2 + reach
    half_north = (per_line - 1) / 2 * survey.exposure_spacing + survey.height * gsd / 2 + reach
    cols, rows = 2 * math.ceil(half_east / texel), 2 * math.ceil(half_north / texel)
    return Grid(-cols / 2 * texel, rows / 2 * texel, texel, rows, cols)
