"""What the engine made beside the orthophoto: surfaces, point cloud, mesh, report; with what its heights refer to."""

from __future__ import annotations

import zipfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from aerodag import photogrammetry
from aerodag.ledger import ImageRecord
from aerodag.pipeline.context import StepContext
from aerodag.pipeline.products.record import record_product
from aerodag.pipeline.project import assigned
from aerodag.raster.extent.describe import describe
from aerodag.storage import Published

SURFACES = ("dsm", "dtm")
MODELS = ("point_cloud", "mesh")
_FILES = {
    "dsm": ("archive", "dsm.tif"),
    "dtm": ("archive", "dtm.tif"),
    "point_cloud": ("archive", "point_cloud"),
    "mesh": ("archive", "mesh"),
    "report": ("reports", "report.pdf"),
    "statistics": ("reports", "statistics.json"),
    "shots": ("reports", "shots.geojson"),
    "cameras": ("reports", "cameras.json"),
}


@dataclass(frozen=True, slots=True)
class HeightDatum:
    """What heights are counted from, as far as it is known; ``reason`` says where that comes from."""

    datum: str
    reason: str


def publish_companions(context: StepContext, crs: str) -> list[str]:
    """Put everything that lies beside the engine's orthophoto on storage and on record; returns the kinds.

    ``crs`` is the orthophoto's: models carry none of their own that could be read here.
    """
    heights = height_datum(assigned(context), ground_control=(context.project / "gcp_list.txt").exists())
    found = photogrammetry.outputs(context.project)
    for kind, path in found.items():
        _publish(context, kind, path, crs, heights)
    return list(found)


def height_datum(images: Iterable[ImageRecord], *, ground_control: bool) -> HeightDatum:
    """The datum of the engine's heights. It keeps what the positions say and writes no vertical CRS.

    Exposure marks hold ellipsoidal heights in the frame of their base station; of the altitudes in images and of
    ground control nothing tells whether they are ellipsoidal or above sea level.
    """
    if ground_control:
        return HeightDatum("unknown", "Heights follow the ground control points, whose file does not say the datum.")
    sources = {image.position_source for image in images if image.longitude is not None}
    if sources == {"mrk"}:
        return HeightDatum("ellipsoidal", "Heights follow the receiver's exposure marks, in the base station's frame.")
    return HeightDatum("unknown", "Heights follow the altitudes in the images, whose datum nothing tells.")


def _publish(context: StepContext, kind: str, path: Path, crs: str, heights: HeightDatum) -> None:
    folder, name = _FILES[kind]
    details: dict[str, Any] = {"file": path.relative_to(context.project).as_posix()}
    if kind in MODELS or kind in SURFACES:
        details |= {"height_datum": heights.datum, "height_datum_reason": heights.reason}
    if kind in SURFACES:
        published = context.storage.publish(path, context.product(folder, name))
        record_product(context, kind, published, describe(path), details)
        return
    if kind in MODELS:
        record_product(context, kind, _publish_model(context, folder, name, path), details=details, crs=crs)
        return
    published = context.storage.publish(path, context.product(folder, name))
    record_product(context, kind, published, details=details)


def _publish_model(context: StepContext, folder: str, name: str, path: Path) -> Published:
    """A point cloud as it is; a textured model of several files in one ZIP, textures being compressed already."""
    parts = photogrammetry.mesh_parts(path)
    if len(parts) == 1:
        return context.storage.publish(path, context.product(folder, name + "".join(path.suffixes[-2:])))
    packed = context.work / f"{name}.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_STORED) as bundle:
        for part in parts:
            bundle.write(part, part.name)
    try:
        return context.storage.publish(packed, context.product(folder, packed.name))
    finally:
        packed.unlink()
