"""One exposure as the survey sees it: when, where, by which camera, and whether it still takes part."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposure:
    """One image of the upload; None is unknown.

    ``zip_path`` is its identity. Sizes in pixels as stored, ``focal_px`` in the same pixels, positions in degrees
    WGS84, ``altitude`` in metres as the camera wrote it, ``relative_altitude`` in metres above the take-off point,
    gimbal angles in degrees (pitch -90 is nadir). ``captured_at`` is aware; it is true UTC unless ``captured_source``
    is ``exif_local``, where it is the camera's own clock. ``sensor_group`` names the sensor it was taken with,
    ``serial`` the camera, ``band`` the spectral band of a camera with several.
    """

    zip_path: str
    width: int | None = None
    height: int | None = None
    make: str | None = None
    model: str | None = None
    serial: str | None = None
    band: str | None = None
    focal_px: float | None = None
    digital_zoom: float | None = None
    sensor_group: str | None = None
    sha256: str | None = None
    captured_at: datetime | None = None
    captured_source: str | None = None
    longitude: float | None = None
    latitude: float | None = None
    altitude: float | None = None
    position_source: str | None = None
    relative_altitude: float | None = None
    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None
    rtk_flag: int | None = None
    gsd_cm: float | None = None
