"""The finished land: a textured height raster and the facades of its buildings."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from aerodag.simulate.buildings import Walls, build
from aerodag.simulate.camera import Singles
from aerodag.simulate.canvas import Canvas
from aerodag.simulate.furnishing import dig_bed, fill_pool, grow, grow_hedge, park, pave
from aerodag.simulate.grid import Grid, land_grid
from aerodag.simulate.ground import cover_land, raise_relief
from aerodag.simulate.layout import Village, plan
from aerodag.simulate.light import Sun, illuminate
from aerodag.simulate.survey import Survey


@dataclass(frozen=True, slots=True)
class Scene:
    """The land as seen from straight above: heights (metres), RGB, and the number of the building at each cell."""

    grid: Grid
    heights: Singles
    texture: NDArray[np.uint8]
    owner: NDArray[np.uint16]
    walls: tuple[Walls, ...]


def make_scene(survey: Survey) -> Scene:
    """Invent the land under a survey; the same survey gives the same land."""
    grid = land_grid(survey)
    rng = np.random.default_rng((survey.seed, 2))
    village = plan(grid, np.random.default_rng((survey.seed, 3)))
    canvas = Canvas.blank(grid, rng)
    raise_relief(canvas, survey.ground_height, rng)
    cover_land(canvas, village, rng)
    sun = Sun()
    walls = _furnish(canvas, village, sun, rng)
    heights, colour, owner = canvas.surface, canvas.colour, canvas.owner
    del canvas
    return Scene(grid, heights, illuminate(colour, heights, grid.texel, sun), owner, walls)


def _furnish(canvas: Canvas, village: Village, sun: Sun, rng: np.random.Generator) -> tuple[Walls, ...]:
    for paving in village.pavings:
        pave(canvas, paving)
    for bed in village.beds:
        dig_bed(canvas, bed)
    for pool in village.pools:
        fill_pool(canvas, pool)
    walls = tuple(
        build(canvas, number, building, sun.horizontal, rng)
        for number, building in enumerate(village.buildings, start=1)
    )
    for car in village.cars:
        park(canvas, car)
    for hedge in village.hedges:
        grow_hedge(canvas, hedge)
    for plant in village.plants:
        grow(canvas, plant, rng)
    return walls
