"""Single images of a dataset: small ones, and the very files inside the upload."""

from __future__ import annotations

import mimetypes
import zipfile
from contextlib import closing
from pathlib import Path as FilePath
from typing import Annotated, Final

from fastapi import APIRouter, Depends, HTTPException, Path, Response

from aerodag.airflow.web.access import ViewerDep
from aerodag.airflow.web.models.problem import problems
from aerodag.airflow.web.stores import Ledger, local_file
from aerodag.ledger import browse

_KEPT: Final = {"Cache-Control": "private, max-age=3600"}
_SHOWN: Final = frozenset({"image/jpeg", "image/png"})

router = APIRouter(tags=["files"], responses=problems(404, 503))
Id = Annotated[int, Path(ge=1, lt=2**63)]


def seen_photo(dataset_id: Id, image_id: Id, who: ViewerDep, conn: Ledger) -> browse.Photo:
    """The image that is asked for; 404 where the login does not see it."""
    found = browse.find_photo(conn, who, dataset_id=dataset_id, image_id=image_id)
    if found is None:
        raise HTTPException(404, f"There is no image {image_id} of a dataset {dataset_id} that your login may see.")
    return found


SeenPhoto = Annotated[browse.Photo, Depends(seen_photo)]


@router.get(
    "/datasets/{dataset_id}/photos/{image_id}",
    summary="A small picture of an image",
    response_class=Response,
    responses={200: {"content": {"image/jpeg": {}}}},
)
def get_photo(photo: SeenPhoto, who: ViewerDep, conn: Ledger) -> Response:
    """JPEG of at most 160 pixels on the longer side, upright."""
    if photo.previews_id is None or (file := browse.find_file(conn, who, artifact_id=photo.previews_id)) is None:
        raise HTTPException(404, "The images of this dataset were not looked at yet.")
    try:
        with zipfile.ZipFile(local_file(file)) as previews:
            content = previews.read(photo.zip_path)
    except KeyError as error:
        raise HTTPException(404, f"{photo.zip_path} could not be decoded, so there is no picture of it.") from error
    except zipfile.BadZipFile as error:
        raise HTTPException(404, "The file of small pictures is damaged; clear assess_images.") from error
    return Response(content, media_type="image/jpeg", headers=_KEPT)


@router.get(
    "/datasets/{dataset_id}/photos/{image_id}/full",
    summary="An image as it was uploaded",
    response_class=Response,
    responses=problems(403) | {200: {"content": {kind: {} for kind in sorted(_SHOWN)}}},
)
def get_full_photo(photo: SeenPhoto, who: ViewerDep) -> Response:
    """The file inside the upload, where the upload lies on this machine's disk and a browser can show it."""
    from aerodag import archive
    from aerodag.errors import DataError

    if not who.may_download(photo.owner, photo.access):
        raise HTTPException(403, "The dataset is there to be looked at, not to be downloaded.")
    kind = mimetypes.guess_type(photo.zip_path.lower())[0]
    if kind not in _SHOWN:
        raise HTTPException(404, f"No browser shows {photo.zip_path}; its small picture is there.")
    upload = _upload(photo)
    try:
        with archive.Reader(upload) as reader:
            return Response(reader.read(photo.zip_path), media_type=kind, headers=_KEPT)
    except DataError as error:
        raise HTTPException(404, str(error)) from error


def _upload(photo: browse.Photo) -> FilePath:
    """The upload on this disk. One that lies elsewhere is not brought here: it may have 30 GB."""
    from aerodag.airflow.installation import installation
    from aerodag.storage import Storage

    with closing(Storage.of(installation())) as storage:
        path = None if photo.raw_uri is None else storage.path(photo.raw_uri)
    if path is None or not path.is_file() or path.stat().st_size != photo.size_bytes:
        raise HTTPException(404, f"The upload is not on this machine; of {photo.zip_path} there is a small picture.")
    return path
