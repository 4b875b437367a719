"""The ground that one exposure sees: perspective rays cut with the plane of the take-off point."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import shapely
from numpy.typing import NDArray

from aerodag.survey.columns import Columns, Floats, columns
from aerodag.survey.exposure import Exposure

MIN_DEPRESSION_DEG = 10.0  # a flatter ray sees ground more than 5.7 heights away: too coarse to map
MIN_HEIGHT_M = 1.0

NO_POSITION = "the position is unknown"
NO_SIZE = "the size in pixels is unknown"
NO_FOCAL = "the focal length is unknown"
NO_HEIGHT = (
    "the height above the take-off point (relative altitude) is unknown, and the altitude above sea level cannot stand "
    "in for it"
)
ON_GROUND = f"the height above the take-off point is below {MIN_HEIGHT_M:g} m"
NO_GROUND = f"no ground more than {MIN_DEPRESSION_DEG:g} degrees below the horizon is in view"

# Columns: the camera's right, down and forward axes in the drone's forward, right, down axes, looking straight down.
_NADIR_MOUNT = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
_EAST_NORTH_UP = np.array([[0.0, 1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, -1.0]])
_STEEPNESS = math.sin(math.radians(MIN_DEPRESSION_DEG))
_REACH = shapely.Point(0.0, 0.0).buffer(1.0 / math.tan(math.radians(MIN_DEPRESSION_DEG)), quad_segs=32)
_CORNERS = np.array([[-0.5, -0.5], [0.5, -0.5], [0.5, 0.5], [-0.5, 0.5]])


@dataclass(frozen=True, slots=True)
class Footprint:
    """Polygon in metres, x east and y north of the camera; None for the reason given."""

    polygon: shapely.Polygon | None
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Footprints:
    """``polygons`` (n,) in metres about each camera, None where ``reasons`` says why; ``gsd_m`` (n,) on the axis."""

    polygons: NDArray[np.object_]
    reasons: tuple[str | None, ...]
    gsd_m: Floats

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which exposures have a footprint."""
        return np.array([reason is None for reason in self.reasons], dtype=np.bool_)


def footprint(exposure: Exposure, track: float | None = None) -> Footprint:
    """Ground seen by one exposure; ``track`` is the flight's course (degrees from true north), used without a yaw.

    The image's four corner rays meet the horizontal plane through the take-off point; rays less than
    ``MIN_DEPRESSION_DEG`` below the horizon are cut off. Angles as OpenDroneMap and OpenSfM read DJI's gimbal: the
    nadir camera turned by Rz(yaw) Ry(pitch + 90) Rx(roll) in north-east-down axes. Unknown pitch is nadir, unknown
    roll 0. Distortion and terrain are left out. ``gsd_cm`` stands in for an unknown height or focal length, at nadir.
    """
    course = np.array([math.nan if track is None else track])
    found = footprints(columns([exposure]), course)
    return Footprint(found.polygons[0], found.reasons[0])


def footprints(table: Columns, course: Floats) -> Footprints:
    """As ``footprint``, for all; ``course`` (n,) in the frame that yaw is in, NaN where unknown."""
    count = len(table)
    height, focal, by_gsd = _optics(table)
    reasons = _reasons(table, height, focal)
    polygons = np.full(count, None, dtype=np.object_)
    usable = np.array([index for index in range(count) if reasons[index] is None], dtype=np.int64)
    if len(usable) == 0:
        return Footprints(polygons, tuple(reasons), np.full(count, np.nan))
    turned = _rotations(table, course, by_gsd)[usable]
    size = np.stack([table.width[usable], table.height[usable]], axis=1) / focal[usable, None]
    rays = _corner_rays(size, turned)
    polygons[usable] = _on_ground(rays, height[usable])
    for index in usable:
        if polygons[index] is None:
            reasons[index] = NO_GROUND
    gsd = np.full(count, np.nan)
    down = -turned[:, 2, 2]  # cosine of the optical axis off nadir
    with np.errstate(divide="ignore", invalid="ignore"):
        gsd[usable] = np.where(down > math.cos(math.radians(60)), height[usable] / down / focal[usable], np.nan)
    return Footprints(polygons, tuple(reasons), gsd)


def _optics(table: Columns) -> tuple[Floats, Floats, NDArray[np.bool_]]:
    """Height (m), focal length (px) and which of them only stand for a known GSD."""
    by_gsd = (np.isnan(table.relative_altitude) | np.isnan(table.focal_px)) & np.isfinite(table.gsd_cm)
    focal = np.where(by_gsd & np.isnan(table.focal_px), np.fmax(table.width, table.height), table.focal_px)
    height = np.where(by_gsd, table.gsd_cm / 100.0 * focal, table.relative_altitude)
    return height, focal, by_gsd


def _reasons(table: Columns, height: Floats, focal: Floats) -> list[str | None]:
    checks = (
        (~table.located, NO_POSITION),
        (np.isnan(table.width) | np.isnan(table.height), NO_SIZE),
        (np.isnan(height), NO_HEIGHT),
        (np.isnan(focal), NO_FOCAL),
        (height < MIN_HEIGHT_M, ON_GROUND),
    )
    which = np.select([condition for condition, _ in checks], list(range(len(checks))), default=-1)
    return [None if number < 0 else checks[number][1] for number in which]


def _rotations(table: Columns, course: Floats, nadir: NDArray[np.bool_]) -> Floats:
    """East-north-up from camera (right, down, forward), shape (n, 3, 3)."""
    roll = np.nan_to_num((table.roll + 180.0) % 360.0 - 180.0)
    yaw = np.nan_to_num(np.where(np.isnan(table.yaw), course, table.yaw))
    # A gimbal that looks straight down may call half a turn a roll of 180 degrees; it never hangs upside down.
    flipped = np.abs(roll) > 90.0
    yaw, roll = np.where(flipped, yaw + 180.0, yaw), np.where(flipped, roll - np.copysign(180.0, roll), roll)
    pitch = np.where(np.isnan(table.pitch) | nadir, -90.0, table.pitch)
    roll = np.where(nadir, 0.0, roll)
    body = _about(2, yaw) @ _about(1, pitch + 90.0) @ _about(0, roll)
    rotation: Floats = _EAST_NORTH_UP @ body @ _NADIR_MOUNT
    return rotation


def _about(axis: int, degrees: Floats) -> Floats:
    """Right-handed rotations about one axis, shape (n, 3, 3)."""
    cosine, sine = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    one, two = (axis + 1) % 3, (axis + 2) % 3
    matrix = np.zeros((len(degrees), 3, 3))
    matrix[:, axis, axis] = 1.0
    matrix[:, one, one] = matrix[:, two, two] = cosine
    matrix[:, one, two], matrix[:, two, one] = -sine, sine
    return matrix


def _corner_rays(size: Floats, turned: Floats) -> Floats:
    """Rays (n, 4, 3) in east-north-up through the image's corners; ``size`` (n, 2) in focal lengths."""
    plane = _CORNERS[None] * size[:, None]
    rays = np.concatenate([plane, np.ones((*plane.shape[:2], 1))], axis=2)
    found: Floats = np.einsum("nij,nkj->nki", turned, rays)
    return found


def _on_ground(rays: Floats, height: Floats) -> NDArray[np.object_]:
    """Polygons (n,) on the plane below; None where no ray falls steeply enough."""
    sine = -rays[..., 2] / np.linalg.norm(rays, axis=2)
    below = sine.min(axis=1) >= _STEEPNESS
    found = np.full(len(rays), None, dtype=np.object_)
    with np.errstate(divide="ignore", invalid="ignore"):
        ground = rays[..., :2] / -rays[..., 2:]
    found[below] = shapely.polygons(ground[below])
    level = np.flatnonzero(~below)
    found[level] = _cut_at_horizon([_clipped(corners) for corners in rays[level]])
    coordinates, owner = shapely.get_coordinates(found, return_index=True)
    scaled: NDArray[np.object_] = shapely.set_coordinates(found, coordinates * height[owner, None])
    return scaled


def _cut_at_horizon(rings: list[list[Floats]]) -> NDArray[np.object_]:
    """Polygons one unit below of rays that all fall; of them only what is seen steeply enough, which is a circle."""
    found = np.full(len(rings), None, dtype=np.object_)
    for index, ring in enumerate(rings):
        if len(ring) >= 3:
            found[index] = shapely.Polygon([(ray[0] / -ray[2], ray[1] / -ray[2]) for ray in ring])
    seen = shapely.intersection(found, _REACH)
    usable = (shapely.get_type_id(seen) == shapely.GeometryType.POLYGON) & (shapely.area(seen) > 0)
    found[usable], found[~usable] = seen[usable], None
    return found


def _clipped(corners: Floats) -> list[Floats]:
    """The part of a ring of rays that falls steeply enough on the picture's axis (Sutherland and Hodgman).

    Off the axis the limit on the picture is a curve beyond this level line, which the circle on the ground then makes.
    """
    kept: list[Floats] = []
    for start, stop in zip(corners, (*corners[1:], corners[0]), strict=True):
        over_start, over_stop = float(start[2]) + _STEEPNESS, float(stop[2]) + _STEEPNESS
        if over_start <= 0:
            kept.append(start)
        if (over_start <= 0) != (over_stop <= 0):
            kept.append(start + (stop - start) * (over_start / (over_start - over_stop)))
    return kept
