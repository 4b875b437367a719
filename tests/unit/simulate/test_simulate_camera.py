import math
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.simulate.camera import Lens, Pose, project
from aerodag.simulate.flight import datum, fly
from aerodag.simulate.render import Renderer
from aerodag.simulate.scene import make_scene
from aerodag.simulate.survey import Survey

LENS = Lens(800, 600, 740.0, k1=-0.021, k2=0.006)
angles = st.tuples(st.floats(-180, 180), st.floats(-95, -80), st.floats(-5, 5))


@given(angles)
def test_rotation_is_a_rotation(angle):
    rotation = Pose(0, 0, 40, *angle).rotation
    assert np.allclose(rotation @ rotation.T, np.eye(3))
    assert np.linalg.det(rotation) == pytest.approx(1.0)


@pytest.mark.parametrize(("yaw", "ahead"), [(0, (0, 5)), (90, (5, 0)), (180, (0, -5)), (-90, (-5, 0))])
def test_yaw_is_the_azimuth_of_the_upper_edge(yaw, ahead):
    (u, v), (u0, v0) = project(LENS, Pose(0, 0, 40, yaw, -90, 0), np.array([[*ahead, 0.0], [0.0, 0.0, 0.0]]))
    assert (u0, v0) == pytest.approx((400, 300))
    assert u == pytest.approx(400)
    assert v < 300


def test_pitch_above_nadir_looks_ahead_and_roll_to_the_side():
    nadir, ahead = Pose(0, 0, 40, 0, -90, 0), Pose(0, 0, 40, 0, -80, 0)
    point = np.array([[0.0, 40 * math.tan(math.radians(10)), 0.0]])
    assert project(LENS, nadir, point)[0, 1] < 300
    assert project(LENS, ahead, point)[0] == pytest.approx((400, 300))
    side = np.array([[-40 * math.tan(math.radians(4)), 0.0, 0.0]])
    assert project(LENS, Pose(0, 0, 40, 0, -90, 4), side)[0] == pytest.approx((400, 300))


def test_directions_undo_the_distortion():
    x, y = LENS.directions()
    u, v = LENS.distort(x, y)
    assert np.allclose(u, np.arange(800) + 0.5, atol=1e-6)
    assert np.allclose(v, np.arange(600)[:, None] + 0.5, atol=1e-6)


def test_points_behind_the_camera_have_no_pixel():
    assert np.isnan(project(LENS, Pose(0, 0, 40, 0, -90, 0), np.array([[0.0, 0.0, 50.0]]))).all()


def test_flight_has_the_overlap_that_was_asked_for():
    survey = Survey(images=20)
    shots = fly(survey, datum(survey))
    assert [shot.number for shot in shots] == list(range(1, 21))
    assert len({round(shot.pose.east / survey.line_spacing * 2) for shot in shots}) == 4
    assert survey.line_spacing == pytest.approx(0.35 * survey.width * survey.ground_sampling_distance)
    step = [b.pose.north - a.pose.north for a, b in pairwise(shots[:5])]
    assert np.mean(step) == pytest.approx(0.25 * survey.height * survey.ground_sampling_distance, abs=0.4)
    tilts = [math.degrees(math.acos(-shot.pose.rotation[2, 2])) for shot in shots]
    assert 0.99 < min(tilts) < max(tilts) < 3.01


@pytest.mark.parametrize("images", [1, 3, 7, 12, 50])
def test_any_number_of_images_is_flown_once_each(images):
    survey = Survey(images=images)
    shots = fly(survey, datum(survey))
    assert len({shot.name for shot in shots}) == images
    assert all(a.captured_at < b.captured_at for a, b in pairwise(shots))


def test_rays_stop_at_the_first_surface_they_meet():
    """Against a plain march in steps of two millimetres, on pixels all over an image, facades and trees included."""
    survey = Survey(images=1, width=320, height=240, seed=1)
    scene = make_scene(survey)
    pose = fly(survey, datum(survey))[0].pose
    depths = Renderer.prepare(scene, survey.lens).depths(pose)
    x, y = survey.lens.directions()
    grid = scene.grid
    rng = np.random.default_rng(0)
    off, behind = 0, 0
    for _ in range(400):
        v, u = rng.integers(240), rng.integers(320)
        direction = np.array([x[v, u], y[v, u], 1.0]) @ pose.rotation
        drop = np.arange(pose.up - scene.heights.max() - 0.01, pose.up - scene.heights.min() + 0.01, 0.002)
        east, north = (pose.centre[i] + direction[i] / -direction[2] * drop for i in (0, 1))
        surface = _bilinear(
            scene.heights, (grid.north - north) / grid.texel - 0.5, (east - grid.west) / grid.texel - 0.5
        )
        expected = drop[np.argmax(pose.up - drop <= surface)]
        off += abs(depths[v, u] - expected) > 0.02
        behind += depths[v, u] > expected + 0.5
    assert off <= 8
    assert behind <= 1


def _bilinear(raster, row, col):
    row, col = np.clip(row, 0, raster.shape[0] - 1.001), np.clip(col, 0, raster.shape[1] - 1.001)
    r, c = row.astype(int), col.astype(int)
    a, b = row - r, col - c
    top = raster[r, c] * (1 - b) + raster[r, c + 1] * b
    return top * (1 - a) + (raster[r + 1, c] * (1 - b) + raster[r + 1, c + 1] * b) * a


def test_land_has_roads_roofs_and_relief():
    scene = make_scene(Survey(images=4, width=400, height=300))
    assert scene.texture.shape == (*scene.heights.shape, 3)
    assert len(np.unique(scene.owner)) > 4
    assert 40 < scene.texture.mean() < 180
    assert scene.texture.std() > 25
