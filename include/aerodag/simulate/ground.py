"""The bare land: relief, gardens, fields, streets and their markings."""

from __future__ import annotations

import math

import numpy as np

from aerodag.simulate.camera import Singles
from aerodag.simulate.canvas import Canvas, Colour
from aerodag.simulate.layout import (
    CROSSING_EVERY,
    FIELD_DEPTH,
    KERB,
    LANE_HALF,
    PAVEMENT,
    PERIOD,
    ROAD_HALF,
    StreetFrame,
    Village,
)
from aerodag.simulate.noise import fractal, step

RELIEF_M = 1.1
KERB_HEIGHT = 0.12

LAWN: Colour = (98, 114, 58)
DRY: Colour = (146, 138, 84)
SOIL: Colour = (134, 108, 82)
# Colour of leaf and of earth, metres between rows, how dense it stands, how high.
CROPS: tuple[tuple[Colour, Colour, float, float, float], ...] = (
    ((92, 112, 50), (132, 106, 80), 0.75, 0.55, 0.11),
    ((178, 160, 98), (136, 118, 72), 0.3, 0.75, 0.05),
    ((138, 112, 88), (112, 90, 70), 0.5, 0.5, 0.09),
)
ASPHALT: Colour = (112, 111, 110)
STONE: Colour = (178, 174, 166)
PAINT: Colour = (226, 225, 218)


def raise_relief(canvas: Canvas, base: float, rng: np.random.Generator) -> None:
    """Rolling ground about ``base`` metres, rough down to a few metres."""
    grid = canvas.grid
    canvas.ground[:] = fractal(grid.shape, grid.texel, rng, coarsest=90.0, finest=2.5, slope=1.25)
    canvas.ground *= np.float32(RELIEF_M)
    canvas.ground += np.float32(base)


def cover_land(canvas: Canvas, village: Village, rng: np.random.Generator) -> None:
    """Gardens, fields and streets over the whole grid; ends with ``surface`` equal to ``ground``.

    Until then ``surface`` gathers what grows on the ground.
    """
    first = int(rng.integers(len(CROPS)))
    for strip in canvas.strips():
        s, t = _street_coordinates(strip, village.frame)
        _lawn(strip)
        _fields(strip, s, t, first)
        _track(strip, t)
        _streets(strip, s, t)
        strip.surface[:] = strip.ground


def _street_coordinates(canvas: Canvas, frame: StreetFrame) -> tuple[Singles, Singles]:
    """Along (``s``) and across (``t``) the streets for every cell."""
    c, n = (np.float32(f(math.radians(frame.angle))) for f in (math.cos, math.sin))
    patch = canvas.grid.whole()
    s = patch.x * c + patch.y * n - np.float32(frame.shift_s)
    t = patch.y * c - patch.x * n - np.float32(frame.shift_t)
    return s, t


def _from_multiple(field: Singles, period: float) -> Singles:
    """Signed distance to the nearest multiple of ``period``."""
    return field - np.float32(period) * np.asarray(np.rint(field * np.float32(1.0 / period)), np.float32)


def _lawn(canvas: Canvas) -> None:
    """Grass, drier where the broad noise is high, with tufts."""
    dry = step(canvas.broad, -0.4, 2.6)
    shade = 1.0 + np.float32(0.11) * canvas.fine + np.float32(0.07) * canvas.clumps
    for band in range(3):
        lawn, straw = np.float32(LAWN[band]), np.float32(DRY[band])
        np.multiply(lawn + (straw - lawn) * dry, shade, out=canvas.colour[..., band])
    canvas.surface[:] = canvas.tufts()


def _fields(canvas: Canvas, s: Singles, t: Singles, first: int) -> None:
    """Crops in rows between the plots of one street and of the next."""
    beyond = (PERIOD - FIELD_DEPTH) / 2
    row = np.floor(t * np.float32(2.0 / PERIOD))
    inside = abs(_from_multiple(t, PERIOD)) - np.float32(beyond + 0.6)
    for number in range(int(row.min()), int(row.max()) + 1):
        cover = canvas.cover(inside) * (row == number)
        if cover.any():
            _crop(canvas, cover, s if number % 3 == 0 else t, *CROPS[(first + number) % len(CROPS)])


def _crop(
    canvas: Canvas, cover: Singles, across: Singles, leaf: Colour, earth: Colour,
    spacing: float, density: float, height: float,
) -> None:  # fmt: skip
    """Rows ``spacing`` metres apart, patchy, with the sprayer's wheel tracks every twelve metres."""
    wave = np.cos((across + np.float32(0.06) * canvas.clumps) * np.float32(2 * math.pi / spacing))
    growth = np.float32(density) + np.float32(0.32) * wave + np.float32(0.3) * canvas.clumps
    growth += np.float32(0.16) * canvas.broad + np.float32(0.12) * canvas.fine
    wheel = abs(abs(_from_multiple(across, 12.0)) - np.float32(0.85)) - np.float32(0.2)
    growth = np.clip(growth, 0.0, 1.0) * step(wheel, -0.05, 0.12)
    shade = 1.0 + np.float32(0.08) * canvas.fine + np.float32(0.05) * canvas.broad
    for band in range(3):
        low, high = np.float32(earth[band]), np.float32(leaf[band])
        canvas.colour[..., band] += cover * ((low + (high - low) * growth) * shade - canvas.colour[..., band])
    canvas.surface += cover * growth * np.float32(height)


def _track(canvas: Canvas, t: Singles) -> None:
    """A dirt track with two ruts through the middle of the fields."""
    d = abs(_from_multiple(t - np.float32(PERIOD / 2), PERIOD)) + np.float32(0.12) * canvas.clumps
    rut = step(abs(d - np.float32(0.75)), 0.2, 0.5)
    shade = (1.0 + np.float32(0.09) * canvas.fine + np.float32(0.06) * canvas.broad) * (1.08 - np.float32(0.1) * rut)
    grass = step(np.float32(0.35) - d, 0.0, 0.2) + step(d, 1.35, 1.7)
    canvas.paint(canvas.grid.whole(), 1.0 - np.clip(grass, 0.0, 1.0), (168, 146, 112), shade)
    canvas.surface *= step(d, 1.2, 1.6)
    canvas.surface -= np.float32(0.06) * (1.0 - rut) * (d < 1.6)


def _streets(canvas: Canvas, s: Singles, t: Singles) -> None:
    """Asphalt, kerbs and pavements with the kerb's step in the ground, then the paint on the road."""
    main, lane = _from_multiple(t, PERIOD), _from_multiple(s, CROSSING_EVERY)
    edge = np.minimum(abs(main) - np.float32(ROAD_HALF), abs(lane) - np.float32(LANE_HALF))
    patch = canvas.grid.whole()
    paved = step(np.float32(KERB + PAVEMENT) - edge, -0.3, 0.0)
    canvas.ground += canvas.surface * (1.0 - paved) + np.float32(0.0015) * canvas.fine
    canvas.ground += np.float32(KERB_HEIGHT) * (step(edge, -0.01, 0.04) * paved)
    joint = _joints(s, 0.5, 0.016) * _joints(t, 0.5, 0.016)
    shade = (1.0 + np.float32(0.045) * canvas.fine + np.float32(0.03) * canvas.broad) * joint
    canvas.paint(patch, canvas.cover(np.float32(KERB + PAVEMENT) - edge), (158, 153, 146), shade)
    kerb = (1.0 + np.float32(0.05) * canvas.fine) * _joints(s + t, 1.0, 0.02)
    canvas.paint(patch, canvas.cover(np.float32(KERB) - edge), STONE, kerb)
    worn = step(abs(abs(main) - np.float32(1.5)), 0.1, 0.9)
    shade = 1.0 + np.float32(0.065) * canvas.fine + np.float32(0.05) * canvas.broad + np.float32(0.05) * worn
    crack = step(abs(canvas.broad + np.float32(0.22) * canvas.clumps), 0.0, 0.045)
    canvas.paint(patch, canvas.cover(-edge), ASPHALT, shade * (np.float32(0.72) + np.float32(0.28) * crack))
    _markings(canvas, s, main, lane)


def _joints(field: Singles, every: float, width: float) -> Singles:
    """A factor that darkens thin lines at every multiple of a distance."""
    return np.float32(0.72) + np.float32(0.28) * step(abs(_from_multiple(field, every)), width * 0.5, width * 1.6)


def _markings(canvas: Canvas, s: Singles, main: Singles, lane: Singles) -> None:
    """Dashed middle line, stop lines and zebra crossings, worn."""
    worn = np.float32(0.92) - np.float32(0.3) * step(canvas.fine + canvas.clumps, 0.3, 2.2)
    open_road = abs(lane) - np.float32(LANE_HALF + 6.0)
    dash = np.float32(1.5) - abs(_from_multiple(s, 6.0))
    middle = np.minimum(np.minimum(np.float32(0.07) - abs(main), dash), open_road)
    stop = np.minimum(
        np.float32(0.2) - abs(abs(main) - np.float32(ROAD_HALF + 0.5)), np.float32(LANE_HALF - 0.15) - abs(lane)
    )
    stop = np.minimum(stop, lane * np.sign(main) - np.float32(0.1))
    zebra = np.minimum(
        np.float32(1.5) - abs(lane - np.float32(LANE_HALF + 3.4)), np.float32(0.25) - abs(_from_multiple(main, 1.0))
    )
    zebra = np.minimum(zebra, np.float32(ROAD_HALF - 0.3) - abs(main))
    lines = np.maximum(np.maximum(middle, stop), zebra)
    canvas.paint(canvas.grid.whole(), canvas.cover(lines) * worn, PAINT)
