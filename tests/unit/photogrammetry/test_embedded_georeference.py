"""Local frame, position priors and the placing of free models."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from aerodag.imagery import ImageMetadata
from aerodag.photogrammetry.embedded.georeference import (
    GPS_SIGMA_M,
    RTK_SIGMA_FLOOR_M,
    UNKNOWN_ALTITUDE_SIGMA_M,
    LocalFrame,
    priors_of,
    utm_epsg,
)
from aerodag.photogrammetry.embedded.poses.pairs import pairs_to_match
from aerodag.photogrammetry.embedded.poses.similarity import expected_axis, place_model


@pytest.mark.parametrize(
    ("longitude", "latitude", "epsg"),
    [(7.62, 45.03, 32632), (-91.99, 46.84, 32615), (57.32, -20.44, 32740), (180.0, 10.0, 32660), (-180.0, 1.0, 32601)],
)
def test_utm_zone(longitude: float, latitude: float, epsg: int) -> None:
    assert utm_epsg(longitude, latitude) == epsg


@given(longitude=st.floats(-179.9, 179.9), latitude=st.floats(-79.0, 83.0), height=st.floats(-400.0, 9000.0))
@settings(max_examples=30, deadline=None)
def test_local_frame_comes_back(longitude: float, latitude: float, height: float) -> None:
    place = [np.array([value]) for value in (longitude, latitude, height)]
    frame = LocalFrame.around(*place)
    local = frame.to_local(*place)
    assert np.abs(local).max() <= 0.51
    assert np.allclose(frame.to_wgs84(local)[0], [longitude, latitude, height], atol=1e-7)


def image(**values: object) -> ImageMetadata:
    return ImageMetadata(**{"name": "a.jpg", "width": 4000, "height": 3000, **values})  # type: ignore[arg-type]


def test_fixed_rtk_accuracy_is_used_above_a_floor() -> None:
    rtk = image(longitude=7.0, latitude=45.0, altitude=300.0, rtk_flag=50, std_e_m=0.004, std_n_m=0.03, std_u_m=0.05)
    floating = image(
        longitude=7.0, latitude=45.0, altitude=300.0, rtk_flag=34, std_e_m=0.004, std_n_m=0.03, std_u_m=0.05
    )
    priors = priors_of([rtk, floating])
    assert priors.sigmas[0].tolist() == [RTK_SIGMA_FLOOR_M, 0.03, 0.05]
    assert tuple(priors.sigmas[1]) == GPS_SIGMA_M
    assert priors.rtk.tolist() == [True, False]


def test_images_without_position_or_altitude() -> None:
    priors = priors_of(
        [image(longitude=7.0, latitude=45.0, altitude=300.0), image(longitude=7.0, latitude=45.0), image()]
    )
    assert priors.known.tolist() == [True, True, False]
    assert priors.positions[1, 2] == priors.positions[0, 2]
    assert priors.sigmas[1, 2] == UNKNOWN_ALTITUDE_SIGMA_M


def test_pairs_join_flight_lines_that_are_far_apart() -> None:
    lines = np.array([[x * 2.0, y * 40.0, 0.0] for y in range(3) for x in range(20)])
    pairs = pairs_to_match(lines, neighbours=4)
    assert any(a < 20 <= b < 40 for a, b in pairs)
    assert any(20 <= a < 40 <= b for a, b in pairs)
    assert all(a < b for a, b in pairs)
    assert len(pairs) < 60 * 6


def test_pairs_of_unlocated_images_follow_the_file_order() -> None:
    positions = np.array([[0.0, 0.0, 0.0], [1.0, 0.0, 0.0], [np.nan] * 3, [2.0, 0.0, 0.0]])
    assert {(0, 2), (1, 2), (2, 3)} <= set(pairs_to_match(positions, neighbours=2))
    assert pairs_to_match(np.full((1, 3), np.nan), neighbours=2) == []


@given(seed=st.integers(0, 1000), lines=st.integers(1, 3))
@settings(max_examples=25, deadline=None)
def test_model_is_placed_upright_even_from_one_line(seed: int, lines: int) -> None:
    random = np.random.default_rng(seed)
    positions = np.array([[x * 10.0, y * 15.0, 50.0] for y in range(lines) for x in range(8)])
    down = np.tile([0.0, 0.0, -1.0], (len(positions), 1))
    twist = Rotation.random(random_state=seed).as_matrix()
    scale, shift = random.uniform(0.1, 10.0), random.normal(size=3)
    centres = (positions - shift) @ twist / scale
    measured = positions + random.normal(scale=0.02, size=positions.shape)
    measured[3] += [30.0, 0.0, 40.0]
    count = len(positions)
    placed = place_model(centres, down @ twist, measured, np.full(count, 0.02), down, np.full(count, np.radians(3.0)))
    assert placed.scale == pytest.approx(scale, rel=0.01)
    assert np.abs(placed.apply(centres) - positions).max() < 0.3
    assert ((down @ twist) @ placed.rotation.T)[:, 2].max() < -0.99


def test_expected_axis() -> None:
    assert np.allclose(expected_axis(None, -90.0)[0], [0, 0, -1])
    assert np.allclose(expected_axis(90.0, -45.0)[0], [np.sqrt(0.5), 0, -np.sqrt(0.5)])
    assert expected_axis(None, None)[1] > expected_axis(0.0, -90.0)[1]
