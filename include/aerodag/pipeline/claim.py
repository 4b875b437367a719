"""The first step: which dataset, and the right to work on it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import psycopg

from aerodag import ledger
from aerodag.errors import ConfigError
from aerodag.ledger import Dataset, Run
from aerodag.pipeline.incoming import register_upload
from aerodag.settings import Settings
from aerodag.storage import Storage
from aerodag.storage.arrivals import arrival_uri, find_arrival


@dataclass(frozen=True, slots=True)
class Request:
    """What a person, a frontend or the ingest DAG asked for."""

    dataset_id: int | None = None
    source: str | None = None
    priority: int | None = None
    task_types: tuple[str, ...] = ()
    preset: str = "standard"
    engine: str = "auto"
    engine_options: Mapping[str, Any] = field(default_factory=dict)
    include_images: tuple[str, ...] = ()
    exclude_images: tuple[str, ...] = ()
    gpu: str = "auto"
    resume_from: str | None = None
    review: bool | None = None

    @classmethod
    def of(cls, params: Mapping[str, Any]) -> Request:
        """The request in an Airflow run's params; unknown keys belong to other steps."""
        known = {name: params[name] for name in cls.__dataclass_fields__ if name in params}
        lists = ("task_types", "include_images", "exclude_images")
        return cls(**known | {name: tuple(known.get(name) or ()) for name in lists})


def claim(conn: psycopg.Connection, settings: Settings, *, dag_run_id: str, request: Request) -> Run:
    """Find or register the dataset and open the run; the same Airflow run claims the same row again.

    Airflow runs this again when a later task is cleared, and the source has been taken in by then.

    Raises ``ConfigError`` when nothing or two things are named, the source is not below the incoming folder, or
    another run of the dataset is active.
    """
    before = ledger.find_run(conn, dag_run_id=dag_run_id)
    if before is not None:
        dataset = ledger.get_dataset(conn, dataset_id=before.dataset_id)
    else:
        dataset = _dataset(conn, Storage.of(settings), request)
    return ledger.open_run(
        conn,
        dataset_id=dataset.id,
        dag_run_id=dag_run_id,
        task_types=request.task_types,
        preset=request.preset,
        engine=request.engine,
        options=dict(request.engine_options),
        priority=request.priority or dataset.priority,
        pipeline_version=settings.pipeline_version,
        include_images=request.include_images,
        exclude_images=request.exclude_images,
        gpu=request.gpu,
        resume_from=request.resume_from,
        review=request.review,
    )


def _dataset(conn: psycopg.Connection, storage: Storage, request: Request) -> Dataset:
    if (request.dataset_id is None) == (request.source is None):
        raise ConfigError(
            "claim.what",
            "A run needs either a dataset_id or a source, and got " + ("both." if request.source else "neither."),
            advice="Trigger with the id of a registered dataset or the path of a file in the incoming folder.",
        )
    if request.dataset_id is not None:
        return ledger.get_dataset(conn, dataset_id=request.dataset_id)
    source = str(request.source)
    found = find_arrival(storage, source)
    if found is not None:
        return register_upload(conn, storage, found)
    # Ingest may have been faster, and a frontend may ask twice.
    known = ledger.find_dataset_from(conn, source_uri=arrival_uri(storage, source))
    if known is None:
        raise ConfigError(
            "claim.source_missing",
            f"There is no file {source!r} in the incoming folder, and none was taken from there.",
            advice="Trigger after the upload is complete, with the name that it has in the incoming folder.",
        )
    return known
