"""Images and receiver files of a dataset: what their headers say and what was judged about them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from datetime import datetime
from typing import Any

import psycopg

from aerodag.ledger.data.datasets import unknown_dataset
from aerodag.ledger.database import execute, fetch_all, jsonb, query, storable


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageRecord:
    """One image of an upload; None is unknown.

    Pixels as stored; ``focal_mm`` millimetres; positions in degrees WGS84 and metres; angles in degrees (gimbal,
    pitch -90 is nadir); ``std_*`` in metres; ``gsd_cm`` centimetres per pixel; ``status`` is staged, assigned,
    rejected, unmatched, invalid_exif or duplicate; ``position_source`` is geo, xmp, mrk or exif.
    """

    zip_path: str
    engine_name: str | None = None
    sha256: str | None = None
    size_bytes: int | None = None
    width: int | None = None
    height: int | None = None
    make: str | None = None
    model: str | None = None
    serial: str | None = None
    lens: str | None = None
    modality: str | None = None
    focal_mm: float | None = None
    focal_px: float | None = None
    digital_zoom: float | None = None
    band: str | None = None
    sensor_group: str | None = None
    captured_at: datetime | None = None
    captured_source: str | None = None
    longitude: float | None = None
    latitude: float | None = None
    altitude: float | None = None
    position_source: str | None = None
    relative_altitude: float | None = None
    yaw: float | None = None
    pitch: float | None = None
    roll: float | None = None
    rtk_flag: int | None = None
    std_e_m: float | None = None
    std_n_m: float | None = None
    std_u_m: float | None = None
    sharpness: float | None = None
    exposure: Mapping[str, Any] | None = None
    gsd_cm: float | None = None
    flight: int | None = None
    status: str = "staged"
    reasons: Sequence[str] = ()
    duplicate_of: str | None = None
    duplicate_of_dataset: int | None = None
    registered: bool | None = None
    exif: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was judged about one image; ``exposure`` holds figures by name.

    ``duplicate_of`` is the path of the same content: in this upload, or in ``duplicate_of_dataset`` where given.
    """

    zip_path: str
    status: str
    reasons: Sequence[str] = ()
    sharpness: float | None = None
    exposure: Mapping[str, Any] | None = None
    duplicate_of: str | None = None
    duplicate_of_dataset: int | None = None
    flight: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownElsewhere:
    """An image whose content an earlier dataset holds already."""

    zip_path: str
    known_path: str
    known_dataset_id: int
    known_dataset: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RtkFile:
    """One file of a positioning receiver; ``kind`` is its extension in lower case without the dot."""

    zip_path: str
    kind: str
    size_bytes: int
    sha256: str | None = None
    records: int | None = None
    matched: int | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


_IMAGE_FIELDS = tuple(entry.name for entry in fields(ImageRecord))


def replace_images(conn: psycopg.Connection, *, dataset_id: int, images: Sequence[ImageRecord]) -> None:
    """Make these the images of the dataset, all or none.

    Raises:
        ConfigError: ``dataset.unknown``.
    """
    with conn.transaction(), conn.cursor() as cursor:
        _lock(conn, dataset_id)
        execute(conn, "delete_images", dataset_id=dataset_id)
        cursor.executemany(query("insert_image"), (_image_params(dataset_id, image) for image in images))


def _image_params(dataset_id: int, image: ImageRecord) -> dict[str, object]:
    params = storable({name: getattr(image, name) for name in _IMAGE_FIELDS})
    params["dataset_id"] = dataset_id
    return params


def assigned_images(conn: psycopg.Connection, *, dataset_id: int) -> list[ImageRecord]:
    """The images that go to the engine, by path."""
    return fetch_all(conn, "assigned_images", ImageRecord, dataset_id=dataset_id)


def list_images(conn: psycopg.Connection, *, dataset_id: int) -> list[ImageRecord]:
    """All images of the dataset, by path."""
    return fetch_all(conn, "list_images", ImageRecord, dataset_id=dataset_id)


def images_known_elsewhere(conn: psycopg.Connection, *, dataset_id: int) -> list[KnownElsewhere]:
    """Images of the dataset, by path, that an earlier dataset of the same owner or a public one holds too."""
    return fetch_all(conn, "images_known_elsewhere", KnownElsewhere, dataset_id=dataset_id)


def judge_images(conn: psycopg.Connection, *, dataset_id: int, verdicts: Sequence[Verdict]) -> int:
    """Record the verdicts in one statement; returns how many images they met."""
    return execute(conn, "judge_images", dataset_id=dataset_id, verdicts=jsonb([asdict(entry) for entry in verdicts]))


def mark_registered(conn: psycopg.Connection, *, dataset_id: int, engine_names: Sequence[str]) -> int:
    """Record which assigned images the reconstruction holds: true for these engine names, false for the others.

    Returns:
        How many images were assigned.
    """
    return execute(conn, "mark_registered", dataset_id=dataset_id, engine_names=list(engine_names))


def replace_rtk_files(conn: psycopg.Connection, *, dataset_id: int, files: Sequence[RtkFile]) -> None:
    """Make these the receiver files of the dataset, all or none.

    Raises:
        ConfigError: ``dataset.unknown``.
    """
    with conn.transaction(), conn.cursor() as cursor:
        _lock(conn, dataset_id)
        execute(conn, "delete_rtk_files", dataset_id=dataset_id)
        cursor.executemany(
            query("insert_rtk_file"), [storable({"dataset_id": dataset_id, **asdict(entry)}) for entry in files]
        )


def list_rtk_files(conn: psycopg.Connection, *, dataset_id: int) -> list[RtkFile]:
    """The receiver files of the dataset, by path."""
    return fetch_all(conn, "list_rtk_files", RtkFile, dataset_id=dataset_id)


def _lock(conn: psycopg.Connection, dataset_id: int) -> None:
    if not execute(conn, "lock_dataset", dataset_id=dataset_id):
        raise unknown_dataset(dataset_id)
