"""Uploads in pieces: begin, send chunks in any order and as often as need be, complete.

No body is ever held whole, and no connection to the ledger while a body comes in.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any
from uuid import UUID

import psycopg
import structlog
from fastapi import APIRouter, Depends, Header, HTTPException, Path, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.requests import ClientDisconnect

from aerodag import ledger, uploads
from aerodag.airflow.connection import open_ledger
from aerodag.airflow.installation import installation
from aerodag.airflow.web.access import UploaderDep, ViewerDep, same_origin, uploader
from aerodag.airflow.web.models.problem import Problem, Unacceptable
from aerodag.airflow.web.models.uploads import Upload, UploadRequest
from aerodag.errors import AerodagError, Category, DataError
from aerodag.ledger.browse import Viewer
from aerodag.settings import Settings, get_settings
from aerodag.storage import Storage, explained

log = structlog.get_logger(__name__)

# So many bytes go to the disk at a time.
BLOCK_BYTES = 4 << 20
# However small the pieces are that a client sends it in.
MOST_PIECES = 1024
# How HTTP says a refusal; what is not named here is the content's fault (422) or the server's (503).
STATUS = {
    "upload.unknown": 404,
    "upload.no_such_chunk": 404,
    "upload.no_digest": 400,
    "upload.digest": 400,
    "upload.chunk_size": 400,
    "upload.idle": 408,
    "upload.chunk_differs": 409,
    "upload.chunks_missing": 409,
    "upload.completing": 409,
    "upload.busy": 409,
    "upload.not_open": 409,
    "upload.is_complete": 409,
    "upload.gone": 410,
    "upload.too_large": 413,
    "upload.no_room": 413,
    "upload.too_many": 429,
    "storage.disk_full": 507,
}
# Another try in a moment may well succeed.
PASSING = frozenset({"upload.digest", "upload.idle", "upload.busy"})
MEANINGS = {
    400: "The chunk did not arrive as it was sent; send it again.",
    401: "Nobody is logged in.",
    403: "The login may not do this.",
    404: "There is no such upload or chunk, or the login does not see it.",
    408: "Nothing came for too long; send the chunk again.",
    409: "The upload is in another state.",
    410: "What was received is lost; begin again.",
    413: "The file is larger than is allowed, or than there is room for.",
    422: "The file, or what is said about it, is not acceptable.",
    429: "Too many uploads of this user are not finished.",
    503: "Storage does not answer; try again later.",
    507: "The disk is full; try again later.",
}

router = APIRouter(prefix="/uploads", tags=["uploads"])
# The login is asked for first, so that a stranger hears of nothing else.
guarded = [Depends(uploader), Depends(same_origin)]
Index = Annotated[int, Path(ge=0, lt=2**31)]
BYTES = {"schema": {"type": "string", "format": "binary"}}


def _problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    models = {422: Unacceptable}
    return {code: {"model": models.get(code, Problem), "description": MEANINGS[code]} for code in (401, 403, *codes)}


@dataclass(frozen=True, slots=True)
class Place:
    """Where uploads go: the settings and storage of this installation, and the ledger."""

    settings: Settings
    storage: Storage
    conn: psycopg.Connection


@contextmanager
def _place() -> Iterator[Place]:
    settings = installation()
    with closing(Storage.of(settings)) as storage, open_ledger() as conn:
        yield Place(settings, storage, conn)


@router.post("", status_code=201, dependencies=guarded, responses=_problems(413, 422, 429, 503, 507))
def begin(wish: UploadRequest, who: UploaderDep) -> Upload:
    """Expect a file; the answer tells how large its chunks are."""
    with _told(), _place() as place:
        opened = uploads.open_upload(
            place.conn,
            place.settings,
            place.storage,
            uploads.Wish(wish.name, wish.size_bytes, who.name, wish.words, wish.captured_on, wish.priority),
            now=_now(),
        )
        return _answer(place.conn, opened)


@router.get("", responses=_problems())
def list_open(who: ViewerDep) -> list[Upload]:
    """Your own uploads that are not complete, the oldest first."""
    with open_ledger() as conn:
        found = ledger.list_open_uploads(conn, owner=who.name, now=_now())
        return [_answer(conn, upload) for upload in found]


@router.get("/{upload_id}", responses=_problems(404, 422))
def get(upload_id: UUID, who: ViewerDep) -> Upload:
    """How far an upload is, and of a complete one, which dataset it became."""
    with _told(), open_ledger() as conn:
        return _answer(conn, _seen(conn, upload_id, who))


@router.put(
    "/{upload_id}/chunks/{index}",
    status_code=204,
    dependencies=guarded,
    responses=_problems(400, 404, 408, 409, 410, 422, 503, 507),
    openapi_extra={"requestBody": {"required": True, "content": {"application/octet-stream": BYTES}}},
)
async def put_chunk(
    upload_id: UUID,
    index: Index,
    request: Request,
    who: UploaderDep,
    content_digest: Annotated[str | None, Header(description="`sha-256=:BASE64:`, of the body (RFC 9530)")] = None,
) -> Response:
    """Receive a chunk: the body is its bytes as they are in the file. The same chunk again does no harm."""
    with _told(), ExitStack() as stack:
        sha256 = uploads.content_sha256(content_digest)
        chunk, idle_seconds = await run_in_threadpool(_expect, stack, upload_id, index, sha256, who)
        await _pour(request, chunk, idle_seconds)
        await run_in_threadpool(_record, chunk)
    return Response(status_code=204)


@router.post("/{upload_id}/complete", dependencies=guarded, responses=_problems(404, 409, 410, 422, 503, 507))
def complete(upload_id: UUID, who: UploaderDep) -> Upload:
    """All chunks were sent: look at the whole file and hand it over for processing. Once more answers the same."""
    with _told(), _place() as place:
        upload = _seen(place.conn, upload_id, who)
        done = uploads.complete(place.conn, place.settings, place.storage, upload, now=_now())
        return _answer(place.conn, done)


@router.delete("/{upload_id}", status_code=204, dependencies=guarded, responses=_problems(404, 409, 422, 503))
def discard(upload_id: UUID, who: UploaderDep) -> Response:
    """Remove an upload that is not complete, with what was received of it."""
    with _told(), _place() as place:
        uploads.discard(place.conn, place.storage, _seen(place.conn, upload_id, who))
    return Response(status_code=204)


def _expect(stack: ExitStack, upload_id: UUID, index: int, sha256: bytes, who: Viewer) -> tuple[uploads.Chunk, float]:
    settings = get_settings()
    with open_ledger() as conn:
        upload = _seen(conn, upload_id, who)
        uploads.require_open(upload, now=_now())
        # Chunks lie on this machine's disk, wherever the whole file goes.
        chunk = stack.enter_context(uploads.receive_chunk(conn, Storage(settings.data), upload, index, sha256))
        return chunk, settings.uploads.idle_seconds


def _record(chunk: uploads.Chunk) -> None:
    with open_ledger() as conn:
        chunk.finish(conn)


async def _pour(request: Request, chunk: uploads.Chunk, idle_seconds: float) -> None:
    """Bring the body to the chunk's place. Raises ``DataError`` ``upload.idle`` when nothing comes for so long."""
    pieces: list[bytes] = []
    held, loop = 0, asyncio.get_running_loop()
    try:
        async with asyncio.timeout(idle_seconds) as patience:
            async for piece in request.stream():
                pieces.append(piece)
                held += len(piece)
                if held >= BLOCK_BYTES or len(pieces) >= MOST_PIECES:
                    patience.reschedule(None)  # the disk takes the time that it needs
                    await run_in_threadpool(_write, chunk, pieces)
                    pieces, held = [], 0
                patience.reschedule(loop.time() + idle_seconds)
    except TimeoutError:
        message = f"Nothing came for {idle_seconds:g} seconds."
        raise DataError("upload.idle", message, advice="Send the chunk again.") from None
    await run_in_threadpool(_write, chunk, pieces)


def _write(chunk: uploads.Chunk, pieces: list[bytes]) -> None:
    # At once: after each call that leaves the interpreter, a thread waits for the loop's to let it in again.
    chunk.write(b"".join(pieces))


def _seen(conn: psycopg.Connection, upload_id: UUID, who: Viewer) -> ledger.Upload:
    """The upload, for its owner and for editors; for anybody else there is none."""
    upload = ledger.get_upload(conn, upload_id=upload_id)
    if upload.owner != who.name and not who.may_edit:
        raise ledger.unknown_upload(upload_id)
    return upload


def _answer(conn: psycopg.Connection, upload: ledger.Upload) -> Upload:
    dataset_id, whole = upload.dataset_id, upload.state == "complete"
    message = upload.refusal
    if upload.already_known:
        message = f"Dataset {dataset_id} has the same content already; nothing was started."
    known = {name: getattr(upload, name) for name in Upload.model_fields.keys() & {*ledger.Upload.__slots__}}
    return Upload.model_validate(
        known
        | {
            "chunks_total": upload.chunks_total,
            "chunks_received": list(range(upload.chunks_total)) if whole else upload.chunks,
            "state": "expired" if upload.is_over(_now()) else upload.state,
            "dag_run_id": None if dataset_id is None else ledger.newest_run_of_dataset(conn, dataset_id=dataset_id),
            "message": message,
        }
    )


@contextmanager
def _told() -> Iterator[None]:
    """What is refused or fails, as HTTP says it."""
    try:
        yield
    except AerodagError as error:
        raise _refusal(error) from error
    except ClientDisconnect:
        raise HTTPException(400, "The connection broke off.") from None
    except OSError as error:
        raise _refusal(explained(error)) from error


def _refusal(error: AerodagError) -> HTTPException:
    status = STATUS.get(error.code, 422 if error.category is Category.DATA else 503)
    log.warning("upload refused", code=error.code, status=status, reason=error.message)
    return HTTPException(status, str(error), {"Retry-After": "1"} if error.code in PASSING else None)


def _now() -> datetime:
    return datetime.now(UTC)
