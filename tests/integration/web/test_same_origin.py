"""Another site cannot make a browser change something here."""

from __future__ import annotations

import pytest
from fastapi import HTTPException, Request

from aerodag.airflow.web.access import same_origin

HOST = {"host": "maps.example:8443"}


def request(**headers: str) -> Request:
    given = {name.replace("_", "-"): value for name, value in (HOST | headers).items()}
    raw = [(name.encode(), value.encode()) for name, value in given.items()]
    return Request({"type": "http", "method": "POST", "path": "/", "headers": raw})


@pytest.mark.parametrize(
    "headers",
    [
        {"sec_fetch_site": "same-origin"},
        {"sec_fetch_site": "same-origin", "origin": "https://maps.example:8443"},
        {"origin": "https://maps.example:8443"},
        {"authorization": "Bearer token", "sec_fetch_site": "cross-site", "origin": "https://evil.example"},
        {"authorization": "bearer token"},
    ],
)
def test_the_own_page_and_tokens_are_let_through(headers):
    same_origin(request(**headers))


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"sec_fetch_site": "cross-site"},
        {"sec_fetch_site": "same-site", "origin": "https://other.maps.example:8443"},
        {"sec_fetch_site": "none"},
        {"sec_fetch_site": "cross-site", "origin": "https://maps.example:8443"},
        {"origin": "https://evil.example"},
        {"origin": "https://maps.example"},
        {"origin": "https://maps.example:8443.evil.example"},
        {"origin": "null"},
        {"origin": ""},
        {"origin": "", "host": ""},
        {"referer": "https://maps.example:8443/aerodag/datasets"},
        {"authorization": "Basic YW5uYTpw"},
    ],
)
def test_everything_else_is_refused_with_advice(headers):
    with pytest.raises(HTTPException) as caught:
        same_origin(request(**headers))
    assert caught.value.status_code == 403
    assert caught.value.detail.startswith("[web.cross_site] ")
