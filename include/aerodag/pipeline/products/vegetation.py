"""Vegetation indices of the orthophoto: rasters and pictures on storage, figures and stress cells in the ledger."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

from aerodag import ledger
from aerodag.ledger import StressCell, VegetationIndex
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.products.record import record_product
from aerodag.pipeline.products.sources import RECIPE, made_before, require_source
from aerodag.raster.extent.describe import describe
from aerodag.raster.indices import IndexResult, IndicesResult, compute

PICTURE = "picture"


def indices(context: StepContext) -> Metrics:
    """Every index that the orthophoto's bands allow; of the others the reason."""
    source = require_source(context, "orthophoto")
    recipe = {"source_sha256": source.artifact.sha256}
    if made_before(context, "indices", recipe) is not None:
        return {"published_before": True}
    with source.held() as path:
        result = compute(path, context.product("cogs", "indices"), cache_mb=context.settings.gdal_cache_mb)
    _to_ledger(context, result)
    for index in result.results:
        _record_files(context, index)
    # Recorded last: the summary says that all the others are there.
    summary = context.product("metadata", "indices.json")
    published = context.storage.write(summary, json.dumps(_summary(result), indent=2).encode())
    record_product(context, "indices", published, details={RECIPE: recipe})
    return {index.name: index.reason or (index.statistics and index.statistics.mean) for index in result.results}


def _record_files(context: StepContext, index: IndexResult) -> None:
    details: dict[str, Any] = {"title": index.title, "formula": index.formula, "note": index.note}
    if index.path is not None:
        published = context.storage.deliver(index.path)
        record_product(context, "indices", published, describe(index.path), details, index.name)
    if index.preview is not None:
        name = f"{index.name}.{PICTURE}"
        record_product(context, "indices", context.storage.deliver(index.preview), details=details, name=name)


def _to_ledger(context: StepContext, result: IndicesResult) -> None:
    cells = [StressCell(name=index.name, **asdict(cell)) for index in result.results for cell in index.cells]
    ledger.replace_indices(
        context.ledger, run_id=context.run.id, indices=[_row(index) for index in result.results], cells=cells
    )


def _row(index: IndexResult) -> VegetationIndex:
    figures = index.statistics
    if figures is None:
        return VegetationIndex(name=index.name, reason=index.reason, note=index.note)
    return VegetationIndex(
        name=index.name,
        note=index.note,
        count=figures.count,
        mean=figures.mean,
        std=figures.std,
        min=figures.min,
        max=figures.max,
        percentiles={str(percent): value for percent, value in figures.percentiles.items()},
        classes=[asdict(area) for area in index.classes],
        healthy=index.healthy,
    )


def _summary(result: IndicesResult) -> dict[str, Any]:
    return {
        "numbers": result.numbers,
        "basis": result.basis,
        "indices": [
            asdict(index) | {"path": _name(index.path), "preview": _name(index.preview)} for index in result.results
        ],
    }


def _name(path: Path | None) -> str | None:
    return path.name if path else None
