"""Datasets on a map: their outlines where few are in view, how many lie where otherwise."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from aerodag.ledger.browse.search import Search
from aerodag.ledger.browse.viewer import Viewer
from aerodag.ledger.database import fetch_all, fetch_one, query

MOST_FOOTPRINTS = 500
MOST_CLUSTERS = 2_000
# Clusters lie about 64 pixels apart on a map whose tiles have 512, and never more than so many side by side.
_CELLS_PER_TILE = 8
_MOST_CELLS_ACROSS = 40
Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Footprint:
    """A dataset and its outline as a GeoJSON geometry in degrees."""

    id: int
    name: str
    owner: str
    state: str
    upload_type: str
    created_at: datetime
    images: int
    area_m2: float | None
    gsd_cm: float | None
    thumbnail_id: int | None
    west: float
    south: float
    east: float
    north: float
    geometry: dict[str, Any]

    @property
    def edges(self) -> Box:
        """East beyond 180 across the antimeridian."""
        return self.west, self.south, self.east, self.north

    @property
    def bbox(self) -> list[float]:
        """West, south, east, north; west is greater than east across the antimeridian."""
        return [self.west, self.south, self.east - 360 if self.east > 180 else self.east, self.north]


@dataclass(frozen=True, slots=True)
class Cluster:
    """Datasets near each other: how many, their middle, and the edges of all of them in degrees."""

    count: int
    longitude: float
    latitude: float
    west: float
    south: float
    east: float
    north: float

    @property
    def edges(self) -> Box:
        """East beyond 180 across the antimeridian."""
        return self.west, self.south, self.east, self.north


@dataclass(frozen=True, slots=True)
class Edges:
    """West, south, east and north of some datasets in degrees, east beyond 180 where one lies across the antimeridian.

    None where there is no dataset.
    """

    west: float | None
    south: float | None
    east: float | None
    north: float | None

    @property
    def box(self) -> Box | None:
        """The edges together; those of the whole Earth have nothing beyond them."""
        if self.west is None or self.south is None or self.east is None or self.north is None:
            return None
        if self.east - self.west >= 360:
            return -180.0, self.south, 180.0, self.north
        return self.west, self.south, self.east, self.north


@dataclass(frozen=True, slots=True)
class MapView:
    """What a map shows: outlines, newest first, or where they are too many clusters, largest first.

    ``extent`` is where all datasets lie that are found, in view or not: west, south, east (beyond 180 across the
    antimeridian), north; None without any.
    """

    outlines: list[Footprint] | None
    clusters: list[Cluster]
    extent: Box | None


def look(conn: psycopg.Connection, viewer: Viewer, search: Search, view: Box, zoom: float) -> MapView:
    """What there is in view (west, south, east, north, any turns around the Earth) at a zoom of tiles of 512 pixels."""
    asked = viewer.params | search.params
    within = asked | {"boxes": boxes(view)}
    counted = conn.execute(query("browse_in_view"), within | {"limit": MOST_FOOTPRINTS + 1}).fetchone()
    count = 0 if counted is None else int(counted[0])
    outlines: list[Footprint] | None = None
    clusters: list[Cluster] = []
    if count > MOST_FOOTPRINTS:
        grid = {"cell": cell_degrees(view, zoom), "limit": MOST_CLUSTERS}
        clusters = fetch_all(conn, "browse_clusters", Cluster, **within, **grid)
    else:
        outlines = fetch_all(conn, "browse_footprints", Footprint, **within) if count else []
    if within["boxes"] is None:
        # Everything is in view, so that it need not be looked through again.
        return MapView(outlines, clusters, _together(outlines or clusters))
    found = fetch_one(conn, "browse_extent", Edges, **asked)
    return MapView(outlines, clusters, None if found is None else found.box)


def _together(places: Sequence[Footprint | Cluster]) -> Box | None:
    if not places:
        return None
    edges = [place.edges for place in places]
    return Edges(
        west=min(box[0] for box in edges),
        south=min(box[1] for box in edges),
        east=max(box[2] for box in edges),
        north=max(box[3] for box in edges),
    ).box


def cell_degrees(view: Box, zoom: float) -> float:
    """Size of a cell of the grid, which stays where it is when the map is moved: it depends on the zoom alone.

    Only a view of far more than a screen has larger cells.
    """
    west, _, east, _ = view
    cell: float = 360 / 2.0 ** int(zoom) / _CELLS_PER_TILE
    while (east - west) / cell > _MOST_CELLS_ACROSS:
        cell *= 2
    return cell


def boxes(view: Box) -> list[str] | None:
    """A view (west, south, east, north; any turns around the Earth) as PostgreSQL's boxes; None sees everything.

    Datasets lie between -180 and 180, those across the antimeridian up to 540, so there is one box for each turn.
    """
    west, south, east, north = view
    if east - west >= 360:
        if (south, north) == (-90.0, 90.0):
            return None
        west, east = -180.0, 180.0
    turn = 360 * ((west + 180) // 360)
    west, east = west - turn, east - turn
    return [f"({east + shift},{north}),({west + shift},{south})" for shift in (-360, 0, 360)]
