"""Exposures for tests: the simulator's flight plans without rendering, and walks over a flat earth."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from pyproj import Geod

from aerodag.simulate.flight import datum, fly
from aerodag.simulate.survey import Survey
from aerodag.survey import Exposure

GEOD = Geod(ellps="WGS84")
START = datetime(2026, 6, 1, 10, 0, tzinfo=UTC)
CAMERA: dict[str, Any] = {"make": "DJI", "model": "TEST", "width": 4000, "height": 3000, "focal_px": 3000.0}


def flown(survey: Survey) -> list[Exposure]:
    """What the metadata of a simulated survey say, in order of time."""
    lens = survey.lens
    return [
        Exposure(
            zip_path=f"DCIM/{shot.name}",
            width=lens.width,
            height=lens.height,
            make="DJI",
            model="AERODAG-SIM",
            serial="AD1",
            focal_px=lens.focal,
            captured_at=shot.captured_at,
            captured_source="exif",
            longitude=shot.fix.longitude,
            latitude=shot.fix.latitude,
            altitude=shot.fix.height,
            position_source="xmp",
            relative_altitude=shot.relative_height,
            yaw=shot.gimbal_yaw,
            pitch=shot.pose.pitch,
            roll=shot.pose.roll,
            rtk_flag=shot.fix.deviation.flag,
        )
        for shot in fly(survey, datum(survey))
        if shot.fix is not None
    ]


def walked(
    places: Iterable[tuple[float, float]],
    *,
    seconds: float = 2.0,
    start: datetime = START,
    prefix: str = "DJI",
    longitude: float = 11.0,
    latitude: float = 48.0,
    **fields: Any,
) -> list[Exposure]:
    """One nadir exposure every ``seconds`` at places in metres east and north of a point, 60 m up unless told."""
    found = []
    given = {"altitude": 560.0, "relative_altitude": 60.0, "pitch": -90.0, "captured_source": "exif"} | CAMERA | fields
    for number, (east, north) in enumerate(places):
        lon, lat, _ = GEOD.fwd(longitude, latitude, 0.0, north)
        lon, lat, _ = GEOD.fwd(lon, lat, 90.0, east)
        found.append(
            Exposure(
                zip_path=f"{prefix}_{number:04d}.JPG",
                captured_at=start + timedelta(seconds=seconds * number),
                longitude=lon,
                latitude=lat,
                **given,
            )
        )
    return found


def lawn(lines: int, images: int, step: float, spacing: float) -> list[tuple[float, float]]:
    """Places of a lawn-mower flight: lines to the north and back, east of each other."""
    return [
        (line * spacing, (number if line % 2 == 0 else images - 1 - number) * step)
        for line in range(lines)
        for number in range(images)
    ]
