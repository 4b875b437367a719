"""The pages and their parts, which hold no data and need no login."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from fastapi import APIRouter
from fastapi.responses import FileResponse, RedirectResponse
from starlette.responses import Response
from starlette.staticfiles import StaticFiles
from starlette.types import Scope

PAGES: Final = Path(__file__).parent / "pages"
# Everything comes from this very server: scripts, styles, pictures, data. MapLibre makes its worker of a blob.
POLICY: Final = "; ".join(
    (
        "default-src 'self'",
        "img-src 'self' data: blob:",
        "worker-src 'self' blob:",
        "object-src 'none'",
        "base-uri 'none'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    )
)
_HEADERS: Final = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-cache",
}

router = APIRouter(include_in_schema=False)


@router.get("/")
def go_to_page() -> RedirectResponse:
    """Whoever types the short address gets the page."""
    return RedirectResponse("datasets", headers=_HEADERS)


@router.get("/datasets")
def get_page() -> FileResponse:
    """The one page; what it shows stands behind the # of its address."""
    return FileResponse(PAGES / "index.html", media_type="text/html; charset=utf-8", headers=_HEADERS)


class Parts(StaticFiles):
    """Scripts, styles and pictures of the page: kept by the browser, and asked for again whether they are the same."""

    async def get_response(self, path: str, scope: Scope) -> Response:
        """A file, or 304 where the browser has it."""
        response = await super().get_response(path, scope)
        response.headers["Cache-Control"] = "no-cache"
        response.headers["Content-Security-Policy"] = POLICY
        return response
