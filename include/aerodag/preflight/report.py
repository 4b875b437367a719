"""The pre-flight report: what is known about an upload before the engine starts, as plain values.

Everything is optional that an upload may not tell; None is unknown. Positions are degrees WGS84, lengths metres,
sizes bytes, times seconds or aware datetimes. Geometries are GeoJSON in longitude and latitude.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
from pydantic import TypeAdapter

from aerodag.findings import Finding
from aerodag.preflight.predict import Prediction
from aerodag.preflight.verdict import Resources, Verdict

GeoJson = dict[str, Any]
Ring = tuple[tuple[float, float], ...]
USED: Final = frozenset({"assigned", "staged"})


@dataclass(frozen=True, slots=True, kw_only=True)
class SensorGroup:
    """The images of one sensor; ``chosen`` are those the engine gets."""

    name: str
    images: int
    chosen: bool = True
    make: str | None = None
    model: str | None = None
    lens: str | None = None
    band: str | None = None
    width: int | None = None
    height: int | None = None
    focal_mm: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Flight:
    """One flight; ``number`` from 1, ``length_m`` along the exposures, ``height_m`` above the take-off point."""

    number: int
    images: int
    start: datetime | None = None
    end: datetime | None = None
    length_m: float | None = None
    height_m: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RtkSummary:
    """How well the images know where they are; deviations are one-sigma metres in three dimensions.

    ``expected`` says that a base station was meant (RTK files or flags are there), ``source`` where the accuracy
    comes from (``xmp`` or ``mrk``), ``reason`` why it is not used.
    """

    expected: bool = False
    source: str | None = None
    fixed: int = 0
    floating: int = 0
    single: int = 0
    without: int = 0
    fix_ratio: float | None = None
    median_horizontal_m: float | None = None
    median_vertical_m: float | None = None
    worst_m: float | None = None
    worst_image: str | None = None
    unmatched_images: int = 0
    unmatched_records: int = 0
    files: tuple[str, ...] = ()
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Coverage:
    """What the footprints cover; overlaps and shares are 0..1, areas square metres.

    ``share_seen_3`` is the part of the area that three or more images see, ``share_touching`` the part of the images
    whose footprint meets another one.
    """

    area_m2: float | None = None
    forward_overlap: float | None = None
    side_overlap: float | None = None
    gsd_cm_median: float | None = None
    share_seen_3: float | None = None
    share_touching: float | None = None
    gap_area_m2: float | None = None
    gaps: GeoJson | None = None
    hull: GeoJson | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class PhotoRow:
    """One image; ``footprint`` is a ring of (longitude, latitude), ``reasons`` are codes of findings.

    A footprint with a corner that is no number is unknown.
    """

    zip_path: str
    status: str
    reasons: tuple[str, ...] = ()
    longitude: float | None = None
    latitude: float | None = None
    captured_at: datetime | None = None
    flight: int | None = None
    sensor_group: str | None = None
    sharpness: float | None = None
    footprint: Ring | None = None

    def __post_init__(self) -> None:
        if self.footprint is not None and not all(
            math.isfinite(number) for corner in self.footprint for number in corner
        ):
            object.__setattr__(self, "footprint", None)

    @property
    def used(self) -> bool:
        """The engine will get it."""
        return self.status in USED


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """All of it. ``images`` counts by status; ``captured_source`` ``exif_local`` marks times of the camera's clock."""

    dataset: str
    images: Mapping[str, int]
    verdict: Verdict
    created_at: datetime | None = None
    source_bytes: int | None = None
    sensors: tuple[SensorGroup, ...] = ()
    flights: tuple[Flight, ...] = ()
    captured_from: datetime | None = None
    captured_to: datetime | None = None
    captured_source: str | None = None
    rtk: RtkSummary | None = None
    control_points: int | None = None
    coverage: Coverage | None = None
    prediction: Prediction | None = None
    resources: Resources | None = None
    findings: tuple[Finding, ...] = ()
    photos: tuple[PhotoRow, ...] = ()

    @property
    def total(self) -> int:
        """Images of the upload."""
        return sum(self.images.values())

    @property
    def used(self) -> int:
        """Images that the engine will get."""
        return sum(count for status, count in self.images.items() if status in USED)

    @property
    def bands(self) -> tuple[str, ...]:
        """Names of the bands, in the sensors' order."""
        return tuple(dict.fromkeys(sensor.band for sensor in self.sensors if sensor.band))


_ADAPTER: Final = TypeAdapter(Report)


def to_dict(report: Report) -> dict[str, Any]:
    """The report as JSON-safe values that PostgreSQL's jsonb takes too.

    NaN and infinity become None; NUL becomes U+FFFD and lone surrogates a question mark, for jsonb knows neither.
    """
    document: dict[str, Any] = _plain(report)
    return document


def to_json(report: Report, *, indent: int | None = None) -> str:
    """``to_dict`` as text."""
    return json.dumps(to_dict(report), ensure_ascii=False, allow_nan=False, indent=indent)


def from_json(document: str | bytes | Mapping[str, Any]) -> Report:
    """The report that ``to_json`` or ``to_dict`` wrote.

    Raises:
        pydantic.ValidationError: if it is no such document.
    """
    if isinstance(document, (str, bytes)):
        return _ADAPTER.validate_json(document)
    return _ADAPTER.validate_python(document)


def _plain(value: Any) -> Any:
    if value is None or isinstance(value, (bool, int)):
        return value
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else None
    if isinstance(value, Mapping):
        return {_clean_text(str(key)): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(item) for item in value]
    if is_dataclass(value):
        return {field.name: _plain(getattr(value, field.name)) for field in fields(value)}
    return _plain_object(value)


def _plain_object(value: Any) -> Any:
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, np.generic):
        return _plain(value.item())
    return _clean_text(str(value))


def _clean_text(text: str) -> str:
    return text.encode("utf-8", "replace").decode().replace("\x00", "\ufffd")
