"""Tiles, pictures and downloads from a real API server, and what cannot be had."""

from __future__ import annotations

import io
import math
from http.client import HTTPConnection

import pytest
from PIL import Image

pytestmark = pytest.mark.e2e


def test_tiles_follow_the_tilejson(server, surveys):
    number = surveys["public"].id("cog")
    told = server.get("anna", f"/api/artifacts/{number}/tilejson.json").json()
    assert (told["tilejson"], told["tileSize"]) == ("3.0.0", 256)
    assert told["minzoom"] < told["maxzoom"]
    west, south, east, north = told["bounds"]
    assert west < told["center"][0] < east
    assert south < told["center"][1] < north
    answer = server.get("anna", f"/api/artifacts/{number}/tiles/18/63866/91869.webp")
    assert answer.status_code in {200, 404}
    shown = 0
    for zoom in (told["minzoom"], told["minzoom"] + 1):
        x, y = _tile(told["center"], zoom)
        path = told["tiles"][0].format(z=zoom, x=x, y=y).removeprefix("/aerodag")
        answer = server.get("anna", path)
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "image/webp"
        with Image.open(io.BytesIO(answer.content)) as picture:
            assert picture.size == (256, 256)
            shown += picture.convert("RGBA").getextrema()[3][1] == 255
        again = server.get("anna", path, headers={"If-None-Match": answer.headers["etag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert "private" in again.headers["cache-control"]
    assert shown == 2


@pytest.mark.parametrize(("kind", "name"), [("dsm", ""), ("indices", "ndvi")])
def test_heights_and_indices_have_tiles(server, surveys, kind, name):
    number = surveys["public"].id(kind, name)
    told = server.get("anna", f"/api/artifacts/{number}/tilejson.json").json()
    x, y = _tile(told["center"], told["maxzoom"])
    answer = server.get("anna", f"/api/artifacts/{number}/tiles/{told['maxzoom']}/{x}/{y}.webp")
    assert answer.status_code == 200


@pytest.mark.parametrize(
    ("kind", "name", "tile", "code"),
    [
        ("cog", "", "2/0/0", 404),
        ("cog", "", "2/4/0", 404),
        ("cog", "", "31/0/0", 422),
        ("cog", "", "-1/0/0", 422),
        ("cog", "", "1/0/x", 422),
        ("cog", "broken", "1/0/0", 404),
        ("cog", "gone", "1/0/0", 404),
        ("orthophoto", "", "1/0/0", 404),
        ("report", "", "1/0/0", 404),
    ],
)
def test_what_has_no_tile_there_says_so(server, surveys, kind, name, tile, code):
    answer = server.get("anna", f"/api/artifacts/{surveys['public'].id(kind, name)}/tiles/{tile}.webp")
    assert answer.status_code == code, answer.text
    assert answer.json()["detail"]
    assert str(server.home) not in answer.text


def test_the_picture_is_kept_by_the_browser(server, surveys):
    path = f"/api/datasets/{surveys['public'].dataset.id}/thumbnail"
    answer = server.get("anna", path)
    assert answer.headers["content-type"] == "image/webp"
    assert Image.open(io.BytesIO(answer.content)).size == (256, 256)
    assert answer.headers["cache-control"].startswith("private")
    assert server.get("anna", path, headers={"If-None-Match": answer.headers["etag"]}).status_code == 304


def test_a_file_is_downloaded_whole_and_in_parts(server, surveys):
    survey = surveys["public"]
    path = f"/api/artifacts/{survey.id('cog')}/file"
    content = server.storage.path(survey.products["cog", ""].uri).read_bytes()
    # As a browser asks; it must see how long the file is.
    whole = server.get("anna", path, headers={"Accept-Encoding": "gzip, deflate"})
    assert whole.content == content
    assert whole.headers["content-length"] == str(len(content))
    name = f"{survey.dataset.id}_cog.tif"
    assert whole.headers["content-disposition"] == f'attachment; filename="{name}"'
    assert whole.headers["content-type"] == "application/octet-stream"
    part = server.get("anna", path, headers={"Range": "bytes=100-199"})
    assert (part.status_code, part.content) == (206, content[100:200])
    assert part.headers["content-range"] == f"bytes 100-199/{len(content)}"
    end = server.get("anna", path, headers={"Range": "bytes=-7"})
    assert end.content == content[-7:]
    tag = whole.headers["etag"]
    assert server.get("anna", path, headers={"If-None-Match": tag}).status_code == 304
    assert server.get("anna", path, headers={"Range": "bytes=0-9", "If-Range": tag}).status_code == 206
    assert server.get("anna", path, headers={"Range": "bytes=0-9", "If-Range": '"another"'}).status_code == 200
    assert server.get("anna", path, headers={"Range": f"bytes={len(content)}-"}).status_code == 416
    assert server.get("anna", path, headers={"Range": "bytes=9-1"}).status_code == 400


def test_a_page_that_somebody_uploaded_is_never_shown_as_one(server, surveys):
    answer = server.get("anna", f"/api/artifacts/{surveys['public'].id('report')}/file")
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["content-disposition"].startswith("attachment")
    assert answer.headers["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize(
    "path",
    [
        "/api/artifacts/../../../etc/passwd/file",
        "/api/artifacts/1%2F..%2F..%2Fetc%2Fpasswd/file",
        "/static/../app.py",
        "/static/%2e%2e/app.py",
        "/static/..%2f..%2fapp.py",
        "/static/%2e%2e%2f%2e%2e%2fapp.py",
        "/static//etc/passwd",
        "/static/%00",
        "/static/..\\app.py",
    ],
)
def test_paths_lead_nowhere_else(server, surveys, path):
    # Not by httpx, which would tidy the path up.
    connection = HTTPConnection(server.url.removeprefix("http://"), timeout=60)
    connection.request("GET", f"/aerodag{path}", headers={"Authorization": f"Bearer {server.token('ada')}"})
    answer = connection.getresponse()
    content = answer.read().decode("utf-8", "replace")
    assert answer.status in {400, 404, 405, 422}
    assert "import" not in content
    assert "root:" not in content


def _tile(center, zoom):

    longitude, latitude = center[0], math.radians(center[1])
    x = (longitude + 180) / 360 * 2**zoom
    y = (1 - math.asinh(math.tan(latitude)) / math.pi) / 2 * 2**zoom
    return int(x), int(y)
