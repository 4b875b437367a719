"""Uploads over HTTP, with Airflow's own API server, logins and middleware before them."""

from __future__ import annotations

import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from uuid import uuid4

import httpx
import psutil
import psycopg
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from aerodag import ledger, uploads
from aerodag.pipeline.incoming import complete_uploads, register_uploads
from aerodag.settings import Settings, Uploads
from cases.uploads import sha256, survey
from samples.hostile import CASES
from samples.zip_forge import flat
from systems.api_server import ApiServer, api_server
from systems.upload_frontend import Frontend, digest_of, half_a_chunk, photographs, piece, refused

pytestmark = pytest.mark.e2e

CHUNK = 1 << 16
# Name and role; a ``user`` may upload and an ``op`` edits runs.
USERS = {"anna": "user", "bo": "user", "eve": "viewer", "olga": "op"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ApiServer]:
    """One with small chunks and little patience."""
    bounds = {"CHUNK_BYTES": str(CHUNK), "KEEP_FREE_BYTES": "0", "IDLE_SECONDS": "4", "MAX_OPEN": "50"}
    given = {f"AERODAG_UPLOADS__{name}": value for name, value in bounds.items()}
    with api_server(tmp_path_factory.mktemp("uploads"), given, USERS) as running:
        yield running


@pytest.fixture
def conn(server: ApiServer) -> psycopg.Connection:
    return server.conn


@pytest.fixture(scope="module")
def login(server: ApiServer) -> Iterator[Callable[[str], httpx.Client]]:
    clients: dict[str, httpx.Client] = {}

    def client(user: str) -> httpx.Client:
        if user not in clients:
            clients[user] = server.client(user)
            clients[user].base_url = f"{server.url}/aerodag/api"
        return clients[user]

    yield client
    for one in clients.values():
        one.close()


@pytest.fixture
def anna(login: Callable[[str], httpx.Client]) -> Frontend:
    return Frontend(login("anna"))


def ingest(conn: psycopg.Connection, server: ApiServer) -> None:
    register_uploads(conn, server.storage, complete_uploads(server.storage, settle_seconds=0))


def test_from_the_form_to_the_dataset(anna: Frontend, server: ApiServer, conn: psycopg.Connection) -> None:
    said = {
        "licence": "CC BY-SA", "platform": "drone", "project": "Harz", "authors": ["Anna Ó"], "access": "private",
        "citation_doi": "10.1000/182", "notes": "leaf-off", "captured_on": "2026-03-01", "priority": 5,
    }  # fmt: skip
    content = photographs()
    upload = anna.begin(content, "Harz Süd.zip", **said)
    assert (upload["state"], upload["owner"], upload["chunk_bytes"]) == ("open", "anna", CHUNK)
    assert upload["chunks_total"] == -(-len(content) // CHUNK)
    assert upload["created_at"].endswith("Z")
    anna.send(upload, content)
    done = anna.complete(upload)
    assert (done["state"], done["dataset_id"], done["dag_run_id"]) == ("complete", None, None)
    assert done["chunks_received"] == list(range(upload["chunks_total"]))
    assert anna.complete(upload) == done

    ingest(conn, server)
    known = anna.get(upload)
    dataset = ledger.get_dataset(conn, dataset_id=known["dataset_id"])
    assert known["dag_run_id"] == f"dataset_{dataset.id}__{dataset.content_sha256[:12]}"
    assert dataset.content_sha256 == sha256(content).hex()
    assert {name: getattr(dataset, name) for name in said if name != "captured_on"} == {
        name: value for name, value in said.items() if name != "captured_on"
    }
    assert (dataset.owner, str(dataset.captured_from)) == ("anna", "2026-03-01 00:00:00+00:00")

    again = anna.bring(content, "copy.zip")
    ingest(conn, server)
    told = anna.get(again)
    assert (told["dataset_id"], told["already_known"]) == (dataset.id, True)
    assert "nothing was started" in told["message"]


def test_what_somebody_keeps_private_is_not_told_of(
    anna: Frontend, login: Callable[[str], httpx.Client], server: ApiServer, conn: psycopg.Connection
) -> None:
    content, bo = photographs(), Frontend(login("bo"))
    hers = anna.bring(content, "secret.zip", access="private")
    ingest(conn, server)
    his = bo.bring(content, "field.zip")
    ingest(conn, server)
    told = bo.get(his)
    assert (told["already_known"], told["message"]) == (False, None)
    assert told["dataset_id"] not in (None, anna.get(hers)["dataset_id"])
    assert told["dag_run_id"].startswith("field__")
    assert bo.http.get(f"/datasets/{told['dataset_id']}").json()["name"] == "field"
    assert bo.http.get(f"/datasets/{anna.get(hers)['dataset_id']}").status_code == 404


def test_another_browser_goes_on_where_the_first_one_stopped(anna: Frontend, server: ApiServer) -> None:
    content = photographs()
    upload = anna.begin(content, "resumed.zip")
    anna.send(upload, content, [4, 1])
    with server.client("anna") as http:
        http.base_url = anna.http.base_url
        other = Frontend(http)
        (found,) = [entry for entry in http.get("/uploads").json() if entry["name"] == "resumed.zip"]
        assert found == anna.get(upload)
        assert found["chunks_received"] == [1, 4]
        missing = [*{*range(found["chunks_total"])} - {*found["chunks_received"]}]
        other.send(found, content, reversed(missing))
        assert other.complete(found)["state"] == "complete"
    assert not [entry for entry in anna.http.get("/uploads").json() if entry["id"] == upload["id"]]


def test_chunks_side_by_side_and_each_twice(anna: Frontend, server: ApiServer, conn: psycopg.Connection) -> None:
    content = photographs(3)
    upload = anna.begin(content)
    order = [*range(upload["chunks_total"])] * 2
    random.Random(7).shuffle(order)

    def send(index: int) -> int:
        while True:
            answer = anna.put(upload, index, piece(upload, content, index))
            if answer.status_code != 409:
                return answer.status_code
            refused(answer, 409, "upload.busy")  # its twin is under way
            time.sleep(0.02)

    with ThreadPoolExecutor(8) as crowd:
        assert {*crowd.map(send, order)} == {204}
    anna.complete(upload)
    ingest(conn, server)
    dataset = ledger.get_dataset(conn, dataset_id=anna.get(upload)["dataset_id"])
    assert dataset.content_sha256 == sha256(content).hex()


def test_a_chunk_is_there_whole_or_not_at_all(anna: Frontend) -> None:
    content = photographs()
    upload = anna.begin(content)
    first = piece(upload, content, 0)
    path = f"/uploads/{upload['id']}/chunks/0"
    refused(anna.put(upload, 0, first, sha256(b"other")), 400, "upload.digest")
    refused(anna.put(upload, 0, first[:-1]), 400, "upload.chunk_size")
    refused(anna.put(upload, 0, first + b"x"), 400, "upload.chunk_size")
    refused(anna.put(upload, 0, b""), 400, "upload.chunk_size")
    refused(anna.put(upload, 0, content), 400, "upload.chunk_size")
    refused(anna.http.put(path, content=first), 400, "upload.no_digest")
    refused(anna.http.put(path, content=first, headers={"Content-Digest": "md5=:AA==:"}), 400, "upload.no_digest")
    assert anna.get(upload)["chunks_received"] == []
    refused(anna.http.post(f"/uploads/{upload['id']}/complete"), 409, "upload.chunks_missing")
    streamed = anna.http.put(path, content=iter([first[:10], first[10:]]), headers=digest_of(first))
    assert streamed.status_code == 204
    assert anna.put(upload, 0, first).status_code == 204
    refused(anna.put(upload, 0, bytes(CHUNK)), 409, "upload.chunk_differs")
    refused(anna.put(upload, 0, first[:-1], sha256(first)), 400, "upload.chunk_size")
    assert anna.get(upload)["chunks_received"] == [0]
    refused(anna.put(upload, upload["chunks_total"], first), 404, "upload.no_such_chunk")
    for index in ("-1", "x", str(2**40), "1.5"):
        assert anna.http.put(f"/uploads/{upload['id']}/chunks/{index}", content=b"").status_code == 422


def test_who_may_what(anna: Frontend, login: Callable[[str], httpx.Client], server: ApiServer) -> None:
    upload = anna.begin(survey())
    path = f"/uploads/{upload['id']}"
    requests = [
        ("POST", "/uploads"), ("GET", "/uploads"), ("GET", path), ("PUT", f"{path}/chunks/0"),
        ("POST", f"{path}/complete"), ("DELETE", path),
    ]  # fmt: skip
    cookie = {"Cookie": f"_token={anna.http.headers['authorization'].removeprefix('Bearer ')}"}
    body = {"name": "a.zip", "size_bytes": 1}
    with httpx.Client(base_url=anna.http.base_url) as stranger:
        for method, target in requests:
            assert stranger.request(method, target, json=body).status_code == 401
            crossing = stranger.request(method, target, json=body, headers=cookie | {"Sec-Fetch-Site": "cross-site"})
            assert crossing.status_code == (200 if method == "GET" else 403)
        own = stranger.post("/uploads", json=body, headers=cookie | {"Sec-Fetch-Site": "same-origin"})
        assert own.status_code == 201
    eve = login("eve")
    for method, target in requests:
        expected = 403 if method != "GET" else 200 if target == "/uploads" else 404
        assert eve.request(method, target, json=body).status_code == expected
    assert eve.get("/uploads").json() == []
    assert anna.get(upload)["state"] == "open"  # nobody did anything to it
    bo = login("bo")
    for method, target in requests[2:]:
        assert bo.request(method, target, json=body, headers=digest_of(b"")).status_code == 404
    assert bo.get("/uploads").json() == []
    olga = Frontend(login("olga"))  # edits runs, so she may help
    assert olga.get(upload)["owner"] == "anna"
    assert upload["id"] not in {entry["id"] for entry in olga.http.get("/uploads").json()}
    assert olga.http.delete(path).status_code == 204
    assert anna.http.get(path).status_code == 404


@pytest.mark.parametrize(
    ("wish", "status"),
    [
        ({"name": "survey.7z"}, 422),
        ({"name": ""}, 422),
        ({"name": "x" * 2000 + ".zip"}, 422),
        ({"size_bytes": 0}, 422),
        ({"size_bytes": -5}, 422),
        ({"size_bytes": 1.5}, 422),
        ({"size_bytes": 30 * 10**9 + 1}, 413),
        ({"name": "a.tif", "size_bytes": 20 * 10**9 + 1}, 413),
        ({"size_bytes": 2**53 + 1}, 422),
        ({"licence": "mine"}, 422),
        ({"platform": "balloon"}, 422),
        ({"access": "secret"}, 422),
        ({"citation_doi": "doi.org/10.1"}, 422),
        ({"captured_on": "2999-01-01"}, 422),
        ({"captured_on": "yesterday"}, 422),
        ({"priority": 6}, 422),
        ({"authors": "Anna"}, 422),
        ({"authors": [""]}, 422),
        ({"authors": ["a"] * 101}, 422),
        ({"notes": "n" * 10_001}, 422),
        ({"owner": "bo"}, 422),
    ],
)
def test_nonsense_is_refused_with_a_sentence(anna: Frontend, wish: dict, status: int) -> None:
    answer = anna.http.post("/uploads", json={"name": "survey.zip", "size_bytes": 10} | wish)
    assert answer.status_code == status
    assert answer.json()["detail"]


def test_a_bad_zip_is_refused_with_the_remedy_and_can_be_removed(anna: Frontend, server: ApiServer) -> None:
    content = flat(CASES["method_95"].build())
    upload = anna.begin(content)
    anna.send(upload, content)
    refused(anna.http.post(f"/uploads/{upload['id']}/complete"), 422, "archive.method")
    assert "Deflate" in anna.http.post(f"/uploads/{upload['id']}/complete").json()["detail"]
    assert anna.http.delete(f"/uploads/{upload['id']}").status_code == 204
    assert not (server.home / "data" / "uploads" / f"{upload['id']}.part").exists()
    refused(anna.http.delete(f"/uploads/{upload['id']}"), 404, "upload.unknown")


def test_two_who_complete_at_once_get_one_file(anna: Frontend, server: ApiServer, conn: psycopg.Connection) -> None:
    content = photographs()
    upload = anna.begin(content, "raced.zip")
    anna.send(upload, content)
    with ThreadPoolExecutor(5) as crowd:
        answers = [*crowd.map(lambda _: anna.complete(upload), range(5))]
    assert all(answer == answers[0] for answer in answers)
    assert len([*server.storage.incoming.glob("raced_*.zip")]) == 1
    ingest(conn, server)
    assert anna.get(upload)["dataset_id"] is not None
    refused(anna.http.delete(f"/uploads/{upload['id']}"), 409, "upload.is_complete")
    refused(anna.put(upload, 0, piece(upload, content, 0)), 409, "upload.not_open")


def test_a_connection_that_breaks_off_leaves_no_chunk_and_no_lock(anna: Frontend, server: ApiServer) -> None:
    content = photographs()
    upload = anna.begin(content)
    first = piece(upload, content, 0)
    half_a_chunk(anna, upload, first).close()
    until = time.monotonic() + 10
    while (answer := anna.put(upload, 0, first)).status_code != 204:
        refused(answer, 409, "upload.busy")
        assert answer.headers["Retry-After"] == "1"
        assert time.monotonic() < until
        time.sleep(0.05)
    anna.send(upload, content)
    assert anna.complete(upload)["state"] == "complete"


def test_a_client_that_falls_silent_is_given_up(anna: Frontend, server: ApiServer) -> None:
    content = photographs()
    upload = anna.begin(content)
    first = piece(upload, content, 0)
    with half_a_chunk(anna, upload, first) as connection:
        connection.settimeout(60)
        assert connection.recv(1000).startswith(b"HTTP/1.1 408 ")
    assert anna.put(upload, 0, first).status_code == 204


def test_a_server_killed_in_the_middle_of_a_chunk_goes_on_after(anna: Frontend, server: ApiServer) -> None:
    content = photographs()
    upload = anna.begin(content)
    anna.send(upload, content, [1])
    first = piece(upload, content, 0)
    with half_a_chunk(anna, upload, first):
        time.sleep(0.2)
        server.kill()
    server.start()
    assert anna.get(upload)["chunks_received"] == [1]
    anna.send(upload, content)
    assert anna.complete(upload)["state"] == "complete"


def test_a_server_killed_at_random_loses_nothing_and_doubles_nothing(
    anna: Frontend, server: ApiServer, conn: psycopg.Connection
) -> None:
    contents = [photographs(4) for _ in range(3)]
    stopping = threading.Event()
    seen: set[tuple[str, int]] = set()

    def watch() -> None:
        while not stopping.wait(0.001):
            seen.update((path.name, path.stat().st_size) for path in server.storage.incoming.iterdir())

    def persistently(content: bytes, name: str) -> dict:
        """As the page does it: ask what is there, send the rest, complete; again after every failure."""
        upload = anna.begin(content, name)
        while True:
            try:
                upload = anna.get(upload)
                if upload["state"] == "open":
                    anna.send(upload, content, {*range(upload["chunks_total"])} - {*upload["chunks_received"]})
                return anna.complete(upload)
            except (httpx.TransportError, AssertionError):
                time.sleep(0.2)

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(3) as crowd:
        pending = [crowd.submit(persistently, one, f"killed {number}.zip") for number, one in enumerate(contents)]
        dice = random.Random(3)
        for _ in range(2):
            time.sleep(dice.uniform(0.2, 1.0))
            server.kill()
            server.start()
        done = [entry.result(timeout=120) for entry in pending]
    stopping.set()
    watcher.join()
    sizes = {entry["id"].replace("-", "")[:12]: entry["size_bytes"] for entry in done}
    assert all(sizes[name.removesuffix(".zip")[-12:]] == size for name, size in seen if name.startswith("killed_"))
    ingest(conn, server)
    digests = [ledger.get_dataset(conn, dataset_id=anna.get(entry)["dataset_id"]).content_sha256 for entry in done]
    assert digests == [sha256(content).hex() for content in contents]


def memory(server: ApiServer) -> int:
    """Bytes that the server's processes hold."""
    assert server.process is not None
    first = psutil.Process(server.process.pid)
    return sum(process.memory_info().rss for process in (first, *first.children(recursive=True)))


def test_memory_does_not_grow_with_the_chunks(anna: Frontend, server: ApiServer, conn: psycopg.Connection) -> None:
    """Four chunks of 64 MB at once, after small ones have warmed everything up."""
    anna.bring(photographs(2))
    chunk = os.urandom(1 << 26)
    digest = digest_of(chunk)
    bounds = Uploads(chunk_bytes=len(chunk), keep_free_bytes=0)
    opened = uploads.open_upload(
        conn, Settings(data_root=server.home / "data", uploads=bounds), server.storage,
        uploads.Wish("large.zip", 4 * len(chunk), "anna"), now=datetime.now(UTC),
    )  # fmt: skip
    warm = memory(server)
    most = [0]
    done = threading.Event()

    def watch() -> None:
        while not done.wait(0.01):
            most[0] = max(most[0], memory(server))

    watcher = threading.Thread(target=watch)
    watcher.start()
    with ThreadPoolExecutor(4) as crowd:
        paths = [f"/uploads/{opened.id}/chunks/{index}" for index in range(4)]
        answers = [*crowd.map(lambda path: anna.http.put(path, content=chunk, headers=digest), paths)]
    done.set()
    watcher.join()
    assert {answer.status_code for answer in answers} == {204}
    assert most[0] - warm < 40e6
    assert anna.http.delete(f"/uploads/{opened.id}").status_code == 204


ANY_TEXT = st.text(st.characters(exclude_categories=()), max_size=60)


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    name=ANY_TEXT.flatmap(lambda stem: st.sampled_from([stem, f"{stem}.zip"])),
    said=st.dictionaries(
        st.sampled_from(["notes", "project", "authors", "citation_doi", "captured_on", "size_bytes"]),
        st.text(st.characters(exclude_categories=()), max_size=20)
        | st.floats()
        | st.none()
        | st.lists(st.text(max_size=3)),
        max_size=2,
    ),
)
@example("a.zip", {"size_bytes": float("nan")})
@example("\ud800.zip", {"notes": "\ud800"})
@example("a.zip", {"\ud800": 1})
@example("a.zip", {"authors": ["\x00a\x00"], "notes": "\x00", "project": "p\x00"})
def test_nothing_that_is_said_breaks_the_server(anna: Frontend, server: ApiServer, name: str, said: dict) -> None:
    body = json.dumps({"name": name, "size_bytes": 1} | said).encode()
    answer = anna.http.post("/uploads", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {201, 400, 413, 422}
    assert [path for path in (server.home / "data").iterdir() if path.is_file()] == []
    if answer.status_code == 201:
        assert anna.http.delete(f"/uploads/{answer.json()['id']}").status_code == 204


def test_one_user_has_so_many_open_at_a_time(login: Callable[[str], httpx.Client]) -> None:
    bo = login("bo")
    answers = [bo.post("/uploads", json={"name": "a.zip", "size_bytes": 1}) for _ in range(52)]
    assert {answer.status_code for answer in answers[:50]} <= {201, 429}
    refused(answers[-1], 429, "upload.too_many")
    for entry in bo.get("/uploads").json():
        assert bo.delete(f"/uploads/{entry['id']}").status_code == 204


def test_an_id_is_no_path(anna: Frontend) -> None:
    for odd in ("%2e%2e", "..%2f..%2fetc%2fpasswd", "x", f"{uuid4()}.part", f"{uuid4()}%00"):
        for answer in (anna.http.get(f"/uploads/{odd}"), anna.http.delete(f"/uploads/{odd}")):
            assert answer.status_code in {404, 405, 422}, odd
