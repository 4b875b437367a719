"""A pinhole camera with radial distortion, and its pose in a metric east-north-up frame."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Lens:
    """Size and focal length in pixels; distorted radius = r (1 + k1 r^2 + k2 r^4) in units of the focal length.

    Same model as COLMAP's RADIAL and OpenCV's k1, k2. The centre of the first pixel is (0.5, 0.5), the principal
    point is the image's middle.
    """

    width: int
    height: int
    focal: float
    k1: float
    k2: float

    def distort(self, x: Floats, y: Floats) -> tuple[Floats, Floats]:
        """Ideal image coordinates (unit focal length) to pixels."""
        r2 = x * x + y * y
        factor = self.focal * (1.0 + r2 * (self.k1 + r2 * self.k2))
        return self.width / 2 + x * factor, self.height / 2 + y * factor

    def directions(self) -> tuple[Floats, Floats]:
        """Ideal coordinates of every pixel centre, two arrays (height, width), by fixed-point iteration."""
        u, v = np.meshgrid(
            (np.arange(self.width) + 0.5 - self.width / 2) / self.focal,
            (np.arange(self.height) + 0.5 - self.height / 2) / self.focal,
        )
        x, y = u, v
        for _ in range(8):
            r2 = x * x + y * y
            factor = 1.0 + r2 * (self.k1 + r2 * self.k2)
            x, y = u / factor, v / factor
        return x, y


@dataclass(frozen=True, slots=True)
class Pose:
    """Where the projection centre is (east, north, up in metres) and how the drone's gimbal stands, in degrees.

    ``yaw`` is the azimuth of the image's upper edge, clockwise from grid north. ``pitch`` -90 looks straight down;
    the excess over -90 lifts the view forward, ``roll`` tips it: the nadir camera turned by Rz(yaw) Ry(pitch + 90)
    Rx(roll) in north-east-down axes, the reading of DJI's angles that OpenDroneMap and OpenSfM use.
    """

    east: float
    north: float
    up: float
    yaw: float
    pitch: float
    roll: float

    @property
    def centre(self) -> Floats:
        """Projection centre, shape (3,)."""
        return np.array([self.east, self.north, self.up])

    @property
    def rotation(self) -> Floats:
        """Camera from world, shape (3, 3): rows are the camera's right, down and forward axes in east, north, up."""
        body = _turn(2, self.yaw) @ _turn(1, self.pitch + 90.0) @ _turn(0, self.roll)
        north_east_down = body @ NADIR_MOUNT
        rotation: Floats = (ENU_FROM_NED @ north_east_down).T
        return rotation


# Columns: the camera's right, down and forward axes in the drone's forward, right, down axes.
NADIR_MOUNT = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
ENU_FROM_NED = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])


def _turn(axis: int, degrees: float) -> Floats:
    """Right-handed rotation about one of the axes."""
    c, s = math.cos(math.radians(degrees)), math.sin(math.radians(degrees))
    i, j = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.eye(3)
    matrix[i, i] = matrix[j, j] = c
    matrix[i, j], matrix[j, i] = -s, s
    return matrix


def project(lens: Lens, pose: Pose, points: Floats) -> Floats:
    """Pixels (n, 2) of world points (n, 3; east, north, up); NaN behind the camera."""
    x, y, depth = pose.rotation @ (points - pose.centre).T
    with np.errstate(divide="ignore", invalid="ignore"):
        u, v = lens.distort(x / depth, y / depth)
    return np.where(depth[:, None] > 0, np.stack([u, v], axis=1), np.nan)
