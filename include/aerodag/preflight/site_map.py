"""The map of the report: exposures, footprints, flights and gaps in metres around the survey, scaled to a drawing."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, TypeGuard

import numpy as np
import numpy.typing as npt
from pyproj import CRS, Transformer

from aerodag.preflight.report import PhotoRow, Report

WIDTH: Final = 1000.0
_LEAST_HEIGHT, _MOST_HEIGHT = 420.0, 900.0
_MARGIN: Final = 28.0
_LEAST_EXTENT_M: Final = 20.0
_STRAY_FACTOR: Final = 4.0
_STRAY_LEAST_M: Final = 300.0
_FARTHEST_M: Final = 2e7
_MOST_FOOTPRINTS: Final = 6_000
_EARLY: Final = datetime.min.replace(tzinfo=UTC)

Points = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Dot:
    """One exposure on the drawing; a ``stray`` lies beyond the edge, in that direction."""

    photo: PhotoRow
    x: float
    y: float
    stray: bool = False


@dataclass(frozen=True, slots=True)
class FlightLine:
    """The exposures of one flight in order of time, as an SVG path, and where it starts."""

    number: int
    path: str
    x: float
    y: float


@dataclass(frozen=True, slots=True)
class ScaleBar:
    """A round number of metres and its length on the drawing."""

    metres: float
    pixels: float


@dataclass(frozen=True, slots=True)
class SiteMap:
    """The drawing in SVG user units, y downwards, north up; paths are SVG path data."""

    width: float
    height: float
    scale: ScaleBar
    dots: tuple[Dot, ...] = ()
    footprints: tuple[str, ...] = ()
    lines: tuple[FlightLine, ...] = ()
    gaps: str = ""
    hull: str = ""
    grid: str = ""
    farthest_stray_m: float = 0.0
    strays: int = field(default=0)


def draw(report: Report) -> SiteMap | None:
    """The map of a report, None if no image has a position.

    Metric plane: azimuthal equidistant around the survey's middle (WGS84). The view fits the images that are used;
    images far from the others become strays on its edge, lest they shrink it to a dot.
    """
    placed = [photo for photo in report.photos if _valid(photo.longitude, photo.latitude)]
    if not placed:
        return None
    plane = _Plane.around(placed)
    points = plane.project([(photo.longitude or 0.0, photo.latitude or 0.0) for photo in placed])
    limit = _limit(points)
    core = np.hypot(*(points - np.median(points, axis=0)).T) <= limit
    rings = plane.rings_of(photo.footprint for photo, near in zip(placed, core, strict=True) if near and photo.used)
    rings = [ring for ring in rings if np.abs(ring).max() <= 2 * limit]
    frame = _Frame.around(np.vstack([points[core], *rings]))
    dots = _dots(frame, placed, points, core)
    coverage = report.coverage
    distances = np.hypot(*points.T)[~core]
    return SiteMap(
        width=frame.width,
        height=frame.height,
        scale=frame.scale_bar(),
        dots=dots,
        footprints=tuple(frame.path([ring], closed=True) for ring in rings[:_MOST_FOOTPRINTS]),
        lines=_lines(dots),
        gaps=frame.path(plane.rings_of(_rings(coverage.gaps if coverage else None)), closed=True),
        hull=frame.path(plane.rings_of(_rings(coverage.hull if coverage else None)), closed=True),
        grid=frame.grid(),
        farthest_stray_m=float(distances.max(initial=0.0)),
        strays=int((~core).sum()),
    )


def _valid(longitude: float | None, latitude: float | None) -> bool:
    if longitude is None or latitude is None:
        return False
    return abs(longitude) <= 180 and abs(latitude) <= 90


@dataclass(frozen=True, slots=True)
class _Plane:
    transformer: Transformer

    @classmethod
    def around(cls, photos: Sequence[PhotoRow]) -> _Plane:
        """The plane at the median position of the images that are used, of all if none is."""
        used = [photo for photo in photos if photo.used] or photos
        latitude = float(np.median([photo.latitude for photo in used if photo.latitude is not None]))
        longitude = _median_longitude([photo.longitude for photo in used if photo.longitude is not None])
        plane = CRS.from_proj4(f"+proj=aeqd +lat_0={latitude:.7f} +lon_0={longitude:.7f} +datum=WGS84 +units=m")
        return cls(Transformer.from_crs("EPSG:4326", plane, always_xy=True))

    def project(self, positions: Sequence[Sequence[float]]) -> Points:
        """Metres east and north, shape (n, 2)."""
        degrees = np.array([position[:2] for position in positions], dtype=np.float64)
        east, north = self.transformer.transform(degrees[:, 0], degrees[:, 1])
        metres: Points = np.column_stack([east, north])
        return np.nan_to_num(metres, nan=0.0, posinf=_FARTHEST_M, neginf=-_FARTHEST_M)

    def rings_of(self, rings: Iterable[object]) -> list[Points]:
        """Rings of degrees in metres; those that are no rings of finite positions are left out."""
        sound = [ring for ring in rings if _is_ring(ring)]
        if not sound:
            return []
        together = self.project([position for ring in sound for position in ring])
        return np.split(together, np.cumsum([len(ring) for ring in sound])[:-1])


def _median_longitude(longitudes: Sequence[float]) -> float:
    """Median that does not mind the antimeridian."""
    first = longitudes[0]
    turned = [(longitude - first + 180.0) % 360.0 - 180.0 for longitude in longitudes]
    return (first + float(np.median(turned)) + 180.0) % 360.0 - 180.0


def _is_ring(ring: object) -> TypeGuard[Sequence[Sequence[float]]]:
    if not isinstance(ring, (list, tuple)) or len(ring) < 3:
        return False
    return all(isinstance(position, (list, tuple)) and len(position) >= 2 and _finite(position) for position in ring)


def _finite(position: Sequence[Any]) -> bool:
    east, north = position[:2]
    if not isinstance(east, (int, float)) or not isinstance(north, (int, float)):
        return False
    return abs(east) <= 360 and abs(north) <= 90


def _rings(geometry: Any) -> Iterator[Any]:
    """All rings of a GeoJSON polygon, multi-polygon, collection or feature; other geometries have none."""
    if not isinstance(geometry, dict):
        return
    match geometry:
        case {"type": "Polygon", "coordinates": list() | tuple() as rings}:
            yield from rings
        case {"type": "MultiPolygon", "coordinates": list() | tuple() as polygons}:
            for polygon in polygons:
                yield from polygon if isinstance(polygon, (list, tuple)) else ()
        case {"type": "Feature", "geometry": inner}:
            yield from _rings(inner)
        case {"features": list() | tuple() as parts} | {"geometries": list() | tuple() as parts}:
            for part in parts:
                yield from _rings(part)


def _limit(points: Points) -> float:
    """How far from the middle a point still belongs to the survey: not several times farther out than nine in ten."""
    distances = np.hypot(*(points - np.median(points, axis=0)).T)
    return max(_STRAY_LEAST_M, _STRAY_FACTOR * float(np.percentile(distances, 90)))


@dataclass(frozen=True, slots=True)
class _Frame:
    """Metres to drawing units."""

    west: float
    north: float
    scale: float
    width: float
    height: float

    @classmethod
    def around(cls, points: Points) -> _Frame:
        (west, south), (east, north) = points.min(axis=0), points.max(axis=0)
        across, along = max(east - west, _LEAST_EXTENT_M), max(north - south, _LEAST_EXTENT_M)
        scale = min((WIDTH - 2 * _MARGIN) / across, (_MOST_HEIGHT - 2 * _MARGIN) / along)
        height = min(max(along * scale + 2 * _MARGIN, _LEAST_HEIGHT), _MOST_HEIGHT)
        middle = ((east + west) / 2, (north + south) / 2)
        return cls(middle[0] - WIDTH / 2 / scale, middle[1] + height / 2 / scale, scale, WIDTH, height)

    def units(self, points: Points) -> Points:
        """Drawing units of points in metres, shape (n, 2)."""
        return np.column_stack([(points[:, 0] - self.west) * self.scale, (self.north - points[:, 1]) * self.scale])

    def path(self, lines: Sequence[Points], *, closed: bool) -> str:
        """SVG path data with a tenth of a unit."""
        end = "z" if closed else ""
        return "".join(_path(self.units(line)) + end for line in lines)

    def scale_bar(self) -> ScaleBar:
        """The largest 1, 2 or 5 times a power of ten metres below a quarter of the width."""
        metres = _round_down(self.width / 4 / self.scale)
        return ScaleBar(metres, metres * self.scale)

    def grid(self) -> str:
        """Lines one scale bar apart."""
        step = self.scale_bar().pixels
        verticals = np.arange(step / 2, self.width, step)
        horizontals = np.arange(step / 2, self.height, step)
        return "".join(
            [f"M{x:.1f} 0V{self.height:.0f}" for x in verticals] + [f"M0 {y:.1f}H{self.width:.0f}" for y in horizontals]
        )


def _round_down(value: float) -> float:
    power = 10.0 ** math.floor(math.log10(value))
    return next(step for step in (5 * power, 2 * power, power) if step <= value * (1 + 1e-9))


def _path(points: Points) -> str:
    return "M" + "L".join(f"{x:.1f} {y:.1f}" for x, y in points.tolist())


def _dots(frame: _Frame, photos: Sequence[PhotoRow], points: Points, core: npt.NDArray[np.bool_]) -> tuple[Dot, ...]:
    """All exposures; those that are left out come last, to be drawn on top."""
    inner = np.array([frame.width, frame.height]) / 2 - 10.0
    offsets = frame.units(points) - inner - 10.0
    beyond = np.maximum(np.abs(offsets / inner).max(axis=1, keepdims=True), 1.0)
    placed = np.where(core[:, None], offsets, offsets / beyond) + inner + 10.0
    dots = [
        Dot(photo, round(float(x), 1), round(float(y), 1), stray=not near)
        for photo, (x, y), near in zip(photos, placed, core, strict=True)
    ]
    return tuple(sorted(dots, key=lambda dot: not dot.photo.used))


def _lines(dots: Sequence[Dot]) -> tuple[FlightLine, ...]:
    flights: dict[int, list[Dot]] = {}
    for dot in dots:
        if dot.photo.flight is not None and not dot.stray:
            flights.setdefault(dot.photo.flight, []).append(dot)
    lines = []
    for number, members in sorted(flights.items()):
        members.sort(key=lambda dot: (_aware(dot.photo.captured_at), dot.photo.zip_path))
        path = _path(np.array([(dot.x, dot.y) for dot in members]))
        lines.append(FlightLine(number, path, members[0].x, members[0].y))
    return tuple(lines)


def _aware(time: datetime | None) -> datetime:
    if time is None:
        return _EARLY
    return time if time.tzinfo else time.replace(tzinfo=UTC)
