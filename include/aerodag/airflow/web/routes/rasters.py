"""Files of datasets: map tiles, pictures, downloads. Only the ledger says where a file is."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path as FilePath
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, HTTPException, Path, Request, Response
from fastapi.responses import FileResponse

from aerodag.airflow.web.access import ViewerDep
from aerodag.airflow.web.models.maps import TileJson
from aerodag.airflow.web.models.problem import problems
from aerodag.airflow.web.models.products import ProductItem
from aerodag.airflow.web.stores import Ledger, local_file, path_of
from aerodag.errors import DataError
from aerodag.ledger import browse

_TILED: Final = frozenset({"cog", "dsm", "dtm", "indices"})
_DEEPEST: Final = 30
_KEPT: Final = "private, max-age=3600"
_NOT_CHANGED: Final[dict[str, Any]] = {"description": "What the browser has is still valid."}

router = APIRouter(tags=["files"], responses=problems(404, 503))
ArtifactId = Annotated[int, Path(ge=1, lt=2**63)]


def seen_file(artifact_id: ArtifactId, who: ViewerDep, conn: Ledger) -> browse.File:
    """The file that is asked for; 404 where the login does not see it."""
    found = browse.find_file(conn, who, artifact_id=artifact_id)
    if found is None:
        raise HTTPException(404, f"There is no file {artifact_id} that your login may see.")
    return found


def seen_map(file: Annotated[browse.File, Depends(seen_file)]) -> browse.File:
    """The same where it can be shown on a map."""
    if not _is_map(file.kind, file.uri):
        raise HTTPException(404, f"The file {file.id} ({file.kind}) is no map.")
    return file


SeenFile = Annotated[browse.File, Depends(seen_file)]
SeenMap = Annotated[browse.File, Depends(seen_map)]


def product_item(product: browse.ProductFacts, request: Request, *, takeable: bool) -> ProductItem:
    """A product with the paths it is fetched by; ``takeable``: the viewer may download it."""
    path = path_of(request, f"/api/artifacts/{product.id}")
    shown = _is_map(product.kind, product.uri)
    return ProductItem.model_validate(
        asdict(product)
        | {
            "artifact_id": product.id,
            "current": product.is_current,
            "download": f"{path}/file" if takeable else None,
            "tiles": f"{path}/tiles/{{z}}/{{x}}/{{y}}.webp" if shown else None,
            "tilejson": f"{path}/tilejson.json" if shown else None,
        }
    )


def _is_map(kind: str, uri: str) -> bool:
    """Whether a product has tiles."""
    return kind in _TILED and uri.endswith(".tif")


@router.get("/artifacts/{artifact_id}/tilejson.json", summary="Map tiles of a raster, described")
def get_tilejson(file: SeenMap, request: Request) -> TileJson:
    """Where the raster lies, and the path of its tiles."""
    from aerodag.raster.picture.tiles import layer

    try:
        found = layer(local_file(file))
    except DataError as error:
        raise HTTPException(404, str(error)) from error
    west, south, east, north = found.bounds
    return TileJson(
        name=" ".join(part for part in (file.dataset, file.kind, file.name) if part),
        tiles=[path_of(request, f"/api/artifacts/{file.id}/tiles/{{z}}/{{x}}/{{y}}.webp?v={_version(file)}")],
        bounds=[west, south, east, north],
        center=[(west + east) / 2, (south + north) / 2, found.minzoom],
        minzoom=found.minzoom,
        maxzoom=found.maxzoom,
    )


@router.get(
    "/artifacts/{artifact_id}/tiles/{z}/{x}/{y}.webp",
    summary="A map tile of a raster",
    response_class=Response,
    responses={200: {"content": {"image/webp": {}}}, 304: _NOT_CHANGED},
)
def get_tile(
    file: SeenMap,
    z: Annotated[int, Path(ge=0, le=_DEEPEST)],
    x: Annotated[int, Path(ge=0, lt=2**_DEEPEST)],
    y: Annotated[int, Path(ge=0, lt=2**_DEEPEST)],
    request: Request,
) -> Response:
    """A tile of 256 pixels in the scheme of web maps, transparent where the raster has nothing; 404 outside of it."""
    from aerodag.raster.picture.tiles import tile

    if max(x, y) >= 2**z:
        raise HTTPException(404, f"At zoom {z} there are only {2**z} tiles in a row.")
    headers = _cached(f"{file.id}-{_version(file)}-{z}-{x}-{y}")
    if _is_known(request, headers):
        return Response(status_code=304, headers=headers)
    try:
        content = tile(local_file(file), z, x, y, index=file.name if file.kind == "indices" else None)
    except DataError as error:
        raise HTTPException(404, str(error)) from error
    if content is None:
        raise HTTPException(404, "The raster does not lie here.")
    return Response(content, media_type="image/webp", headers=headers)


@router.get(
    "/datasets/{dataset_id}/thumbnail",
    summary="A small picture of a dataset",
    response_class=Response,
    responses={200: {"content": {"image/webp": {}, "image/jpeg": {}}}, 304: _NOT_CHANGED},
)
def get_thumbnail(
    dataset_id: Annotated[int, Path(ge=1, lt=2**63)], who: ViewerDep, conn: Ledger, request: Request
) -> Response:
    """The picture that is valid for the dataset now."""
    file = browse.current_file(conn, who, dataset_id=dataset_id, kind="thumbnail")
    if file is None:
        raise HTTPException(404, f"There is no picture of a dataset {dataset_id} that your login may see.")
    headers = _cached(f"{file.id}-{_version(file)}")
    if _is_known(request, headers):
        return Response(status_code=304, headers=headers)
    return FileResponse(local_file(file), headers=headers)


@router.get(
    "/artifacts/{artifact_id}/file",
    summary="Download a file",
    response_class=FileResponse,
    responses={
        200: {"content": {"application/octet-stream": {}}},
        206: {"description": "The part that was asked for.", "content": {"application/octet-stream": {}}},
        304: _NOT_CHANGED,
        400: {"description": "The range makes no sense.", "content": {"text/plain": {}}},
        416: {"description": "The file is not as long as that.", "content": {"text/plain": {}}},
    },
)
def get_file(file: SeenFile, who: ViewerDep, request: Request) -> Response:
    """The file itself, or a part of it where the header Range says so."""
    if not who.may_download(file.owner, file.access):
        raise HTTPException(403, "The dataset is there to be looked at, not to be downloaded.")
    headers = _cached(f"{file.id}-{_version(file)}") | {"Cache-Control": "private, no-cache"}
    if _is_known(request, headers):
        return Response(status_code=304, headers=headers)
    path = local_file(file)
    # Airflow's server would compress it on its way otherwise, and no browser could tell how much is still to come.
    headers |= {"Content-Encoding": "identity"}
    name = FilePath(path).name
    return FileResponse(path, media_type="application/octet-stream", filename=name, headers=headers)


def _version(file: browse.File) -> str:
    return (file.sha256 or str(file.bytes))[:16]


def _cached(tag: str) -> dict[str, str]:
    return {"ETag": f'"{tag}"', "Cache-Control": _KEPT}


def _is_known(request: Request, headers: dict[str, str]) -> bool:
    """Whether the browser holds this very answer already."""
    known = request.headers.get("if-none-match", "")
    return headers["ETag"] in {tag.strip().removeprefix("W/") for tag in known.split(",")}
