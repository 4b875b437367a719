"""Figures over all datasets."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from aerodag.ledger.browse.viewer import Viewer
from aerodag.ledger.database import fetch_one


@dataclass(frozen=True, slots=True, kw_only=True)
class Statistics:
    """Over what a viewer sees. ``datasets_per_day`` has ``day``, ``uploaded`` and ``finished`` of the last 30 days.

    Success rates are shares of the runs that ended in as many days, None where none did.
    """

    datasets: int
    by_state: dict[str, int]
    success_rate_7d: float | None
    success_rate_30d: float | None
    datasets_per_day: list[dict[str, Any]]
    images: int
    area_m2: float
    waiting_oldest_at: datetime | None


def statistics(conn: psycopg.Connection, viewer: Viewer) -> Statistics:
    """How many datasets there are, how they fare, and how many come and go."""
    found = fetch_one(conn, "browse_statistics", Statistics, **viewer.params)
    assert found is not None  # noqa: S101 - one row, whatever there is
    return found
