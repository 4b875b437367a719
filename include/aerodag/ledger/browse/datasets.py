"""Datasets as pages show them: many in a list, or one with its runs and what they made."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

import psycopg

from aerodag.ledger.browse.search import Search
from aerodag.ledger.browse.viewer import Viewer
from aerodag.ledger.database import fetch_all, fetch_one

MOST_RUNS = 50


@dataclass(frozen=True, slots=True)
class Place:
    """A place in the list, newest first: right after this dataset."""

    created_at: datetime
    dataset_id: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """A dataset, and how its newest run is; unknown is None.

    ``state`` is waiting, queued, running, succeeded, degraded, failed, cancelled or quarantined. ``bbox`` is west,
    south, east, north in degrees, west > east across the antimeridian.
    """

    id: int
    name: str
    owner: str
    access: str
    upload_type: str
    created_at: datetime
    size_bytes: int
    priority: int
    captured_from: datetime | None
    captured_source: str | None
    state: str
    step: str | None
    stage: str | None
    percent: float | None
    expected_end: datetime | None
    waits_for_review: bool
    waits_for_engine: bool
    dag_run_id: str | None
    images: int
    images_used: int
    area_m2: float | None
    gsd_cm: float | None
    rtk_fix_share: float | None
    thumbnail_id: int | None
    bbox: list[float] | None
    message: str | None
    advice: str | None
    code: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class DatasetFacts(Item):
    """A dataset with the platform's fields; ``place`` is empty where nobody looked it up."""

    licence: str | None
    platform: str | None
    project: str | None
    authors: list[str]
    citation_doi: str | None
    notes: str | None
    captured_to: datetime | None
    content_sha256: str
    place: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFacts:
    """A run of a dataset; ``has_report`` tells of its pre-flight page."""

    run_id: int
    dag_run_id: str
    state: str
    preset: str
    engine: str
    task_types: list[str]
    include_images: list[str]
    exclude_images: list[str]
    started_at: datetime | None
    finished_at: datetime | None
    duration_s: float | None
    pipeline_version: str | None
    code: str | None
    message: str | None
    advice: str | None
    has_report: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class ProductFacts:
    """A file that a run made and that is still kept; ``gsd_cm`` centimetres per pixel, ``bbox`` degrees."""

    id: int
    run_id: int
    kind: str
    name: str
    uri: str
    bytes: int
    sha256: str | None
    gsd_cm: float | None
    crs: str | None
    height_datum: str | None
    bbox: list[float] | None
    is_current: bool


def list_datasets(
    conn: psycopg.Connection,
    viewer: Viewer,
    search: Search,
    *,
    limit: int,
    upload_type: str | None = None,
    after: Place | None = None,
) -> list[Item]:
    """At most so many datasets that the viewer sees, newest first, from a place on."""
    asked = {
        "upload_type": upload_type,
        "after_at": after and after.created_at,
        "after_id": after and after.dataset_id,
        "limit": limit,
    }
    return fetch_all(conn, "browse_datasets", Item, **viewer.params, **search.params, **asked)


def find_dataset(conn: psycopg.Connection, viewer: Viewer, *, dataset_id: int) -> DatasetFacts | None:
    """One dataset; None where there is none, it is archived, or the viewer does not see it."""
    return fetch_one(conn, "browse_dataset", DatasetFacts, **viewer.params, dataset_id=dataset_id)


def runs_of(conn: psycopg.Connection, *, dataset_id: int) -> list[RunFacts]:
    """The newest `MOST_RUNS` runs of a dataset, newest first."""
    return fetch_all(conn, "browse_runs", RunFacts, dataset_id=dataset_id, limit=MOST_RUNS)


def products_of(conn: psycopg.Connection, *, run_ids: Sequence[int]) -> list[ProductFacts]:
    """The files of these runs that are still kept, by kind and name."""
    return fetch_all(conn, "browse_products", ProductFacts, run_ids=list(run_ids))
