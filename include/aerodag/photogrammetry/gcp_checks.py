"""Whether control points will help: seen often enough, in images that are there, where the images are."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyproj
from scipy.spatial import cKDTree

from aerodag.findings import Finding, Severity
from aerodag.photogrammetry.gcp import ControlRow, GroundControl
from aerodag.photogrammetry.gcp_images import NamedImages, resolve

MIN_OBSERVATIONS = 3  # ODM warns below
MIN_POINTS = 3
MAX_DISTANCE_M = 1_000.0

_METRES_PER_DEGREE = math.pi / 180 * 6_371_008.8
_LISTED = 20

Point = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class ControlImage:
    """An image that takes part: size in pixels as stored, position in degrees WGS84; None is unknown."""

    zip_path: str
    width: int | None = None
    height: int | None = None
    longitude: float | None = None
    latitude: float | None = None


def check(control: GroundControl, images: Sequence[ControlImage]) -> list[Finding]:
    """Compare with the images that take part.

    Findings: ``gcp.images_absent``, ``gcp.name_ambiguous``, ``gcp.check_points``, ``gcp.none_usable``,
    ``gcp.few_points``, ``gcp.few_observations``, ``gcp.outside_image``, ``gcp.far``.
    """
    if not control.rows:
        return []
    found = resolve(control, [image.zip_path for image in images])
    known = {image.zip_path: image for image in images}
    seen = [(row, known[found.paths[row.image]]) for row in control.rows if row.image in found.paths]
    steering = [row for row, _ in seen if not row.is_check]
    findings = [_absent(control, found), _ambiguous(control, found), _check_points(control)]
    if steering:
        findings += [_few_points(control, steering), _few_observations(control, steering)]
    else:
        findings.append(_none_usable(control))
    findings += [_outside(control, seen), _far(control, images)]
    return [finding for finding in findings if finding is not None]


def _absent(control: GroundControl, found: NamedImages) -> Finding | None:
    if not found.absent:
        return None
    names = set(found.absent)
    rows = sum(row.image in names for row in control.rows)
    return Finding(
        Severity.WARNING,
        "gcp.images_absent",
        f"{rows} of {len(control.rows)} observations in {control.name} are in {len(names)} images that do not take "
        f"part, the first {found.absent[0]}; they are dropped.",
        "Upload these images as well, under the names the file gives.",
        numbers=_numbers(control, dropped=rows, images=len(names), first=list(found.absent[:_LISTED])),
    )


def _ambiguous(control: GroundControl, found: NamedImages) -> Finding | None:
    if not found.ambiguous:
        return None
    rows = sum(row.image in found.ambiguous for row in control.rows)
    name, paths = next(iter(found.ambiguous.items()))
    return Finding(
        Severity.DEGRADED,
        "gcp.name_ambiguous",
        f"{rows} of {len(control.rows)} observations in {control.name} name an image of which there are several "
        f"({name}: {' and '.join(paths[:2])}); they are dropped.",
        "Write the folder before the image's name in the control file.",
        numbers=_numbers(control, dropped=rows, names=sorted(found.ambiguous)[:_LISTED]),
    )


def _check_points(control: GroundControl) -> Finding | None:
    points = {row.point for row in control.rows if row.is_check}
    if not points:
        return None
    return Finding(
        Severity.INFO,
        "gcp.check_points",
        f"{len(points)} points in {control.name} are check points (CHK-) and do not steer the result.",
        "",
        numbers=_numbers(control, check_points=len(points)),
    )


def _none_usable(control: GroundControl) -> Finding:
    return Finding(
        Severity.DEGRADED,
        "gcp.none_usable",
        f"None of the {len(control.rows)} observations in {control.name} can be used; the survey is processed without "
        "control points.",
        "See that the image names in the file are those of the upload.",
        numbers=_numbers(control),
    )


def _few_points(control: GroundControl, rows: Sequence[ControlRow]) -> Finding | None:
    points = len({row.point for row in rows})
    if points >= MIN_POINTS:
        return None
    return Finding(
        Severity.WARNING,
        "gcp.few_points",
        f"{control.name} has {points} usable control points; at least {MIN_POINTS} are needed to hold a survey.",
        "Mark more points, five or more spread over the area.",
        numbers=_numbers(control, points=points, minimum=MIN_POINTS),
    )


def _few_observations(control: GroundControl, rows: Sequence[ControlRow]) -> Finding | None:
    images: dict[Point, set[str]] = defaultdict(set)
    labels: dict[Point, str] = {}
    for row in rows:
        images[row.point].add(row.image)
        labels.setdefault(row.point, row.label or _place(row.point))
    few = {point: len(names) for point, names in images.items() if len(names) < MIN_OBSERVATIONS}
    if not few:
        return None
    first = next(iter(few))
    return Finding(
        Severity.WARNING,
        "gcp.few_observations",
        f"{len(few)} of {len(images)} control points in {control.name} are marked in fewer than {MIN_OBSERVATIONS} "
        f"images (point {labels[first]}: {few[first]}).",
        "Mark each point in at least three images.",
        numbers=_numbers(
            control, points=len(images), few=[{"point": labels[p], "images": n} for p, n in few.items()][:_LISTED]
        ),
    )


def _outside(control: GroundControl, seen: Sequence[tuple[ControlRow, ControlImage]]) -> Finding | None:
    sized = [(row, image) for row, image in seen if image.width and image.height]
    outside = [(row, image) for row, image in sized if not _is_inside(row, image)]
    if not outside:
        return None
    row, image = outside[0]
    return Finding(
        Severity.ERROR,
        "gcp.outside_image",
        f"{len(outside)} of {len(sized)} observations in {control.name} lie outside their image: pixel {row.px:g}, "
        f"{row.py:g} in {image.zip_path}, which has {image.width} x {image.height}.",
        "Mark the points in the very images of the upload; resized images need their own pixel coordinates.",
        image=image.zip_path if len(outside) == 1 else None,
        numbers=_numbers(control, outside=len(outside), observations=len(sized)),
    )


def _is_inside(row: ControlRow, image: ControlImage) -> bool:
    return 0 <= row.px <= (image.width or 0) and 0 <= row.py <= (image.height or 0)


def _far(control: GroundControl, images: Sequence[ControlImage]) -> Finding | None:
    placed = [
        (image.longitude, image.latitude)
        for image in images
        if image.longitude is not None and image.latitude is not None
    ]
    if not placed:
        return None
    points = list(dict.fromkeys(row.point for row in control.rows))
    distances = _distances(control, points, np.array(placed, np.float64))
    far = [(distance, point) for distance, point in zip(distances, points, strict=True) if distance > MAX_DISTANCE_M]
    if not far:
        return None
    worst, point = max(far)
    away = f"{worst / 1000:,.1f} km away" if math.isfinite(worst) else "nowhere on Earth"
    return Finding(
        Severity.ERROR,
        "gcp.far",
        f"{len(far)} of {len(points)} points in {control.name} are more than {MAX_DISTANCE_M:g} m from every image "
        f"(point {_place(point)}: {away}).",
        f"See that the coordinates are in {control.srs}, x (east) before y (north).",
        numbers=_numbers(
            control, far=len(far), points=len(points), worst_m=worst if math.isfinite(worst) else None, srs=control.srs
        ),
    )


def _distances(control: GroundControl, points: Sequence[Point], images: np.ndarray) -> list[float]:
    """Metres of each point to the nearest image, infinite where the point is outside the coordinate system.

    ``images`` is (n, 2) longitude and latitude. Plane around the images' middle; good to a few percent up to 100 km.
    """
    to_degrees = pyproj.Transformer.from_crs(control.crs, 4326, always_xy=True)
    xy = np.array([point[:2] for point in points], np.float64)
    degrees = np.column_stack(to_degrees.transform(xy[:, 0], xy[:, 1]))
    middle = np.median(images, axis=0)
    scale = np.array([math.cos(math.radians(float(middle[1]))), 1.0]) * _METRES_PER_DEGREE
    tree = cKDTree(_plane(images, middle, scale))
    result = np.full(len(points), math.inf)
    valid = np.isfinite(degrees).all(axis=1)
    if valid.any():
        result[valid] = tree.query(_plane(degrees[valid], middle, scale))[0]
    return [float(value) for value in result]


def _plane(degrees: np.ndarray, middle: np.ndarray, scale: np.ndarray) -> np.ndarray:
    apart = degrees - middle
    apart[:, 0] = (apart[:, 0] + 180) % 360 - 180
    plane: np.ndarray = apart * scale
    return plane


def _place(point: Point) -> str:
    return f"{point[0]:.9g}, {point[1]:.9g}"


def _numbers(control: GroundControl, **figures: object) -> dict[str, object]:
    return {"file": control.name, "rows": len(control.rows), **figures}
