"""Runs: how they are, and what they did."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

from aerodag.airflow.web.models.products import ProductItem
from aerodag.airflow.web.models.times import Moment


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
    waits_for_engine: bool = Field(description="Other runs have the engine.")
    stage: str | None = Field(description="The engine's stage.")
    percent: float | None = Field(description="How far the engine is.")
    preset: str | None
    priority: int | None
    position: int | None = Field(description="Place in the queue, from 1; null where it is not waiting.")
    expected_start: Moment | None = Field(description="An estimate from what earlier runs took.")
    expected_end: Moment | None = Field(description="An estimate; better as soon as the engine works.")
    created_at: Moment
    started_at: Moment | None
    finished_at: Moment | None
    code: str | None = Field(description="What it failed of, for machines.")
    message: str | None = Field(description="The same for people.")
    advice: str | None = Field(description="What to do about it.")
    products: list[ProductItem]


class StepTry(BaseModel):
    """One try of a step."""

    try_number: int
    state: str = Field(description="running, succeeded, failed, retrying or skipped")
    host: str | None
    started_at: Moment | None
    finished_at: Moment | None
    duration_s: float | None
    code: str | None
    message: str | None
    advice: str | None


class StepItem(BaseModel):
    """A step of a run, as its newest try was, and all of its tries."""

    name: str
    state: str = Field(description="running, succeeded, failed, retrying or skipped")
    started_at: Moment | None
    finished_at: Moment | None
    duration_s: float | None
    metrics: dict[str, Any] = Field(description="What the step measured, by name.")
    tries: list[StepTry]


class StageItem(BaseModel):
    """A stage of the photogrammetry engine."""

    name: str
    percent: float | None = Field(description="How far the whole job was.")
    started_at: Moment
    finished_at: Moment | None


class Timeline(BaseModel):
    """What a run did when."""

    steps: list[StepItem] = Field(description="Those that began or were skipped, in the order of the pipeline.")
    stages: list[StageItem] = Field(description="In the order of their start.")


class FindingItem(BaseModel):
    """Something worth telling about the data or the result."""

    severity: str = Field(description="info, warning, degraded or error")
    code: str
    image: str | None
    message: str
    advice: str | None
    numbers: dict[str, Any]


class CheckItem(BaseModel):
    """How a run fared in one data-quality check."""

    name: str
    group: str = Field(description="images, gps, rtk, registration, geometry or products")
    title: str
    description: str
    value: float | None
    unit: str
    comparison: str = Field(description="at_least, at_most, equal or between")
    threshold: float
    upper_threshold: float | None
    verdict: str = Field(description="pass, warn, fail or unknown")
    reason: str | None = Field(description="Why it is unknown.")


class ReviewItem(BaseModel):
    """What a person was asked before the engine starts, and what was answered."""

    asked_at: Moment
    expires_at: Moment = Field(description="Then the default answer counts.")
    verdict: str = Field(description="go, review or no_go")
    question: str
    default_answer: str
    answered_at: Moment | None = Field(description="Null while it is open.")
    answer: str | None = Field(description="Accept, Reject images or Abort")
    images: list[str] = Field(description="Those that were rejected.")
    answered_by: str | None
    by_default: bool
    note: str | None
    refused: str | None = Field(description="Why an answer did not count.")
