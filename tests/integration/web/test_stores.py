"""Files that the API hands out, from wherever they lie."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from pathlib import Path

import pytest
from fastapi import HTTPException

from aerodag.airflow.installation import installation
from aerodag.airflow.web import stores
from aerodag.airflow.web.stores import local_file
from aerodag.ledger.browse import File
from aerodag.settings import get_settings
from aerodag.storage import Storage
from servers.sftp import running_sshd

CONTENT = os.urandom(3_000_000)


@pytest.fixture
def elsewhere(tmp_path, monkeypatch) -> Iterator[File]:
    """A COG that lies on an SFTP server, and no copy of it here."""
    with running_sshd() as sshd:
        server = sshd.settings()
        for name, value in server.model_dump(exclude_none=True).items():
            text = value.get_secret_value() if hasattr(value, "get_secret_value") else str(value)
            monkeypatch.setenv(f"AERODAG_SFTP__NAS__{name.upper()}", text)
        monkeypatch.setenv("AERODAG_STORAGE__COGS", f"sftp://nas{sshd.files}/cogs")
        monkeypatch.setenv("AERODAG_DATA_ROOT", str(tmp_path))
        get_settings.cache_clear()
        storage = Storage.of(installation())
        path = storage.product("cogs", 1, 2, "cog.tif")
        published = storage.write(path, CONTENT)
        storage.close()
        path.unlink()
        yield File(
            id=1,
            run_id=2,
            dataset_id=1,
            kind="cog",
            name="",
            uri=published.uri,
            bytes=published.size,
            sha256=published.sha256,
            dataset="a.zip",
            owner="anna",
            access="public",
        )
    get_settings.cache_clear()


def inode_of(file: File) -> int:
    path = local_file(file)
    assert path.read_bytes() == CONTENT
    return path.stat().st_ino


def test_a_file_from_elsewhere_is_brought_once_for_all_who_ask(elsewhere):
    with ThreadPoolExecutor(8) as threads:
        inodes = set(threads.map(inode_of, [elsewhere] * 16))
    assert len(inodes) == 1
    assert sha256(CONTENT).hexdigest() == elsewhere.sha256


def test_nobody_waits_long_while_another_brings_a_file(elsewhere, monkeypatch):
    brought, begun, go_on = Storage.fetch, threading.Event(), threading.Event()

    def slowly(storage, *wanted, **facts):
        begun.set()
        assert go_on.wait(60)
        return brought(storage, *wanted, **facts)

    monkeypatch.setattr(Storage, "fetch", slowly)
    monkeypatch.setattr(stores, "_PATIENCE_SECONDS", 0.1)
    with ThreadPoolExecutor(1) as thread:
        first = thread.submit(local_file, elsewhere)
        assert begun.wait(60)
        with pytest.raises(HTTPException) as refusal:
            local_file(elsewhere)
        assert (refusal.value.status_code, refusal.value.headers) == (503, {"Retry-After": "5"})
        go_on.set()
        assert first.result() == local_file(elsewhere)


@pytest.mark.parametrize("uri", ["file:///nowhere/cog.tif", "s3://strange/cog.tif", "sftp://nas/elsewhere.tif"])
def test_what_is_not_there_is_answered_with_a_sentence(elsewhere, uri, tmp_path):
    with pytest.raises(HTTPException) as caught:
        local_file(replace(elsewhere, uri=uri))
    assert caught.value.status_code == 404
    assert str(tmp_path) not in caught.value.detail


def test_a_copy_that_was_cut_off_is_brought_again(elsewhere, tmp_path):
    path = local_file(elsewhere)
    path.write_bytes(CONTENT[:1_000])
    assert local_file(elsewhere).read_bytes() == CONTENT
    assert path.is_relative_to(Path(tmp_path))


def test_a_copy_goes_when_nobody_looked_at_it_for_hours(elsewhere):
    path = local_file(elsewhere)
    others = [path.with_name("of yesterday"), path.with_name(".cog.tif.yesterday.part"), path.with_name("of today")]
    for other in others:
        other.write_bytes(CONTENT)
    for old in (path, *others[:2]):
        os.utime(old, (time.time() - 86_400,) * 2)
    assert local_file(elsewhere) == path
    assert {*path.parent.iterdir()} == {path, others[2]}
