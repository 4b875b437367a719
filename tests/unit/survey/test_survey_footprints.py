"""The ground under one picture, against rays shot by the simulator's camera and by plain trigonometry."""

from __future__ import annotations

import math

import numpy as np
import pytest
import shapely

from aerodag.simulate.camera import Lens, Pose, project
from aerodag.survey import Exposure, footprint
from aerodag.survey.cover.footprints import MIN_DEPRESSION_DEG, NO_FOCAL, NO_GROUND, NO_HEIGHT, NO_SIZE, ON_GROUND
from samples.surveying import walked

HEIGHT = 60.0
ONE = walked([(0, 0)])[0]


def posed(**fields: float | None) -> Exposure:
    known = {name: getattr(ONE, name) for name in Exposure.__dataclass_fields__}
    return Exposure(**known | fields)


def seen_by_rays(pose: Pose, points: np.ndarray) -> np.ndarray:
    lens = Lens(4000, 3000, 3000.0, k1=0.0, k2=0.0)
    pixels = project(lens, pose, np.column_stack([points, np.zeros(len(points))]))
    with np.errstate(invalid="ignore"):
        return np.all((pixels >= 0) & (pixels <= [lens.width, lens.height]), axis=1)


@pytest.mark.parametrize("yaw", [0.0, 37.0, -145.0])
@pytest.mark.parametrize(("pitch", "roll"), [(-90.0, 0.0), (-87.0, 2.5), (-60.0, 0.0), (-45.0, 10.0), (-31.0, -6.0)])
def test_the_polygon_is_where_rays_of_the_camera_meet_the_plane(yaw: float, pitch: float, roll: float) -> None:
    polygon = footprint(posed(yaw=yaw, pitch=pitch, roll=roll)).polygon
    assert polygon is not None
    points = np.random.default_rng(1).uniform(-420, 420, (40_000, 2))
    near_edge = shapely.distance(polygon.exterior, shapely.points(points)) < 0.05
    reach = np.hypot(*points.T) * math.tan(math.radians(MIN_DEPRESSION_DEG)) < HEIGHT * 0.995
    judged = ~near_edge & reach
    inside = shapely.contains(polygon, shapely.points(points))
    assert np.array_equal(inside[judged], seen_by_rays(Pose(0, 0, HEIGHT, yaw, pitch, roll), points)[judged])
    assert inside.sum() > 50


def test_a_corner_by_hand() -> None:
    # The upper edge of a picture 45 degrees below the horizon, looking east: 45 degrees minus half the view up.
    polygon = footprint(posed(yaw=90.0, pitch=-45.0, roll=0.0)).polygon
    assert polygon is not None
    up = math.atan2(1500, 3000)
    far, near = HEIGHT / math.tan(math.pi / 4 - up), HEIGHT / math.tan(math.pi / 4 + up)
    assert polygon.bounds[0] == pytest.approx(near, abs=1e-6)
    assert polygon.bounds[2] == pytest.approx(far, abs=1e-6)
    # Half the width of the far edge: the ray leaves the optical axis by atan(2000/3000) on the picture.
    assert polygon.bounds[3] == pytest.approx(2000 / 3000 * math.hypot(HEIGHT, far) * math.cos(up), abs=1e-6)


def test_nothing_beyond_the_limit_above_and_nothing_at_all_in_the_sky() -> None:
    horizon = footprint(posed(yaw=0.0, pitch=-15.0, roll=0.0))
    assert horizon.polygon is not None
    reach = HEIGHT / math.tan(math.radians(MIN_DEPRESSION_DEG))
    assert shapely.hausdorff_distance(horizon.polygon, shapely.Point(0, 0)) == pytest.approx(reach, rel=1e-3)
    sky = footprint(posed(pitch=40.0))
    assert (sky.polygon, sky.reason) == (None, NO_GROUND)


def test_without_angles_it_looks_down_along_the_track() -> None:
    bare = posed(yaw=None, pitch=None, roll=None)
    along, across = footprint(bare, track=0.0).polygon, footprint(bare, track=90.0).polygon
    assert along is not None
    assert across is not None
    assert along.bounds == pytest.approx((-40, -30, 40, 30))
    assert across.bounds == pytest.approx((-30, -40, 30, 40))


def test_a_gimbal_that_calls_half_a_turn_a_roll_of_180_degrees_is_not_upside_down() -> None:
    flipped, plain = footprint(posed(yaw=-150.0, pitch=-90.0, roll=180.0)), footprint(posed(yaw=30.0, pitch=-90.0))
    assert flipped.polygon is not None
    assert flipped.polygon.normalize().equals_exact(plain.polygon.normalize(), 1e-6)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"relative_altitude": None}, NO_HEIGHT),
        ({"relative_altitude": math.nan}, NO_HEIGHT),
        ({"relative_altitude": -3.0}, ON_GROUND),
        ({"focal_px": None}, NO_FOCAL),
        ({"focal_px": 0.0}, NO_FOCAL),
        ({"width": None}, NO_SIZE),
    ],
)
def test_what_is_unknown_is_said_and_altitude_above_the_sea_never_stands_in(fields: dict, reason: str) -> None:
    found = footprint(posed(altitude=160.0, **fields))
    assert (found.polygon, found.reason) == (None, reason)


@pytest.mark.parametrize("missing", [{"relative_altitude": None}, {"focal_px": None}])
def test_a_known_gsd_stands_in_for_height_or_focal_length(missing: dict) -> None:
    polygon = footprint(posed(gsd_cm=2.0, yaw=0.0, **missing)).polygon
    assert polygon is not None
    assert polygon.bounds == pytest.approx((-40, -30, 40, 30))
