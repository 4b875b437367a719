"""How many images see each piece of ground inside the survey, counted on a grid of bounded size."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray
from rasterio.enums import MergeAlg
from rasterio.features import rasterize, shapes
from rasterio.transform import Affine
from scipy.ndimage import binary_opening

from aerodag.settings import Checks
from aerodag.survey.columns import Ints

_CELLS = 512  # on the longer side
_FINEST = 0.02  # cells this share of a footprint's side; finer ones tell nothing more
_HULL_SIDES = 2.0
_LEAST_HULL = 0.05  # of a footprint: less is one flight line, which has no inside
_LEAST_FOR_HULL = 3
_MOST_GROUPS = 16  # a survey in more pieces has another problem


@dataclass(frozen=True, slots=True)
class Views:
    """The survey's ``hull`` on its plane, the number of views of each cell in it, and the gaps, largest first."""

    hull: Any
    counts: Ints
    gaps: tuple[Any, ...]

    def share(self, least: int) -> float:
        """Share of the hull that at least so many images see."""
        return round(float(np.mean(self.counts >= least)), 4) if len(self.counts) else 0.0


def connected(polygons: NDArray[np.object_], union: Any) -> list[Ints]:
    """Indices of the polygons of each connected piece of their union, the piece of most polygons first."""
    piece = shapely.STRtree(shapely.get_parts(union)).nearest(shapely.point_on_surface(polygons))
    groups = [np.flatnonzero(piece == number) for number in np.unique(piece)]
    return sorted(groups, key=lambda group: (-len(group), int(group[0])))


def views(polygons: NDArray[np.object_], groups: list[Ints], side_m: float, checks: Checks) -> Views | None:
    """Views and gaps within the hull of each connected group; None where no group is wide enough to have one.

    ``side_m`` is the side of a typical footprint; smaller gaps than ``gap_footprints`` of its square are not told.
    """
    hulls, counts, gaps = [], [], []
    for group in groups[:_MOST_GROUPS]:
        area = hull(shapely.centroid(polygons[group]), side_m) if len(group) >= _LEAST_FOR_HULL else None
        if area is None or area.area < _LEAST_HULL * side_m**2:
            continue
        seen, found = _counted(polygons, area, side_m, checks.min_views)
        hulls.append(area)
        counts.append(seen)
        gaps += [gap for gap in found if gap.area >= checks.gap_footprints * side_m**2]
    if not hulls:
        return None
    gaps.sort(key=lambda gap: (-gap.area, gap.bounds))
    return Views(shapely.union_all(hulls), np.concatenate(counts), tuple(gaps))


def hull(points: Any, side_m: float) -> Any:
    """The area a survey meant to cover: hull of the footprints' middles, concave where it bends.

    Bays wider than two footprint sides stay outside (a survey along a river is no gap); holes are always inside.
    """
    cloud = shapely.MultiPoint(points)
    edges = shapely.length(shapely.get_parts(shapely.delaunay_triangles(cloud, only_edges=True)))
    target = _HULL_SIDES * side_m
    if len(edges) == 0 or edges.max() <= target or edges.max() - edges.min() < 1e-6:
        return shapely.convex_hull(cloud)
    ratio = max(0.0, (target - edges.min()) / (edges.max() - edges.min()))
    return shapely.concave_hull(cloud, ratio=float(ratio))


def _counted(polygons: NDArray[np.object_], area: Any, side_m: float, least_views: int) -> tuple[Ints, list[Any]]:
    """Views of every cell of ``area``, and the patches seen by too few; slivers of one or two cells are none."""
    west, south, east, north = area.bounds
    cell = max(max(east - west, north - south) / _CELLS, _FINEST * side_m)
    shape = (int((north - south) // cell) + 1, int((east - west) // cell) + 1)
    transform = Affine(cell, 0.0, west, 0.0, -cell, north)
    inside = rasterize([(area, 1)], out_shape=shape, transform=transform, dtype="uint8").astype(np.bool_)
    # Chosen by bounding boxes, the grid cuts off the rest; the group's own polygons are always among them.
    near = polygons[shapely.STRtree(polygons).query(area)]
    seen = rasterize(
        ((polygon, 1) for polygon in near), out_shape=shape, transform=transform, merge_alg=MergeAlg.add, dtype="int32"
    )
    thin = binary_opening(inside & (seen < least_views), np.ones((3, 3)))
    return seen[inside].astype(np.int64), _outlined(thin, transform, cell, area)


def _outlined(mask: NDArray[np.bool_], transform: Affine, cell: float, area: Any) -> list[Any]:
    found = []
    for outline, _ in shapes(mask.astype(np.uint8), mask=mask, transform=transform):
        polygon = shapely.make_valid(shapely.geometry.shape(outline).simplify(cell))
        polygon = shapely.intersection(polygon, area)
        if polygon.area > 0:
            found.append(polygon)
    return found
