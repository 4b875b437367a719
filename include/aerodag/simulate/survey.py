"""What to simulate: the flight's parameters and what follows from them."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from enum import StrEnum

from aerodag.errors import ConfigError
from aerodag.simulate.camera import Lens

FULL_FRAME_DIAGONAL_MM = math.hypot(36.0, 24.0)
_LOCAL_TIME = timezone(timedelta(hours=2))


class Position(StrEnum):
    """How the drone knows where it is, and thus what its images say."""

    RTK = "rtk"
    GPS = "gps"
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Deviation:
    """Standard deviations of a position, metres, and the flag (DJI's ``RtkFlag``) that goes with them."""

    north_m: float
    east_m: float
    up_m: float
    flag: int


DEVIATIONS = {
    Position.RTK: Deviation(0.014, 0.013, 0.025, 50),
    Position.GPS: Deviation(0.6, 0.6, 1.1, 16),
    Position.NONE: Deviation(0.0, 0.0, 0.0, 0),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """A lawn-mower flight over an invented village; equal surveys give equal bytes.

    Sizes in pixels, lengths in metres, overlaps as fractions of a footprint, longitude and latitude (WGS84) of the
    survey's middle in degrees, ``ground_height`` above the ellipsoid. ``focal_35mm`` is the 35 mm equivalent by
    the sensor's diagonal (CIPA DCG-001).

    Raises:
        ConfigError: ``simulate.survey`` if a parameter makes no flight.
    """

    images: int = 20
    seed: int = 0
    width: int = 1600
    height: int = 1200
    focal_35mm: int = 32
    height_above_ground: float = 40.0
    forward_overlap: float = 0.75
    side_overlap: float = 0.65
    position: Position = Position.RTK
    longitude: float = 10.9812
    latitude: float = 48.0713
    ground_height: float = 612.0
    speed: float = 5.0
    started_at: datetime = field(default=datetime(2026, 6, 1, 10, 15, tzinfo=_LOCAL_TIME))

    def __post_init__(self) -> None:
        limits = (
            ("images", self.images, 1, 2_000),
            ("width", self.width, 160, 12_000),
            ("height", self.height, 120, 12_000),
            ("focal_35mm", self.focal_35mm, 15, 200),
            ("height_above_ground", self.height_above_ground, 25.0, 500.0),
            ("forward_overlap", self.forward_overlap, 0.0, 0.95),
            ("side_overlap", self.side_overlap, 0.0, 0.95),
            ("longitude", self.longitude, -180.0, 180.0),
            ("latitude", self.latitude, -79.0, 83.0),
            ("speed", self.speed, 0.5, 25.0),
        )
        for name, value, low, high in limits:
            if not low <= value <= high:
                raise ConfigError(
                    "simulate.survey",
                    f"A survey with {name}={value} cannot be flown.",
                    advice=f"Choose {name} between {low} and {high}.",
                    numbers={name: value, "low": low, "high": high},
                )
        if self.started_at.tzinfo is None:
            raise ConfigError(
                "simulate.survey",
                f"The start {self.started_at.isoformat()} has no time zone.",
                advice="Give started_at an offset from UTC.",
            )

    @property
    def lens(self) -> Lens:
        """The camera: focal length in pixels from the 35 mm equivalent, slight barrel distortion."""
        focal = self.focal_35mm * math.hypot(self.width, self.height) / FULL_FRAME_DIAGONAL_MM
        return Lens(self.width, self.height, focal, k1=-0.021, k2=0.006)

    @property
    def ground_sampling_distance(self) -> float:
        """Metres of flat ground under one pixel of a nadir image."""
        return self.height_above_ground / self.lens.focal

    @property
    def lines(self) -> int:
        """Number of parallel flight lines."""
        return max(1, round(math.sqrt(self.images * 0.8)))

    @property
    def line_spacing(self) -> float:
        """Metres between neighbouring lines (along the image's width)."""
        return self.width * self.ground_sampling_distance * (1.0 - self.side_overlap)

    @property
    def exposure_spacing(self) -> float:
        """Metres between neighbouring exposures of a line (along the image's height)."""
        return self.height * self.ground_sampling_distance * (1.0 - self.forward_overlap)
