"""The sun: shading by slope, cast shadows, darker corners, baked into the colours."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aerodag.simulate.camera import Singles

LONGEST_SHADOW_STEPS = 10
STRIP = 128
SHOULDER = 210.0
# Slopes beyond this are edges of things, not surfaces; lit as such they would be black outlines.
STEEPEST = 1.5
# Share of direct sun and of blue skylight in red, green and blue.
BEAM = ((0.735, 0.345), (0.715, 0.36), (0.675, 0.405))


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


def illuminate(colour: Singles, surface: Singles, texel: float, sun: Sun) -> NDArray[np.uint8]:
    """Colours in sunlight and skylight as RGB bytes; ``colour`` is used up as working memory."""
    lit = _slope_light(surface, texel, sun)
    lit *= 1.0 - _shadow(surface, texel, sun)
    sky = _openness(surface, texel)
    seen = np.empty(colour.shape, np.uint8)
    for top in range(0, colour.shape[0], STRIP):
        rows = slice(top, top + STRIP)
        part = colour[rows]
        for band, (direct, diffuse) in enumerate(BEAM):
            part[..., band] *= lit[rows] * np.float32(direct) + sky[rows] * np.float32(diffuse)
        seen[rows] = _to_bytes(part)
    return seen


def _to_bytes(colour: Singles) -> NDArray[np.uint8]:
    """Rounded RGB with highlights rolled off instead of clipped."""
    bright = np.maximum(colour - np.float32(SHOULDER), np.float32(0.0))
    room = np.float32(255.0 - SHOULDER)
    rolled = colour - bright + room * (1.0 - np.exp(bright * -(1 / room)))
    return np.asarray(np.clip(np.rint(rolled), 0, 255), np.uint8)


def _slope_light(surface: Singles, texel: float, sun: Sun) -> Singles:
    """Cosine between normal and sun, relative to level ground; softened, 0.15 to 1.45."""
    import cv2

    scale = 1.0 / (8.0 * texel)
    east = np.asarray(cv2.Sobel(surface, cv2.CV_32F, 1, 0, scale=scale), np.float32)
    north = np.asarray(cv2.Sobel(surface, cv2.CV_32F, 0, 1, scale=-scale), np.float32)
    x, y = sun.horizontal
    rise = (east * np.float32(x) + north * np.float32(y)) * np.float32(1.0 / sun.slope)
    square = east * east + north * north
    rise *= np.minimum(np.float32(STEEPEST) / np.sqrt(np.maximum(square, np.float32(1e-9))), np.float32(1.0))
    np.minimum(square, np.float32(STEEPEST**2), out=square)
    return np.asarray(np.clip((1.0 - rise) / np.sqrt(square + np.float32(1.0)), 0.2, 1.45), np.float32)


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
        np.maximum(horizon, moved - np.float32(distance * texel * sun.slope), out=horizon)
    horizon -= surface
    hidden = np.clip(horizon * np.float32(4.0), 0.0, 1.0)
    return np.asarray(cv2.GaussianBlur(hidden, (0, 0), 1.2), np.float32)


def _openness(surface: Singles, texel: float) -> Singles:
    """Less skylight beside and below tall things, 0.55 to 1.1."""
    import cv2

    small = cv2.resize(surface, None, fx=0.25, fy=0.25, interpolation=cv2.INTER_AREA)
    around = cv2.GaussianBlur(small, (0, 0), 0.8 / (4 * texel))
    above = cv2.resize(around, surface.shape[::-1], interpolation=cv2.INTER_LINEAR) - surface
    return np.asarray(np.clip(1.0 - above * np.float32(0.22), 0.55, 1.1), np.float32)
