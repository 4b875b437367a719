"""A bucket and the client that reaches it, made when first used."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import structlog

from aerodag.errors import ConfigError, InfrastructureError
from aerodag.storage.remote.s3.errors import explaining, refusal
from aerodag.storage.store import Entry

if TYPE_CHECKING:
    from botocore.exceptions import ClientError
    from mypy_boto3_s3 import S3Client

    from aerodag.settings import S3Account

MIB = 1024**2
SHA256 = "sha256"
_NO_REASON = frozenset({"400", "401", "403", "404"})
_FINAL = frozenset({"storage.missing", "storage.disk_full", "storage.source_changed", "storage.checksum"})
_LONGEST_PAUSE_SECONDS = 20.0
T = TypeVar("T")
_log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Tuning:
    """How files are carried. A transfer holds at most ``workers`` + 3 parts in memory.

    Parts grow where a file would have more than S3's 10,000. A transfer that does not get on is given up after
    ``tries``; each of its requests is sent up to ``attempts`` times.
    """

    part_bytes: int = 16 * MIB
    workers: int = 4
    copy_bytes: int = 1024 * MIB
    copy_part_bytes: int = 256 * MIB
    attempts: int = 4
    tries: int = 3
    pause_seconds: float = 2.0
    connect_seconds: float = 15.0
    read_seconds: float = 60.0


@dataclass(frozen=True, slots=True)
class Head:
    """What the service tells of an object; ``sha256`` only of those that this project has put there."""

    entry: Entry
    sha256: str | None
    checksum: str | None
    content_type: str


class Bucket:
    """A bucket of an account; threads may share it."""

    def __init__(self, account_name: str, account: S3Account, name: str, tuning: Tuning) -> None:
        self.name = name
        self.place = f"s3://{account_name}@{name}"
        self.tuning = tuning
        self._account = account
        self._client: S3Client | None = None
        self._lock = threading.Lock()

    @property
    def client(self) -> S3Client:
        """The client; credentials are looked up when it is made.

        Some services create a bucket that is written to, so that a misspelt one is asked for first.
        """
        with self._lock:
            if self._client is None:
                client = self._connected()
                self._ask_for_bucket(client)
                self._client = client
            return self._client

    def close(self) -> None:
        """Let go of the connections and the credentials."""
        with self._lock:
            client, self._client = self._client, None
        if client is not None:
            client.close()

    @contextmanager
    def explained(self, key: str = "") -> Iterator[None]:
        """Turn what boto3 raises into this project's errors."""
        from botocore.exceptions import ClientError

        with explaining(f"{self.place}/{key}" if key else self.place):
            try:
                yield
            except ClientError as error:
                if refusal(error) in _NO_REASON:
                    self._ask_why(error)
                raise

    def head(self, key: str) -> Head | None:
        """What is there; None where nothing is."""
        from botocore.exceptions import ClientError

        try:
            found = self.client.head_object(Bucket=self.name, Key=key, ChecksumMode="ENABLED")
        except ClientError as error:
            if refusal(error) in {"404", "NoSuchKey"}:
                return None
            raise
        entry = Entry(key, found["ContentLength"], found["LastModified"].timestamp(), found["ETag"])
        return Head(entry, found["Metadata"].get(SHA256), found.get("ChecksumSHA256"), found.get("ContentType", ""))

    def present(self, key: str) -> Head:
        """What is there. Raises ``InfrastructureError`` ``storage.missing``."""
        found = self.head(key)
        if found is None:
            raise InfrastructureError(
                "storage.missing",
                f"There is no {self.place}/{key}.",
                advice="Check who removes files from the bucket; the step is tried again.",
            )
        return found

    def persistently(self, key: str, action: Callable[[], T], progress: Callable[[], int]) -> T:
        """Do ``action`` until it succeeds, while each try but a few gets on; raises what the last one raised.

        ``progress`` tells how far it is; an action goes on where the one before ended.
        """
        failures, rounds = 0, 0
        while True:
            before = progress()
            try:
                with self.explained(key):
                    return action()
            except InfrastructureError as error:
                failures, rounds = 1 if progress() > before else failures + 1, rounds + 1
                if error.code in _FINAL or failures >= self.tuning.tries or rounds >= 10 * self.tuning.tries:
                    raise
                pause = min(self.tuning.pause_seconds * 2 ** (failures - 1), _LONGEST_PAUSE_SECONDS)
                _log.warning("storage.tried_again", key=key, code=error.code, reason=error.message, pause=pause)
            time.sleep(pause)

    def _connected(self) -> S3Client:
        import boto3
        from botocore.config import Config

        account, tuning = self._account, self.tuning
        config = Config(
            connect_timeout=tuning.connect_seconds,
            read_timeout=tuning.read_seconds,
            retries={"mode": "standard", "total_max_attempts": tuning.attempts},
            max_pool_connections=2 * tuning.workers,
            # The transfers bring SHA-256 of their own; other checksums in trailers are refused by older services.
            request_checksum_calculation="when_required",
            response_checksum_validation="when_required",
            # Their headers are signed, which spares hashing the content once more for the signature.
            s3={"payload_signing_enabled": False},
            tcp_keepalive=True,
        )
        options: dict[str, Any] = {"endpoint_url": account.endpoint_url, "config": config}
        options["verify"] = account.verify if isinstance(account.verify, bool) else str(account.verify)
        options["region_name"] = account.region or ("us-east-1" if account.endpoint_url else None)
        if account.access_key is not None:
            options["aws_access_key_id"] = account.access_key
        if account.secret_key is not None:
            options["aws_secret_access_key"] = account.secret_key.get_secret_value()
        try:
            return boto3.session.Session().client("s3", **options)
        except ValueError as error:
            raise ConfigError(
                "storage.endpoint",
                f"{self.place}: {error}",
                advice="Correct the endpoint and the keys of the account; an endpoint is http(s)://host:port.",
            ) from error

    def _ask_for_bucket(self, client: S3Client) -> None:
        from botocore.exceptions import ClientError

        try:
            client.head_bucket(Bucket=self.name)
        except ClientError as error:
            if refusal(error) in {"404", "NoSuchBucket"}:
                raise _no_bucket(self.place) from error

    def _ask_why(self, error: ClientError) -> None:
        """Raise the reason of a refusal that came without one, if the service tells it for another request."""
        if self._client is not None and error.operation_name.startswith("Head"):
            self._client.list_objects_v2(Bucket=self.name, MaxKeys=1)


def _no_bucket(place: str) -> ConfigError:
    return ConfigError(
        "storage.no_bucket",
        f"There is no bucket {place}.",
        advice="Create the bucket, or correct its name in the settings (AERODAG_STORAGE__...).",
    )
