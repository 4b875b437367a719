"""Every method of the S3 store against real services."""

import hashlib
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from aerodag.errors import InfrastructureError
from aerodag.storage.remote.s3.store import S3Store
from aerodag.storage.remote.s3.upload import part_size
from aerodag.storage.store import Store
from servers.s3 import ACCOUNT, MIB, S3Service, juicefs, running, seaweed

ODD_NAMES = ["a file with spaces.zip", "flöge/übersicht+1.tif", "50%25 & more?.txt", "日本/測量.zip", "a/b'c\"d.txt"]
GIB = 1024 * MIB


@pytest.fixture(scope="module", params=[seaweed, juicefs], ids=lambda made: made.__name__)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Service]:
    with running(request.param(tmp_path_factory.mktemp("s3"))) as service:
        yield service


@pytest.fixture
def bucket(service: S3Service) -> str:
    return service.bucket()


@pytest.fixture
def store(service: S3Service, bucket: str) -> Iterator[Store]:
    store = service.store(bucket)
    yield store
    store.close()


def made(folder: Path, size: int) -> tuple[Path, str]:
    path = folder / f"source-{size}"
    path.write_bytes(os.urandom(size))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


@pytest.mark.parametrize("size", [0, 1, 5 * MIB, 5 * MIB + 1, 23 * MIB])
def test_a_file_comes_back_as_it_went(store: S3Store, tmp_path: Path, size: int) -> None:
    source, sha256 = made(tmp_path, size)
    entry = store.put(source, "flights/1.zip", sha256)
    assert (entry.key, entry.size) == ("flights/1.zip", size)
    assert entry == store.stat("flights/1.zip")
    target = tmp_path / "fetched.zip"
    assert store.get("flights/1.zip", target, size=size, sha256=sha256) == sha256
    assert target.read_bytes() == source.read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {source.name, target.name}


def test_an_equal_file_is_not_sent_again(store: S3Store, tmp_path: Path) -> None:
    source, sha256 = made(tmp_path, 11 * MIB)
    first = store.put(source, "a", sha256)
    source.write_bytes(bytes(11 * MIB))
    assert store.put(source, "a", sha256) == first
    other = hashlib.sha256(bytes(11 * MIB)).hexdigest()
    assert store.put(source, "a", other).version != first.version


def test_a_source_that_is_not_what_was_announced_is_not_published(
    store: S3Store, service: S3Service, bucket: str, tmp_path: Path
) -> None:
    for size in (100, 11 * MIB):
        source, _ = made(tmp_path, size)
        with pytest.raises(InfrastructureError) as caught:
            store.put(source, "a", "0" * 64)
        assert caught.value.code == "storage.source_changed"
    assert store.stat("a") is None
    assert "Uploads" not in service.client().list_multipart_uploads(Bucket=bucket)


def test_odd_names(store: S3Store, tmp_path: Path) -> None:
    source, sha256 = made(tmp_path, 6 * MIB)
    for name in ODD_NAMES:
        store.put(source, f"in/{name}", sha256)
        store.copy(f"in/{name}", f"copies/{name}")
        store.get(f"copies/{name}", tmp_path / "fetched", size=6 * MIB, sha256=sha256)
    assert sorted(entry.key for entry in store.walk("in")) == sorted(f"in/{name}" for name in ODD_NAMES)
    assert [entry.key for entry in store.list("in/flöge")] == ["in/flöge/übersicht+1.tif"]


def test_small_files(store: S3Store) -> None:
    store.write("reports/1.json", b"{}")
    store.write("reports/1.json", b'{"a": 1}')
    assert store.read("reports/1.json") == b'{"a": 1}'
    with pytest.raises(InfrastructureError) as caught:
        store.read("reports/2.json")
    assert caught.value.code == "storage.missing"


def test_a_missing_file(store: S3Store, tmp_path: Path) -> None:
    assert store.stat("nothing") is None
    for action in (
        lambda: store.get("nothing", tmp_path / "a", size=1),
        lambda: store.copy("nothing", "b"),
        lambda: store.move("nothing", "b"),
    ):
        with pytest.raises(InfrastructureError) as caught:
            action()
        assert caught.value.code == "storage.missing"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("size", [7, 11 * MIB, 23 * MIB], ids=["small", "in one request", "in parts"])
def test_copies_and_moves_stay_with_the_service(store: S3Store, tmp_path: Path, size: int) -> None:
    source, sha256 = made(tmp_path, size)
    store.put(source, "a", sha256)
    store.write("b", b"old")
    store.copy("a", "b")
    store.move("b", "c/d")
    store.move("b", "c/d")
    assert store.stat("b") is None
    assert store.get("c/d", tmp_path / "fetched", size=size, sha256=sha256) == sha256
    assert store.put(source, "c/d", sha256) == store.stat("c/d")
    store.move("a", "a")
    assert store.stat("a") is not None


def test_removing_twice(store: S3Store) -> None:
    store.write("a", b"1")
    store.remove("a")
    store.remove("a")
    assert store.stat("a") is None


def test_what_was_recorded_and_is_not_there(store: S3Store, tmp_path: Path) -> None:
    source, sha256 = made(tmp_path, 12 * MIB)
    store.put(source, "a", sha256)
    target = tmp_path / "target"
    target.write_bytes(b"old")
    for size, expected in ((1, sha256), (12 * MIB, "0" * 64)):
        with pytest.raises(InfrastructureError) as caught:
            store.get("a", target, size=size, sha256=expected)
        assert caught.value.code == "storage.checksum"
    assert target.read_bytes() == b"old"


def test_a_foreign_file_is_verified_by_what_was_recorded(
    store: S3Store, service: S3Service, bucket: str, tmp_path: Path
) -> None:
    source, sha256 = made(tmp_path, 12 * MIB)
    service.client().upload_file(str(source), bucket, "a")
    with pytest.raises(InfrastructureError) as caught:
        store.get("a", tmp_path / "b", size=12 * MIB, sha256="0" * 64)
    assert caught.value.code == "storage.checksum"
    assert store.get("a", tmp_path / "b", size=12 * MIB) == sha256
    assert {path.name for path in tmp_path.iterdir()} == {source.name, "b"}


def test_listing_2000_files(store: S3Store) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda number: store.write(f"many/{number % 2}/{number:04}", b"1"), range(2000)))
    store.write("many/top", b"1")
    assert len(list(store.walk("many"))) == 2001
    assert [entry.key for entry in store.list("many")] == ["many/top"]
    assert [entry.key for entry in store.list("many/1")] == [f"many/1/{number:04}" for number in range(1, 2000, 2)]
    assert store.list("nowhere") == []
    assert len(list(store.walk())) == 2001


def test_it_is_used_again_after_it_was_closed(store: S3Store, bucket: str) -> None:
    store.write("a", b"1")
    store.close()
    store.close()
    assert store.read("a") == b"1"
    assert store.root == f"s3://{ACCOUNT}@{bucket}"
    assert store.appears_whole


def test_no_file_has_more_parts_than_s3_allows() -> None:
    for size in (1, 16 * MIB * 10_000, 16 * MIB * 10_000 + 1, 5000 * GIB):
        part = part_size(size, 16 * MIB)
        assert part >= 16 * MIB
        assert -(-size // part) <= 10_000
