"""Houses, garages and sheds: their roofs on the canvas, their facades for the renderer."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aerodag.simulate.camera import Singles
from aerodag.simulate.canvas import Box, Canvas, Stamp
from aerodag.simulate.layout import Building, Roof

STOREY = 2.7


@dataclass(frozen=True, slots=True)
class Walls:
    """The facades of one building: its box, the height of its foot, rows of windows, colour, direction of the sun."""

    box: Box
    foot: float
    storeys: int
    colour: tuple[float, float, float]
    sun: tuple[float, float]

    def shade(self, x: Singles, y: Singles, z: Singles) -> Singles:
        """RGB (n, 3) of points on the facades: plaster, plinth, windows; darker away from the sun."""
        u, v = self.box.local(x, y)
        end = np.float32(self.box.half_length) - abs(u) < np.float32(self.box.half_width) - abs(v)
        run, up = np.where(end, v, u), z - np.float32(self.foot)
        wall = np.where(end, np.float32(self.box.half_width), np.float32(self.box.half_length))
        light = self._light(end, u, v)
        colour = np.asarray(self.colour, np.float32) * light[:, None]
        level = abs(np.mod(up, np.float32(STOREY)) - np.float32(1.55))
        level += np.float32(9.0) * ((up < 0) | (up > self.storeys * STOREY))
        bay = abs(np.mod(run, np.float32(2.4)) - np.float32(1.2)) + 9.0 * (wall - abs(run) < 0.9)
        frame = (bay < 0.68) & (level < 0.72)
        glass = (bay < 0.58) & (level < 0.62)
        colour[frame] = np.asarray((225, 225, 222), np.float32) * light[frame, None]
        colour[glass] = np.asarray((52, 60, 70), np.float32)
        colour[up < 0.35] *= np.float32(0.7)
        return colour

    def at_edge(self, x: Singles, y: Singles) -> NDArray[np.bool_]:
        """Whether points lie on the outline of the building, and not on something upon its roof."""
        u, v = self.box.local(x, y)
        edge: NDArray[np.bool_] = (
            np.minimum(np.float32(self.box.half_length) - abs(u), np.float32(self.box.half_width) - abs(v)) < 0.1
        )
        return edge

    def _light(self, end: NDArray[np.bool_], u: Singles, v: Singles) -> Singles:
        """Brightness by how squarely the sun falls on the wall."""
        angle = math.radians(self.box.angle)
        east, north = self.sun
        along = east * math.cos(angle) + north * math.sin(angle)
        across = north * math.cos(angle) - east * math.sin(angle)
        facing = np.where(end, np.sign(u) * np.float32(along), np.sign(v) * np.float32(across))
        return np.float32(0.5) + np.float32(0.5) * np.clip(facing, 0.0, 1.0)


def build(canvas: Canvas, number: int, building: Building, sun: tuple[float, float], rng: np.random.Generator) -> Walls:
    """Draw a building's roof into surface, colour and owner; its facades are left to the renderer."""
    box = building.box
    foot = canvas.floor(box.x, box.y)
    stamp = canvas.stamp(box)
    if stamp is not None:
        window = stamp.patch.window
        within = stamp.inside >= 0
        top = np.float32(foot + building.eaves) + _roof_height(building, stamp)
        canvas.surface[window][within] = top[within]
        canvas.owner[window][within] = number
        if building.roof is Roof.FLAT:
            _flat_roof(canvas, building, stamp, rng)
        else:
            _tiled_roof(canvas, building, stamp, rng)
    return Walls(box, foot, building.storeys, building.wall_colour, sun)


def _roof_height(building: Building, stamp: Stamp) -> Singles:
    """Metres above the eaves."""
    half = np.float32(building.box.half_width)
    match building.roof:
        case Roof.GABLE:
            return np.float32(building.rise) * (1.0 - abs(stamp.across) / half)
        case Roof.HIP:
            return np.float32(building.rise) * np.asarray(np.clip(stamp.inside / half, 0.0, 1.0), np.float32)
        case Roof.FLAT:
            return np.where(stamp.inside < 0.22, np.float32(0.28), np.float32(0.0))


def _tiled_roof(canvas: Canvas, building: Building, stamp: Stamp, rng: np.random.Generator) -> None:
    """Courses of tiles with odd ones among them, moss, ridge, chimney, a window or two, perhaps solar panels."""
    window = stamp.patch.window
    half = np.float32(building.box.half_width)
    up, run = half - abs(stamp.across), stamp.along
    if building.roof is Roof.HIP:
        end = np.float32(building.box.half_length) - abs(stamp.along) < up
        up, run = stamp.inside, np.where(end, stamp.across, stamp.along)
    tint = rng.normal(1.0, 0.075, (64, 64)).astype(np.float32)
    course, tile = np.floor(up / np.float32(0.3)).astype(np.int32), np.floor(run / np.float32(0.24)).astype(np.int32)
    shade = tint[course & 63, tile & 63] * (1.0 + np.float32(0.05) * canvas.broad[window])
    shade *= np.float32(0.8) + np.float32(0.2) * np.clip((up / np.float32(0.3) - course) * 4.0, 0.0, 1.0)
    shade += np.float32(0.05) * canvas.fine[window]
    cover = canvas.cover(stamp.inside)
    canvas.paint(stamp.patch, cover, building.roof_colour, shade)
    moss = np.clip(canvas.clumps[window] - 1.3, 0.0, 0.5) * cover
    canvas.paint(stamp.patch, moss, (96, 98, 66))
    ridge = np.float32(0.12) - abs(stamp.across)
    if building.roof is Roof.GABLE:
        canvas.paint(stamp.patch, canvas.cover(np.minimum(ridge, stamp.inside)) * np.float32(0.6), (196, 170, 150))
    canvas.paint(stamp.patch, canvas.cover(np.float32(0.09) - stamp.inside) * cover, (120, 116, 110))
    if building.storeys:
        _chimney(canvas, building, rng)
        if building.roof is Roof.GABLE:
            _panels(canvas, building, stamp)


def _panels(canvas: Canvas, building: Building, stamp: Stamp) -> None:
    """Dark solar panels with bright frames on the slope that faces south; else two roof windows."""
    side = np.sign(math.cos(math.radians(building.box.angle))) or 1.0
    v = -np.float32(side) * stamp.across - np.float32(building.box.half_width * 0.5)
    u = stamp.along
    if building.panels:
        half_u, half_v = building.box.half_length * building.panels, building.box.half_width * 0.36
        inside = np.minimum(np.float32(half_u) - abs(u), np.float32(half_v) - abs(v))
        grid = np.minimum(abs(np.mod(u, 1.0) - 0.5), abs(np.mod(v, 1.4) - 0.7)) - np.float32(0.03)
        canvas.paint(stamp.patch, canvas.cover(inside), (150, 154, 160))
        canvas.paint(stamp.patch, canvas.cover(np.minimum(inside - 0.03, grid)), (38, 46, 66))
    else:
        inside = np.minimum(np.float32(0.42) - abs(abs(u) - np.float32(1.7)), np.float32(0.55) - abs(v))
        canvas.paint(stamp.patch, canvas.cover(inside), (118, 116, 112))
        canvas.paint(stamp.patch, canvas.cover(inside - 0.1), (84, 100, 116))


def _chimney(canvas: Canvas, building: Building, rng: np.random.Generator) -> None:
    along, across = rng.uniform(-0.5, 0.5) * building.box.half_length, rng.choice((-0.7, 0.7))
    box = Box(*building.box.at(float(along), float(across)), 0.38, 0.3, building.box.angle)
    stamp = canvas.stamp(box)
    if stamp is None:
        return
    window = stamp.patch.window
    within = stamp.inside >= 0
    top = float(canvas.floor(building.box.x, building.box.y)) + building.eaves + building.rise + 0.7
    canvas.surface[window][within] = np.float32(top)
    canvas.paint(stamp.patch, canvas.cover(stamp.inside), (138, 92, 76))
    canvas.paint(stamp.patch, canvas.cover(stamp.inside - 0.1), (48, 44, 42))


def _flat_roof(canvas: Canvas, building: Building, stamp: Stamp, rng: np.random.Generator) -> None:
    """Gravel, a metal coping, skylights and a plant or two of ventilation."""
    window = stamp.patch.window
    shade = 1.0 + np.float32(0.1) * canvas.fine[window] + np.float32(0.05) * canvas.broad[window]
    shade += np.float32(0.05) * canvas.clumps[window]
    canvas.paint(stamp.patch, canvas.cover(stamp.inside), building.roof_colour, shade)
    canvas.paint(stamp.patch, canvas.cover(np.minimum(stamp.inside, np.float32(0.22) - stamp.inside)), (186, 186, 184))
    if not building.storeys:
        return
    for _ in range(int(rng.integers(3, 6))):
        along = rng.uniform(-0.7, 0.7) * building.box.half_length
        across = rng.uniform(-0.6, 0.6) * building.box.half_width
        long, wide = rng.uniform(0.35, 0.7, 2)
        box = Box(*building.box.at(float(along), float(across)), float(long), float(wide), building.box.angle)
        unit = canvas.stamp(box)
        if unit is not None:
            within = unit.inside >= 0
            canvas.surface[unit.patch.window][within] += np.float32(rng.uniform(0.2, 0.7))
            tone = rng.uniform(0.8, 1.1)
            canvas.paint(unit.patch, canvas.cover(unit.inside), (196, 200, 204), float(tone))
            canvas.paint(unit.patch, canvas.cover(unit.inside - 0.12), (150, 164, 178), float(tone))
