"""The flight: where the camera really was at each exposure, and where the drone believed it was."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np
import pyproj

from aerodag.simulate.camera import Pose
from aerodag.simulate.survey import DEVIATIONS, Deviation, Position, Survey

TURN_SECONDS = 9.0


@dataclass(frozen=True, slots=True)
class Datum:
    """The survey's UTM zone; its middle in whole metres is the origin of the local frame."""

    epsg: int
    east: float
    north: float
    ground: float

    @property
    def crs(self) -> pyproj.CRS:
        """The zone as pyproj knows it."""
        return pyproj.CRS.from_epsg(self.epsg)

    def to_degrees(self, east: float, north: float) -> tuple[float, float]:
        """Local metres to longitude and latitude (WGS84)."""
        transformer = pyproj.Transformer.from_crs(self.epsg, 4326, always_xy=True)
        longitude, latitude = transformer.transform(self.east + east, self.north + north)
        return longitude, latitude

    def convergence(self, longitude: float, latitude: float) -> float:
        """Azimuth of grid north at a place, degrees; true azimuth = grid azimuth + convergence."""
        return float(pyproj.Proj(self.crs).get_factors(longitude, latitude).meridian_convergence)


@dataclass(frozen=True, slots=True)
class Fix:
    """What the drone measured: WGS84 degrees, ellipsoidal metres, the deviations it claims for them."""

    longitude: float
    latitude: float
    height: float
    deviation: Deviation


@dataclass(frozen=True, slots=True)
class Shot:
    """One exposure: true pose in the local frame, and what the drone wrote about it (azimuths from true north)."""

    number: int
    pose: Pose
    captured_at: datetime
    fix: Fix | None
    gimbal_yaw: float
    flight_yaw: float
    relative_height: float
    gain: float

    @property
    def name(self) -> str:
        """File name as DJI gives it, with local time."""
        return f"DJI_{self.captured_at:%Y%m%d%H%M%S}_{self.number:04d}_D.JPG"


def datum(survey: Survey) -> Datum:
    """UTM zone (north or south) and origin of the survey's local frame."""
    zone = min(60, int((survey.longitude + 180.0) // 6) + 1)
    epsg = (32600 if survey.latitude >= 0 else 32700) + zone
    to_utm = pyproj.Transformer.from_crs(4326, epsg, always_xy=True)
    east, north = to_utm.transform(survey.longitude, survey.latitude)
    return Datum(epsg, float(round(east)), float(round(north)), survey.ground_height)


def fly(survey: Survey, frame: Datum) -> list[Shot]:
    """All exposures in order of time."""
    rng = np.random.default_rng((survey.seed, 1))
    return [_shoot(survey, frame, rng, *station) for station in _stations(survey)]


def _stations(survey: Survey) -> Iterator[tuple[int, float, float, float, float]]:
    """Number, east, north, heading and seconds since start of every planned exposure; lines run north and south."""
    lines = survey.lines
    counts = [survey.images // lines + (line < survey.images % lines) for line in range(lines)]
    longest = max(counts)
    number, seconds = 0, 0.0
    for line, count in enumerate(counts):
        east = (line - (lines - 1) / 2) * survey.line_spacing
        direction = 1.0 if line % 2 == 0 else -1.0
        for step in range(count):
            number += 1
            north = direction * (step - (longest - 1) / 2) * survey.exposure_spacing
            yield number, east, north, 0.0 if direction > 0 else 180.0, seconds
            seconds += survey.exposure_spacing / survey.speed
        seconds += TURN_SECONDS


def _shoot(
    survey: Survey, frame: Datum, rng: np.random.Generator, number: int, east: float, north: float,
    heading: float, seconds: float,
) -> Shot:  # fmt: skip
    drift_east, drift_north, drift_up = rng.normal(0.0, (0.35, 0.35, 0.25)).tolist()
    tilt = float(rng.uniform(1.0, 3.0))
    toward = float(rng.uniform(0.0, 2.0 * math.pi))
    flight_yaw = heading + float(rng.normal(0.0, 1.2))
    pose = Pose(
        east=east + drift_east,
        north=north + drift_north,
        up=frame.ground + survey.height_above_ground + drift_up,
        yaw=flight_yaw + float(rng.normal(0.0, 0.6)),
        pitch=-90.0 + tilt * math.cos(toward),
        roll=tilt * math.sin(toward),
    )
    longitude, latitude = frame.to_degrees(pose.east, pose.north)
    convergence = frame.convergence(longitude, latitude)
    gain = float(np.clip(rng.normal(1.0, 0.035), 0.9, 1.1))
    return Shot(
        number=number,
        pose=pose,
        captured_at=survey.started_at + timedelta(seconds=round(seconds + rng.uniform(0.0, 0.2), 6)),
        fix=_measure(survey, frame, rng, pose),
        gimbal_yaw=_half_turn(pose.yaw + convergence),
        flight_yaw=_half_turn(flight_yaw + convergence),
        relative_height=survey.height_above_ground + drift_up,
        gain=gain,
    )


def _measure(survey: Survey, frame: Datum, rng: np.random.Generator, pose: Pose) -> Fix | None:
    """The true position with noise of the deviation the drone will claim."""
    usual = DEVIATIONS[survey.position]
    factor, noise = float(rng.uniform(0.85, 1.15)), rng.normal(0.0, 1.0, 3).tolist()
    if survey.position is Position.NONE:
        return None
    deviation = Deviation(usual.north_m * factor, usual.east_m * factor, usual.up_m * factor, usual.flag)
    longitude, latitude = frame.to_degrees(
        pose.east + deviation.east_m * noise[0], pose.north + deviation.north_m * noise[1]
    )
    return Fix(longitude, latitude, pose.up + deviation.up_m * noise[2], deviation)


def _half_turn(degrees: float) -> float:
    """The same azimuth between -180 and 180."""
    return (degrees + 180.0) % 360.0 - 180.0
