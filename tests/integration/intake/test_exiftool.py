"""Our reading of every test image against exiftool's, with each disagreement listed and explained."""

from __future__ import annotations

import fnmatch
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from aerodag.errors import DataError
from aerodag.imagery import ImageMetadata, read_metadata

DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[3].parent / "shared" / "data")
SUFFIXES = (".jpg", ".jpeg", ".tif", ".tiff", ".png", ".dng")
pytestmark = [
    pytest.mark.skipif(shutil.which("exiftool") is None, reason="exiftool is not installed"),
    pytest.mark.skipif(not DATA.is_dir(), reason="the shared test images are absent (AERODAG_TEST_DATA)"),
    pytest.mark.filterwarnings("ignore::UserWarning:PIL"),
]

Tags = dict[str, Any]

# (image pattern, field): why we do not say what exiftool says. A row that explains nothing any more fails the test.
NOT_ZOOMED = "DJI writes 0/0; by Exif a numerator of 0 means that digital zoom was not used, exiftool says undef"
NO_FIX = "0/0 in the Gulf of Guinea is a receiver without a fix, not a position"
CUT_OFF = "the file ends or is overwritten before the frame header; no decoder opens it"
DISAGREEMENTS: dict[tuple[str, str], str] = {
    ("mapping/*", "digital_zoom"): NOT_ZOOMED,
    ("exif_odd/FLIR_Vue_Pro_640.jpg", "longitude"): NO_FIX,
    ("exif_odd/FLIR_Vue_Pro_640.jpg", "latitude"): NO_FIX,
    ("exif_odd/Issue_308.jpg", "longitude"): NO_FIX,
    ("exif_odd/Issue_308.jpg", "latitude"): NO_FIX,
    ("thermal/H20T_2.jpg", "captured_at"): "the firmware writes the date with dashes; exiftool hands it on, we read it",
    ("exif_odd/broken/28968137*", "refused"): CUT_OFF,
    ("exif_odd/broken/a7326ba8*", "refused"): CUT_OFF,
    ("exif_odd/broken/754664a1*", "refused"): "it claims 322 megapixels in 357 bytes; Pillow refuses to open it too",
}

TOLERANCE = {"longitude": 1e-9, "latitude": 1e-9, "focal_mm": 1e-6, "pitch": 1e-3, "yaw": 1e-3, "roll": 1e-3}


def first(tags: Tags, *names: str) -> Any:
    return next((tags[name] for name in names if name in tags), None)


def number(tags: Tags, *names: str) -> float | None:
    value = first(tags, *names)
    try:
        return None if value is None else float(value)
    except ValueError:
        return None


def position(tags: Tags) -> tuple[float | None, float | None, float | None]:
    """XMP's, for its digits, where it is whole; else exiftool's signed composite of the EXIF directory."""
    dji = "XMP-drone-dji:"
    longitude, latitude = (
        number(tags, f"{dji}GPSLongitude", f"{dji}GPSLongtitude", f"{dji}Longitude"),
        number(tags, f"{dji}GPSLatitude", f"{dji}Latitude"),
    )
    absolute, composite = number(tags, f"{dji}AbsoluteAltitude"), number(tags, "Composite:GPSAltitude")
    if longitude is not None and latitude is not None:
        return longitude, latitude, composite if absolute is None else absolute
    altitude = absolute if composite is None else composite
    return number(tags, "Composite:GPSLongitude"), number(tags, "Composite:GPSLatitude"), altitude


def angle(axis: str) -> Callable[[Tags], float | None]:
    def read(tags: Tags) -> float | None:
        pix4d = number(tags, f"XMP-Camera:{axis}")
        if pix4d is not None and axis == "Pitch":
            pix4d -= 90
        dji = number(tags, f"XMP-drone-dji:Gimbal{axis}Degree")
        return next((value for value in (dji, pix4d, number(tags, f"DJI:Camera{axis}")) if value is not None), None)

    return read


def captured(tags: Tags) -> datetime | None:
    """Local time as written, in UTC where an offset is written too."""
    for date, sub in (("DateTimeOriginal", "SubSecTimeOriginal"), ("CreateDate", "SubSecTimeDigitized")):
        written = str(tags.get(f"ExifIFD:{date}", ""))
        try:
            moment = datetime.strptime(written[:19], "%Y:%m:%d %H:%M:%S")  # noqa: DTZ007 - the zone follows
        except ValueError:
            continue
        fraction = first(tags, f"ExifIFD:{sub}", "ExifIFD:SubSecTime")
        if fraction is not None:
            moment += timedelta(microseconds=int(str(fraction)[:6].ljust(6, "0")))
        offset = first(tags, f"ExifIFD:Offset{'TimeOriginal' if date == 'DateTimeOriginal' else 'TimeDigitized'}",
                       "ExifIFD:OffsetTime")  # fmt: skip
        if offset:
            return datetime.strptime(f"{moment.isoformat()}{offset}", "%Y-%m-%dT%H:%M:%S%z").astimezone(UTC)
        return moment
    return None


EXPECTED: dict[str, Callable[[Tags], Any]] = {
    "width": lambda tags: first(tags, "File:ImageWidth", "PNG:ImageWidth", "IFD0:ImageWidth"),
    "height": lambda tags: first(tags, "File:ImageHeight", "PNG:ImageHeight", "IFD0:ImageHeight"),
    "make": lambda tags: first(tags, "IFD0:Make", "XMP-tiff:Make"),
    "model": lambda tags: first(tags, "IFD0:Model", "XMP-tiff:Model"),
    "serial": lambda tags: first(
        tags, "XMP-drone-dji:CameraSerialNumber", "ExifIFD:SerialNumber", "IFD0:CameraSerialNumber", "IFD0:SerialNumber"
    ),
    "focal_mm": lambda tags: number(tags, "ExifIFD:FocalLength") or None,
    "focal_35mm": lambda tags: number(tags, "ExifIFD:FocalLengthIn35mmFormat") or None,
    "digital_zoom": lambda tags: number(tags, "ExifIFD:DigitalZoomRatio"),
    "captured_at": captured,
    "longitude": lambda tags: position(tags)[0],
    "latitude": lambda tags: position(tags)[1],
    "altitude": lambda tags: position(tags)[2],
    "relative_altitude": lambda tags: number(tags, "XMP-drone-dji:RelativeAltitude"),
    "yaw": angle("Yaw"),
    "pitch": angle("Pitch"),
    "roll": angle("Roll"),
    "rtk_flag": lambda tags: number(tags, "XMP-drone-dji:RtkFlag"),
    "std_e_m": lambda tags: number(tags, "XMP-drone-dji:RtkStdLon"),
    "std_n_m": lambda tags: number(tags, "XMP-drone-dji:RtkStdLat"),
    "std_u_m": lambda tags: number(tags, "XMP-drone-dji:RtkStdHgt"),
    "orientation": lambda tags: first(tags, "IFD0:Orientation", "XMP-tiff:Orientation") or 1,
}


@pytest.fixture(scope="module")
def readings() -> list[tuple[str, Tags, ImageMetadata | DataError]]:
    kinds = [word for suffix in SUFFIXES for word in ("-ext", suffix[1:])]
    command = ["exiftool", "-j", "-n", "-G1", "-a", "-q", "-r", *kinds, "."]
    run = subprocess.run(command, cwd=DATA, capture_output=True, check=False)
    return [(tags["SourceFile"][2:], tags, ours(tags["SourceFile"][2:])) for tags in json.loads(run.stdout)]


def ours(path: str) -> ImageMetadata | DataError:
    with (DATA / path).open("rb") as file:
        try:
            return read_metadata(file, path)
        except DataError as error:
            return error


def agree(field: str, mine: Any, theirs: Any) -> bool:
    if field == "captured_at":
        return same_moment(mine, theirs)
    if isinstance(mine, float) and isinstance(theirs, (int, float)):
        return abs(mine - theirs) <= TOLERANCE.get(field, 1e-6)
    if isinstance(mine, str):
        return mine == str(theirs).strip()
    return bool(mine == theirs)


def same_moment(mine: datetime | None, theirs: datetime | None) -> bool:
    """Where we derived the zone that the tags do not name, the difference is one of whole quarter hours."""
    if mine is None or theirs is None or (mine.tzinfo is None) == (theirs.tzinfo is None):
        return mine == theirs
    apart = abs(mine.replace(tzinfo=None) - theirs.replace(tzinfo=None))
    return apart <= timedelta(hours=14) and apart % timedelta(minutes=15) == timedelta(0)


def disagreements(readings: list[tuple[str, Tags, ImageMetadata | DataError]]) -> Iterator[tuple[str, str, str]]:
    for path, tags, found in readings:
        if isinstance(found, DataError):
            yield path, "refused", found.message
            continue
        for field, expected in EXPECTED.items():
            mine, theirs = getattr(found, field), expected(tags)
            if not agree(field, mine, theirs):
                yield path, field, f"ours {mine!r}, exiftool {theirs!r}"


def test_every_image_is_compared(readings: list[tuple[str, Tags, ImageMetadata | DataError]]) -> None:
    on_disk = {str(path.relative_to(DATA)) for path in DATA.rglob("*") if path.suffix.lower() in SUFFIXES}
    assert {path for path, _, _ in readings} == on_disk


def test_we_say_what_exiftool_says(readings: list[tuple[str, Tags, ImageMetadata | DataError]]) -> None:
    used: set[tuple[str, str]] = set()
    unexplained = []
    for path, field, what in disagreements(readings):
        rows = [row for row in DISAGREEMENTS if fnmatch.fnmatch(path, row[0]) and row[1] == field]
        used.update(rows)
        if not rows:
            unexplained.append(f"{path}: {field}: {what}")
    assert unexplained == []
    assert DISAGREEMENTS.keys() - used == set()
