"""What is answered instead of what was asked for."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, Field

_MEANINGS = {
    400: "What was asked makes no sense.",
    401: "Nobody is logged in.",
    403: "The login may not do this.",
    404: "There is no such thing, or the login does not see it.",
    503: "Not yet; the header Retry-After says when to ask again.",
}


class Problem(BaseModel):
    """Why there is no answer."""

    detail: str = Field(description="A sentence for a person.")


class Fault(BaseModel):
    """One thing that is wrong with the shape of a request."""

    type: str
    loc: list[str | int] = Field(description="Where: body, query or path, and the names below.")
    msg: str


class Unacceptable(BaseModel):
    """Why a request cannot be followed: a sentence about what it holds, or what is wrong with its shape."""

    detail: str | list[Fault]


def problems(*codes: int) -> dict[int | str, dict[str, Any]]:
    """The refusals that a route may answer with, for its description; 401 and 403 belong to every route."""
    return {code: {"model": Problem, "description": _MEANINGS[code]} for code in (401, 403, *codes)}
