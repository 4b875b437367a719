"""The land while it is being made: heights, colours, and the means to draw on them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aerodag.simulate.camera import Singles
from aerodag.simulate.grid import Grid, Patch
from aerodag.simulate.noise import fractal

Colour = tuple[float, float, float]
LEAVES = np.uint16(65_535)


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle on the ground: middle (local metres), half sides, direction of the first side (degrees from east)."""

    x: float
    y: float
    half_length: float
    half_width: float
    angle: float

    @property
    def reach(self) -> float:
        """Radius of the circle about it."""
        return math.hypot(self.half_length, self.half_width)

    def local(self, x: Singles, y: Singles) -> tuple[Singles, Singles]:
        """Coordinates along the length and the width, from the middle."""
        c, s = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        dx, dy = x - np.float32(self.x), y - np.float32(self.y)
        return dx * np.float32(c) + dy * np.float32(s), dy * np.float32(c) - dx * np.float32(s)

    def at(self, along: float, across: float) -> tuple[float, float]:
        """World position of a point given in the box's own coordinates."""
        c, s = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        return self.x + along * c - across * s, self.y + along * s + across * c


@dataclass(frozen=True, slots=True)
class Stamp:
    """A box on the canvas: its cells, coordinates in it (metres), and how far inside its edge each cell lies."""

    patch: Patch
    along: Singles
    across: Singles
    inside: Singles


@dataclass(slots=True)
class Canvas:
    """Rasters of one grid, drawn on in place.

    ``ground`` and ``surface`` are metres in the survey's height system, ``colour`` is RGB 0..255 without light and
    shadow, ``owner`` numbers the buildings from 1 and has LEAVES where plants stand. ``fine``, ``clumps`` and ``broad``
    are noise of unit deviation at the scale of grains, of tufts and of beds.
    """

    grid: Grid
    ground: Singles
    surface: Singles
    colour: Singles
    owner: NDArray[np.uint16]
    fine: Singles
    clumps: Singles
    broad: Singles

    @classmethod
    def blank(cls, grid: Grid, rng: np.random.Generator) -> Canvas:
        """Flat land without colour, with its noise drawn from ``rng``."""
        shape, texel = grid.shape, grid.texel
        return cls(
            grid=grid,
            ground=np.zeros(shape, np.float32),
            surface=np.zeros(shape, np.float32),
            colour=np.zeros((*shape, 3), np.float32),
            owner=np.zeros(shape, np.uint16),
            fine=fractal(shape, texel, rng, coarsest=0.4, finest=2 * texel, slope=0.12),
            clumps=fractal(shape, texel, rng, coarsest=1.6, finest=max(0.12, 2 * texel), slope=0.5),
            broad=fractal(shape, texel, rng, coarsest=24.0, finest=1.0, slope=0.45),
        )

    def strips(self, rows: int = 128) -> Iterator[Canvas]:
        """The canvas in bands of rows, as views: what is drawn on them is drawn on it, within the processor's cache."""
        for top in range(0, self.grid.rows, rows):
            part = slice(top, min(top + rows, self.grid.rows))
            grid = Grid(
                self.grid.west,
                self.grid.north - top * self.grid.texel,
                self.grid.texel,
                part.stop - top,
                self.grid.cols,
            )
            yield Canvas(
                grid, self.ground[part], self.surface[part], self.colour[part], self.owner[part],
                self.fine[part], self.clumps[part], self.broad[part],
            )  # fmt: skip

    def tufts(self, window: tuple[slice, slice] = (slice(None), slice(None))) -> Singles:
        """Height of grass and clods above the smooth ground, metres."""
        return np.float32(0.012) * self.fine[window] + np.float32(0.022) * self.clumps[window]

    def stamp(self, box: Box, margin: float = 0.0) -> Stamp | None:
        """Where a box lies on the canvas, or None if it lies outside."""
        patch = self.grid.around(box.x, box.y, box.reach + margin + self.grid.texel)
        if patch is None:
            return None
        along, across = box.local(patch.x, patch.y)
        inside = np.minimum(np.float32(box.half_length) - abs(along), np.float32(box.half_width) - abs(across))
        return Stamp(patch, along, across, inside)

    def cover(self, inside: Singles) -> Singles:
        """Share of each cell that a shape covers, from the distance inside its edge in metres."""
        share = np.clip(inside * np.float32(1.0 / self.grid.texel) + np.float32(0.5), 0.0, 1.0)
        return np.asarray(share, np.float32)

    def paint(self, patch: Patch, cover: Singles, colour: Colour, shade: Singles | float = 1.0) -> None:
        """Lay a colour, times ``shade``, over the covered share of a patch."""
        target = self.colour[patch.window]
        for band, value in enumerate(colour):
            target[..., band] += cover * (np.float32(value) * shade - target[..., band])

    def floor(self, x: float, y: float) -> float:
        """Height of the ground at a place (that of the nearest cell)."""
        col = int(np.clip((x - self.grid.west) / self.grid.texel, 0, self.grid.cols - 1))
        row = int(np.clip((self.grid.north - y) / self.grid.texel, 0, self.grid.rows - 1))
        return float(self.ground[row, col])


def mix(first: Colour, second: Colour, share: float) -> Colour:
    """The colour between two, ``share`` of the second."""
    a, b, c = (p + (q - p) * share for p, q in zip(first, second, strict=True))
    return a, b, c
