"""Camera groups and the radial camera model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
from numpy.typing import NDArray

from aerodag.imagery import ImageMetadata

Array = NDArray[np.float64]

# COLMAP's own guess for a camera of which nothing is known, as a multiple of the longer side.
UNKNOWN_FOCAL_FACTOR = 1.2


@dataclass(frozen=True, slots=True)
class CameraGroup:
    """Images of one physical camera at one focal length; they share intrinsics.

    ``focal_px`` is in pixels of the stored image; ``focal_known`` is False where it is only a guess.
    """

    label: str
    width: int
    height: int
    focal_px: float
    focal_known: bool
    members: tuple[int, ...]


def group_cameras(images: Sequence[ImageMetadata]) -> list[CameraGroup]:
    """Group ``images`` by make, model, serial number, lens, size and focal length."""
    groups: dict[tuple[Any, ...], list[int]] = {}
    for index, item in enumerate(images):
        key = (item.make, item.model, item.serial, item.lens, item.width, item.height, item.focal_mm)
        groups.setdefault(key, []).append(index)
    return [_group(images, members) for members in groups.values()]


def _group(images: Sequence[ImageMetadata], members: list[int]) -> CameraGroup:
    first = images[members[0]]
    focals = [focal for i in members if (focal := images[i].focal_px) and focal > 0]
    focal = median(focals) if focals else UNKNOWN_FOCAL_FACTOR * max(first.width, first.height)
    parts = (first.make, first.model, first.serial, f"{first.width} {first.height}")
    label = " ".join(str(part).strip().lower() for part in parts if part)
    return CameraGroup(label, first.width, first.height, float(focal), bool(focals), tuple(members))


@dataclass(frozen=True, slots=True)
class RadialCamera:
    """COLMAP's RADIAL model: one focal length, two radial coefficients; pixel centres at +0.5.

    https://colmap.github.io/cameras.html; lengths in pixels of the stored image.
    """

    width: int
    height: int
    focal: float
    cx: float
    cy: float
    k1: float
    k2: float

    def valid_radius(self) -> float:
        """Largest undistorted radius (ray slope) that the image can hold.

        Beyond it the distortion polynomial may turn back and place rays of far points inside the image.
        """
        corner = float(np.hypot(max(self.cx, self.width - self.cx), max(self.cy, self.height - self.cy))) / self.focal
        slopes = np.linspace(0.0, 3.0 * corner, 3001)
        radii = slopes * (1.0 + self.k1 * slopes**2 + self.k2 * slopes**4)
        falling = np.flatnonzero(np.diff(radii) <= 0.0)
        reached = np.flatnonzero(radii >= corner)
        last = min(falling[0] if falling.size else 3000, reached[0] if reached.size else 3000)
        return float(slopes[last])


@dataclass(frozen=True, slots=True)
class View:
    """One registered image: where it lies, its camera and its pose in the local metric frame.

    ``pose`` is the 3x4 matrix that takes local coordinates to camera coordinates (z forward, y down).
    """

    index: int
    name: str
    path: Path
    camera: RadialCamera
    pose: Array
    model: int

    @property
    def centre(self) -> Array:
        """Projection centre, local frame, metres, shape (3,)."""
        return np.asarray(-self.pose[:, :3].T @ self.pose[:, 3])

    @property
    def axis(self) -> Array:
        """Unit viewing direction, local frame, shape (3,)."""
        return np.asarray(self.pose[2, :3])

    def project(self, points: Array) -> tuple[Array, Array, NDArray[np.bool_]]:
        """Project local ``points`` of shape (..., 3).

        Returns:
            column, row (pixels; 0 is the centre of the first pixel, as in OpenCV), and whether the point lies in
            front of the camera and inside its valid radius (not whether it falls into the image).
        """
        camera = self.camera
        rays = points @ self.pose[:, :3].T + self.pose[:, 3]
        depth = rays[..., 2]
        ahead = depth > 1e-6
        safe = np.where(ahead, depth, 1.0)
        x, y = rays[..., 0] / safe, rays[..., 1] / safe
        r2 = x * x + y * y
        scale = camera.focal * (1.0 + camera.k1 * r2 + camera.k2 * r2 * r2)
        return x * scale + camera.cx - 0.5, y * scale + camera.cy - 0.5, ahead & (r2 <= camera.valid_radius() ** 2)
