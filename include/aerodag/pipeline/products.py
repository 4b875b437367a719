"""Steps after the orthophoto: standardised GeoTIFF, COG, thumbnail and the dataset's facts."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

from aerodag import ledger, raster
from aerodag.errors import EngineError
from aerodag.ledger import Artifact
from aerodag.pipeline.artifacts import record_product
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.storage import Published, local_path, publish, sha256_of


def standardise(context: StepContext) -> Metrics:
    """The orthophoto as uint8 RGBA; one that is so already serves as it is."""
    source, path = _source(context, "orthophoto")
    made = context.work / "standardised.tif"
    context.work.mkdir(parents=True, exist_ok=True)
    result = raster.standardise(path, made, context.settings.gdal_cache_mb)
    if result.reasons:
        published = publish(result.path, context.storage.standardised(context.dataset.id))
    else:
        published = Published(source.uri, source.bytes, str(source.sha256))
    details = {"source_sha256": source.sha256, "reasons": result.reasons, "bands": result.bands}
    record_product(context, "standardised", published, raster.describe(result.path), details)
    return {"bytes": published.size, "rewritten_for": list(result.reasons)}


def cog(context: StepContext) -> Metrics:
    """A strictly valid cloud-optimised GeoTIFF, compared with its source."""
    source, path = _source(context, "standardised")
    if (before := _made_from(context, "cog", source)) is not None:
        return {"bytes": before.bytes, "published_before": True}
    target = context.storage.cog(context.dataset.id)
    report = raster.make_cog(path, target, cache_mb=context.settings.gdal_cache_mb)
    details = {**dataclasses.asdict(report), "path": target.name, "source_sha256": source.sha256}
    published = _in_place(target)
    record_product(context, "cog", published, raster.describe(target), details)
    return {"bytes": published.size, "source_bytes": source.bytes}


def thumbnail(context: StepContext) -> Metrics:
    """A small picture for lists and maps, from the COG's overviews where there is one."""
    source, path = _source(context, "cog", "standardised")
    if (before := _made_from(context, "thumbnail", source)) is not None:
        return {"bytes": before.bytes, "published_before": True}
    target = context.storage.thumbnail(context.dataset.id)
    raster.make_thumbnail(path, target, context.settings.thumbnail_pixels)
    published = _in_place(target)
    record_product(context, "thumbnail", published, None, {"source_sha256": source.sha256})
    return {"bytes": published.size}


def metadata(context: StepContext) -> Metrics:
    """The dataset's facts in one JSON document: place, time, cameras, accuracy, provenance."""
    source, _ = _source(context, "orthophoto")
    images = ledger.list_images(context.ledger, dataset_id=context.dataset.id)
    facts = {
        "dataset": {"id": context.dataset.id, "name": context.dataset.name, "sha256": context.dataset.content_sha256},
        "captured": {
            "from": context.dataset.captured_from,
            "to": context.dataset.captured_to,
            "source": context.dataset.captured_source,
        },
        "place": {"bbox": source.bbox, "footprint": source.footprint, "crs": source.crs, "gsd_m": source.gsd_m},
        "images": {
            "total": len(images),
            "assigned": sum(image.status == "assigned" for image in images),
            "registered": sum(bool(image.registered) for image in images),
            "cameras": sorted({f"{image.make or ''} {image.model or ''}".strip() for image in images} - {""}),
        },
        "provenance": source.details,
    }
    made = context.work / "metadata.json"
    context.work.mkdir(parents=True, exist_ok=True)
    document = json.dumps(facts, indent=2, default=str)
    made.write_text(document)
    published = publish(made, context.storage.metadata(context.dataset.id))
    record_product(context, "metadata", published, None, json.loads(document))
    return {"bytes": published.size}


def _source(context: StepContext, *kinds: str) -> tuple[Artifact, Path]:
    """The current artifact of the first kind that exists, present and with the recorded checksum."""
    for kind in kinds:
        artifact = ledger.current_artifact(context.ledger, dataset_id=context.dataset.id, kind=kind)
        if artifact is None:
            continue
        path = local_path(artifact.uri)
        if not path.is_file() or sha256_of(path) != artifact.sha256:
            raise EngineError(
                "product.source_changed",
                f"The {kind} {path.name} is not the file that was recorded.",
                advice=f"Clear the task that makes the {kind}, with everything after it.",
            )
        return artifact, path
    raise EngineError(
        "product.source_missing",
        f"Dataset {context.dataset.id} has no {' or '.join(kinds)} yet.",
        advice="Run it with all task types first.",
    )


def _made_from(context: StepContext, kind: str, source: Artifact) -> Artifact | None:
    """This run's artifact of a kind when it was made from this very source and is still there."""
    artifact = ledger.current_artifact(context.ledger, dataset_id=context.dataset.id, kind=kind)
    if artifact is None or artifact.run_id != context.run.id:
        return None
    if (artifact.details or {}).get("source_sha256") != source.sha256:
        return None
    path = local_path(artifact.uri)
    return artifact if path.is_file() and sha256_of(path) == artifact.sha256 else None


def _in_place(path: Path) -> Published:
    return Published(path.as_uri(), path.stat().st_size, sha256_of(path))
