"""Rasters made of the orthophoto: the standardised view, cloud-optimised GeoTIFFs, thumbnails."""

from __future__ import annotations

import dataclasses
from typing import Any

from aerodag import ledger
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.products.record import record_product
from aerodag.pipeline.products.sources import RECIPE, Source, find_source, made_before, require_source
from aerodag.raster.cog import CogProfile, archive_profile, make_cog, web_profile
from aerodag.raster.extent.describe import describe
from aerodag.raster.kinds import Content
from aerodag.raster.picture.thumbnail import make_thumbnails
from aerodag.raster.standard.standardising import standardise as bring_into_form
from aerodag.settings import Products
from aerodag.storage import Published

# What each COG is made of, and where it goes.
_COGS = {"web": ("standardised", "cogs", "cog.tif"), "archive": ("orthophoto", "archive", "archive.tif")}


def standardise(context: StepContext) -> Metrics:
    """The orthophoto as uint8 RGBA; one that is so already serves as it is."""
    source = require_source(context, "orthophoto")
    recipe = {"source_sha256": source.artifact.sha256}
    if (before := made_before(context, "standardised", recipe)) is not None:
        return {"bytes": before.bytes, "published_before": True}
    target = context.product("archive", "standardised.tif")
    with source.held() as path:
        result = bring_into_form(path, target, context.settings.gdal_cache_mb)
    artifact = source.artifact
    published = (
        context.storage.deliver(result.path)
        if result.reasons
        else Published(artifact.uri, artifact.bytes, str(artifact.sha256))
    )
    details = {
        RECIPE: recipe,
        "content": result.content,
        "reasons": result.reasons,
        "bands": result.bands,
        "stretch": result.stretch,
    }
    record_product(context, "standardised", published, describe(result.path), details)
    return {"bytes": published.size, "rewritten_for": list(result.reasons)}


def cog(context: StepContext) -> Metrics:
    """Strictly valid cloud-optimised GeoTIFFs, each compared with its source; the first profile's is the one served."""
    products = context.settings.products
    return {kind: _make_cog(context, kind, "" if kind == products.cogs[0] else kind) for kind in products.cogs}


def thumbnail(context: StepContext) -> Metrics:
    """Small pictures for lists and maps, from overviews; the first size and format is the main one."""
    source = _picture_source(context)
    products = context.settings.products
    wanted = [(size, suffix) for size in products.thumbnail_sizes for suffix in products.thumbnail_formats]
    names = ["", *(f"{size}.{suffix}" for size, suffix in wanted[1:])]
    recipe = {"source_sha256": source.artifact.sha256, "wanted": [list(pair) for pair in wanted]}
    if all(made_before(context, "thumbnail", recipe, name) is not None for name in names):
        return {"pictures": len(names), "published_before": True}
    targets = [
        (context.product("thumbnails", f"thumbnail{f'_{name}' if name else f'.{wanted[0][1]}'}"), size)
        for name, (size, _) in zip(names, wanted, strict=True)
    ]
    with source.held() as path:
        pictures = make_thumbnails(path, targets)
    for name, picture in zip(names, pictures, strict=True):
        details = {RECIPE: recipe, "width": picture.width, "height": picture.height}
        record_product(context, "thumbnail", context.storage.deliver(picture.path), details=details, name=name)
    return {"pictures": len(names), "bytes": sum(picture.bytes for picture in pictures)}


def _make_cog(context: StepContext, kind: str, name: str) -> dict[str, Any]:
    made_of, folder, file_name = _COGS[kind]
    source = require_source(context, made_of)
    profile = _profile(context.settings.products, kind)
    recipe = {"source_sha256": source.artifact.sha256, "profile": dataclasses.asdict(profile)}
    if (before := made_before(context, "cog", recipe, name)) is not None:
        return {"bytes": before.bytes, "published_before": True}
    target = context.product(folder, file_name)
    with source.held() as path:
        settings = context.settings
        report = make_cog(path, target, profile, settings.gdal_cache_mb, threads=settings.max_concurrency)
    published = context.storage.deliver(target)
    details = dataclasses.asdict(report) | {RECIPE: recipe, "path": target.name}
    record_product(context, "cog", published, describe(target), details, name=name)
    return {"bytes": published.size, "source_bytes": source.artifact.bytes}


def _profile(products: Products, kind: str) -> CogProfile:
    if kind == "archive":
        return archive_profile(products.archive_compress)
    return web_profile(products.web_compress, products.web_quality, products.web_grid)


def _picture_source(context: StepContext) -> Source:
    """The COG that is served; of an elevation model the one that holds the heights, for its relief."""
    standardised = ledger.source_artifact(
        context.ledger, dataset_id=context.dataset.id, run_id=context.run.id, kind="standardised"
    )
    if standardised is not None and standardised.details.get("content") == Content.ELEVATION:
        heights = find_source(context, "cog", "archive") or find_source(context, "orthophoto")
        if heights is not None:
            return heights
    return find_source(context, "cog") or require_source(context, "standardised")
