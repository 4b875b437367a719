"""What is valid of the dataset, as a STAC item among those of the installation."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

from aerodag import ledger
from aerodag.ledger import Artifact, CatalogueExtent
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.products.record import RASTER
from aerodag.stac import (
    COG,
    COLLECTION_PATH,
    GROUP_SIZE,
    Asset,
    Band,
    Extent,
    ItemFacts,
    Provider,
    catalog_path,
    cover,
    encode,
    group_of,
    ids_of,
    item_path,
    make_catalog,
    make_collection,
    make_item,
    media_type,
    product,
)
from aerodag.storage import Storage

_KEYS = {"orthophoto": "source", "point_cloud": "pointcloud"}
_COG_KEYS = {"web": "visual", "archive": "orthophoto"}
_NOT_LISTED = frozenset({"stac", "previews", "engine_log", "forensics", "unregistered"})
_DESCRIPTION = "Orthophotos of drone surveys and what was made of them."


def stac(context: StepContext) -> Metrics:
    """Write the dataset's item, and name it in its catalogue and in the collection."""
    valid = ledger.current_artifacts(context.ledger, dataset_id=context.dataset.id)
    orthophoto = next((artifact for artifact in valid if artifact.kind == "orthophoto"), None)
    if orthophoto is None:
        return {"assets": 0}
    assets = [_asset(context.storage, artifact) for artifact in _listed(valid)]
    products = context.settings.products
    item = make_item(_facts(context, orthophoto), assets, products.collection, products.base_url)
    target = context.storage.root / item_path(context.dataset.id)
    published = context.storage.write(target, encode(item))
    ledger.record_artifact(
        context.ledger,
        run_id=context.run.id,
        kind="stac",
        uri=published.uri,
        bytes=published.size,
        sha256=published.sha256,
        bbox=orthophoto.bbox,
        footprint=orthophoto.footprint,
    )
    _update_catalogues(context)
    return {"assets": len(assets), "bytes": published.size}


def _listed(artifacts: Iterable[Artifact]) -> Iterator[Artifact]:
    """Each file once: a standard orthophoto is its own standardised view."""
    seen = set()
    for artifact in sorted(artifacts, key=lambda artifact: artifact.kind == "standardised"):
        if artifact.kind not in _NOT_LISTED and artifact.uri not in seen:
            seen.add(artifact.uri)
            yield artifact


def _key(artifact: Artifact) -> str:
    if artifact.kind == "cog":
        return _COG_KEYS[str(artifact.details["profile"])]
    if artifact.kind == "indices" and artifact.name:
        return artifact.name.replace(".", "_")
    key = _KEYS.get(artifact.kind, artifact.kind)
    return f"{key}_{artifact.name}".replace(".", "_") if artifact.name else key


def _asset(storage: Storage, artifact: Artifact) -> Asset:
    path = storage.path(artifact.uri).relative_to(storage.root).as_posix()
    key = _key(artifact)
    known = product(key)
    grid: Mapping[str, Any] = artifact.details.get(RASTER) or {}
    is_cog = artifact.kind == "cog" or (artifact.kind == "indices" and path.endswith(".tif"))
    return Asset(
        key=key,
        path=path,
        media_type=COG if is_cog else media_type(path),
        title=known.title,
        roles=known.roles,
        bytes=artifact.bytes,
        sha256=artifact.sha256,
        crs=artifact.crs,
        bbox_native=tuple(grid["bounds"]) if grid else None,
        shape=(grid["height"], grid["width"]) if grid else None,
        transform=tuple(grid["transform"]) if grid else None,
        bands=tuple(Band(**band) for band in grid.get("bands", ())),
        gsd_m=artifact.gsd_m,
        vertical_datum=artifact.details.get("height_datum") or grid.get("vertical_datum"),
        created=artifact.updated_at,
    )


def _facts(context: StepContext, orthophoto: Artifact) -> ItemFacts:
    dataset, made = context.dataset, orthophoto.details
    images = ledger.list_images(context.ledger, dataset_id=dataset.id)
    bbox = orthophoto.bbox
    engine = made.get("engine")
    return ItemFacts(
        dataset_id=dataset.id,
        name=dataset.name,
        created=dataset.created_at,
        footprint=orthophoto.footprint,
        bbox=None if bbox is None else (bbox[0], bbox[1], bbox[2], bbox[3]),
        updated=datetime.now(UTC),
        captured_from=dataset.captured_from,
        captured_to=dataset.captured_to,
        captured_source=dataset.captured_source,
        platform=dataset.platform,
        instruments=tuple(sorted({f"{image.make or ''} {image.model or ''}".strip() for image in images} - {""})),
        gsd_m=orthophoto.gsd_m,
        run_id=orthophoto.run_id,
        processed=orthophoto.created_at if engine else None,
        software={str(engine): str(made.get("version"))} if engine else {},
        lineage=f"Made from {len(images)} images." if engine else "Taken over as it was uploaded.",
        level="L3" if engine else None,
        licence=dataset.licence,
        authors=tuple(dataset.authors),
        providers=(Provider(name=context.settings.products.collection_title, roles=("processor", "host")),),
    )


def _update_catalogues(context: StepContext) -> None:
    """Rewrite the dataset's group and the collection from the ledger, one writer at a time."""
    products, root = context.settings.products, context.storage.root
    group = group_of(context.dataset.id)
    ids = ids_of(group)
    with ledger.catalogue_locked(context.ledger):
        listed = ledger.catalogued_datasets(context.ledger, first=ids.start, last=ids.stop - 1)
        extents = ledger.catalogue_extents(context.ledger, group_size=GROUP_SIZE)
        groups = {group_of(number * GROUP_SIZE) for extent in extents for number in extent.groups}
        catalog = make_catalog(group, products.collection, listed, products.base_url)
        collection = make_collection(
            products.collection,
            products.collection_title,
            _DESCRIPTION,
            _together(extents),
            groups,
            base_url=products.base_url,
        )
        context.storage.write(root / catalog_path(group), encode(catalog))
        context.storage.write(root / COLLECTION_PATH, encode(collection))


def _together(extents: Iterable[CatalogueExtent]) -> Extent:
    """One extent of those on this and across the antimeridian; an unknown date leaves that end open."""
    parts = list(extents)
    boxes = [part.bbox for part in parts if part.bbox is not None]
    starts = [part.captured_from for part in parts if part.captured_from is not None]
    ends = [part.captured_to for part in parts if part.captured_to is not None]
    return Extent(
        bbox=cover(boxes),
        start=min(starts, default=None),
        end=max(ends, default=None),
    )
