"""The survey's own metric plane, good at the poles and across the antimeridian where UTM zones are not."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import shapely
from pyproj import Proj

from aerodag.survey.columns import Floats

_STEP_DEGREES = 1e-5  # about 1 m: long against rounding, short against the curvature of meridians


@dataclass(frozen=True, slots=True)
class Plane:
    """Azimuthal equidistant projection (WGS84 ellipsoid, metres, y to the north) about a place in the survey."""

    longitude: float
    latitude: float

    @property
    def crs(self) -> str:
        """PROJ string of the projection."""
        return f"+proj=aeqd +lat_0={self.latitude:.7f} +lon_0={self.longitude:.7f} +datum=WGS84 +units=m +no_defs"

    def metres(self, longitude: Floats, latitude: Floats) -> Floats:
        """Degrees (n,) to x, y in metres (n, 2)."""
        return np.stack(_projection(self.crs)(longitude, latitude), axis=1).astype(np.float64)

    def north(self, longitude: Floats, latitude: Floats) -> Floats:
        """Direction of true north at places of the plane, degrees clockwise from the y axis, shape (n,)."""
        step = np.where(latitude > 89.9, -_STEP_DEGREES, _STEP_DEGREES)
        along = (self.metres(longitude, latitude + step) - self.metres(longitude, latitude)) * np.sign(step)[:, None]
        return np.degrees(np.arctan2(along[:, 0], along[:, 1]))

    def degrees(self, geometry: Any) -> Any:
        """A shapely geometry of the plane in degrees, cut at the antimeridian (RFC 7946, 3.1.9)."""
        projection = _projection(self.crs)

        def to_degrees(points: Floats) -> Floats:
            longitude, latitude = projection(points[:, 0], points[:, 1], inverse=True)
            # Continuous about the middle, so that a ring across the antimeridian stays a ring.
            longitude = (np.asarray(longitude) - self.longitude + 180.0) % 360.0 - 180.0 + self.longitude
            return np.stack([longitude, np.asarray(latitude)], axis=1)

        return _cut(shapely.transform(geometry, to_degrees))


@lru_cache(maxsize=16)
def _projection(crs: str) -> Proj:
    # The datum stays WGS84, so a bare projection does; a Transformer takes 40 times as long to set up.
    return Proj(crs)


def plane_about(longitude: Floats, latitude: Floats) -> Plane:
    """The plane about the middle of the places; a few strays do not move it. At least one place is needed."""
    lon, lat = np.radians(longitude), np.radians(latitude)
    globe = np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=1)
    middle = np.median(globe, axis=0)
    nearest = int(np.argmin(np.sum((globe - middle) ** 2, axis=1)))
    return Plane(float(longitude[nearest]), float(latitude[nearest]))


def bounds(geometry: Any) -> tuple[float, float, float, float]:
    """West, south, east, north in degrees; west > east where the antimeridian is crossed (RFC 7946, 5.2)."""
    parts = shapely.get_parts(geometry)
    boxes = shapely.bounds(parts)
    south, north = float(boxes[:, 1].min()), float(boxes[:, 3].max())
    east_side = boxes[:, 0] >= 0
    if boxes[:, 2].max() - boxes[:, 0].min() > 180 and east_side.any() and not east_side.all():
        return float(boxes[east_side, 0].min()), south, float(boxes[~east_side, 2].max()), north
    return float(boxes[:, 0].min()), south, float(boxes[:, 2].max()), north


def _cut(geometry: Any) -> Any:
    west, _, east, _ = shapely.total_bounds(geometry)
    if not (west < -180 or east > 180):
        return geometry
    valid = shapely.make_valid(geometry)
    parts = []
    for turns in (-1, 0, 1):
        part = shapely.intersection(valid, shapely.box(-180 + 360 * turns, -90, 180 + 360 * turns, 90))
        parts.append(shapely.transform(part, lambda points, shift=360.0 * turns: points - [shift, 0.0]))
    return shapely.union_all([part for part in parts if not part.is_empty])
