"""The numbers of all exposures as arrays, ordered by path so that the order of arrival changes nothing."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray
from pyproj import Geod

from aerodag.survey.exposure import Exposure

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

GEOD = Geod(ellps="WGS84")
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_YEAR, _LAST_YEAR = 1995, 2200
_FAR = 1e7  # metres, degrees, pixels: nothing that is measured here is larger


@dataclass(frozen=True, slots=True)
class Columns:
    """Every array has the shape (n,) in the order of ``exposures``; NaN is unknown or beyond reason.

    ``seconds`` since 1970, UTC or the camera's own clock as the exposure says. Other units as in Exposure. A position
    is known in both coordinates or in none.
    """

    exposures: tuple[Exposure, ...]
    seconds: Floats
    longitude: Floats
    latitude: Floats
    altitude: Floats
    relative_altitude: Floats
    yaw: Floats
    pitch: Floats
    roll: Floats
    width: Floats
    height: Floats
    focal_px: Floats
    gsd_cm: Floats

    def __len__(self) -> int:
        return len(self.exposures)

    @property
    def located(self) -> Flags:
        """Which exposures know where they are."""
        return np.isfinite(self.longitude)

    @property
    def timed(self) -> Flags:
        """Which exposures know when they were."""
        return np.isfinite(self.seconds)

    def where(self, chosen: Flags) -> Columns:
        """Some of the exposures, in the same order."""
        arrays = {name: getattr(self, name)[chosen] for name in _ARRAYS}
        return Columns(exposures=tuple(self.exposures[index] for index in np.flatnonzero(chosen)), **arrays)

    def path(self, index: int | np.integer[Any]) -> str:
        """Path inside the ZIP of one exposure."""
        return self.exposures[int(index)].zip_path


_ARRAYS = tuple(field.name for field in fields(Columns) if field.name != "exposures")


def columns(exposures: Sequence[Exposure]) -> Columns:
    """Arrays of all exposures, by path."""
    ordered = tuple(sorted(exposures, key=lambda exposure: exposure.zip_path))

    def column(value: Callable[[Exposure], float | None], low: float = -_FAR, high: float = _FAR) -> Floats:
        found = np.array([_real(value(exposure)) for exposure in ordered], dtype=np.float64)
        with np.errstate(invalid="ignore"):
            found[~((found >= low) & (found <= high))] = np.nan
        return found

    longitude, latitude = column(lambda e: e.longitude, -180, 180), column(lambda e: e.latitude, -90, 90)
    unknown = np.isnan(longitude) | np.isnan(latitude)
    longitude[unknown] = latitude[unknown] = np.nan
    return Columns(
        exposures=ordered,
        seconds=np.array([_seconds(exposure.captured_at) for exposure in ordered], dtype=np.float64),
        longitude=longitude,
        latitude=latitude,
        altitude=column(lambda e: e.altitude),
        relative_altitude=column(lambda e: e.relative_altitude),
        yaw=column(lambda e: e.yaw, -360, 360),
        pitch=column(lambda e: e.pitch, -360, 360),
        roll=column(lambda e: e.roll, -360, 360),
        width=column(lambda e: e.width, 1),
        height=column(lambda e: e.height, 1),
        focal_px=column(lambda e: e.focal_px, 1),
        gsd_cm=column(lambda e: e.gsd_cm, 1e-4, 1e5),
    )


def camera(exposure: Exposure) -> tuple[str, ...]:
    """What tells one drone's camera from another's: the serial number, else make, model and sensor group."""
    if exposure.serial:
        return ("serial", exposure.serial)
    return ("model", exposure.make or "", exposure.model or "", exposure.sensor_group or "")


def distances(longitude: Floats, latitude: Floats) -> tuple[Floats, Floats]:
    """Azimuths (degrees from true north) and geodesic lengths (metres, WGS84) of the n - 1 steps between n places."""
    if len(longitude) < 2:
        return np.empty(0), np.empty(0)
    azimuth, _, metres = GEOD.inv(longitude[:-1], latitude[:-1], longitude[1:], latitude[1:])
    return np.asarray(azimuth, dtype=np.float64), np.asarray(metres, dtype=np.float64)


def turn(first: Floats | float, second: Floats | float) -> Floats:
    """Smallest angle between two directions, degrees 0..180."""
    angle: Floats = np.abs((np.asarray(second) - np.asarray(first) + 180.0) % 360.0 - 180.0)
    return angle


def _real(value: float | None) -> float:
    try:
        number = math.nan if value is None else float(value)
    except (TypeError, ValueError, OverflowError):
        return math.nan
    return number if math.isfinite(number) else math.nan


def _seconds(moment: datetime | None) -> float:
    if moment is None or not _FIRST_YEAR <= moment.year <= _LAST_YEAR:
        return math.nan
    aware = moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)
    return (aware - _EPOCH).total_seconds()
