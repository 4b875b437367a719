"""Uploads that come in pieces through the web."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class Uploads(BaseModel):
    """Bounds of uploads through the web; each is ``AERODAG_UPLOADS__<NAME>`` in the environment."""

    model_config = ConfigDict(frozen=True)

    chunk_bytes: int = Field(default=16 * 1024**2, ge=1024, le=1024**3, description="What a client sends at a time.")
    max_zip_bytes: int = Field(default=30 * 10**9, ge=1)
    max_geotiff_bytes: int = Field(default=20 * 10**9, ge=1)
    max_open: int = Field(default=20, ge=1, description="Unfinished uploads of one user.")
    keep_free_bytes: int = Field(default=2 * 10**9, ge=0, description="No upload is begun that would leave less room.")
    days: float = Field(default=7.0, gt=0, description="An upload that is not finished after so long is removed.")
    idle_seconds: float = Field(default=60.0, gt=0, description="A chunk without a byte for so long is broken off.")
