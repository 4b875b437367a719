"""The sun: shading by slope, cast shadows, darker corners, baked into the colours."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from aerodag.simulate.camera import Singles
from aerodag.simulate.canvas import Canvas

LONGEST_SHADOW_STEPS = 10


@dataclass(frozen=True, slots=True)
class Sun:
    """Azimuth clockwise from north and elevation, degrees."""

    azimuth: float = 152.0
    elevation: float = 49.0

    @property
    def horizontal(self) -> tuple[float, float]:
        """East and north part of the unit vector towards the sun, scaled to unit length on the ground."""
        return math.sin(math.radians(self.azimuth)), math.cos(math.radians(self.azimuth))

    @property
    def slope(self) -> float:
        """Metres of rise per metre of ground towards the sun."""
        return math.tan(math.radians(self.elevation))


def illuminate(canvas: Canvas, sun: Sun) -> None:
    """Multiply the canvas' colours by sunlight and skylight."""
    lit = _slope_light(canvas.surface, canvas.grid.texel, sun)
    lit *= 1.0 - _shadow(canvas.surface, canvas.grid.texel, sun)
    sky = _openness(canvas.surface, canvas.grid.texel)
    for band, (direct, diffuse) in enumerate(((0.72, 0.3), (0.7, 0.315), (0.66, 0.36))):
        canvas.colour[..., band] *= lit * np.float32(direct) + sky * np.float32(diffuse)


def _slope_light(surface: Singles, texel: float, sun: Sun) -> Singles:
    """Cosine between normal and sun, relative to level ground; softened, 0.15 to 1.45."""
    import cv2

    scale = 1.0 / (8.0 * texel)
    east = cv2.Sobel(surface, cv2.CV_32F, 1, 0, scale=scale)
    north = cv2.Sobel(surface, cv2.CV_32F, 0, 1, scale=-scale)
    x, y = sun.horizontal
    rise = (east * np.float32(x) + north * np.float32(y)) * np.float32(1.0 / sun.slope)
    cv2.multiply(east, east, dst=east)
    east += north * north
    east += np.float32(1.0)
    np.sqrt(east, out=east)
    return np.clip((1.0 - rise) / east, 0.15, 1.45)  # type: ignore[no-any-return]


def _shadow(surface: Singles, texel: float, sun: Sun) -> Singles:
    """Share of shadow, 0 to 1: how far the land towards the sun stands above the sun's ray.

    The highest of all points along the ray is found by doubling: after n passes 2**n steps are covered.
    """
    import cv2

    east, north = sun.horizontal
    horizon = surface.copy()
    rows, cols = surface.shape
    for level in range(LONGEST_SHADOW_STEPS):
        distance = 2.0**level
        if distance * texel * sun.slope > 12.0:
            break
        shift = np.array([[1.0, 0.0, east * distance], [0.0, 1.0, -north * distance]])
        moved = cv2.warpAffine(
            horizon, shift, (cols, rows), flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP, borderMode=cv2.BORDER_REPLICATE
        )
        moved -= np.float32(distance * texel * sun.slope)
        np.maximum(horizon, moved, out=horizon)
    horizon -= surface
    return cv2.GaussianBlur(np.clip(horizon * np.float32(4.0), 0.0, 1.0), (0, 0), 1.2)  # type: ignore[no-any-return]


def _openness(surface: Singles, texel: float) -> Singles:
    """Less skylight beside and below tall things, 0.55 to 1.1."""
    import cv2

    small = cv2.resize(surface, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    around = cv2.GaussianBlur(small, (0, 0), 0.8 / (4 * texel))
    around = cv2.resize(around, surface.shape[::-1], interpolation=cv2.INTER_LINEAR)
    around -= surface
    return np.clip(1.0 - around * np.float32(0.22), 0.55, 1.1)  # type: ignore[no-any-return]
