"""Files that runs made."""

from __future__ import annotations

from pydantic import BaseModel, Field


class ProductItem(BaseModel):
    """A file that a run made."""

    artifact_id: int
    kind: str
    name: str = Field(description="Tells several of one kind apart; empty for the main one.")
    bytes: int
    sha256: str | None
    gsd_cm: float | None
    crs: str | None = Field(description="Authority code or WKT.")
    height_datum: str | None = Field(description="What its heights are counted from.")
    bbox: list[float] | None
    current: bool = Field(description="Whether it is what is valid for the dataset now.")
    download: str | None = Field(description="Path of the file; null where it is only to look at.")
    tiles: str | None = Field(description="Path of its map tiles with {z}, {x} and {y}; null for what is no map.")
    tilejson: str | None = Field(description="Path of the description of these tiles.")
