"""What is made of an orthophoto."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Layer(BaseModel):
    """One extra layer that the metadata step looks up at the footprint's centroid.

    ``path`` is a vector or raster file; ``field`` the attribute to keep (vector); ``rule`` how to look it up.
    """

    model_config = ConfigDict(frozen=True)

    name: str = Field(pattern="^[a-z][a-z0-9_]*$")
    path: Path
    field: str | None = None
    rule: Literal["containing", "nearest", "value", "curve"] = "containing"
    max_distance_m: float = Field(default=10_000.0, description="nearest and curve: farther away is not told.")


class Products(BaseModel):
    """What is made of an orthophoto; each is ``AERODAG_PRODUCTS__<NAME>`` in the environment."""

    model_config = ConfigDict(frozen=True)

    cogs: tuple[Literal["web", "archive"], ...] = Field(
        default=("web", "archive"), description="web: light and lossy, for maps; archive: lossless, with all values."
    )
    archive_compress: Literal["ZSTD", "DEFLATE"] = "ZSTD"
    web_compress: Literal["JPEG", "WEBP"] = "JPEG"
    web_quality: int = Field(default=85, ge=1, le=100)
    web_grid: Literal["native", "web_mercator"] = Field(
        default="native", description="web_mercator: reprojected to the tile grid of web maps, EPSG:3857."
    )
    thumbnail_sizes: tuple[int, ...] = Field(default=(512, 256), min_length=1, description="Longer side, pixels.")
    thumbnail_formats: tuple[Literal["webp", "jpeg"], ...] = Field(default=("webp", "jpeg"), min_length=1)
    base_url: str | None = Field(
        default=None, description="Where the data root is served; links of STAC items are relative when not given."
    )
    collection: str = Field(default="aerodag", description="Id of this installation's STAC collection.")
    collection_title: str = "Drone orthophotos"
    layers: tuple[Layer, ...] = Field(default=(), description="Extra layers of the metadata step.")
