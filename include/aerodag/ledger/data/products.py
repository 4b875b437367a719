"""Products of a run: files on storage with their checksums and places on Earth."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import psycopg

from aerodag.ledger.database import execute, fetch_all, fetch_one
from aerodag.ledger.processing.runs import unknown_run

# What tells about a run or a dataset rather than being its product: the newest is valid.
EVIDENCE = frozenset({"preflight", "previews", "engine_log", "forensics", "unregistered", "stac"})
# What belongs to one reconstruction and means nothing beside the orthophoto of another.
COMPANIONS = ("dsm", "dtm", "point_cloud", "mesh", "report", "statistics", "shots", "cameras")


@dataclass(frozen=True, slots=True, kw_only=True)
class Artifact:
    """One product. ``bbox`` is west, south, east, north in degrees WGS84, ``footprint`` GeoJSON, ``gsd_m`` metres."""

    id: int
    run_id: int
    dataset_id: int
    kind: str
    name: str
    uri: str
    bytes: int
    sha256: str | None
    crs: str | None
    bbox: list[float] | None
    footprint: dict[str, Any] | None
    gsd_m: float | None
    details: dict[str, Any]
    is_current: bool
    created_at: datetime
    updated_at: datetime


def record_artifact(
    conn: psycopg.Connection,
    *,
    run_id: int,
    kind: str,
    uri: str,
    bytes: int,
    name: str = "",
    sha256: str | None = None,
    crs: str | None = None,
    bbox: Sequence[float] | None = None,
    footprint: Mapping[str, Any] | None = None,
    gsd_m: float | None = None,
    details: Mapping[str, Any] | None = None,
    dataset_id: int | None = None,
) -> Artifact:
    """Record a product; the same run, kind and name again updates it.

    It is current at once where it is the first of its kind and name, or `EVIDENCE`; otherwise when the run is promoted.

    Args:
        conn: The ledger.
        run_id: The run that made it.
        kind: orthophoto, standardised, cog, thumbnail, metadata, indices, one of `EVIDENCE` or `COMPANIONS`.
        name: Which of its kind; empty for the main one.
        uri: Where it is.
        bytes: Its size.
        sha256: Its checksum, hexadecimal.
        crs: Of the raster itself, as authority code or WKT.
        bbox: West, south, east, north in degrees WGS84.
        footprint: GeoJSON geometry in degrees WGS84.
        gsd_m: Pixel size on the ground, metres.
        details: Anything else worth keeping.
        dataset_id: Only as a check; must be the dataset of the run.

    Raises:
        ConfigError: ``run.unknown``.
    """
    with conn.transaction():
        if not execute(conn, "lock_dataset_of_run", run_id=run_id):
            raise unknown_run(run_id)
        if kind in EVIDENCE:
            execute(conn, "retire_artifacts", run_id=run_id, kind=kind, name=name)
        artifact = fetch_one(
            conn,
            "record_artifact",
            Artifact,
            run_id=run_id,
            dataset_id=dataset_id,
            kind=kind,
            name=name,
            uri=uri,
            bytes=bytes,
            sha256=sha256,
            crs=crs,
            bbox=None if bbox is None else [float(edge) for edge in bbox],
            footprint=footprint,
            gsd_m=gsd_m,
            details=details or {},
        )
    if artifact is None:
        raise unknown_run(run_id)
    return artifact


def promote(conn: psycopg.Connection, *, run_id: int) -> None:
    """Make all products of a run the current ones of its dataset, in one step; what they replace stays on record.

    Raises:
        ConfigError: ``run.unknown``.
    """
    with conn.transaction():
        if not execute(conn, "lock_dataset_of_run", run_id=run_id):
            raise unknown_run(run_id)
        execute(conn, "retire_before_promotion", run_id=run_id, companions=list(COMPANIONS))
        execute(conn, "promote_artifacts", run_id=run_id)


def current_artifact(conn: psycopg.Connection, *, dataset_id: int, kind: str, name: str = "") -> Artifact | None:
    """The product of that kind and name that is valid for the dataset now."""
    return fetch_one(conn, "current_artifact", Artifact, dataset_id=dataset_id, kind=kind, name=name)


def current_artifacts(conn: psycopg.Connection, *, dataset_id: int) -> list[Artifact]:
    """All that is valid for the dataset now, by kind and name."""
    return fetch_all(conn, "current_artifacts", Artifact, dataset_id=dataset_id)


def source_artifact(
    conn: psycopg.Connection, *, dataset_id: int, run_id: int, kind: str, name: str = ""
) -> Artifact | None:
    """The product that a step of the run works on: the run's own, else the one that is valid now."""
    return fetch_one(conn, "source_artifact", Artifact, dataset_id=dataset_id, run_id=run_id, kind=kind, name=name)


def list_artifacts(conn: psycopg.Connection, *, run_id: int) -> list[Artifact]:
    """All products of a run, in the order they were made."""
    return fetch_all(conn, "list_artifacts", Artifact, run_id=run_id)
