"""What the API takes and answers about uploads; names are stable."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from typing import Annotated, Literal
from uuid import UUID

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints, field_validator

from aerodag.airflow.web.models.times import Moment
from aerodag.ledger import Description

# As the platform's upload form offers them.
Licence = Literal["CC BY", "CC BY-SA", "CC BY-NC-SA", "CC BY-NC", "MIT"]
LATEST_DAY = timedelta(days=1)  # it is tomorrow already in some places

# Neither PostgreSQL nor a person wants NUL in a text.
Words = Annotated[str, BeforeValidator(lambda given: given.replace("\x00", "") if isinstance(given, str) else given)]
Person = Annotated[Words, StringConstraints(strip_whitespace=True, min_length=1, max_length=200)]


class UploadRequest(BaseModel):
    """A file that is to be uploaded, with what its uploader says about it."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    name: str = Field(min_length=1, max_length=1000, description="The file's name; a .zip, .tif or .tiff.")
    size_bytes: int = Field(ge=1, le=2**53, description="Of the whole file.")
    licence: Licence | None = None
    platform: Literal["drone", "airborne", "satellite"] | None = None
    project: Words | None = Field(default=None, max_length=200)
    authors: list[Person] = Field(default=[], max_length=100)
    access: Literal["public", "private", "viewonly"] = "public"
    citation_doi: Words | None = Field(
        default=None, max_length=300, pattern=r"^10\.\d{4,9}/\S+$", examples=["10.1000/182"]
    )
    notes: Words | None = Field(default=None, max_length=10_000, description="Additional information.")
    captured_on: date | None = Field(
        default=None, description="Used where the images do not tell when they were taken."
    )
    priority: int = Field(default=3, ge=1, le=5, description="1 background, 2 batch, 3 normal, 4 high, 5 urgent.")

    @field_validator("captured_on")
    @classmethod
    def _has_been(cls, day: date | None) -> date | None:
        if day is not None and not date(1900, 1, 1) <= day <= datetime.now(UTC).date() + LATEST_DAY:
            raise ValueError("the day of the flight lies in the future or before 1900")
        return day

    @property
    def words(self) -> Description:
        """What goes to the dataset."""
        return Description(
            licence=self.licence,
            platform=self.platform,
            project=self.project or None,
            authors=tuple(self.authors),
            access=self.access,
            citation_doi=self.citation_doi,
            notes=self.notes or None,
        )


class Upload(BaseModel):
    """An upload and how far it is. Chunk number ``i`` begins at byte ``i * chunk_bytes``."""

    id: UUID
    name: str = Field(description="The file's name as it was accepted.")
    upload_type: Literal["raw_images_zip", "geotiff"]
    owner: str
    size_bytes: int
    chunk_bytes: int = Field(description="What every chunk but the last has.")
    chunks_total: int
    chunks_received: list[int] = Field(description="Numbers, from 0, of the chunks that need not be sent again.")
    state: Literal["open", "complete", "expired"]
    created_at: Moment
    expires_at: Moment = Field(description="When an upload that is not complete is removed.")
    dataset_id: int | None = Field(description="Null until the file is registered, a few seconds after it is complete.")
    dag_run_id: str | None = Field(description="Of the dataset's newest or next run.")
    already_known: bool = Field(description="The dataset was there before with the same content; nothing was started.")
    message: str | None = Field(description="What there is to know about a complete upload, for people.")
