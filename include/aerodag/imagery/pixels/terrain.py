"""Ground that is smooth by nature: water, snow and sand show no detail however sharp the picture is.

Rules and numbers: the classification of hotosm/drone-tm, in OpenCV's units (hue 0..180, saturation and value 0..255),
with one condition more. Theirs exempt 29 of 32 real images of fields and roofs after a Gaussian blur of 5 pixels, for
any saturated picture without a textured cell is water to them. Smooth ground is also even, whereas blur leaves the
contrast between fields and roofs: of 72 real images blurred by 5 pixels, those that stay exempt are 3, all nearly of
one colour.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from aerodag.imagery.pixels.decode import Bytes, grey

LOW_TEXTURE_SHARE: Final = 0.6
_CELLS = 4
_EVEN = 12.0


class Terrain(StrEnum):
    """Ground on which a low sharpness says nothing."""

    WATER = "water"
    SNOW_ICE = "snow_ice"
    SAND = "sand"


@dataclass(frozen=True, slots=True)
class Colours:
    """Means of saturation and value, shares of blue (hue 85..135) and warm (hue up to 35) pixels.

    ``unevenness`` is the standard deviation of grey that 60 % of the 4 x 4 cells do not exceed.
    """

    saturation: float
    value: float
    blue: float
    warm: float
    unevenness: float


def terrain(colours: Colours, low_texture_share: float) -> Terrain | None:
    """The smooth ground that fills most of the picture, or None where there is texture or it is none of them."""
    if low_texture_share < LOW_TEXTURE_SHARE or colours.unevenness >= _EVEN:
        return None
    if _is_water(colours):
        return Terrain.WATER
    if colours.saturation < 30 and colours.value > 180:
        return Terrain.SNOW_ICE
    if (colours.warm > 0.4 and 25 < colours.saturation < 120) or colours.value > 160:
        return Terrain.SAND
    return Terrain.WATER if low_texture_share >= 1.0 and colours.saturation > 10 else None


def _is_water(colours: Colours) -> bool:
    blue = colours.blue > 0.3 and colours.saturation > 20
    dark = colours.value < 80 and colours.saturation < 40 and colours.blue > 0.15
    return blue or dark


def colours_of(values: Bytes) -> Colours:
    """Measure a small picture, rows x columns x 3 (blue, green, red)."""
    import cv2

    hue, saturation, value = cv2.split(cv2.cvtColor(values, cv2.COLOR_BGR2HSV))
    bands = np.array_split(grey(values), _CELLS)
    cells = [cell for band in bands for cell in np.array_split(band, _CELLS, axis=1)]
    deviations = [cell.std() for cell in cells if cell.size]
    return Colours(
        saturation=float(saturation.mean()),
        value=float(value.mean()),
        blue=float(((hue >= 85) & (hue <= 135)).mean()),
        warm=float((hue <= 35).mean()),
        unevenness=float(np.percentile(deviations, 100 * LOW_TEXTURE_SHARE)),
    )
