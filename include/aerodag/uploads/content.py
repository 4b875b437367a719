"""Is a whole file what its name says, told from a few of its bytes."""

from __future__ import annotations

from pathlib import Path

from aerodag import archive
from aerodag.archive import Limits
from aerodag.errors import DataError

# Classic and big TIFF in both byte orders.
_TIFF = (b"II*\x00", b"MM\x00*", b"II+\x00", b"MM\x00+")


def require_content(path: Path, name: str, upload_type: str, limits: Limits) -> None:
    """Refuse what the pipeline would: of a ZIP, what its directory tells; of a GeoTIFF, what begins otherwise.

    Raises:
        DataError: the codes of ``archive.inspect``, ``raster.unreadable``.
        InfrastructureError: ``archive.not_opened``.
    """
    if upload_type == "raw_images_zip":
        archive.inspect(path, limits)
        return
    with path.open("rb") as file:
        begins = file.read(4)
    if begins not in _TIFF:
        raise DataError(
            "raster.unreadable",
            f"{name} does not begin as a TIFF does.",
            advice="Upload a whole GeoTIFF; renaming another file does not convert it.",
            numbers={"begins": begins.hex()},
        )
