"""Vegetation indices of a run: statistics, areas by class and stress cells, or why there are none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import psycopg

from aerodag.ledger.database import execute, fetch_all, jsonb
from aerodag.ledger.processing.runs import unknown_run


@dataclass(frozen=True, slots=True, kw_only=True)
class VegetationIndex:
    """One index: ``reason`` why it could not be computed, or its statistics over all ``count`` pixels with a value.

    ``percentiles`` are by percent as text ("2", "50", ...); each of ``classes`` has name, low, high, area_m2 and
    share. ``healthy`` is what severities are measured against, None where nothing stands out from bare ground.
    """

    name: str
    reason: str | None = None
    note: str | None = None
    count: int | None = None
    mean: float | None = None
    std: float | None = None
    min: float | None = None
    max: float | None = None
    percentiles: Mapping[str, float] | None = None
    classes: Sequence[Mapping[str, Any]] = ()
    healthy: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class StressCell:
    """One of 10 x 10 cells of an index, ``row`` and ``col`` 0..9; ``footprint`` is GeoJSON in degrees WGS84.

    ``mean`` and ``severity`` (0..1, above 0.3 is a stress zone) are None where too few pixels have a value.
    """

    name: str
    row: int
    col: int
    mean: float | None
    valid_share: float
    severity: float | None
    footprint: Mapping[str, Any]


def replace_indices(
    conn: psycopg.Connection, *, run_id: int, indices: Sequence[VegetationIndex], cells: Sequence[StressCell] = ()
) -> None:
    """Make these the indices and stress cells of the run, all or none; not-a-number becomes null.

    Raises:
        ConfigError: ``run.unknown``.
    """
    with conn.transaction():
        if not execute(conn, "lock_dataset_of_run", run_id=run_id):
            raise unknown_run(run_id)
        execute(conn, "delete_indices", run_id=run_id)
        execute(conn, "insert_indices", run_id=run_id, indices=jsonb([asdict(index) for index in indices]))
        execute(conn, "insert_stress_cells", run_id=run_id, cells=jsonb([asdict(cell) for cell in cells]))


def list_indices(conn: psycopg.Connection, *, run_id: int) -> list[VegetationIndex]:
    """The indices of a run, in the order they were recorded."""
    return fetch_all(conn, "list_indices", VegetationIndex, run_id=run_id)


def list_stress_cells(conn: psycopg.Connection, *, run_id: int, name: str) -> list[StressCell]:
    """The stress cells of one index of a run, row by row."""
    return fetch_all(conn, "list_stress_cells", StressCell, run_id=run_id, name=name)
