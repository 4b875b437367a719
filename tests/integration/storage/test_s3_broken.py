"""Transfers with S3 that break off, on either side, and others that get in their way."""

import hashlib
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from itertools import count
from pathlib import Path

import pytest

from aerodag.errors import InfrastructureError
from aerodag.storage.remote.s3.bucket import Bucket
from aerodag.storage.remote.s3.download import Download
from aerodag.storage.remote.s3.upload import Upload
from aerodag.storage.store import Entry
from servers.s3 import ACCOUNT, KEYS, MIB, QUICK, S3Service, juicefs, running, seaweed

SIZE = 78 * MIB
PARTS = 16
SLOW = replace(QUICK, workers=1)
PATIENT = replace(QUICK, workers=2, tries=8, pause_seconds=1)
TRANSFER = """
import os, signal, sys
from itertools import count
from pathlib import Path
from aerodag.settings import S3Account
from aerodag.storage.remote.s3.bucket import Bucket, Tuning
from aerodag.storage.remote.s3.download import Download
from aerodag.storage.remote.s3.upload import Upload
operation, endpoint, access_key, secret_key, bucket, file, sha256, size, last = sys.argv[1:]
account = S3Account(endpoint_url=endpoint, access_key=access_key, secret_key=secret_key)
bucket = Bucket("survey", account, bucket, Tuning(part_bytes=5 * 1024**2, workers=1))
calls = count(1)
def die(**_):
    if next(calls) == int(last):
        os.kill(os.getpid(), signal.SIGKILL)
bucket.client.meta.events.register(f"before-call.s3.{operation}", die)
if operation == "UploadPart":
    Upload(bucket, Path(file), "a", sha256).run()
else:
    Download(bucket, "a", Path(file), int(size), sha256).run()
"""


@pytest.fixture(scope="module", params=[seaweed, juicefs], ids=lambda made: made.__name__)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Service]:
    with running(request.param(tmp_path_factory.mktemp("s3"))) as service:
        yield service


@pytest.fixture
def bucket(service: S3Service) -> str:
    return service.bucket()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("source") / "flight.zip"
    path.write_bytes(os.urandom(SIZE))
    return path, hashlib.sha256(path.read_bytes()).hexdigest()


def killed_in_between(service: S3Service, operation: str, bucket: str, file: Path, sha256: str) -> None:
    """A transfer of another process that is killed with eight of its sixteen requests answered."""
    arguments = [operation, service.endpoint, *KEYS, bucket, str(file), sha256, str(SIZE), "9"]
    client = subprocess.run([sys.executable, "-c", TRANSFER, *arguments], timeout=180)
    assert client.returncode == -signal.SIGKILL


def parts_there(service: S3Service, bucket: str) -> int:
    client = service.client()
    uploads = client.list_multipart_uploads(Bucket=bucket, Prefix="a").get("Uploads", [])
    if not uploads:
        return 0
    listed = client.list_parts(Bucket=bucket, Key=uploads[0]["Key"], UploadId=uploads[0]["UploadId"])
    return len(listed.get("Parts", []))


def part_bytes(folder: Path) -> int:
    return sum(path.stat().st_size for path in folder.glob(".*.part"))


def upload_of(service: S3Service, bucket: str, source: tuple[Path, str]) -> Upload:
    return Upload(Bucket(ACCOUNT, service.account(), bucket, QUICK), source[0], "a", source[1])


def test_an_upload_goes_on_where_a_killed_one_ended(
    service: S3Service, bucket: str, source: tuple[Path, str], tmp_path: Path
) -> None:
    killed_in_between(service, "UploadPart", bucket, *source)
    store = service.store(bucket)
    assert store.stat("a") is None
    assert store.list() == []
    there = parts_there(service, bucket)
    assert there == 8
    upload = upload_of(service, bucket, source)
    assert upload.run().size == SIZE
    assert upload.sent == PARTS - there
    assert parts_there(service, bucket) == 0
    store.get("a", tmp_path / "fetched", size=SIZE, sha256=source[1])


def test_another_file_does_not_take_parts_of_a_killed_upload(
    service: S3Service, bucket: str, source: tuple[Path, str], tmp_path: Path
) -> None:
    killed_in_between(service, "UploadPart", bucket, *source)
    content = bytearray(source[0].read_bytes())
    for changed, kept in ((0, 0), (SIZE - 1, 3), (6 * MIB, 1)):
        content[changed] ^= 1
        other = tmp_path / "other"
        other.write_bytes(content)
        sha256 = hashlib.sha256(content).hexdigest()
        upload = upload_of(service, bucket, (other, sha256))
        upload.run()
        if kept == 0:
            assert upload.sent == PARTS
        store = service.store(bucket)
        assert store.get("a", tmp_path / "fetched", size=SIZE, sha256=sha256) == sha256
        assert store.put(other, "a", sha256) == store.stat("a")


def test_a_download_goes_on_where_a_killed_one_ended(
    service: S3Service, bucket: str, source: tuple[Path, str], tmp_path: Path
) -> None:
    store = service.store(bucket)
    store.put(source[0], "a", source[1])
    target = tmp_path / "fetched"
    killed_in_between(service, "GetObject", bucket, target, source[1])
    assert not target.exists()
    there = part_bytes(tmp_path)
    assert 10 * MIB <= there < SIZE
    download = Download(Bucket(ACCOUNT, service.account(), bucket, QUICK), "a", target, SIZE, source[1])
    assert download.run() == source[1]
    assert download.got == SIZE - there
    assert list(tmp_path.iterdir()) == [target]


def test_a_spoiled_partial_file_is_fetched_again(
    service: S3Service, bucket: str, source: tuple[Path, str], tmp_path: Path
) -> None:
    store = service.store(bucket)
    store.put(source[0], "a", source[1])
    target = tmp_path / "fetched"
    killed_in_between(service, "GetObject", bucket, target, source[1])
    (partial,) = tmp_path.glob(".*.part")
    with partial.open("r+b") as file:
        file.write(bytes(100))
    assert store.get("a", target, size=SIZE, sha256=source[1]) == source[1]
    assert list(tmp_path.iterdir()) == [target]


def restarted(service: S3Service, place: Bucket, operation: str) -> list[Future[None]]:
    """The service is killed when a transfer begins its fifth request, and is back some seconds later."""
    calls, restarts = count(1), []
    pool = ThreadPoolExecutor(1)

    def kill(**_: object) -> None:
        if next(calls) == 5:
            service.kill()
            restarts.append(pool.submit(service.start))

    place.client.meta.events.register(f"before-call.s3.{operation}", kill)
    return restarts


def test_transfers_survive_a_restart_of_the_service(
    service: S3Service, bucket: str, source: tuple[Path, str], tmp_path: Path
) -> None:
    place = Bucket(ACCOUNT, service.account(), bucket, PATIENT)
    restarts = [restarted(service, place, operation) for operation in ("UploadPart", "GetObject")]
    upload = Upload(place, source[0], "a", source[1])
    assert place.persistently("a", upload.run, lambda: upload.sent).size == SIZE
    download = Download(place, "a", tmp_path / "b", SIZE, source[1])
    assert place.persistently("a", download.run, lambda: download.got) == source[1]
    for (restart,) in restarts:
        restart.result(60)


@dataclass(slots=True)
class Disturbed(Download):
    """Something happens when the third range is about to be fetched."""

    happening: Callable[[], object] = int
    ranges: int = 0

    def _range(self, entry: Entry, begin: int, end: int) -> bytes:
        self.ranges += 1
        if self.ranges == 3:
            self.happening()
        return Download._range(self, entry, begin, end)


def test_a_file_replaced_during_its_download(
    service: S3Service, bucket: str, source: tuple[Path, str], tmp_path: Path
) -> None:
    store, target = service.store(bucket), tmp_path / "fetched"
    other = tmp_path / "other"
    other.write_bytes(os.urandom(SIZE))
    sha256 = hashlib.sha256(other.read_bytes()).hexdigest()
    place = Bucket(ACCOUNT, service.account(), bucket, SLOW)
    for expected, code in ((source[1], "storage.checksum"), (None, None)):
        store.put(source[0], "a", source[1])
        download = Disturbed(place, "a", target, SIZE, expected, happening=lambda: store.put(other, "a", sha256))
        if code is None:
            assert place.persistently("a", download.run, lambda: 0) == sha256
            assert hashlib.sha256(target.read_bytes()).hexdigest() == sha256
        else:
            with pytest.raises(InfrastructureError) as caught:
                place.persistently("a", download.run, lambda: 0)
            assert caught.value.code == code
            assert not target.exists()


def test_partial_uploads_are_given_up_by_age(service: S3Service, bucket: str, source: tuple[Path, str]) -> None:
    client, store = service.client(), service.store(bucket)
    upload = client.create_multipart_upload(Bucket=bucket, Key="a b/ü.zip")["UploadId"]
    time.sleep(2)
    between = time.time()
    time.sleep(2)
    client.upload_part(Bucket=bucket, Key="a b/ü.zip", UploadId=upload, PartNumber=1, Body=b"1")
    client.create_multipart_upload(Bucket=bucket, Key="c")
    assert store.remove_partials(between) == 0
    assert store.remove_partials(time.time() + 5) == 2
    assert store.remove_partials(time.time() + 5) == 0
    assert "Uploads" not in client.list_multipart_uploads(Bucket=bucket)


def test_writers_of_one_file_at_once(service: S3Service, bucket: str, source: tuple[Path, str], tmp_path: Path) -> None:
    together = threading.Barrier(3)

    def put(_: int) -> Entry:
        together.wait()
        return service.store(bucket).put(source[0], "a", source[1])

    def get(number: int) -> str:
        together.wait()
        return service.store(bucket).get("a", tmp_path / "fetched", size=SIZE, sha256=source[1])

    with ThreadPoolExecutor(3) as pool:
        assert {entry.size for entry in pool.map(put, range(3))} == {SIZE}
        assert set(pool.map(get, range(3))) == {source[1]}
    assert [path.name for path in tmp_path.iterdir()] == ["fetched"]


def test_writers_of_different_files_under_one_name(service: S3Service, bucket: str, tmp_path: Path) -> None:
    contents = {hashlib.sha256(content).hexdigest(): content for content in map(os.urandom, [12 * MIB] * 3)}
    for sha256, content in contents.items():
        (tmp_path / sha256).write_bytes(content)
    store = service.store(bucket)
    with ThreadPoolExecutor(3) as pool:
        tries = [pool.submit(store.put, tmp_path / sha256, "a", sha256) for sha256 in contents]
    failed = [future.exception() for future in tries if future.exception() is not None]
    assert all(isinstance(error, InfrastructureError) and error.code == "storage.replaced" for error in failed)
    assert len(failed) < len(tries)
    assert store.get("a", tmp_path / "fetched", size=12 * MIB) in contents
