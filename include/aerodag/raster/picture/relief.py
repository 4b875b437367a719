"""Shaded relief of heights, lit from four sides at once."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

Heights = npt.NDArray[np.float64]

_ALTITUDE = math.radians(45)
_AZIMUTHS = tuple(math.radians(degrees) for degrees in (225, 270, 315, 360))


def hillshade(heights: Heights, pixel: tuple[float, float]) -> Heights:
    """Brightness 0..1 of heights (rows, columns; row 0 in the north), NaN where a height is.

    Slopes by Horn (1981, Proc. IEEE 69(1), 14-47); light at 45 degrees from the south-west, west, north-west and north,
    weighted by the squared cosine between light and aspect (after Mark, USGS Open-File Report 92-422) as ``gdaldem
    hillshade -multidirectional`` does. ``pixel`` is the width and height of a pixel in the unit of the heights.
    """
    east, south = _slopes(heights, pixel)
    steepness = east**2 + south**2
    shade = np.zeros_like(heights)
    with np.errstate(invalid="ignore", divide="ignore"):
        for azimuth in _AZIMUTHS:
            towards = math.sin(azimuth), -math.cos(azimuth)
            cosine = math.sin(_ALTITUDE) - math.cos(_ALTITUDE) * (east * towards[0] + south * towards[1])
            weight = (east * towards[0] + south * towards[1]) ** 2 / steepness
            shade += 0.5 * weight * np.maximum(cosine, 0)
        shade /= np.sqrt(1 + steepness)
    flat = math.sin(_ALTITUDE)
    return np.where(steepness == 0, flat, shade)


def _slopes(heights: Heights, pixel: tuple[float, float]) -> tuple[Heights, Heights]:
    """Rise to the east and to the south; missing neighbours are taken to lie on the plane through those that are there.

    An even slope so keeps its shade up to the edge of what is known.
    """
    padded = np.pad(heights, 1, constant_values=np.nan)
    rows, columns = heights.shape

    def neighbour(down: int, right: int) -> Heights:
        return padded[1 + down : 1 + down + rows, 1 + right : 1 + right + columns]

    around: dict[tuple[int, int], Heights] = {}
    for down, right in ((-1, 0), (0, -1), (0, 1), (1, 0)):
        here, opposite = neighbour(down, right), neighbour(-down, -right)
        guess = np.where(np.isnan(opposite), heights, 2 * heights - opposite)
        around[down, right] = np.where(np.isnan(here), guess, here)
    for down, right in ((-1, -1), (-1, 1), (1, -1), (1, 1)):
        here = neighbour(down, right)
        around[down, right] = np.where(np.isnan(here), around[down, 0] + around[0, right] - heights, here)
    east = sum(weight * (around[row, 1] - around[row, -1]) for row, weight in ((-1, 1), (0, 2), (1, 1)))
    south = sum(weight * (around[1, column] - around[-1, column]) for column, weight in ((-1, 1), (0, 2), (1, 1)))
    return np.asarray(east / (8 * pixel[0])), np.asarray(south / (8 * pixel[1]))
