"""A browser that uploads in pieces, as the page does it, and one that breaks off."""

from __future__ import annotations

import base64
import os
import socket
from collections.abc import Iterable

import httpx

from cases.uploads import sha256
from samples.zip_forge import Part, flat, forge, photos


class Frontend:
    """Somebody's browser, and what it sends."""

    def __init__(self, http: httpx.Client) -> None:
        self.http = http

    def begin(self, content: bytes, name: str = "survey.zip", **said: object) -> dict:
        answer = self.http.post("/uploads", json={"name": name, "size_bytes": len(content)} | said)
        assert answer.status_code == 201, answer.text
        return answer.json()

    def put(self, upload: dict, index: int, chunk: bytes, digest: bytes | None = None) -> httpx.Response:
        return self.http.put(f"/uploads/{upload['id']}/chunks/{index}", content=chunk, headers=digest_of(chunk, digest))

    def send(self, upload: dict, content: bytes, indexes: Iterable[int] | None = None) -> None:
        for index in range(upload["chunks_total"]) if indexes is None else indexes:
            answer = self.put(upload, index, piece(upload, content, index))
            assert answer.status_code == 204, answer.text

    def get(self, upload: dict) -> dict:
        answer = self.http.get(f"/uploads/{upload['id']}")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def complete(self, upload: dict) -> dict:
        answer = self.http.post(f"/uploads/{upload['id']}/complete")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def bring(self, content: bytes, name: str = "survey.zip", **said: object) -> dict:
        upload = self.begin(content, name, **said)
        self.send(upload, content)
        return self.complete(upload)


def piece(upload: dict, content: bytes, index: int) -> bytes:
    return content[index * upload["chunk_bytes"] : (index + 1) * upload["chunk_bytes"]]


def digest_of(chunk: bytes, digest: bytes | None = None) -> dict[str, str]:
    return {"Content-Digest": f"sha-256=:{base64.b64encode(digest or sha256(chunk)).decode()}:"}


def photographs(megabytes: float = 0.5) -> bytes:
    """A ZIP of another content each time."""
    return flat(forge(*photos(), Part(b"flight/DJI_0099.JPG", os.urandom(int(megabytes * 1e6)))))


def refused(answer: httpx.Response, status: int, code: str) -> None:
    assert (answer.status_code, code in answer.json()["detail"]) == (status, True), answer.text


def half_a_chunk(anna: Frontend, upload: dict, chunk: bytes) -> socket.socket:
    """A connection over which half a chunk was sent."""
    address = anna.http.base_url
    connection = socket.create_connection((address.host, address.port or 80))
    head = [
        f"PUT /aerodag/api/uploads/{upload['id']}/chunks/0 HTTP/1.1", f"Host: {address.netloc.decode()}",
        f"Authorization: {anna.http.headers['authorization']}", f"Content-Length: {len(chunk)}",
        *(f"{name}: {value}" for name, value in digest_of(chunk).items()),
    ]  # fmt: skip
    connection.sendall("\r\n".join([*head, "", ""]).encode() + chunk[: len(chunk) // 2])
    return connection
