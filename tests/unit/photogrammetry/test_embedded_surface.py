"""Height grid from tie points."""

from __future__ import annotations

import numpy as np
import pytest

from aerodag.photogrammetry.embedded.ground.surface import build_surface, cell_medians, without_outliers


def scattered(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(0.0, 60.0, size=(count, 2))


def test_plane_is_reproduced() -> None:
    xy = scattered(4000)
    points = np.column_stack([xy, 0.1 * xy[:, 0] - 0.05 * xy[:, 1] + 7.0])
    surface = build_surface(points, np.zeros(len(points), dtype=np.int64), flying_height=40.0, finest=0.1)
    x, y = np.meshgrid(np.linspace(5, 55, 40), np.linspace(5, 55, 40))
    assert np.abs(surface.sample(x, y) - (0.1 * x - 0.05 * y + 7.0)).max() < 0.1
    assert np.isfinite(surface.heights).all()


def test_area_is_the_hull_with_a_margin_and_blocks_stay_apart() -> None:
    first = np.column_stack([scattered(500), np.zeros(500)])
    second = first + np.array([500.0, 0.0, 0.0])
    models = np.repeat([0, 1], 500)
    surface = build_surface(np.vstack([first, second]), models, flying_height=40.0, finest=0.5)
    assert surface.area.geom_type == "MultiPolygon"
    assert surface.area.area == pytest.approx(2 * 68.0**2, rel=0.1)


def test_mismatches_are_dropped_and_trees_kept() -> None:
    xy = scattered(3000)
    tree = np.hypot(xy[:, 0] - 30, xy[:, 1] - 30) < 5
    points = np.column_stack([xy, np.where(tree, 8.0, 0.0) + np.random.default_rng(1).normal(0, 0.05, 3000)])
    points[:5, 2] = [-60.0, 90.0, 45.0, -30.0, 70.0]
    kept = without_outliers(points, flying_height=40.0)
    assert not kept[:5].any()
    inside = np.hypot(xy[:, 0] - 30, xy[:, 1] - 30) < 3.5
    assert kept[inside & (np.arange(3000) >= 5)].mean() > 0.95
    assert kept.mean() > 0.95


def test_cell_medians_by_hand() -> None:
    points = np.array([[0.1, 0.1, 1.0], [0.3, 0.3, 9.0], [0.2, 0.2, 2.0], [1.5, 0.5, 4.0], [1.7, 0.7, 6.0]])
    cells = cell_medians(points, spacing=1.0)
    assert np.allclose(cells, [[0.2, 0.2, 2.0], [1.6, 0.6, 5.0]])
