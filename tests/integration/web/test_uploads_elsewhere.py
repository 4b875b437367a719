"""Uploads whose incoming location is on an SFTP server or in a bucket, taken in on another machine."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from aerodag.errors import InfrastructureError
from aerodag.ledger import Description
from aerodag.storage import Storage
from cases.uploads import Installation, sha256, survey
from samples.zip_forge import Part, flat, forge, photos
from servers.s3 import running, seaweed
from servers.sftp import running_sshd

COMPLETE = """
import sys
from datetime import UTC, datetime
from uuid import UUID
from aerodag import ledger, uploads
from aerodag.settings import Settings
from aerodag.storage import Storage
settings = Settings.model_validate_json(sys.stdin.readline())
with ledger.connect(sys.argv[1]) as conn:
    upload = ledger.get_upload(conn, upload_id=UUID(sys.argv[2]))
    print("ready", flush=True)
    uploads.complete(conn, settings, Storage.of(settings), upload, now=datetime.now(UTC))
"""


@pytest.fixture(scope="module")
def sshd():
    with running_sshd() as host:
        yield host


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    with running(seaweed(tmp_path_factory.mktemp("s3"))) as service:
        yield service


@pytest.fixture(params=["sftp", "s3"])
def house(request, ledger_connection: psycopg.Connection, tmp_path: Path) -> Iterator[Installation]:
    if request.param == "sftp":
        sshd = request.getfixturevalue("sshd")
        root, given = f"sftp://nas{sshd.files}/{tmp_path.name}", {"sftp": {"nas": sshd.settings()}}
    else:
        service = request.getfixturevalue("s3")
        root, given = f"s3://minio@{service.bucket()}", {"s3": {"minio": service.account()}}
    given["storage"] = {name: f"{root}/{name}" for name in ("incoming", "raw_images")}
    house = Installation(ledger_connection, tmp_path, given)
    yield house
    house.storage.close()


def test_it_appears_whole_and_is_taken_in_elsewhere(house: Installation) -> None:
    content = survey()
    upload = house.begin(content, "Süd.zip", description=Description(notes="from afar"))
    house.send(upload, content)
    assert house.incoming() == []
    first = house.complete(upload)
    assert house.complete(upload) == first
    assert house.incoming() == [f"S_d_{upload.id.hex[:12]}.zip"]
    assert house.parts() == []
    assert list(house.storage.incoming.iterdir()) == []  # no copy that nobody would take away

    assert house.ingest(house.host("worker")).new == 1
    dataset = house.dataset(upload)
    assert (dataset.owner, dataset.notes, dataset.content_sha256) == ("anna", "from afar", sha256(content).hex())
    assert house.storage.size(dataset.raw_uri or "") == len(content)
    assert house.incoming() == []


@pytest.mark.parametrize("seconds", [0.0, 0.1, 0.3, 0.6])
def test_killed_while_it_is_sent_there_the_next_call_goes_on(
    house: Installation, database_url: str, seconds: float
) -> None:
    content = flat(forge(*photos(), Part(b"flight/long.jpg", os.urandom(40_000_000))))
    large = house.settings.uploads.model_copy(update={"chunk_bytes": 1 << 24})
    house = Installation(house.conn, house.root, house.given | {"uploads": large})
    upload = house.begin(content)
    house.send(upload, content)
    child = subprocess.Popen(
        [sys.executable, "-c", COMPLETE, database_url, str(upload.id)], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    child.stdin.write(_as_json(house) + b"\n")
    child.stdin.flush()
    assert child.stdout.readline() == b"ready\n"
    time.sleep(seconds)
    child.send_signal(signal.SIGKILL)
    child.wait()
    assert house.complete(upload).state == "complete"
    (name,) = house.incoming()
    uri = house.storage.uri(house.storage.incoming / name)
    assert house.storage.size(uri) == len(content)
    assert house.ingest(house.host(f"worker_{seconds}")).new == 1
    assert house.dataset(upload).content_sha256 == sha256(content).hex()


def _as_json(house: Installation) -> bytes:
    """The settings with their secrets."""
    fields = house.settings.model_dump(mode="json")
    for servers in ("sftp", "s3"):
        for name, server in getattr(house.settings, servers).items():
            for field, value in server:
                if hasattr(value, "get_secret_value"):
                    fields[servers][name][field] = value.get_secret_value()
    return type(house.settings).model_construct(**fields).model_dump_json(warnings=False).encode()


def test_without_the_server_it_stays_and_is_complete_later(house: Installation) -> None:
    content = survey()
    upload = house.begin(content)
    house.send(upload, content)
    nowhere = {
        "sftp": {name: server.model_copy(update={"port": 1}) for name, server in house.settings.sftp.items()},
        "s3": {
            name: account.model_copy(update={"endpoint_url": "http://127.0.0.1:1"})
            for name, account in house.settings.s3.items()
        },
    }
    away = Installation(house.conn, house.root, house.given | {"storage": house.given["storage"]})
    away.settings = house.settings.model_copy(update=nowhere)
    away.storage = Storage.of(away.settings)
    with pytest.raises(InfrastructureError):
        away.complete(upload)
    assert house.again(upload).state == "open"
    assert house.complete(upload).state == "complete"
    assert house.ingest().new == 1
