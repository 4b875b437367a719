"""What goes wrong with an S3 service, said so that a person can do something about it."""

import datetime
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from aerodag.errors import AerodagError, ConfigError, InfrastructureError, Retry
from aerodag.storage.remote.s3.store import S3Store
from servers.ports import free_port
from servers.s3 import ACCOUNT, KEYS, QUICK, READER_KEYS, S3Service, juicefs, running, seaweed

HASTY = replace(QUICK, attempts=2, tries=2, pause_seconds=0.1)


@pytest.fixture(scope="module", params=[seaweed, juicefs], ids=lambda made: made.__name__)
def service(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Service]:
    with running(request.param(tmp_path_factory.mktemp("s3"))) as service:
        yield service


@pytest.fixture(scope="module")
def bucket(service: S3Service) -> str:
    return service.bucket()


def uses(store: S3Store, tmp_path: Path) -> list[Callable[[], object]]:
    source = tmp_path / "source"
    source.write_bytes(b"1")
    return [
        lambda: store.stat("a"),
        lambda: store.list(),
        lambda: list(store.walk()),
        lambda: store.put(source, "a", "6b86b273ff34fce19d6b804eff5a3f5747ada4eaa22f1d49c01e52ddb7875b4b"),
        lambda: store.get("a", tmp_path / "b", size=1),
        lambda: store.read("a"),
        lambda: store.write("a", b"1"),
        lambda: store.copy("a", "b"),
        lambda: store.move("a", "b"),
        lambda: store.remove("a"),
        lambda: store.remove_partials(0),
    ]


def refused(action: Callable[[], object]) -> AerodagError:
    with pytest.raises(AerodagError) as caught:
        action()
    return caught.value


@pytest.mark.parametrize("keys", [(KEYS[0], "wrong-secret"), ("nobody", KEYS[1])], ids=["secret", "key"])
def test_wrong_keys(service: S3Service, bucket: str, tmp_path: Path, keys: tuple[str, str]) -> None:
    store = S3Store(ACCOUNT, service.account(keys), bucket, HASTY)
    for use in uses(store, tmp_path):
        error = refused(use)
        assert (type(error), error.code, error.retry) == (ConfigError, "storage.login_refused", Retry.NEVER)
        assert keys[1] not in str(error)


def test_no_such_bucket(service: S3Service, tmp_path: Path) -> None:
    store = S3Store(ACCOUNT, service.account(), "misspelt", HASTY)
    for use in uses(store, tmp_path):
        error = refused(use)
        assert (type(error), error.code) == (ConfigError, "storage.no_bucket")
        assert "s3://survey@misspelt" in error.message
    assert "misspelt" not in {found["Name"] for found in service.client().list_buckets()["Buckets"]}


def test_a_clock_that_is_wrong(
    service: S3Service, bucket: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from botocore import auth

    right = auth.get_current_datetime
    monkeypatch.setattr(auth, "get_current_datetime", lambda: right() - datetime.timedelta(hours=2))
    store = S3Store(ACCOUNT, service.account(), bucket, HASTY)
    for use in uses(store, tmp_path):
        assert (refused(use).code) == "storage.clock_skew"


def test_nobody_answers(tmp_path: Path) -> None:
    from aerodag.settings import S3Account

    account = S3Account(endpoint_url=f"http://127.0.0.1:{free_port()}", access_key="a", secret_key="b")
    store = S3Store(ACCOUNT, account, "flights", replace(HASTY, attempts=1))
    for use in uses(store, tmp_path):
        error = refused(use)
        assert (type(error), error.code) == (InfrastructureError, "storage.unreachable")


def test_an_endpoint_that_is_none(tmp_path: Path) -> None:
    from aerodag.settings import S3Account

    account = S3Account(endpoint_url="minio:9000", access_key="a", secret_key="b")
    assert refused(lambda: S3Store(ACCOUNT, account, "flights", HASTY).stat("a")).code == "storage.endpoint"


def test_no_credentials_anywhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from aerodag.settings import S3Account

    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    monkeypatch.setenv("AWS_SHARED_CREDENTIALS_FILE", str(tmp_path / "none"))
    monkeypatch.setenv("AWS_CONFIG_FILE", str(tmp_path / "none"))
    account = S3Account(endpoint_url="http://127.0.0.1:1")
    assert refused(lambda: S3Store(ACCOUNT, account, "flights", HASTY).stat("a")).code == "storage.login_refused"


def test_boto3_finds_the_credentials_that_are_not_set(
    service: S3Service, bucket: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from aerodag.settings import S3Account

    monkeypatch.setenv("AWS_ACCESS_KEY_ID", KEYS[0])
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", KEYS[1])
    store = S3Store(ACCOUNT, S3Account(endpoint_url=service.endpoint), bucket, HASTY)
    store.write("found", b"1")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "another")
    assert store.read("found") == b"1"
    store.close()
    assert refused(lambda: store.read("found")).code == "storage.login_refused"


def test_keys_without_the_right_to_write(tmp_path: Path) -> None:
    (tmp_path / "s3").mkdir()
    with running(seaweed(tmp_path / "s3")) as service:
        bucket = service.bucket()
        service.store(bucket).write("a", b"1")
        store = S3Store(ACCOUNT, service.account(READER_KEYS), bucket, HASTY)
        assert store.read("a") == b"1"
        for use in (lambda: store.write("a", b"2"), lambda: store.remove("a"), lambda: store.move("a", "b")):
            error = refused(use)
            assert (type(error), error.code) == (ConfigError, "storage.access_denied")
        assert [entry.key for entry in store.list()] == ["a"]


def test_a_service_without_room(tmp_path: Path) -> None:
    (tmp_path / "s3").mkdir()
    with running(juicefs(tmp_path / "s3", "--inodes=60")) as service:
        store = S3Store(ACCOUNT, service.account(), service.bucket(), replace(HASTY, attempts=1))

        def fill() -> None:
            for number in range(60):
                store.write(str(number), b"1")

        error = refused(fill)
        assert (type(error), error.code) == (InfrastructureError, "storage.disk_full")
