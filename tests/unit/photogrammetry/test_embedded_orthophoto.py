"""Rendering: a synthetic camera over a known plane must give the plane back, in place."""

from __future__ import annotations

from pathlib import Path

import cv2  # noqa: TID253 -- the engine's own rasteriser is under test
import numpy as np
import pytest
import rasterio
from hypothesis import given
from hypothesis import strategies as st
from shapely.geometry import box

from aerodag.photogrammetry.embedded.georeference import LocalFrame
from aerodag.photogrammetry.embedded.ground.surface import Surface
from aerodag.photogrammetry.embedded.mosaic.colour import colour_gains
from aerodag.photogrammetry.embedded.mosaic.grid import STEP, Grid, enlarge, node_span
from aerodag.photogrammetry.embedded.mosaic.labels import NOBODY, Labels, choose_views
from aerodag.photogrammetry.embedded.mosaic.orthophoto import Mosaic, render, write_surface
from aerodag.photogrammetry.embedded.mosaic.pixels import ImageCache, decode
from aerodag.photogrammetry.embedded.mosaic.seam_cuts import cut_seams
from aerodag.photogrammetry.embedded.mosaic.seams import measure_seams
from aerodag.photogrammetry.embedded.poses.cameras import RadialCamera, View

FRAME = LocalFrame(32632, (500_000.0, 5_000_000.0, 100.0))
HEIGHT, FOCAL, GSD = 40.0, 800.0, 0.05
SIZE = (800, 600)
DOWN = np.diag([1.0, -1.0, -1.0])


def quiet(_: float) -> None:
    """Progress nobody listens to."""


def ground(x: np.ndarray, y: np.ndarray) -> np.ndarray:
    """A smooth RGB pattern on the ground, 0-255."""
    waves = [np.sin(x / 1.3 + y / 2.9), np.cos(x / 2.1 - y / 1.7), np.sin(y / 1.1) * np.cos(x / 3.7)]
    return np.stack([110.0 + 60.0 * wave for wave in waves], axis=-1)


def take(folder: Path, index: int, east: float, north: float, gain: float = 1.0, k1: float = -0.05) -> View:
    """Photograph the ground plane z = 0 from (east, north, HEIGHT), looking straight down."""
    camera = RadialCamera(*SIZE, FOCAL, SIZE[0] / 2, SIZE[1] / 2, k1, 0.0)
    column, row = np.meshgrid(np.arange(SIZE[0]) + 0.5, np.arange(SIZE[1]) + 0.5)
    distorted = np.stack([(column - camera.cx) / FOCAL, (row - camera.cy) / FOCAL], axis=-1)
    ray = distorted.copy()
    for _ in range(20):
        ray = distorted / (1.0 + k1 * (ray**2).sum(axis=-1, keepdims=True))
    colour = ground(east + ray[..., 0] * HEIGHT, north - ray[..., 1] * HEIGHT) * gain
    path = folder / f"{index}.png"
    cv2.imwrite(str(path), np.clip(colour, 0, 255).astype(np.uint8)[..., ::-1])
    pose = np.column_stack([DOWN, -DOWN @ [east, north, HEIGHT]])
    return View(index, path.name, path, camera, pose, 0)


def flat(west: float, south: float, east: float, north: float) -> Surface:
    heights = np.zeros((int(north - south), int(east - west)), dtype=np.float32)
    return Surface(heights, west, north, 1.0, box(west, south, east, north))


def mosaic(views: list[View], surface: Surface) -> Mosaic:
    grid = Grid.over(surface.area.bounds, GSD)
    labels = choose_views(views, surface, grid, 1, quiet)
    gains = colour_gains(views, surface, grid, labels, 1, quiet)
    labels = cut_seams(views, surface, grid, labels, gains, HEIGHT, 1, quiet)
    return Mosaic(views, surface, grid, labels, gains, ImageCache(10_000_000, 1.0))


def pixel_places(file: rasterio.DatasetReader) -> tuple[np.ndarray, np.ndarray]:
    columns, rows = np.meshgrid(np.arange(file.width) + 0.5, np.arange(file.height) + 0.5)
    x = file.bounds.left + columns * file.res[0] - FRAME.origin[0]
    y = file.bounds.top - rows * file.res[1] - FRAME.origin[1]
    return x, y


def displacement(rgba: np.ndarray, x: np.ndarray, y: np.ndarray) -> float:
    """Least-squares displacement of the middle of a mosaic against the ground it shows, pixels."""
    middle = np.s_[100:-100, 150:-150]
    across, up = ((ground(x + dx, y + dy) - ground(x - dx, y - dy)) / 2.0 for dx, dy in ((GSD, 0.0), (0.0, GSD)))
    gradient = np.stack([across[middle].ravel(), up[middle].ravel()], axis=1)
    difference = (np.moveaxis(rgba[:3], 0, -1) - ground(x, y))[middle].ravel()
    shift, *_ = np.linalg.lstsq(gradient, difference, rcond=None)
    return float(np.hypot(*shift))


@pytest.fixture
def pair(tmp_path: Path) -> Mosaic:
    return mosaic([take(tmp_path, 0, -6.0, 0.0), take(tmp_path, 1, 6.0, 1.0)], flat(-16, -8, 16, 8))


def test_mosaic_shows_the_ground_where_it_is(pair: Mosaic, tmp_path: Path) -> None:
    target = tmp_path / "ortho.tif"
    area = render(pair, FRAME, target, "engine under test", 2, quiet)
    with rasterio.open(target) as file:
        rgba = file.read().astype(float)
        x, y = pixel_places(file)
        assert file.crs.to_epsg() == 32632
        assert file.profile["compress"] == "deflate"
        assert file.profile["blockxsize"] == file.profile["blockysize"] == 512
        assert file.tags()["TIFFTAG_SOFTWARE"] == "engine under test"
        assert [c.name for c in file.colorinterp] == ["red", "green", "blue", "alpha"]
    painted = rgba[3] > 0
    assert set(np.unique(rgba[3])) <= {0.0, 255.0}
    error = np.abs(np.moveaxis(rgba[:3], 0, -1) - ground(x, y))[painted]
    assert np.percentile(error, 99) < 3.0
    assert error.max() < 12.0
    assert displacement(rgba, x, y) < 0.05
    assert area == pytest.approx(painted.sum() * GSD**2)
    assert painted.mean() > 0.9
    assert (rgba[:3, ~painted] == 0).all()


def test_both_images_paint_and_seams_agree(pair: Mosaic) -> None:
    assert set(np.unique(pair.labels.chosen)) >= {0, 1}
    assert pair.labels.mean_overlap > 1.2
    seams = measure_seams(pair)
    assert seams.measured > 0
    assert seams.median_px is not None
    assert seams.median_px < 0.2


def test_exposure_steps_are_evened(tmp_path: Path) -> None:
    views = [take(tmp_path, 0, -6.0, 0.0, gain=1.0), take(tmp_path, 1, 6.0, 0.0, gain=0.8)]
    made = mosaic(views, flat(-16, -8, 16, 8))
    target = tmp_path / "ortho.tif"
    render(made, FRAME, target, "test", 1, quiet)
    with rasterio.open(target) as file:
        rgba = file.read().astype(float)
        x, y = pixel_places(file)
    ratio = (rgba[:3].sum(axis=0) + 1.0) / (ground(x, y).sum(axis=-1) + 1.0)
    painted = rgba[3] > 0
    left, right = (np.median(ratio[painted & side]) for side in (x < -8, x > 8))
    assert abs(left / right - 1.0) < 0.06


def test_ground_outside_every_image_is_transparent(tmp_path: Path) -> None:
    made = mosaic([take(tmp_path, 0, 0.0, 0.0)], flat(-60, -60, 60, 60))
    target = tmp_path / "ortho.tif"
    area = render(made, FRAME, target, "test", 1, quiet)
    assert 0.8 < area / (SIZE[0] * SIZE[1] * GSD**2) < 1.05


def test_surface_file(tmp_path: Path) -> None:
    surface = Surface(np.full((20, 30), 5.0, dtype=np.float32), 0.0, 20.0, 1.0, box(5, 5, 25, 15))
    write_surface(surface, FRAME, tmp_path / "dsm.tif", "test")
    with rasterio.open(tmp_path / "dsm.tif") as file:
        heights = file.read(1)
        assert file.nodata == -9999.0
        assert file.dtypes == ("float32",)
        assert file.bounds == (500_000.0, 5_000_000.0, 500_030.0, 5_000_020.0)
    assert heights[10, 15] == 105.0
    assert heights[0, 0] == -9999.0


@given(rows=st.integers(1, 70), columns=st.integers(1, 70), step=st.sampled_from([8, 16, 32]))
def test_enlarging_nodes_is_exactly_bilinear(rows: int, columns: int, step: int) -> None:
    spans = node_span(0, rows, step), node_span(0, columns, step)
    y, x = np.mgrid[spans[0], spans[1]].astype(np.float32) * step
    enlarged = enlarge(3.0 * x - 2.0 * y, step, rows, columns)
    row, column = np.mgrid[0:rows, 0:columns]
    assert np.allclose(enlarged, 3.0 * column - 2.0 * row, atol=1e-3)


@given(width=st.integers(1, 5000), height=st.integers(1, 5000))
def test_windows_tile_the_grid_once(width: int, height: int) -> None:
    windows = Grid(0.0, 0.0, 0.1, height, width).windows(1024)
    assert sum(window.width * window.height for window in windows) == width * height
    assert len({(window.row, window.column) for window in windows}) == len(windows)
    assert all(window.row % STEP == 0 and window.column % STEP == 0 for window in windows)


def test_label_nodes_stay_bounded() -> None:
    assert Grid(0, 0, 0.02, 6_000, 6_000).label_step == 8
    assert Grid(0, 0, 0.02, 24_000, 13_000).label_step == 8
    assert Grid(0, 0, 0.02, 60_000, 60_000).label_step == 32


def test_strong_distortion_does_not_fold_far_points_into_the_image() -> None:
    camera = RadialCamera(1600, 1300, 1913.0, 800.0, 650.0, -0.42, 0.1)
    view = View(0, "a", Path("a"), camera, np.column_stack([DOWN, [0.0, 0.0, 40.0]]), 0)
    x = np.linspace(0.0, 500.0, 400)
    column, _, valid = view.project(np.column_stack([x, 0 * x, 0 * x]))
    inside = valid & (column >= 0) & (column < 1600)
    assert inside[0]
    assert not inside[x > 30.0].any()


def test_nobody_paints_above_the_camera(tmp_path: Path) -> None:
    view = take(tmp_path, 0, 0.0, 0.0)
    above = Surface(np.full((20, 20), HEIGHT + 10.0, dtype=np.float32), -10.0, 10.0, 1.0, box(-10, -10, 10, 10))
    labels: Labels = choose_views([view], above, Grid.over(above.area.bounds, GSD), 1, quiet)
    assert (labels.chosen == NOBODY).all()


def test_cache_keeps_to_its_budget_and_decodes_once(tmp_path: Path) -> None:
    paths = [take(tmp_path, index, 0.0, 0.0).path for index in range(4)]
    size = decode(paths[0], 1.0).nbytes
    cache = ImageCache(2 * size, 1.0)
    for path in [*paths, paths[3], paths[2]]:
        cache.get(path)
    assert cache.decodes == 4
    cache.get(paths[0])
    assert cache.decodes == 5


@pytest.mark.parametrize(
    ("ratio", "shape"), [(1.0, (600, 800)), (2.0, (300, 400)), (3.0, (200, 267)), (8.0, (75, 100))]
)
def test_decoding_shrinks_against_aliasing(tmp_path: Path, ratio: float, shape: tuple[int, int]) -> None:
    path = take(tmp_path, 0, 0.0, 0.0).path
    small, whole = decode(path, ratio), decode(path, 1.0)
    assert small.shape == (*shape, 3)
    assert np.abs(small.mean(axis=(0, 1)) - whole.mean(axis=(0, 1))).max() < 2.0
