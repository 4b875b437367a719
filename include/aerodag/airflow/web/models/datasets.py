"""Datasets, their runs and versions."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, Field

from aerodag.airflow.web.models.products import ProductItem
from aerodag.airflow.web.models.times import Moment


class State(StrEnum):
    """How a dataset is: as its newest run is, waiting for its first or a further run, or quarantined."""

    WAITING = "waiting"
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    DEGRADED = "degraded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    QUARANTINED = "quarantined"


class UploadType(StrEnum):
    """What was uploaded."""

    RAW_IMAGES_ZIP = "raw_images_zip"
    GEOTIFF = "geotiff"
    VIDEO = "video"


class DatasetItem(BaseModel):
    """A dataset in a list, with how its newest run is."""

    id: int
    name: str
    owner: str
    access: str = Field(description="public, viewonly (to look at, not to download) or private")
    upload_type: UploadType
    created_at: Moment
    size_bytes: int
    priority: int = Field(description="1 background to 5 urgent")
    captured_from: Moment | None
    captured_source: str | None = Field(
        description="Where the time of capture is from; of exif_local (a clock without a zone) and uploader (a day), "
        "it is the time on the spot, written as if it were UTC."
    )
    state: State
    step: str | None = Field(description="The step under way, or the one that the run waits with.")
    stage: str | None = Field(description="The engine's stage.")
    percent: float | None = Field(description="How far the engine is.")
    expected_end: Moment | None = Field(description="An estimate, while the engine works.")
    waits_for_review: bool = Field(description="A person has to answer.")
    waits_for_engine: bool = Field(description="Other runs have the engine.")
    dag_run_id: str | None = Field(description="Airflow's id of the newest run; null before there is one.")
    images: int
    images_used: int = Field(description="Those that go to the engine.")
    area_m2: float | None = Field(description="What the orthophoto covers.")
    gsd_cm: float | None = Field(description="Ground distance of a pixel of the orthophoto.")
    rtk_fix_share: float | None = Field(description="Of all images, from 0 to 1; null where no image tells.")
    thumbnail: str | None = Field(description="Path of a small picture.")
    bbox: list[float] | None = Field(
        description="West, south, east, north in degrees; west is greater than east across the antimeridian."
    )
    message: str | None = Field(description="What went wrong, for people.")
    advice: str | None = Field(description="What to do about it.")
    code: str | None = Field(description="What went wrong, for machines.")


class DatasetPage(BaseModel):
    """Some datasets, newest first."""

    items: list[DatasetItem]
    next: str | None = Field(description="The cursor of the next page; null on the last one.")


class RunItem(BaseModel):
    """A run of a dataset."""

    run_id: int
    dag_run_id: str
    state: str = Field(description="queued, running, succeeded, degraded, failed or cancelled")
    preset: str
    engine: str
    task_types: list[str]
    include_images: list[str] = Field(description="Patterns of images that a person wanted in.")
    exclude_images: list[str] = Field(description="Patterns of images that a person wanted out.")
    started_at: Moment | None
    finished_at: Moment | None
    duration_s: float | None
    pipeline_version: str | None
    code: str | None
    message: str | None
    advice: str | None
    has_report: bool = Field(description="Whether it has a pre-flight page.")
    files: list[ProductItem] = Field(description="What tells about the run: logs, reports.")


class Version(BaseModel):
    """What one run made of a dataset."""

    run_id: int
    dag_run_id: str
    finished_at: Moment | None
    current: bool = Field(description="Whether its map is what is valid for the dataset now.")
    preset: str
    engine: str
    products: list[ProductItem]


class DatasetDetail(DatasetItem):
    """All about one dataset."""

    licence: str | None
    platform: str | None
    project: str | None
    authors: list[str]
    citation_doi: str | None
    notes: str | None
    captured_to: Moment | None
    content_sha256: str
    place: str | None = Field(description="The nearest place and its country.")
    runs: list[RunItem] = Field(description="Newest first, at most 50.")
    versions: list[Version] = Field(description="Newest first.")
