"""The plan of the village: which thing stands where. Numbers only, nothing is drawn here."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum

import numpy as np

from aerodag.simulate.canvas import Box, Colour
from aerodag.simulate.grid import Grid

ROAD_HALF = 3.0
LANE_HALF = 2.5
KERB = 0.16
PAVEMENT = 1.7
PLOT_DEPTH = 19.0
FIELD_DEPTH = 34.0
FRONT = ROAD_HALF + KERB + PAVEMENT
PERIOD = 2 * (FRONT + PLOT_DEPTH) + FIELD_DEPTH
CROSSING_EVERY = 74.0


class Roof(Enum):
    """Shape of a roof."""

    GABLE = "gable"
    HIP = "hip"
    FLAT = "flat"


class Crown(Enum):
    """Shape of a tree."""

    BROADLEAF = "broadleaf"
    CONIFER = "conifer"
    SHRUB = "shrub"


@dataclass(frozen=True, slots=True)
class Building:
    """A house, or a garage or shed without storeys; heights in metres above its own ground."""

    box: Box
    roof: Roof
    storeys: int
    eaves: float
    rise: float
    roof_colour: Colour
    wall_colour: Colour
    panels: float


@dataclass(frozen=True, slots=True)
class Plant:
    """A tree or shrub."""

    x: float
    y: float
    radius: float
    height: float
    crown: Crown
    colour: Colour


@dataclass(frozen=True, slots=True)
class Car:
    """A parked car."""

    box: Box
    colour: Colour


@dataclass(frozen=True, slots=True)
class Paving:
    """A driveway, path or terrace."""

    box: Box
    colour: Colour
    slab: float


@dataclass(frozen=True, slots=True)
class StreetFrame:
    """Streets run along ``s`` at multiples of PERIOD in ``t``, lanes along ``t`` at those of CROSSING_EVERY."""

    angle: float
    shift_s: float
    shift_t: float

    def place(self, s: float, t: float) -> tuple[float, float]:
        """Local east and north of a point of the street frame."""
        c, n = math.cos(math.radians(self.angle)), math.sin(math.radians(self.angle))
        s, t = s + self.shift_s, t + self.shift_t
        return s * c - t * n, s * n + t * c

    def box(self, s: float, t: float, half_s: float, half_t: float, turn: float = 0.0) -> Box:
        """A rectangle along the street (or turned against it, degrees)."""
        return Box(*self.place(s, t), half_s, half_t, self.angle + turn)


@dataclass(slots=True)
class Village:
    """Everything that stands or lies on the land."""

    frame: StreetFrame
    reach: float
    buildings: list[Building] = field(default_factory=list)
    plants: list[Plant] = field(default_factory=list)
    cars: list[Car] = field(default_factory=list)
    pavings: list[Paving] = field(default_factory=list)
    pools: list[Box] = field(default_factory=list)
    hedges: list[Box] = field(default_factory=list)
    beds: list[Box] = field(default_factory=list)

    def streets(self) -> range:
        """Numbers of the streets that may touch the land."""
        n = math.ceil((self.reach + abs(self.frame.shift_t)) / PERIOD)
        return range(-n, n + 1)

    def lanes(self) -> range:
        """Numbers of the crossing lanes that may touch the land."""
        n = math.ceil((self.reach + abs(self.frame.shift_s)) / CROSSING_EVERY)
        return range(-n, n + 1)


ROOFS: tuple[Colour, ...] = ((152, 82, 60), (134, 70, 54), (168, 98, 70), (92, 90, 94), (112, 78, 64), (78, 74, 76))
FLAT_ROOFS: tuple[Colour, ...] = ((150, 148, 142), (196, 194, 190), (118, 124, 84))
WALLS: tuple[Colour, ...] = ((226, 218, 200), (214, 196, 160), (200, 204, 206), (222, 206, 188), (186, 150, 126))
PAINTS: tuple[Colour, ...] = (
    (232, 233, 235),
    (176, 180, 184),
    (44, 46, 50),
    (150, 36, 34),
    (40, 70, 122),
    (92, 98, 104),
)
SLABS: tuple[Colour, ...] = ((168, 160, 148), (156, 134, 116), (146, 144, 142))
FOLIAGE: tuple[Colour, ...] = ((74, 96, 44), (88, 108, 50), (64, 88, 46), (104, 116, 56), (84, 100, 60))
NEEDLES: Colour = (44, 68, 48)
BRONZE: Colour = (110, 74, 58)


def plan(grid: Grid, rng: np.random.Generator) -> Village:
    """A village that covers the grid."""
    half_x, half_y = grid.cols * grid.texel / 2, grid.rows * grid.texel / 2
    frame = StreetFrame(
        angle=float(rng.uniform(5.0, 11.0) * rng.choice((-1, 1))),
        shift_s=float(rng.uniform(-20.0, -12.0)),
        shift_t=float(rng.uniform(-8.0, -4.0)),
    )
    village = Village(frame, math.hypot(half_x, half_y))
    for street in village.streets():
        for lane in village.lanes():
            for side in (-1.0, 1.0):
                _fill_row(village, rng, street * PERIOD, lane * CROSSING_EVERY, side)
            _park_along(village, rng, street * PERIOD, lane * CROSSING_EVERY)
            _plant_fields(village, rng, street * PERIOD, lane * CROSSING_EVERY)
    return village


def _fill_row(village: Village, rng: np.random.Generator, street: float, lane: float, side: float) -> None:
    """Plots side by side between two lanes, on one side of a street."""
    start = lane + LANE_HALF + KERB + PAVEMENT
    width = (CROSSING_EVERY - 2 * (LANE_HALF + KERB + PAVEMENT)) / 4
    for number in range(4):
        plot = Plot(village, rng, start + (number + 0.5) * width, street, side, width)
        plot.build()


@dataclass(slots=True)
class Plot:
    """One plot: ``a`` runs along the street from its middle, ``b`` from the pavement to the back (metres)."""

    village: Village
    rng: np.random.Generator
    s: float
    street: float
    side: float
    width: float

    def build(self) -> None:
        """House, garage, garden."""
        flip = float(self.rng.choice((-1.0, 1.0)))
        house = self._house(flip)
        self._garage(flip)
        self._path(house, -flip)
        self._back_garden(house, flip)
        self._borders()

    def _box(self, a: float, b: float, half_a: float, half_b: float, turn: float = 0.0) -> Box:
        return self.village.frame.box(self.s + a, self.street + self.side * (FRONT + b), half_a, half_b, turn)

    def _house(self, flip: float) -> Building:
        rng = self.rng
        roof = Roof(rng.choice(["gable", "gable", "gable", "gable", "hip", "hip", "flat"]))
        long, short = rng.uniform(4.6, 5.3), rng.uniform(3.7, 4.4)
        turn = 0.0 if rng.random() < 0.6 else 90.0
        depth = short if turn == 0.0 else long
        roofs = FLAT_ROOFS if roof is Roof.FLAT else ROOFS
        away, back = -1.7 * flip + rng.uniform(-0.3, 0.3), rng.uniform(3.2, 4.2) + depth
        storeys = 2 if roof is Roof.FLAT or rng.random() < 0.45 else 1
        building = Building(
            box=self._box(away, back, long, short, turn + rng.normal(0, 1.0)),
            roof=roof,
            storeys=storeys,
            eaves=float(2.7 * storeys + rng.uniform(0.1, 0.5)),
            rise=float(short * rng.uniform(0.65, 0.95)) if roof is not Roof.FLAT else 0.0,
            roof_colour=roofs[rng.integers(len(roofs))],
            wall_colour=WALLS[rng.integers(len(WALLS))],
            panels=float(rng.uniform(0.4, 0.8)) if rng.random() < 0.35 else 0.0,
        )
        self.village.buildings.append(building)
        return building

    def _garage(self, flip: float) -> None:
        rng, village = self.rng, self.village
        a, slab = flip * (self.width / 2 - 2.1), SLABS[rng.integers(len(SLABS))]
        village.pavings.append(Paving(self._box(a, 2.9, 1.6, 2.9), slab, 0.28))
        if rng.random() < 0.75:
            box = self._box(a, 8.3, 1.55, 2.9)
            grey: Colour = (138, 136, 130)
            village.buildings.append(Building(box, Roof.FLAT, 0, 2.6, 0.0, grey, (206, 200, 190), 0.0))
        if rng.random() < 0.6:
            paint = PAINTS[rng.integers(len(PAINTS))]
            village.cars.append(Car(self._box(a, 2.6 + rng.normal(0, 0.2), 2.15, 0.88, 90.0 * self.side), paint))

    def _path(self, house: Building, flip: float) -> None:
        slab = SLABS[self.rng.integers(len(SLABS))]
        self.village.pavings.append(Paving(self._box(flip * 2.2, 2.2, 0.6, 2.2), slab, 0.4))
        depth = 2 * max(house.box.half_length, house.box.half_width)
        self.village.pavings.append(Paving(self._box(flip * 1.2, 4.4 + depth, 2.6, 1.5), slab, 0.5))

    def _back_garden(self, house: Building, flip: float) -> None:
        rng, village = self.rng, self.village
        if rng.random() < 0.22:
            village.pools.append(self._box(-flip * 3.4, 16.2, 2.6, 1.4))
        elif rng.random() < 0.55:
            village.beds.append(self._box(-flip * 3.6, 16.0, 2.4, 1.7))
        if rng.random() < 0.5:
            box = self._box(flip * (self.width / 2 - 2.2), 16.6, 1.4, 1.1, rng.uniform(-4, 4))
            village.buildings.append(Building(box, Roof.GABLE, 0, 1.9, 0.6, (104, 88, 72), (122, 96, 70), 0.0))
        for _ in range(int(rng.integers(2, 5))):
            radius = float(rng.uniform(1.0, 2.1))
            a, b = rng.uniform(-self.width / 2 + 1, self.width / 2 - 1), rng.uniform(13.2, 18.2)
            self._tree(a, b, radius, float(radius * rng.uniform(1.7, 2.4)))
        for _ in range(int(rng.integers(3, 8))):
            a, b = rng.uniform(-self.width / 2, self.width / 2), rng.uniform(0.4, 2.6)
            if rng.random() < 0.5:
                b += 13.0
            radius = float(rng.uniform(0.35, 0.75))
            self._tree(a, float(b), radius, radius * 1.7, Crown.SHRUB)

    def _tree(self, a: float, b: float, radius: float, height: float, crown: Crown | None = None) -> None:
        rng, village = self.rng, self.village
        x, y = village.frame.place(self.s + a, self.street + self.side * (FRONT + b))
        paved = (*(b.box for b in village.buildings[-3:]), *village.pools[-1:], *(p.box for p in village.pavings[-3:]))
        if all(not _near(box, x, y, radius * 0.8) for box in paved):
            village.plants.append(plant(rng, x, y, radius, height, crown))

    def _borders(self) -> None:
        rng, village = self.rng, self.village
        if rng.random() < 0.7:
            village.hedges.append(self._box(self.width / 2, 10.5, 0.32, 7.8))
        if rng.random() < 0.8:
            village.hedges.append(self._box(0.0, PLOT_DEPTH - 0.4, self.width / 2, 0.38))


def plant(
    rng: np.random.Generator, x: float, y: float, radius: float, height: float, crown: Crown | None = None
) -> Plant:
    """A tree of random leaf, or of the crown that is asked for."""
    kind = crown or (Crown.CONIFER if rng.random() < 0.18 else Crown.BROADLEAF)
    if kind is Crown.CONIFER:
        return Plant(x, y, radius * 0.85, height * 1.35, kind, NEEDLES)
    colour = BRONZE if rng.random() < 0.05 else FOLIAGE[rng.integers(len(FOLIAGE))]
    return Plant(x, y, radius, height, kind, colour)


def _near(box: Box, x: float, y: float, radius: float) -> bool:
    along, across = box.local(np.array([x], np.float32), np.array([y], np.float32))
    return bool(abs(along[0]) < box.half_length + radius and abs(across[0]) < box.half_width + radius)


def _gaps(rng: np.random.Generator, start: float, end: float, low: float, high: float) -> Iterator[float]:
    """Positions from start to end with random gaps."""
    at = start + rng.uniform(0.0, high)
    while at < end:
        yield float(at)
        at += rng.uniform(low, high)


def _park_along(village: Village, rng: np.random.Generator, street: float, lane: float) -> None:
    """Cars at the kerb between two lanes, on one side."""
    for s in _gaps(rng, lane + 14.0, lane + CROSSING_EVERY - 12.0, 6.0, 17.0):
        side = float(rng.choice((-1.0, -1.0, 1.0)))
        box = village.frame.box(s, street + side * (ROAD_HALF - 1.1), 2.15, 0.88, float(90 - 90 * side))
        village.cars.append(Car(box, PAINTS[rng.integers(len(PAINTS))]))


def _plant_fields(village: Village, rng: np.random.Generator, street: float, lane: float) -> None:
    """Trees along the track in the middle of the fields, and a copse."""
    middle = street + PERIOD / 2
    for s in _gaps(rng, lane + 4.0, lane + CROSSING_EVERY - 4.0, 5.0, 15.0):
        x, y = village.frame.place(s, middle + rng.choice((-3.0, 3.0)) + rng.normal(0, 0.4))
        village.plants.append(plant(rng, x, y, float(rng.uniform(1.6, 2.9)), float(rng.uniform(4.5, 8.0))))
    for _ in range(9):
        s, t = lane + 56.0 + rng.normal(0, 5.0), middle - 11.0 + rng.normal(0, 2.6)
        x, y = village.frame.place(float(s), float(t))
        village.plants.append(plant(rng, x, y, float(rng.uniform(1.3, 2.6)), float(rng.uniform(4.0, 8.0))))
