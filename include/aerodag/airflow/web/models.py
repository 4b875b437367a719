"""What the API answers; names are stable."""

from __future__ import annotations

from datetime import datetime

from pydantic import BaseModel, Field


class Product(BaseModel):
    """A file that the run made."""

    kind: str
    name: str
    uri: str
    bytes: int
    sha256: str | None
    current: bool = Field(description="Whether it is what is valid for the dataset now.")


class RunStatus(BaseModel):
    """How a run is."""

    dag_run_id: str
    run_id: int | None
    dataset_id: int | None
    dataset: str | None
    state: str = Field(description="waiting, queued, running, succeeded, degraded, failed or cancelled")
    ended: bool = Field(description="Nothing more happens by itself.")
    step: str | None = Field(description="The step under way.")
    waits_for_review: bool = Field(description="A person has to answer in the Airflow UI.")
    stage: str | None = Field(description="The engine's stage.")
    percent: float | None = Field(description="How far the engine is.")
    preset: str | None
    priority: int | None
    position: int | None = Field(description="Place in the queue, from 1; null where it is not waiting.")
    expected_start: datetime | None = Field(description="An estimate from what earlier runs took.")
    expected_end: datetime | None = Field(description="An estimate; better as soon as the engine works.")
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    code: str | None = Field(description="What it failed of, for machines.")
    message: str | None = Field(description="The same for people.")
    advice: str | None = Field(description="What to do about it.")
    products: list[Product]
