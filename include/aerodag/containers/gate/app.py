"""The door itself: a web application in front of the engine's socket."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote

import httpx
import structlog
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from aerodag.containers.gate import rules
from aerodag.containers.gate.rules import Policy, RefusedError

log = structlog.get_logger(__name__)

_VERSION = re.compile(r"/v1\.\d+(?=/)", re.ASCII)
_MOST_BYTES = 1024**2
# Of the engine's answer; the rest belongs to the connection, which is another one.
_HEADERS = ("content-type", "api-version", "docker-experimental", "ostype", "server")
# Stopping waits for the container, reading a log for the disk.
_TIMEOUT = httpx.Timeout(None, connect=15.0)


def gate(policy: Policy, socket: Path) -> Starlette:
    """The application; it answers what it refuses with 403 and the reason, as the engine would."""
    engine = httpx.AsyncClient(
        transport=httpx.AsyncHTTPTransport(uds=str(socket)), base_url="http://docker", timeout=_TIMEOUT
    )

    async def answer(request: Request) -> Response:
        try:
            return await _Call(request, policy, engine).answer()
        except RefusedError as refusal:
            log.warning("refused", method=request.method, path=request.url.path, reason=str(refusal))
            return _message(403, f"aerodag's gate: {refusal}")
        except httpx.HTTPError as error:
            return _message(502, f"aerodag's gate: the engine does not answer ({error!r})")

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        async with engine:
            yield

    return Starlette(
        routes=[Route("/{path:path}", answer, methods=["GET", "HEAD", "POST", "PUT", "DELETE"])], lifespan=lifespan
    )


class _Call:
    """One call, and what becomes of it. Bodies are never passed on, but for the one that was checked."""

    def __init__(self, request: Request, policy: Policy, engine: httpx.AsyncClient) -> None:
        self._request, self._policy, self._engine = request, policy, engine
        path: str = request.scope["path"]
        version = _VERSION.match(path)
        self._version = version.group() if version else ""
        self._path = path[len(self._version) :]

    async def answer(self) -> Response:
        kind = rules.kind_of(self._request.method, self._path)
        parameters = list(self._request.query_params.multi_items())
        body = None
        if kind == rules.LIST:
            filters = rules.narrowed_filters(self._request.query_params.get("filters"))
            parameters = [(name, value) for name, value in parameters if name != "filters"] + [("filters", filters)]
        elif kind == rules.CREATE:
            parameters = [(name, value) for name, value in parameters if name == "name"]
            body, image = rules.checked_body(await self._body(), self._policy)
            if (unknown := await self._not_an_engine(image)) is not None:
                return unknown
        elif kind == rules.OWN and (unknown := await self._not_ours()) is not None:
            return unknown
        return await self._passed_on(parameters, body)

    async def _passed_on(self, parameters: list[tuple[str, str]], body: bytes | None) -> Response:
        request = self._engine.build_request(
            self._request.method,
            self._url(self._path),
            params=tuple(parameters),
            content=body,
            headers={"content-type": "application/json"} if body else {},
        )
        answer = await self._engine.send(request, stream=True)
        headers = {name: answer.headers[name] for name in _HEADERS if name in answer.headers}
        return StreamingResponse(
            answer.aiter_raw(), answer.status_code, headers, background=BackgroundTask(answer.aclose)
        )

    async def _not_ours(self) -> Response | None:
        """What is answered about a container of somebody else, or none at all."""
        name = self._path.split("/")[2]
        found = await self._engine.get(self._url(f"/containers/{name}/json"))
        if found.is_success and rules.is_ours(found.json()):
            return None
        return _message(404, f"No such container: {name}")

    async def _not_an_engine(self, image: str) -> Response | None:
        """What is answered about an image that is not there. Raises ``RefusedError`` for one of something else."""
        found = await self._engine.get(self._url(f"/images/{image}/json"))
        if not found.is_success:
            return _message(404, f"No such image: {image}")
        rules.check_image(found.json(), self._policy)
        return None

    async def _body(self) -> bytes:
        body = bytearray()
        async for chunk in self._request.stream():
            body += chunk
            if len(body) > _MOST_BYTES:
                raise RefusedError("the body is too long")
        return bytes(body)

    def _url(self, path: str) -> str:
        return self._version + quote(path, safe="/:@")


def _message(status: int, text: str) -> Response:
    return JSONResponse({"message": text}, status)
