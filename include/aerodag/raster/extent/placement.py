"""A map against the cameras that it was made from: in the right place, of the right size, as fine as they saw."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from pyproj import Transformer
from shapely import MultiPoint, make_valid, transform
from shapely.geometry import shape
from shapely.geometry.base import BaseGeometry
from shapely.ops import unary_union

from aerodag.errors import EngineError
from aerodag.findings import Finding, Severity
from aerodag.raster.extent.describe import RasterInfo

MOST_OFF_M: Final = 1000.0
LEAST_COVERED: Final = 0.5
MOST_TIMES_LARGER: Final = 4.0
# Of the cameras' own: engines make maps coarser on purpose, by their preset; finer ones show nothing that was seen.
FINEST_GSD: Final = 0.5
COARSEST_GSD: Final = 8.0

_STRAY_SHARE: Final = 0.05
_STRAY_M: Final = 1000.0
_STRAY_MEDIANS: Final = 10.0


@dataclass(frozen=True, slots=True)
class Placement:
    """The raster's footprint and the convex hull of its cameras, compared on the ground.

    ``off_m`` is the distance between them (0 where they meet), ``hull_covered`` the share of the hull under the
    footprint (of its length where the cameras stand in one line), ``cameras_covered`` the share of the cameras that
    are within their reach of it, ``size_ratio`` its area over that of the hull grown by the reach. ``left_out``
    cameras, few and far from all others, count for nothing of this.
    """

    off_m: float
    hull_covered: float
    cameras_covered: float
    size_ratio: float
    cameras: int
    left_out: int


def placement(info: RasterInfo, cameras: Sequence[tuple[float, float]], reach_m: float) -> Placement | None:
    """Compare a raster with its cameras, (longitude, latitude) in WGS84 degrees, whose images reach ``reach_m`` metres.

    Areas are taken in Lambert's azimuthal equal-area projection around the cameras, distances in the equidistant one.
    None where there is no camera to compare with, or nothing valid to compare.
    """
    if not cameras or info.footprint is None:
        return None
    reach = max(reach_m, 1.0)
    positions = _unwrapped(cameras)
    centre = np.median(positions, axis=0)
    distances, areas = _plane("aeqd", centre), _plane("laea", centre)
    used = _together(_moved(MultiPoint(positions), distances))
    stations = MultiPoint(positions[used])
    ground = _moved(shape(info.footprint), distances)
    points = _moved(stations, distances)
    flat, hull = _moved(shape(info.footprint), areas), _moved(stations, areas).convex_hull
    return Placement(
        off_m=float(ground.distance(points.convex_hull)),
        hull_covered=_share(hull, flat),
        cameras_covered=_near(points, ground.buffer(reach)),
        size_ratio=float(flat.area / hull.buffer(reach).area),
        cameras=len(cameras),
        left_out=int(np.count_nonzero(~used)),
    )


def require_placed(info: RasterInfo, found: Placement | None) -> None:
    """Refuse a map that shows nothing, or lies elsewhere than its cameras.

    Raises:
        EngineError: ``publish.empty`` or ``publish.misplaced`` (over a kilometre off).
    """
    if info.footprint is None:
        raise EngineError("publish.empty", "The orthophoto has no valid pixel.", advice="Try another engine or preset.")
    if found is not None and found.off_m > MOST_OFF_M:
        raise EngineError(
            "publish.misplaced",
            f"The orthophoto lies {found.off_m / 1000:.1f} km away from its {found.cameras} cameras.",
            advice="Check the GPS positions of the images; try another engine or preset.",
            numbers=_numbers(found) | {"bbox": info.bbox},
        )


def placement_findings(
    info: RasterInfo, found: Placement | None, cameras_gsd_cm: Sequence[float] = ()
) -> list[Finding]:
    """What is odd about a map that lies in the right place; ``cameras_gsd_cm`` as each image saw the ground."""
    remarks = [] if found is None else [_low_coverage(found), _stray_extent(found)]
    return [remark for remark in (*remarks, _gsd_differs(info, cameras_gsd_cm)) if remark is not None]


def _low_coverage(found: Placement) -> Finding | None:
    if found.hull_covered >= LEAST_COVERED:
        return None
    return Finding(
        Severity.DEGRADED,
        "publish.low_coverage",
        f"The orthophoto covers {found.hull_covered:.0%} of the area between its cameras.",
        advice="Look where it ends: images there did not match. More overlap or a preset with more features may help.",
        numbers=_numbers(found),
    )


def _stray_extent(found: Placement) -> Finding | None:
    if found.size_ratio <= MOST_TIMES_LARGER:
        return None
    return Finding(
        Severity.WARNING,
        "publish.stray_extent",
        f"The orthophoto is {found.size_ratio:.1f} times as large as the area that its cameras can have seen.",
        advice="Look at its margins: points far away drag it out there. Crop it, or filter the point cloud.",
        numbers=_numbers(found),
    )


def _gsd_differs(info: RasterInfo, cameras_gsd_cm: Sequence[float]) -> Finding | None:
    seen = [value for value in cameras_gsd_cm if math.isfinite(value) and value > 0]
    if not seen:
        return None
    expected = statistics.median(seen)
    ratio = info.gsd_m * 100 / expected
    if FINEST_GSD <= ratio <= COARSEST_GSD:
        return None
    return Finding(
        Severity.WARNING,
        "publish.gsd_differs",
        f"A pixel of the orthophoto is {info.gsd_m * 100:.1f} cm; its images show {expected:.1f} cm.",
        advice="Check the resolution that was asked for, and the flying height that the images tell.",
        numbers={"gsd_cm": info.gsd_m * 100, "cameras_gsd_cm": expected, "ratio": ratio},
    )


def _numbers(found: Placement) -> dict[str, Any]:
    return asdict(found)


def _unwrapped(cameras: Sequence[tuple[float, float]]) -> npt.NDArray[np.float64]:
    """Longitudes that go on across the antimeridian, so that their median is among them."""
    positions = np.array(cameras, dtype=np.float64)
    first = positions[0, 0]
    positions[:, 0] = first + (positions[:, 0] - first + 180) % 360 - 180
    return positions


def _together(cameras: BaseGeometry) -> npt.NDArray[np.bool_]:
    """All cameras but a few that are far from the middle, as one wrong GPS position is; the plane's origin is there."""
    away = np.array([math.hypot(point.x, point.y) for point in cameras.geoms])
    near = np.asarray(away <= max(_STRAY_M, _STRAY_MEDIANS * float(np.median(away))))
    few = np.count_nonzero(~near) <= max(1.0, _STRAY_SHARE * len(near)) and len(near) > 2
    return near if few else np.ones_like(near)


def _plane(projection: str, centre: npt.NDArray[np.float64]) -> Transformer:
    longitude, latitude = centre
    local = f"+proj={projection} +lat_0={latitude} +lon_0={longitude} +datum=WGS84 +units=m"
    return Transformer.from_crs("EPSG:4326", local, always_xy=True)


def _moved(geometry: BaseGeometry, plane: Transformer) -> BaseGeometry:
    """On the plane; parts that were cut at the antimeridian are one again."""
    moved = transform(geometry, plane.transform, interleaved=False)
    return moved if isinstance(moved, MultiPoint) else unary_union(make_valid(moved))


def _share(hull: BaseGeometry, ground: BaseGeometry) -> float:
    """Of the hull's area, of its length if it is a line, or whether it is covered if it is a point."""
    common = hull.intersection(ground)
    if hull.area > 0:
        return float(common.area / hull.area)
    if hull.length > 0:
        return float(common.length / hull.length)
    return 0.0 if common.is_empty else 1.0


def _near(cameras: BaseGeometry, around: BaseGeometry) -> float:
    return float(np.mean([around.covers(point) for point in cameras.geoms]))
