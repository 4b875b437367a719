"""How an installation is run: review, housekeeping, retention, notifications, reprocessing."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, SecretStr


class Review(BaseModel):
    """When a person is asked before the engine starts; each is ``AERODAG_REVIEW__<NAME>`` in the environment."""

    model_config = ConfigDict(frozen=True)

    verdicts: frozenset[Literal["go", "review", "no-go"]] = Field(
        default=frozenset({"review", "no-go"}), description="Verdicts of the pre-flight that park a run."
    )
    hours: float = Field(default=24.0, gt=0, description="Without an answer for so long, the default answer is taken.")


class Disk(BaseModel):
    """How full the data root's disk may get; each is ``AERODAG_DISK__<NAME>`` in the environment."""

    model_config = ConfigDict(frozen=True)

    warn_share: float = Field(default=0.75, gt=0, lt=1, description="Fuller than this is told.")
    stop_share: float = Field(default=0.90, gt=0, lt=1, description="Fuller than this, no new engine run starts.")
    places: dict[str, Path] = Field(
        default={}, description="Folders by name, whose disks the exporter tells of beside the data root's."
    )


class Housekeeping(BaseModel):
    """What is kept for how long; each is ``AERODAG_HOUSEKEEPING__<NAME>`` in the environment. Hours and days."""

    model_config = ConfigDict(frozen=True)

    grace_minutes: float = Field(default=2.0, description="Younger inconsistencies may mend themselves.")
    ghost_minutes: float = Field(default=10.0, description="A run that Airflow does not know for so long is closed.")
    work_hours: float = Field(default=24.0, description="Scratch folders of runs that succeeded or were cancelled.")
    failed_work_hours: float = Field(default=7 * 24.0, description="Those of failed runs, for forensics and resuming.")
    partial_hours: float = Field(default=24.0, description="Temporary files of transfers that nobody goes on with.")
    quarantine_days: float = Field(default=90.0, description="Older quarantine is reported; it is never deleted.")
    log_days: float = Field(default=90.0, gt=0, description="Logs of Airflow's tasks and services.")
    keep_versions: int | None = Field(
        default=None, ge=1, description="Versions of products kept beside the valid one; all when not given."
    )


class Reprocessing(BaseModel):
    """Bounds of `reprocess_datasets`; each is ``AERODAG_REPROCESSING__<NAME>`` in the environment."""

    model_config = ConfigDict(frozen=True)

    max_attempts: int = Field(default=3, ge=1, description="A dataset that failed so often in a row is left alone.")
    batch: int = Field(default=500, ge=1, description="Runs that one day of a backfill starts at most.")


class Mail(BaseModel):
    """The server that sends e-mail; each is ``AERODAG_MAIL__<NAME>`` in the environment."""

    model_config = ConfigDict(frozen=True)

    host: str | None = Field(default=None, description="No e-mail is sent when not given.")
    port: int = 587
    user: str | None = None
    password: SecretStr | None = None
    starttls: bool = True
    sender: str = "aerodag@localhost"
    seconds: float = 20.0


class Webhooks(BaseModel):
    """How webhooks are sent; each is ``AERODAG_WEBHOOKS__<NAME>`` in the environment."""

    model_config = ConfigDict(frozen=True)

    seconds: float = 10.0
    ui_url: str | None = Field(default=None, description="Where people reach the Airflow UI; links need it.")
