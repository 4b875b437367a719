"""Files, datasets and runs that somebody asks for by id, if they may see them."""

from __future__ import annotations

from dataclasses import dataclass

import psycopg

from aerodag.ledger.browse.viewer import Viewer
from aerodag.ledger.database import fetch_one


@dataclass(frozen=True, slots=True, kw_only=True)
class File:
    """A product on storage, with whose dataset it is."""

    id: int
    run_id: int
    dataset_id: int
    kind: str
    name: str
    uri: str
    bytes: int
    sha256: str | None
    dataset: str
    owner: str
    access: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenDataset:
    """Whose a dataset is, and who else may have it."""

    owner: str
    access: str


@dataclass(frozen=True, slots=True, kw_only=True)
class SeenRun:
    """A run by both of its ids."""

    run_id: int
    dataset_id: int
    dag_run_id: str
    state: str


def find_file(conn: psycopg.Connection, viewer: Viewer, *, artifact_id: int) -> File | None:
    """A product that is still kept and that the viewer sees."""
    return _file(conn, viewer, artifact_id=artifact_id)


def file_of_run(conn: psycopg.Connection, viewer: Viewer, *, run_id: int, kind: str) -> File | None:
    """The main product of a kind that a run made."""
    return _file(conn, viewer, run_id=run_id, kind=kind)


def current_file(conn: psycopg.Connection, viewer: Viewer, *, dataset_id: int, kind: str) -> File | None:
    """The main product of a kind that is valid for a dataset now."""
    return _file(conn, viewer, dataset_id=dataset_id, kind=kind)


def seen_dataset(conn: psycopg.Connection, viewer: Viewer, *, dataset_id: int) -> SeenDataset | None:
    """A dataset that the viewer sees, also an archived one."""
    return fetch_one(conn, "browse_seen_dataset", SeenDataset, **viewer.params, dataset_id=dataset_id)


def find_run(conn: psycopg.Connection, viewer: Viewer, *, dag_run_id: str) -> SeenRun | None:
    """A run of a dataset that the viewer sees, by Airflow's id of it."""
    return fetch_one(conn, "browse_run", SeenRun, **viewer.params, dag_run_id=dag_run_id)


def _file(
    conn: psycopg.Connection,
    viewer: Viewer,
    *,
    artifact_id: int | None = None,
    run_id: int | None = None,
    dataset_id: int | None = None,
    kind: str | None = None,
) -> File | None:
    asked = {"artifact_id": artifact_id, "run_id": run_id, "dataset_id": dataset_id, "kind": kind}
    return fetch_one(conn, "browse_file", File, **viewer.params, **asked)
