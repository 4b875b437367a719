"""What stands and lies about: trees, hedges, cars, paving, pools, beds."""

from __future__ import annotations

import math

import numpy as np

from aerodag.simulate.canvas import LEAVES, Box, Canvas, mix
from aerodag.simulate.layout import Car, Crown, Paving, Plant


def pave(canvas: Canvas, paving: Paving) -> None:
    """Slabs with joints, flush with the ground."""
    stamp = canvas.stamp(paving.box)
    if stamp is None:
        return
    window, slab = stamp.patch.window, np.float32(paving.slab)
    joints = np.minimum(*(abs(np.mod(c, slab) - slab / 2) for c in (stamp.along, stamp.across)))
    shade = 1.0 + np.float32(0.05) * canvas.fine[window] + np.float32(0.04) * canvas.broad[window]
    shade *= np.float32(0.8) + np.float32(0.2) * canvas.cover(joints - np.float32(0.01))
    cover = canvas.cover(stamp.inside)
    canvas.paint(stamp.patch, cover, paving.colour, shade)
    canvas.surface[window] -= cover * canvas.tufts(window)


def dig_bed(canvas: Canvas, box: Box) -> None:
    """Dark soil with rows of vegetables."""
    stamp = canvas.stamp(box)
    if stamp is None:
        return
    window = stamp.patch.window
    cover = canvas.cover(stamp.inside)
    canvas.paint(stamp.patch, cover, (106, 82, 62), 1.0 + np.float32(0.12) * canvas.fine[window])
    rows = np.cos(stamp.along * np.float32(2 * math.pi / 0.6)) + np.float32(0.6) * canvas.clumps[window]
    leaf = np.clip(rows - 0.1, 0.0, 1.0) * cover
    canvas.paint(stamp.patch, leaf, (88, 122, 56), 1.0 + np.float32(0.15) * canvas.fine[window])
    canvas.surface[window] += leaf * np.float32(0.2)


def fill_pool(canvas: Canvas, box: Box) -> None:
    """Stone rim, blue water with a net of light."""
    stamp = canvas.stamp(Box(box.x, box.y, box.half_length + 0.4, box.half_width + 0.4, box.angle))
    if stamp is None:
        return
    window = stamp.patch.window
    canvas.paint(stamp.patch, canvas.cover(stamp.inside), (198, 192, 180), 1.0 + np.float32(0.04) * canvas.fine[window])
    net = np.exp(-np.float32(6.0) * abs(canvas.clumps[window]))
    canvas.paint(stamp.patch, canvas.cover(stamp.inside - 0.4), (92, 178, 196), 1.0 + np.float32(0.16) * net)
    canvas.surface[window] = np.where(stamp.inside > 0, canvas.floor(box.x, box.y), canvas.surface[window])
    canvas.surface[window] -= np.float32(0.15) * (stamp.inside > 0.4)


def grow_hedge(canvas: Canvas, box: Box) -> None:
    """A clipped hedge with a rough top."""
    stamp = canvas.stamp(box, margin=0.2)
    if stamp is None:
        return
    window = stamp.patch.window
    inside = stamp.inside + np.float32(0.05) * canvas.clumps[window]
    top = canvas.ground[window] + np.float32(1.3) + np.float32(0.07) * canvas.clumps[window]
    top += np.float32(0.03) * canvas.fine[window] - np.float32(0.35) * np.clip(0.14 - inside, 0.0, 1.0) / np.float32(
        0.14
    )
    canvas.surface[window] = np.where(inside > 0, np.maximum(canvas.surface[window], top), canvas.surface[window])
    canvas.owner[window][inside > 0] = LEAVES
    shade = 1.0 + np.float32(0.14) * canvas.fine[window] + np.float32(0.1) * canvas.clumps[window]
    canvas.paint(stamp.patch, canvas.cover(inside), (72, 94, 46), shade)


def grow(canvas: Canvas, plant: Plant, rng: np.random.Generator) -> None:
    """A crown with clumps of leaves and an uneven outline, or a conifer's cone with whorls."""
    patch = canvas.grid.around(plant.x, plant.y, plant.radius * 1.4)
    if patch is None:
        return
    dx, dy = patch.x - np.float32(plant.x), patch.y - np.float32(plant.y)
    azimuth = np.arctan2(dy, dx)
    conifer = plant.crown is Crown.CONIFER
    edge = np.ones_like(azimuth)
    for lobes in (3, 5, 8, 13) if not conifer else (7, 11):
        edge += np.float32(0.2 / math.sqrt(lobes)) * np.cos(lobes * azimuth + np.float32(rng.uniform(0, 2 * math.pi)))
    clumps, fine = canvas.clumps[patch.window], canvas.fine[patch.window]
    ratio = np.hypot(dx, dy) / (np.float32(plant.radius) * edge) + np.float32(0.05) * clumps
    dome = 1.0 - ratio if conifer else np.sqrt(np.clip(1.0 - ratio * ratio, 0.0, 1.0))
    inside = ratio < 1.0
    rough = np.float32(min(0.22, 0.1 * plant.radius)) * clumps + np.float32(0.05) * fine
    top = canvas.floor(plant.x, plant.y) + np.float32(plant.height) * (0.22 + np.float32(0.78) * dome) + rough
    inside &= top > canvas.surface[patch.window]
    canvas.surface[patch.window][inside] = top[inside]
    shade = np.float32(0.72) + np.float32(0.32) * dome + np.float32(0.17) * clumps + np.float32(0.13) * fine
    cover = inside.astype(np.float32)
    canvas.owner[patch.window][inside] = LEAVES
    canvas.paint(patch, cover, plant.colour, shade)
    light = np.clip(clumps - 0.3, 0.0, 1.0) * np.float32(0.35) * cover
    canvas.paint(patch, light, mix(plant.colour, (176, 186, 96), 0.5))


def park(canvas: Canvas, car: Car) -> None:
    """Bonnet, cabin with dark glass, roof, wheels in the shade."""
    stamp = canvas.stamp(car.box)
    if stamp is None:
        return
    u, v = stamp.along, abs(stamp.across)
    corner = np.hypot(np.clip(abs(u) - 1.75, 0.0, None), np.clip(v - np.float32(0.48), 0.0, None)) - np.float32(0.4)
    body = -corner
    roof = np.minimum(np.minimum(u + 1.35, np.float32(0.35) - u), np.float32(0.6) - v)
    cabin = np.minimum(np.minimum(u + 1.85, np.float32(1.0) - u), np.float32(0.74) - v)
    height = np.float32(0.9) + np.float32(0.55) * np.clip(cabin / np.float32(0.4), 0.0, 1.0)
    within = body > 0
    window = stamp.patch.window
    foot = np.float32(canvas.floor(car.box.x, car.box.y))
    canvas.surface[window][within] = np.maximum(canvas.surface[window], foot + height)[within]
    canvas.paint(stamp.patch, canvas.cover(body), car.colour, np.float32(0.86) + np.float32(0.14) * (v < 0.55))
    canvas.paint(stamp.patch, canvas.cover(cabin), (34, 40, 48))
    canvas.paint(stamp.patch, canvas.cover(roof), car.colour)
    lamp = np.minimum(np.float32(0.14) - abs(abs(u) - 2.0), np.float32(0.16) - abs(v - np.float32(0.55)))
    canvas.paint(stamp.patch, canvas.cover(np.minimum(lamp, body)), (228, 214, 196))
