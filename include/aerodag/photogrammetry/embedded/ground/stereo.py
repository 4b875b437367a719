"""Heights from one pair of images: rectification, semi-global matching, points."""

from __future__ import annotations

from dataclasses import dataclass

import cv2  # noqa: TID253 -- only the engine's child imports this module
import numpy as np
from numpy.typing import NDArray

from aerodag.photogrammetry.embedded.mosaic.pixels import decode, sample
from aerodag.photogrammetry.embedded.poses.cameras import View

Array = NDArray[np.float64]

# Longer side of the images that are matched, pixels.
MATCH_SIZE = 1000
BLOCK = 5
MIN_SIDE = 64


@dataclass(frozen=True, slots=True)
class Rectified:
    """A virtual stereo pair: both cameras turned so that the baseline is the rows' direction.

    ``rotation`` takes local to rectified coordinates (x along the baseline, z forward), ``focal`` in pixels;
    ``left`` and ``top`` are the left canvas' corner relative to the principal point, the right canvas starts
    ``nearest`` pixels further left, so disparities count from 0 (far) to ``disparities`` (near).
    """

    rotation: Array
    focal: float
    baseline: float
    left: float
    top: float
    width: int
    height: int
    farthest: float
    disparities: int


def rectify(first: View, second: View, lowest: float, highest: float) -> Rectified | None:
    """Common geometry of two views for ground between two heights (local metres); None if they hardly overlap."""
    offset = second.centre - first.centre
    baseline = float(np.linalg.norm(offset))
    x = offset / baseline
    forward = first.axis + second.axis
    z = forward - (forward @ x) * x
    z /= np.linalg.norm(z)
    rotation = np.vstack([x, np.cross(z, x), z])
    scale = min(1.0, MATCH_SIZE / max(first.camera.width, first.camera.height))
    focal = first.camera.focal * scale
    height = min(first.centre[2], second.centre[2])
    far, near = (focal * baseline / max(height - level, 1.0) for level in (lowest, highest))
    disparities = int(np.ceil((near - far) / 16.0) + 1) * 16
    left, right = _extent(first, rotation, focal), _extent(second, rotation, focal)
    # A point at disparity d lies d pixels further left in the right image.
    west, east = max(left[0], right[0] + far), min(left[2], right[2] + near)
    top, bottom = max(left[1], right[1]), min(left[3], right[3])
    west -= disparities  # the matcher leaves as many columns at its left border blank
    width, rows = int(east - west), int(bottom - top)
    if width < disparities + MIN_SIDE or rows < MIN_SIDE:
        return None
    return Rectified(rotation, focal, baseline, west, top, width, rows, far, disparities)


def _extent(view: View, rotation: Array, focal: float) -> tuple[float, float, float, float]:
    """Bounding box of the image's border in rectified pixels: left, top, right, bottom."""
    camera = view.camera
    u = np.array([0.0, camera.width / 2, camera.width, camera.width, camera.width, camera.width / 2, 0.0, 0.0])
    v = np.array([0.0, 0.0, 0.0, camera.height / 2, camera.height, camera.height, camera.height, camera.height / 2])
    rays = np.column_stack([(u - camera.cx) / camera.focal, (v - camera.cy) / camera.focal, np.ones(8)])
    turned = rays @ view.pose[:, :3] @ rotation.T
    plane = focal * turned[:, :2] / np.maximum(turned[:, 2:], 0.1)
    return float(plane[:, 0].min()), float(plane[:, 1].min()), float(plane[:, 0].max()), float(plane[:, 1].max())


def match(first: View, second: View, geometry: Rectified) -> Array:
    """Local points (n, 3) of all pixels whose match is unique and consistent (Hirschmueller, PAMI 2008; OpenCV)."""
    matcher = cv2.StereoSGBM.create(
        minDisparity=0,
        numDisparities=geometry.disparities,
        blockSize=BLOCK,
        P1=8 * BLOCK**2,
        P2=32 * BLOCK**2,
        disp12MaxDiff=1,
        preFilterCap=31,
        uniquenessRatio=7,
        speckleWindowSize=120,
        speckleRange=2,
        mode=cv2.STEREO_SGBM_MODE_SGBM_3WAY,
    )
    left = _turned(first, geometry, 0.0)
    right = _turned(second, geometry, geometry.farthest)
    disparity = matcher.compute(left, right).astype(np.float32) / 16.0
    # The first and last disparities collect what lies outside the range; black outside either image matches anything.
    within = (disparity >= 1.0) & (disparity < geometry.disparities - 2)
    left, right = _inner(left), _inner(right)
    rows, columns = np.nonzero(within & (left > 0))
    values = disparity[rows, columns]
    seen = right[rows, np.clip(np.round(columns - values).astype(int), 0, geometry.width - 1)] > 0
    rows, columns, values = rows[seen], columns[seen], values[seen]
    depth = geometry.focal * geometry.baseline / (values + geometry.farthest)
    x = (columns + geometry.left) * depth / geometry.focal
    y = (rows + geometry.top) * depth / geometry.focal
    return np.asarray(np.column_stack([x, y, depth]) @ geometry.rotation + first.centre)


def _inner(image: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """The image without its rim, whose matching windows reach outside."""
    return np.asarray(cv2.erode(image, np.ones((2 * BLOCK + 1, 2 * BLOCK + 1), np.uint8)), dtype=np.uint8)


def _turned(view: View, geometry: Rectified, shift: float) -> NDArray[np.uint8]:
    """The image as the rectified camera sees it, grey; 0 outside."""
    columns = np.arange(geometry.width) + geometry.left - shift
    rows = np.arange(geometry.height) + geometry.top
    x, y = np.meshgrid(columns / geometry.focal, rows / geometry.focal)
    rays = np.stack([x, y, np.ones_like(x)], axis=-1) @ geometry.rotation
    u, v, valid = view.project(rays + view.centre)
    inside = valid & (u >= 0) & (v >= 0) & (u <= view.camera.width - 1) & (v <= view.camera.height - 1)
    image = decode(view.path, max(view.camera.focal / geometry.focal, 1.0))
    grey = np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), dtype=np.uint8)
    turned = sample(grey, view.camera.width, u.astype(np.float32), v.astype(np.float32), cv2.INTER_LINEAR)
    return np.where(inside, np.maximum(turned, 1), 0).astype(np.uint8)
