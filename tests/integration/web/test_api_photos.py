"""Single images by the API: small ones of a run that has looked at them, and the uploaded files themselves."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Mapping
from hashlib import sha256
from pathlib import Path

import pytest
from PIL import Image

from aerodag import ledger
from samples.gallery import add_dataset, add_product, add_run, image

pytestmark = pytest.mark.e2e


def jpeg(side: int) -> bytes:
    content = io.BytesIO()
    Image.new("RGB", (side, side), (10, 120, 40)).save(content, "JPEG")
    return content.getvalue()


def bundle(path: Path, entries: Mapping[str, bytes]) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w") as made:
        for name, content in entries.items():
            made.writestr(name, content)
    return path


@pytest.fixture(scope="module")
def taken(server):
    """A dataset of anna whose run has not finished: three images, one of them not decodable, one no browser shows."""
    conn = server.conn
    dataset = add_dataset(conn, "photos.zip", owner="anna", access="viewonly")
    names = ("DCIM/1.JPG", "DCIM/2.JPG", "DCIM/3.DNG")
    ledger.replace_images(conn, dataset_id=dataset.id, images=[image(name, 11.0, 48.0) for name in names])
    raw = bundle(server.storage.root / "raw_images" / f"{dataset.id}.zip", {name: jpeg(900) for name in names})
    conn.execute(
        "update aerodag.dataset set raw_uri = %s, size_bytes = %s where id = %s",
        [raw.as_uri(), raw.stat().st_size, dataset.id],
    )
    run = add_run(conn, dataset, "running", "photos_run")
    small = bundle(server.storage.product("thumbnails", dataset.id, run.id, "previews.zip"), {names[0]: jpeg(160)})
    content = small.read_bytes()
    add_product(
        conn, run, "previews", uri=small.as_uri(), bytes=len(content), sha256=sha256(content).hexdigest()
    )  # fmt: skip
    rows = conn.execute("select zip_path, id from aerodag.image where dataset_id = %s", [dataset.id]).fetchall()
    return dataset, dict(rows)


def path(taken, name: str, full: str = "") -> str:
    dataset, images = taken
    return f"/api/datasets/{dataset.id}/photos/{images[name]}{full}"


def test_a_picture_of_an_image_is_there_before_its_run_has_finished(server, taken):
    told = server.get("carl", f"/api/datasets/{taken[0].id}/exposures").json()["features"]
    photo = {one["properties"]["name"]: one["properties"]["photo"] for one in told}["DCIM/1.JPG"]
    answer = server.get("carl", photo.removeprefix("/aerodag"))
    assert answer.headers["content-type"] == "image/jpeg"
    with Image.open(io.BytesIO(answer.content)) as picture:
        assert picture.size == (160, 160)


def test_an_image_that_could_not_be_decoded_has_no_picture(server, taken):
    answer = server.get("carl", path(taken, "DCIM/2.JPG"))
    assert (answer.status_code, "could not be decoded" in answer.json()["detail"]) == (404, True)


def test_the_uploaded_file_is_for_those_who_may_take_it(server, taken):
    answer = server.get("anna", path(taken, "DCIM/2.JPG", "/full"))
    assert (answer.status_code, answer.content) == (200, jpeg(900))
    assert server.get("carl", path(taken, "DCIM/2.JPG", "/full")).status_code == 403
    assert server.get("anna", path(taken, "DCIM/3.DNG", "/full")).status_code == 404


def test_no_path_comes_from_the_request(server, taken):
    dataset, images = taken
    for wrong in ("0", "-1", "x", str(2**63), "..%2F..%2Fetc"):
        assert server.get("anna", f"/api/datasets/{dataset.id}/photos/{wrong}").status_code in {404, 422}
    other = max(images.values()) + 1000
    assert server.get("anna", f"/api/datasets/{dataset.id}/photos/{other}").status_code == 404
