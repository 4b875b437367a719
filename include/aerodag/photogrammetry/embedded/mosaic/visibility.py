"""Which ground a camera really sees: no roof or tree between."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from aerodag.photogrammetry.embedded.ground.surface import Surface
from aerodag.photogrammetry.embedded.poses.cameras import View

Array = NDArray[np.float64]

# An obstacle must rise this share of the flying height above the ray: surfaces are rough, most of all trees.
TOLERANCE_RATIO = 0.008
MAX_STEPS = 96


def hidden(
    view: View, x: Array, y: Array, z: NDArray[np.float32], surface: Surface, stride: float
) -> NDArray[np.bool_]:
    """Walk from every ground point towards the camera and look whether the surface rises above the ray.

    Args:
        view: the camera.
        x: local positions, metres, 2-D.
        y: likewise.
        z: heights there.
        surface: the ground.
        stride: horizontal metres between looks.
    """
    east, north, up = view.centre
    rise = np.maximum(up - z, 1e-3)
    slope_x, slope_y = ((east - x) / rise).astype(np.float32), ((north - y) / rise).astype(np.float32)
    steepest = float(np.hypot(slope_x, slope_y).max(initial=0.0))
    headroom = float(surface.heights.max()) - float(z.min(initial=np.inf))
    tolerance = TOLERANCE_RATIO * float(up - np.median(z)) if z.size else 0.0
    result = np.zeros(x.shape, dtype=bool)
    if steepest * headroom < stride:
        return result
    steps = min(int(np.ceil(steepest * headroom / stride)), MAX_STEPS)
    column, row = surface.cells(x, y)
    slope_x, slope_y = slope_x / np.float32(surface.spacing), slope_y / np.float32(surface.spacing)
    lowest = z + np.float32(tolerance)
    for height in np.linspace(headroom / steps, headroom, steps, dtype=np.float32):
        result |= surface.at_cells(column + slope_x * height, row - slope_y * height) > lowest + height
    return result
