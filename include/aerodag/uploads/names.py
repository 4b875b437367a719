"""Names of uploaded files: what a browser says is a hint for people, never a path."""

from __future__ import annotations

import re
import unicodedata
from pathlib import PurePosixPath
from uuid import UUID

from aerodag.errors import DataError

UPLOAD_TYPES = {".zip": "raw_images_zip", ".tif": "geotiff", ".tiff": "geotiff"}
LONGEST_STEM = 100


def accepted_name(given: str) -> str:
    """The last part of a name with what is safe in it: letters and digits of any script, ``. - _ ( )`` and spaces.

    Raises ``DataError`` ``upload.unknown_type`` where it is neither a ZIP nor a GeoTIFF by its end.
    """
    last = re.split(r"[/\\]", unicodedata.normalize("NFC", given))[-1].strip()
    path = PurePosixPath(last)
    if path.suffix.lower() not in UPLOAD_TYPES:
        raise DataError(
            "upload.unknown_type",
            f"{_shown(last)!r} is neither a ZIP of images nor a GeoTIFF by its name.",
            advice="Upload a .zip, .tif or .tiff.",
        )
    stem = re.sub(r"[^\w.() -]+", "_", path.stem).strip(" ._-")
    return f"{stem[:LONGEST_STEM].rstrip(' ._-') or 'dataset'}{path.suffix.lower()}"


def upload_type(name: str) -> str:
    """What an accepted name says the file is: raw_images_zip or geotiff."""
    return UPLOAD_TYPES[PurePosixPath(name).suffix]


def incoming_name(name: str, upload_id: UUID) -> str:
    """The file's name in the incoming folder. No other file can have it, whoever else uploads under the same name."""
    path = PurePosixPath(name)
    plain = re.sub(r"[^A-Za-z0-9.-]+", "_", path.stem).strip("._-") or "dataset"
    return f"{plain}_{upload_id.hex[:12]}{path.suffix}"


def _shown(name: str) -> str:
    return name.encode("utf-8", "replace").decode()[:LONGEST_STEM]
