"""Datasets: the list, one with its runs and versions, where its images were taken."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from itertools import groupby
from operator import attrgetter
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response

from aerodag.airflow.web.access import ViewerDep
from aerodag.airflow.web.models.datasets import (
    DatasetDetail,
    DatasetItem,
    DatasetPage,
    RunItem,
    State,
    UploadType,
    Version,
)
from aerodag.airflow.web.models.maps import FeatureCollection
from aerodag.airflow.web.models.problem import problems
from aerodag.airflow.web.models.products import ProductItem
from aerodag.airflow.web.routes.rasters import product_item
from aerodag.airflow.web.routes.runs import DatasetId
from aerodag.airflow.web.stores import Ledger, path_of
from aerodag.ledger import browse
from aerodag.ledger.data.products import EVIDENCE

_MAPS = ("cog", "orthophoto")

router = APIRouter(tags=["datasets"])
Words = Annotated[
    str | None,
    Query(max_length=200, description="Words that all have to occur in id, name, owner or project."),
]
OfState = Annotated[State | None, Query(description="How the dataset has to be.")]


@router.get("/datasets", summary="List datasets", responses=problems(400))
def list_datasets(
    request: Request,
    who: ViewerDep,
    conn: Ledger,
    search: Words = None,
    state: OfState = None,
    upload_type: Annotated[UploadType | None, Query(description="What was uploaded.")] = None,
    cursor: Annotated[str | None, Query(max_length=200, description="``next`` of the page before.")] = None,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
) -> DatasetPage:
    """The datasets that the login sees, newest first, a page at a time."""
    found = browse.list_datasets(
        conn,
        who,
        browse.Search(words=search, state=state),
        upload_type=upload_type,
        after=None if cursor is None else _place(cursor),
        limit=limit + 1,
    )
    page = found[:limit]
    items = [DatasetItem.model_validate(_shown(item, request)) for item in page]
    return DatasetPage(items=items, next=_cursor(page[-1]) if len(found) > limit else None)


@router.get("/datasets/{dataset_id}", summary="One dataset", responses=problems(404))
def get_dataset(dataset_id: DatasetId, request: Request, who: ViewerDep, conn: Ledger) -> DatasetDetail:
    """All about a dataset: its facts, its runs, and what each made of it."""
    found = _seen(dataset_id, who, conn)
    runs = browse.runs_of(conn, dataset_id=dataset_id)
    products = browse.products_of(conn, run_ids=[run.run_id for run in runs])
    takeable = who.may_download(found.owner, found.access)
    made: dict[int, list[ProductItem]] = {run.run_id: [] for run in runs}
    told: dict[int, list[ProductItem]] = {run.run_id: [] for run in runs}
    for product in products:
        kept = told if product.kind in EVIDENCE else made
        kept[product.run_id].append(product_item(product, request, takeable=takeable))
    return DatasetDetail.model_validate(
        _shown(found, request)
        | {
            "place": found.place or None,
            "runs": [RunItem.model_validate(asdict(run) | {"files": told[run.run_id]}) for run in runs],
            "versions": [_version(run, made[run.run_id]) for run in runs if made[run.run_id]],
        }
    )


@router.get(
    "/datasets/{dataset_id}/exposures",
    summary="Where the images were taken",
    response_model=FeatureCollection,
    responses=problems(404),
)
def get_exposures(dataset_id: DatasetId, request: Request, who: ViewerDep, conn: Ledger) -> Response:
    """Every image with what became of it, where it was taken, and how exact that position is."""
    _seen(dataset_id, who, conn)
    known = browse.has_previews(conn, dataset_id=dataset_id)
    photos = path_of(request, f"/api/datasets/{dataset_id}/photos/") if known else None
    content = browse.exposures(conn, dataset_id=dataset_id, photos=photos)
    return Response(content, media_type="application/json")


def _seen(dataset_id: int, who: browse.Viewer, conn: Ledger) -> browse.DatasetFacts:
    found = browse.find_dataset(conn, who, dataset_id=dataset_id)
    if found is None:
        raise HTTPException(404, f"There is no dataset {dataset_id} that your login may see.")
    return found


def thumbnail_path(request: Request, dataset_id: int, thumbnail_id: int | None) -> str | None:
    """Path of a dataset's picture; another one for another picture, so that it may be cached."""
    if thumbnail_id is None:
        return None
    return path_of(request, f"/api/datasets/{dataset_id}/thumbnail?v={thumbnail_id}")


def _shown(item: browse.Item, request: Request) -> dict[str, Any]:
    return asdict(item) | {"thumbnail": thumbnail_path(request, item.id, item.thumbnail_id)}


def _version(run: browse.RunFacts, products: Sequence[ProductItem]) -> Version:
    """What is seen on the map decides whether a version is the current one; where it has no map, any product."""
    by_kind = {kind: list(group) for kind, group in groupby(products, key=attrgetter("kind"))}
    deciding = next((by_kind[kind] for kind in _MAPS if kind in by_kind), products)
    return Version(
        run_id=run.run_id,
        dag_run_id=run.dag_run_id,
        finished_at=run.finished_at,
        current=any(product.current for product in deciding),
        preset=run.preset,
        engine=run.engine,
        products=list(products),
    )


def _cursor(item: browse.Item) -> str:
    place = f"{item.created_at.astimezone(UTC).isoformat()} {item.id}"
    return base64.urlsafe_b64encode(place.encode()).decode().rstrip("=")


def _place(cursor: str) -> browse.Place:
    try:
        text = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4)).decode()
        moment, _, number = text.partition(" ")
        place = browse.Place(datetime.fromisoformat(moment).astimezone(UTC), int(number))
    except (ValueError, binascii.Error, OverflowError) as error:
        raise HTTPException(400, "This cursor is not one of this list; begin again without it.") from error
    if not 0 < place.dataset_id < 2**63:
        raise HTTPException(400, "This cursor is not one of this list; begin again without it.")
    return place
