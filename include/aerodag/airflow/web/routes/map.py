"""Datasets on a map."""

from __future__ import annotations

import json
import math
from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Query, Request, Response

from aerodag.airflow.web.access import ViewerDep
from aerodag.airflow.web.models.maps import MapFeatures
from aerodag.airflow.web.models.problem import problems
from aerodag.airflow.web.routes.datasets import OfState, Words, thumbnail_path
from aerodag.airflow.web.stores import Ledger
from aerodag.ledger import browse
from aerodag.ledger.database import json_value

_PROPERTIES = ("id", "name", "owner", "state", "upload_type", "created_at", "images", "area_m2", "gsd_cm", "bbox")

router = APIRouter(tags=["map"])


@router.get("/map", summary="Datasets on a map", response_model=MapFeatures, responses=problems(400))
def get_map(
    request: Request,
    who: ViewerDep,
    conn: Ledger,
    bbox: Annotated[str, Query(max_length=200, description="West, south, east, north of the view in degrees.")],
    zoom: Annotated[float, Query(ge=0, le=30, description="Of the map, with tiles of 512 pixels.")],
    search: Words = None,
    state: OfState = None,
) -> Response:
    """The outlines of the datasets in view; where they are more than 500, how many lie where."""
    view, wanted = _view(bbox), browse.Search(words=search, state=state)
    found = browse.look(conn, who, wanted, view, zoom)
    if found.outlines is None:
        features = [_cluster(one) for one in found.clusters]
    else:
        features = [_outline(one, request) for one in found.outlines]
    content = {
        "type": "FeatureCollection",
        "bbox": found.extent,
        "clustered": found.outlines is None,
        "features": features,
    }
    return Response(json.dumps(content, allow_nan=False), media_type="application/json")


def _outline(found: browse.Footprint, request: Request) -> dict[str, Any]:
    facts: dict[str, Any] = {name: json_value(getattr(found, name)) for name in _PROPERTIES}
    facts["thumbnail"] = thumbnail_path(request, found.id, found.thumbnail_id)
    return {"type": "Feature", "id": found.id, "geometry": found.geometry, "properties": facts}


def _cluster(found: browse.Cluster) -> dict[str, Any]:
    return {
        "type": "Feature",
        "geometry": {"type": "Point", "coordinates": [found.longitude, found.latitude]},
        "properties": {"count": found.count, "bbox": found.edges},
    }


def _view(text: str) -> browse.Box:
    """Edges of the view; west is greater than east across the antimeridian, or east is beyond 180."""
    parts = text.split(",")
    try:
        west, south, east, north = (float(part) for part in parts)
    except ValueError as error:
        raise HTTPException(400, "bbox has to be four numbers: west,south,east,north.") from error
    if not all(math.isfinite(edge) and abs(edge) <= 1e6 for edge in (west, south, east, north)):
        raise HTTPException(400, "bbox has to be in degrees: west,south,east,north.")
    if south > north:
        raise HTTPException(400, "bbox has its south north of its north: it is west,south,east,north.")
    if west > east:
        east += 360 * math.ceil((west - east) / 360)
    return west, max(south, -90.0), east, min(north, 90.0)
