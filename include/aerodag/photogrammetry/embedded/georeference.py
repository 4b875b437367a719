"""From WGS84 positions to a small metric frame and back."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from pyproj import Transformer

from aerodag.imagery import ImageMetadata

Array = NDArray[np.float64]

GPS_SIGMA_M = (1.5, 1.5, 3.0)
RTK_SIGMA_FLOOR_M = 0.02
UNKNOWN_ALTITUDE_SIGMA_M = 500.0
RTK_FIXED_FLAGS = range(50, 60)
SURVEY_GRADE_M = 0.1


def utm_epsg(longitude: float, latitude: float) -> int:
    """EPSG code of the WGS84 UTM zone that holds a position (degrees), by the plain 6-degree rule as in ODM."""
    zone = min(int((longitude + 180.0) // 6.0) + 1, 60)
    return (32600 if latitude >= 0.0 else 32700) + zone


@dataclass(frozen=True, slots=True)
class LocalFrame:
    """UTM minus a whole-metre offset, so that float32 and the bundle adjustment keep their precision.

    Axes: east, north, up; metres. ``origin`` is (easting, northing, height) of the local zero.
    """

    epsg: int
    origin: tuple[float, float, float]

    @classmethod
    def around(cls, longitude: Array, latitude: Array, altitude: Array) -> LocalFrame:
        """Frame at the median of WGS84 positions (degrees, metres; all finite, shape (n,))."""
        epsg = utm_epsg(float(np.median(longitude)), float(np.median(latitude)))
        east, north = _to_utm(epsg, longitude, latitude)
        origin = tuple(float(np.round(np.median(values))) for values in (east, north, altitude))
        return cls(epsg, (origin[0], origin[1], origin[2]))

    def to_local(self, longitude: Array, latitude: Array, altitude: Array) -> Array:
        """Local coordinates, shape (n, 3), of WGS84 positions (degrees, metres)."""
        east, north = _to_utm(self.epsg, longitude, latitude)
        return np.asarray(np.column_stack([east, north, altitude]) - np.asarray(self.origin))

    def to_wgs84(self, local: Array) -> Array:
        """Longitude, latitude (degrees) and height (metres), shape (n, 3), of local coordinates."""
        world = local + np.asarray(self.origin)
        transformer = Transformer.from_crs(self.epsg, 4326, always_xy=True)
        lon, lat = transformer.transform(world[:, 0], world[:, 1])
        return np.column_stack([lon, lat, world[:, 2]])


def _to_utm(epsg: int, longitude: Array, latitude: Array) -> tuple[Array, Array]:
    transformer = Transformer.from_crs(4326, epsg, always_xy=True)
    east, north = transformer.transform(longitude, latitude)
    return np.asarray(east), np.asarray(north)


@dataclass(frozen=True, slots=True)
class Priors:
    """Measured camera positions; rows of images without one are NaN.

    ``positions`` and ``sigmas`` have shape (n, 3) in the frame's axes, metres; ``rtk`` shape (n,) marks fixed RTK
    positions whose own accuracy is used.
    """

    frame: LocalFrame
    positions: Array
    sigmas: Array
    rtk: NDArray[np.bool_]

    @property
    def known(self) -> NDArray[np.bool_]:
        """Which images have a position, shape (n,)."""
        return np.asarray(np.isfinite(self.positions).all(axis=1))


def has_position(image: ImageMetadata) -> bool:
    """Whether the image has a longitude and a latitude."""
    return image.longitude is not None and image.latitude is not None


def priors_of(images: Sequence[ImageMetadata]) -> Priors:
    """Position priors of ``images``, at least one of which must have a position."""
    nan = float("nan")
    lon = np.array([nan if i.longitude is None else i.longitude for i in images])
    lat = np.array([nan if i.latitude is None else i.latitude for i in images])
    altitude, measured = _altitudes(images)
    known = np.isfinite(lon) & np.isfinite(lat)
    frame = LocalFrame.around(lon[known], lat[known], altitude[known])
    positions = np.full((len(images), 3), nan)
    positions[known] = frame.to_local(lon[known], lat[known], altitude[known])
    sigmas = np.array([_sigma(image) for image in images])
    sigmas[~measured, 2] = UNKNOWN_ALTITUDE_SIGMA_M
    rtk = np.array([_rtk_sigma(image) is not None for image in images])
    return Priors(frame, positions, sigmas, rtk & known)


def _altitudes(images: Sequence[ImageMetadata]) -> tuple[Array, NDArray[np.bool_]]:
    """Altitudes without gaps, and which were measured; the relative altitude serves where no absolute one exists."""
    values = [image.altitude for image in images]
    if all(value is None for value in values):
        values = [image.relative_altitude for image in images]
    measured = np.array([value is not None for value in values])
    found = [value for value in values if value is not None]
    fill = float(np.median(found)) if found else 0.0
    return np.array([fill if value is None else value for value in values]), measured


def _sigma(image: ImageMetadata) -> tuple[float, float, float]:
    return _rtk_sigma(image) or GPS_SIGMA_M


def _rtk_sigma(image: ImageMetadata) -> tuple[float, float, float] | None:
    """Accuracy of a fixed RTK position or a file's survey-grade one; of other fixes the written one is too hopeful."""
    stds = (image.std_e_m, image.std_n_m, image.std_u_m)
    from_file = image.position_source == "geo" and (image.std_e_m or math.inf) < SURVEY_GRADE_M
    if not (from_file or image.rtk_flag in RTK_FIXED_FLAGS) or any(std is None or std <= 0.0 for std in stds):
        return None
    east, north, up = (max(float(std or 0.0), RTK_SIGMA_FLOOR_M) for std in stds)
    return east, north, up
