"""Stereo heights, their merging, and lines of sight."""

from __future__ import annotations

from pathlib import Path

import cv2  # noqa: TID253 -- the engine's own matcher is under test
import numpy as np
import pytest
from shapely.geometry import box

from aerodag.photogrammetry.embedded.ground.dense import agreed, choose_pairs, densify, without_speckles
from aerodag.photogrammetry.embedded.ground.stereo import match, rectify
from aerodag.photogrammetry.embedded.ground.surface import Surface
from aerodag.photogrammetry.embedded.mosaic.visibility import hidden
from aerodag.photogrammetry.embedded.poses.cameras import RadialCamera, View

HEIGHT, FOCAL, SIZE = 40.0, 600.0, (640, 480)
ROOF = 5.0
DOWN = np.diag([1.0, -1.0, -1.0])
NAN = np.nan


def texture() -> np.ndarray:
    """A random pattern on the ground, 5 cm a pixel, 80 x 80 m."""
    noise = np.random.default_rng(0).uniform(0, 255, (1600, 1600)).astype(np.float32)
    return np.asarray(cv2.normalize(cv2.GaussianBlur(noise, (0, 0), 1.5), None, 20, 235, cv2.NORM_MINMAX))


def take(folder: Path, index: int, east: float, yaw_deg: float = 0.0, level: float = ROOF) -> View:
    """Photograph textured, level ground at height ``level`` straight down."""
    camera = RadialCamera(*SIZE, FOCAL, SIZE[0] / 2, SIZE[1] / 2, 0.0, 0.0)
    yaw = np.radians(yaw_deg)
    turn = np.array([[np.cos(yaw), -np.sin(yaw), 0.0], [np.sin(yaw), np.cos(yaw), 0.0], [0.0, 0.0, 1.0]])
    rotation = turn @ DOWN
    column, row = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    rays = np.stack([(column - camera.cx) / FOCAL, (row - camera.cy) / FOCAL, np.ones_like(column)], axis=-1) @ rotation
    scale = (HEIGHT - level) / -rays[..., 2]
    x, y = east + rays[..., 0] * scale, rays[..., 1] * scale
    map_x, map_y = ((x + 40.0) / 0.05).astype(np.float32), ((40.0 - y) / 0.05).astype(np.float32)
    path = folder / f"{index}.png"
    cv2.imwrite(str(path), cv2.remap(texture(), map_x, map_y, cv2.INTER_LINEAR).astype(np.uint8))
    return View(index, path.name, path, camera, np.column_stack([rotation, -rotation @ [east, 0.0, HEIGHT]]), 0)


@pytest.mark.parametrize("yaw", [0.0, 90.0, 180.0])
def test_stereo_finds_the_height_whatever_the_heading(tmp_path: Path, yaw: float) -> None:
    first, second = take(tmp_path, 0, -4.0), take(tmp_path, 1, 4.0, yaw)
    geometry = rectify(first, second, lowest=0.0, highest=8.0)
    assert geometry is not None
    points = match(first, second, geometry)
    assert len(points) > 20_000
    assert np.median(points[:, 2]) == pytest.approx(ROOF, abs=0.03)
    assert np.percentile(np.abs(points[:, 2] - ROOF), 90) < 0.25


def test_views_far_apart_have_no_stereo(tmp_path: Path) -> None:
    assert rectify(take(tmp_path, 0, -30.0), take(tmp_path, 1, 30.0), 0.0, 8.0) is None


def test_pairs_stay_within_a_model_and_prefer_a_good_baseline(tmp_path: Path) -> None:
    views = [take(tmp_path, index, 4.0 * index) for index in range(8)]
    pairs = choose_pairs(views, HEIGHT)
    assert all(a < b and 2.0 <= 4.0 * (b - a) <= 24.0 for a, b in pairs)
    assert {index for pair in pairs for index in pair} == set(range(8))
    assert choose_pairs(views[:1], HEIGHT) == []


def test_dense_surface_corrects_the_sparse_one(tmp_path: Path) -> None:
    views = [take(tmp_path, index, 6.0 * index - 9.0) for index in range(4)]
    sparse = Surface(np.full((20, 30), ROOF + 0.8, dtype=np.float32), -15.0, 10.0, 1.0, box(-15, -10, 15, 10))
    dense = densify(views, sparse, HEIGHT, 0.06, tmp_path, 1, lambda _: None)
    assert dense.spacing < 0.5
    middle = dense.heights[20:-20, 20:-20]
    assert np.median(middle) == pytest.approx(ROOF, abs=0.03)
    assert np.percentile(np.abs(middle - ROOF), 95) < 0.2


def test_one_view_leaves_the_sparse_surface(tmp_path: Path) -> None:
    sparse = Surface(np.full((20, 20), 1.0, dtype=np.float32), -10.0, 10.0, 1.0, box(-10, -10, 10, 10))
    dense = densify([take(tmp_path, 0, 0.0)], sparse, HEIGHT, 0.06, tmp_path, 1, lambda _: None)
    assert np.allclose(dense.heights, 1.0)


def test_layers_must_agree() -> None:
    stack = np.array([[[1.0, 1.0, 1.0, NAN]], [[1.1, 5.0, NAN, NAN]], [[NAN, 9.0, NAN, NAN]]], dtype=np.float32)
    sure, likely = agreed(stack, tolerance=0.2)
    assert np.allclose(sure, [[1.05, NAN, NAN, NAN]], equal_nan=True)
    assert np.allclose(likely, [[1.05, NAN, 1.0, NAN]], equal_nan=True)


def test_speckles_go_and_roofs_stay() -> None:
    heights = np.zeros((60, 60), dtype=np.float32)
    heights[10:30, 10:30] = 5.0
    heights[50:53, 50:53] = -20.0
    kept = without_speckles(heights, step=0.3, cells=100)
    assert (kept[10:30, 10:30] == 5.0).all()
    assert np.isnan(kept[50:53, 50:53]).all()
    assert np.isnan(without_speckles(np.full((5, 5), NAN, dtype=np.float32), 0.3, 100)).all()


def test_ground_behind_a_house_is_hidden(tmp_path: Path) -> None:
    heights = np.zeros((40, 80), dtype=np.float32)
    heights[:, 50:60] = 8.0
    surface = Surface(heights, 0.0, 20.0, 0.5, box(0, 0, 40, 20))
    view = take(tmp_path, 0, 0.0)
    x, y = np.meshgrid(np.arange(0.25, 40.0, 0.5), [0.25, 0.25])
    behind = hidden(view, x, y, surface.sample(x, y), surface, stride=0.5)[0]
    # From (0, 0, 40) the 8 m roof ending at x = 30 m shades the ground up to 30 * 40 / 32 = 37.5 m.
    assert behind[62:72].all()
    assert not behind[:49].any()
    assert not behind[76:].any()
    assert not behind[51:59].any()
