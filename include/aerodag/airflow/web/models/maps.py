"""What lies where, as GeoJSON, and figures over all datasets."""

from __future__ import annotations

from datetime import date
from typing import Any, Literal

from pydantic import BaseModel, Field

from aerodag.airflow.web.models.times import Moment


class Geometry(BaseModel):
    """A GeoJSON geometry in degrees WGS84."""

    type: Literal["Point", "Polygon", "MultiPolygon"]
    coordinates: list[Any]


class Feature(BaseModel):
    """A GeoJSON feature."""

    type: Literal["Feature"] = "Feature"
    id: int | None = None
    geometry: Geometry | None = Field(description="Null for what has no position.")
    properties: dict[str, Any]


class FeatureCollection(BaseModel):
    """GeoJSON features."""

    type: Literal["FeatureCollection"] = "FeatureCollection"
    features: list[Feature]


class MapFeatures(FeatureCollection):
    """The outlines of datasets; where too many are in view, points with how many lie there."""

    clustered: bool = Field(description="Whether these are points for several datasets each.")
    bbox: list[float] | None = Field(
        description="West, south, east, north of all datasets that are found, in view or not; null without any."
    )


class DayItem(BaseModel):
    """One day, UTC."""

    day: date
    uploaded: int
    finished: int = Field(description="Datasets that a run of them succeeded or was degraded.")


class StatisticsItem(BaseModel):
    """Figures over all datasets that the login sees."""

    datasets: int
    by_state: dict[str, int]
    success_rate_7d: float | None = Field(description="Of the runs that ended, without cancelled ones, from 0 to 1.")
    success_rate_30d: float | None
    datasets_per_day: list[DayItem] = Field(description="The last 30 days, oldest first.")
    images: int
    area_m2: float
    waiting_oldest_at: Moment | None = Field(description="Since when the dataset waits that waits longest.")


class Person(BaseModel):
    """Who is logged in, and what that login may do."""

    name: str
    may_edit: bool = Field(description="Cancel, clear and answer runs; sees all datasets.")
    may_upload: bool = Field(description="Upload and start runs.")


class TileJson(BaseModel):
    """TileJSON 3.0.0, https://github.com/mapbox/tilejson-spec."""

    tilejson: Literal["3.0.0"] = "3.0.0"
    name: str
    tiles: list[str] = Field(description="Paths with {z}, {x} and {y}.")
    bounds: list[float] = Field(description="West, south, east, north in degrees.")
    center: list[float] = Field(description="Longitude, latitude and zoom to begin with.")
    minzoom: int
    maxzoom: int = Field(description="Where a pixel of a tile is one of the raster; beyond, tiles are enlarged.")
    scheme: Literal["xyz"] = "xyz"
    tileSize: int = Field(default=256, description="Pixels.")
