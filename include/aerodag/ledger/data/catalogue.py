"""Which datasets are catalogued, and where and when all of them together lie."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime

import psycopg

from aerodag.ledger.database import execute, fetch_all


@dataclass(frozen=True, slots=True)
class CatalogueExtent:
    """Of many datasets together: edges in degrees WGS84, west of east unless they cross the antimeridian.

    ``groups`` are the dataset ids divided by the group size, each once. What nobody knows is None.
    """

    west: float | None
    south: float | None
    east: float | None
    north: float | None
    captured_from: datetime | None
    captured_to: datetime | None
    groups: list[int]

    @property
    def bbox(self) -> tuple[float, float, float, float] | None:
        """West, south, east, north; None where no dataset says where it lies."""
        if self.west is None or self.south is None or self.east is None or self.north is None:
            return None
        return self.west, self.south, self.east, self.north


@dataclass(frozen=True, slots=True)
class _Catalogued:
    dataset_id: int


@contextmanager
def catalogue_locked(conn: psycopg.Connection) -> Iterator[None]:
    """One writer of catalogues at a time; waits for the one before."""
    with conn.transaction():
        execute(conn, "lock_catalogue")
        yield


def catalogued_datasets(conn: psycopg.Connection, *, first: int, last: int) -> list[int]:
    """Ids of the datasets between two ids, both included, that have an item and are not private or archived."""
    return [row.dataset_id for row in fetch_all(conn, "catalogued_datasets", _Catalogued, first=first, last=last)]


def catalogue_extents(conn: psycopg.Connection, *, group_size: int) -> list[CatalogueExtent]:
    """The extent of all catalogued datasets, apart for those that cross the antimeridian; empty without any."""
    return fetch_all(conn, "catalogue_extents", CatalogueExtent, group_size=group_size)
