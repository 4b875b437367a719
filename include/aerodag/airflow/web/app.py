"""The application that Airflow's API server mounts at ``/aerodag``: an API, and the pages made of it.

It has Airflow's logins. The API follows runs; Airflow's own starts and stops them.
"""

from __future__ import annotations

from typing import Any, Final

import psycopg
import structlog
from fastapi import Depends, FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from aerodag.airflow.web import shell
from aerodag.airflow.web.access import viewer
from aerodag.airflow.web.models.problem import problems
from aerodag.airflow.web.routes import datasets, map, photos, rasters, runs, statistics, uploads
from aerodag.ledger.database import json_value

log = structlog.get_logger(__name__)

_TAGS: Final = [
    {"name": "datasets", "description": "What was uploaded, and what became of it."},
    {"name": "runs", "description": "How a run is, and what it did."},
    {"name": "map", "description": "Where datasets lie."},
    {"name": "files", "description": "Tiles, pictures and downloads."},
    {"name": "uploads", "description": "Files in pieces: begin, send chunks in any order, complete."},
    {"name": "overview", "description": "Figures, and who is logged in."},
]


class SafeAnswers:
    """Headers that every answer has; what is not meant to be kept says so."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass on, and add to the answer."""

        async def send_safe(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.setdefault("X-Content-Type-Options", "nosniff")
                headers.setdefault("Cache-Control", "private, no-store")
                headers.setdefault("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
            await send(message)

        await self._app(scope, receive, send_safe)


def make_app() -> FastAPI:
    """The application with all its routes."""
    app = FastAPI(
        title="Aerodag",
        description="Datasets, their runs and products. Times are ISO 8601 in UTC, units stand in the names of fields; "
        "`POST /auth/token` of Airflow gives a bearer token.",
        version="1.0",
        openapi_tags=_TAGS,
        # FastAPI's own pages load their scripts from elsewhere, and its schema asks for no login.
        openapi_url=None,
        docs_url=None,
        redoc_url=None,
    )
    app.add_middleware(SafeAnswers)
    guarded: dict[str, Any] = {"prefix": "/api", "dependencies": [Depends(viewer)], "responses": problems()}
    # The run of a dataset comes before the dataset's own routes.
    for part in (runs, datasets, photos, map, rasters, statistics, uploads):
        app.include_router(part.router, **guarded)
    app.include_router(shell.router)
    app.mount("/static", shell.Parts(directory=shell.PAGES), name="static")
    app.add_exception_handler(psycopg.OperationalError, _no_ledger)
    app.add_exception_handler(RequestValidationError, _unacceptable)

    @app.get("/openapi.json", include_in_schema=False, dependencies=[Depends(viewer)])
    def get_schema() -> JSONResponse:
        """What this API offers, in OpenAPI's format."""
        return JSONResponse(app.openapi())

    return app


async def _unacceptable(request: Request, error: Exception) -> JSONResponse:
    """As FastAPI answers, without what was sent: it may hold what JSON or UTF-8 cannot."""
    found = error.errors() if isinstance(error, RequestValidationError) else []
    kept = [{name: json_value(entry[name]) for name in ("type", "loc", "msg")} for entry in found]
    return JSONResponse({"detail": kept}, 422)


async def _no_ledger(request: Request, error: Exception) -> JSONResponse:
    log.error("the ledger does not answer", path=request.url.path, reason=str(error).strip())
    return JSONResponse({"detail": "The ledger's database does not answer; try again in a minute."}, 503)


app = make_app()
