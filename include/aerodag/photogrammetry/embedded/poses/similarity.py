"""Places a free model into the metric frame by camera positions and viewing directions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

ITERATIONS = 20
# Residuals beyond this many sigmas lose their pull (Cauchy weights), so one wild GPS position moves nothing.
CAUCHY_SIGMAS = 2.0
GIMBAL_SIGMA_RAD = np.radians(3.0)
ASSUMED_NADIR_SIGMA_RAD = np.radians(20.0)


@dataclass(frozen=True, slots=True)
class Similarity:
    """``target = scale * rotation @ source + translation``."""

    scale: float
    rotation: Array
    translation: Array

    def apply(self, points: Array) -> Array:
        """Transformed points, shape (n, 3)."""
        return np.asarray(self.scale * points @ self.rotation.T + self.translation)


def expected_axis(yaw: float | None, pitch: float | None) -> tuple[Array, float]:
    """Unit viewing direction (east, north, up) by the gimbal's angles in degrees, and its sigma in radians.

    Yaw is clockwise from north, pitch -90 looks straight down. Without a pitch a survey camera is taken to look
    down, loosely.
    """
    down = np.array([0.0, 0.0, -1.0])
    if pitch is None:
        return down, float(ASSUMED_NADIR_SIGMA_RAD)
    if yaw is None:
        return down, float(max(GIMBAL_SIGMA_RAD, np.radians(abs(pitch + 90.0))))
    heading, elevation = np.radians(yaw), np.radians(pitch)
    flat = np.cos(elevation)
    return np.array([flat * np.sin(heading), flat * np.cos(heading), np.sin(elevation)]), float(GIMBAL_SIGMA_RAD)


def fit_similarity(source: Array, target: Array, weights: Array) -> Similarity:
    """Weighted least-squares similarity between point sets of shape (n, 3) (Umeyama, PAMI 1991)."""
    share = weights / weights.sum()
    centre_source, centre_target = share @ source, share @ target
    a, b = source - centre_source, target - centre_target
    u, spread, vt = np.linalg.svd((b * share[:, None]).T @ a)
    sign = np.array([1.0, 1.0, np.sign(np.linalg.det(u) * np.linalg.det(vt))])
    rotation = (u * sign) @ vt
    scale = float((spread * sign).sum() / (share * (a**2).sum(axis=1)).sum())
    return Similarity(scale, rotation, centre_target - scale * rotation @ centre_source)


def place_model(
    centres: Array, axes: Array, positions: Array, sigmas: Array, expected: Array, spread: Array
) -> Similarity:
    """Robust similarity from a model's frame to the metric frame.

    Positions of a single flight line say nothing about the roll around that line, so a model placed by positions
    alone may lie on its side. Each camera therefore adds a second point on its viewing ray.

    Args:
        centres: camera centres in the model, shape (n, 3), n >= 2.
        axes: unit viewing directions in the model, shape (n, 3).
        positions: measured camera positions, metres, shape (n, 3).
        sigmas: their horizontal standard deviations, metres, shape (n,).
        expected: unit viewing directions in the metric frame, shape (n, 3).
        spread: standard deviations of these directions, radians, shape (n,).
    """
    length = float(np.sqrt(((positions - np.median(positions, axis=0)) ** 2).sum(axis=1).mean()))
    aimed = positions + length * expected
    sigma = np.r_[sigmas, np.hypot(sigmas, length * spread)]
    target = np.vstack([positions, aimed])
    weights = 1.0 / sigma**2
    scale = _relative_size(centres, positions)
    found = fit_similarity(np.vstack([centres, centres + length / scale * axes]), target, weights)
    for _ in range(ITERATIONS):
        source = np.vstack([centres, centres + length / found.scale * axes])
        residual = np.linalg.norm(found.apply(source) - target, axis=1) / sigma
        # Before the model is in place all residuals are large: judge them by their median.
        unit = max(float(np.median(residual)), 1.0) * CAUCHY_SIGMAS
        found = fit_similarity(source, target, weights / (1.0 + (residual / unit) ** 2))
    return found


def _relative_size(centres: Array, positions: Array) -> float:
    """Median ratio of distances from the respective medoids."""
    measured = np.linalg.norm(positions - np.median(positions, axis=0), axis=1)
    modelled = np.linalg.norm(centres - np.median(centres, axis=0), axis=1)
    return float(np.median(measured)) / max(float(np.median(modelled)), 1e-12)
