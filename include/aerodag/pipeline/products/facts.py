"""The dataset's facts in one document: where in the world, when, by which cameras, how accurate, made of what."""

from __future__ import annotations

import json
from typing import Any

from shapely.geometry import shape

from aerodag import ledger
from aerodag.errors import EngineError
from aerodag.ledger import Artifact
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.products.record import record_product
from aerodag.pipeline.products.sources import require_source
from aerodag.places.document import describe_place

METADATA = "metadata.json"


def metadata(context: StepContext) -> Metrics:
    """Country, admin areas and extra layers at the footprint's centroid, with the dataset's own facts."""
    source = require_source(context, "orthophoto").artifact
    longitude, latitude = _middle(source)
    place = describe_place(longitude, latitude, context.settings.products.layers)
    document = json.dumps(place | _facts(context, source), indent=2, default=str)
    made = context.work / METADATA
    context.work.mkdir(parents=True, exist_ok=True)
    made.write_text(document, "utf-8")
    published = context.storage.publish(made, context.product("metadata", METADATA))
    record_product(context, "metadata", published, details=json.loads(document))
    return {"bytes": published.size, "country": place["gadm"]["NAME_0"]}


def _middle(source: Artifact) -> tuple[float, float]:
    """Longitude and latitude of the centroid of what the orthophoto shows."""
    if source.footprint is None:
        raise EngineError(
            "product.no_footprint",
            "The orthophoto's record does not say where it lies.",
            advice="Clear the publish_ortho task, with everything after it.",
        )
    point = shape(source.footprint).centroid
    return point.x, point.y


def _facts(context: StepContext, source: Artifact) -> dict[str, Any]:
    dataset = context.dataset
    images = ledger.list_images(context.ledger, dataset_id=dataset.id)
    return {
        "dataset": {"id": dataset.id, "name": dataset.name, "sha256": dataset.content_sha256},
        "captured": {"from": dataset.captured_from, "to": dataset.captured_to, "source": dataset.captured_source},
        "extent": {
            "bbox": source.bbox,
            "footprint": source.footprint,
            "crs": source.crs,
            "gsd_m": source.gsd_m,
        },
        "images": {
            "total": len(images),
            "assigned": sum(image.status == "assigned" for image in images),
            "registered": sum(bool(image.registered) for image in images),
            "cameras": sorted({f"{image.make or ''} {image.model or ''}".strip() for image in images} - {""}),
        },
        "provenance": source.details,
    }
