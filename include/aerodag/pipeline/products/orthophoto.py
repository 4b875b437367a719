"""The orthophoto in the archive: the engine's with what belongs to it, or an uploaded GeoTIFF as it is."""

from __future__ import annotations

import dataclasses
from statistics import median
from typing import Any

from aerodag import ledger
from aerodag.errors import EngineError
from aerodag.photogrammetry import Reconstruction
from aerodag.photogrammetry.odm.planning.boundary import reach_m
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.products.companions import publish_companions
from aerodag.pipeline.products.record import record_product
from aerodag.pipeline.project import assigned
from aerodag.pipeline.results import finished_before
from aerodag.raster.examining.classify import inspect
from aerodag.raster.examining.whole import require_whole
from aerodag.raster.extent.describe import RasterInfo, describe
from aerodag.raster.extent.placement import Placement, placement, placement_findings, require_placed
from aerodag.storage import ORTHOPHOTO


def publish_ortho(context: StepContext) -> Metrics:
    """The orthophoto is whole, lies where it should, and goes to the archive."""
    if context.dataset.upload_type == "geotiff":
        return _take_over(context)
    result = finished_before(context)
    return _published_before(context) if result is None else publish_result(context, result)


def hand_over(context: StepContext, result: Reconstruction) -> None:
    """Publish an engine's result at once where the next step may run on a host that cannot see it here."""
    if "archive" in context.storage.remotes:
        publish_result(context, result)


def publish_result(context: StepContext, result: Reconstruction) -> Metrics:
    """Compare the orthophoto with its cameras, and put it and what belongs to it on storage and on record."""
    info = describe(result.orthophoto)
    found = _compare_with_cameras(context, info)
    published = context.storage.publish(result.orthophoto, context.product("archive", ORTHOPHOTO))
    details = {"engine": result.engine, "version": result.version, "gsd_cm": result.gsd_cm, "epsg": result.epsg}
    record_product(context, "orthophoto", published, info, details)
    companions = publish_companions(context, info.crs)
    placed = dataclasses.asdict(found) if found else None
    return _figures(published.size, info) | {"companions": companions, "placement": placed}


def _take_over(context: StepContext) -> Metrics:
    """The upload is the orthophoto; a person is to be told at once if it cannot serve as one."""
    kind = inspect(context.raw)
    require_whole(context.raw)
    info = describe(context.raw)
    published = context.storage.publish(context.raw, context.product("archive", ORTHOPHOTO))
    details = {"engine": None, "content": kind.content, "bands": [band.meaning for band in kind.bands]}
    record_product(context, "orthophoto", published, info, details)
    return _figures(published.size, info) | details


def _published_before(context: StepContext) -> Metrics:
    artifact = ledger.source_artifact(
        context.ledger, dataset_id=context.dataset.id, run_id=context.run.id, kind="orthophoto"
    )
    if artifact is None or artifact.run_id != context.run.id:
        raise EngineError(
            "publish.no_orthophoto",
            "The engine's result is no longer in the scratch folder.",
            advice="Clear the odm task of this run to make it again.",
        )
    return {"bytes": artifact.bytes, "published_before": True}


def _figures(size: int, info: RasterInfo) -> dict[str, Any]:
    return {"bytes": size, "width": info.width, "height": info.height, "valid_ratio": info.valid_ratio}


def _compare_with_cameras(context: StepContext, info: RasterInfo) -> Placement | None:
    """A map that is empty or elsewhere stops here; what is odd about one in the right place is told."""
    images = assigned(context)
    cameras = [
        (image.longitude, image.latitude)
        for image in images
        if image.longitude is not None and image.latitude is not None
    ]
    seen_cm = [image.gsd_cm for image in images if image.gsd_cm]
    megapixels = median((image.width or 0) * (image.height or 0) / 1e6 for image in images)
    found = placement(info, cameras, reach_m(median(seen_cm) if seen_cm else info.gsd_m * 100, megapixels))
    require_placed(info, found)
    context.replace_findings("publish_ortho", placement_findings(info, found, seen_cm))
    return found
