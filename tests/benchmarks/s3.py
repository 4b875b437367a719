"""Throughput of the S3 store beside boto3's own transfers, on the loopback interface.

``python tests/benchmarks/s3.py [--service seaweed|juicefs] [--megabytes 1000] [--rounds 5]``

Each round carries the same file with boto3 as it comes, with boto3 tuned to the store's part size and threads, and with
the store, in turn; each is followed by a download. Verification is included: the store hashes what it sends and gets.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from boto3.s3.transfer import TransferConfig

from aerodag.storage import sha256_of
from aerodag.storage.remote.s3.bucket import Tuning
from aerodag.storage.remote.s3.store import S3Store
from servers import s3 as s3_server

TARGET = 0.9
TUNED = TransferConfig(multipart_chunksize=Tuning().part_bytes, max_concurrency=Tuning().workers)
Carrier = tuple[Callable[[Path, str], object], Callable[[str, Path], object]]


def carriers(service: s3_server.S3Service, bucket: str, size: int, sha256: str) -> dict[str, Carrier]:
    client, store = service.client(), S3Store(s3_server.ACCOUNT, service.account(), bucket)
    plain = TransferConfig()
    return {
        "boto3": (
            lambda file, key: client.upload_file(str(file), bucket, key, Config=plain),
            lambda key, file: client.download_file(bucket, key, str(file), Config=plain),
        ),
        "boto3 tuned": (
            lambda file, key: client.upload_file(str(file), bucket, key, Config=TUNED),
            lambda key, file: client.download_file(bucket, key, str(file), Config=TUNED),
        ),
        "store": (
            lambda file, key: store.put(file, key, sha256),
            lambda key, file: store.get(key, file, size=size, sha256=sha256),
        ),
    }


def measure(service: s3_server.S3Service, folder: Path, megabytes: int, rounds: int) -> None:
    source, fetched = folder / "source", folder / "fetched"
    with source.open("wb") as file:
        for _ in range(megabytes):
            file.write(os.urandom(10**6))
    bucket, client = service.bucket(), service.client()
    ways = carriers(service, bucket, megabytes * 10**6, sha256_of(source))
    speeds: dict[tuple[str, str], list[float]] = {}
    for turn in range(rounds):
        names = list(ways)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            upload, download = ways[name]
            key = f"{turn}/{name}"
            taken = {"up": _timed(partial(upload, source, key)), "down": _timed(partial(download, key, fetched))}
            for direction, seconds in taken.items():
                speeds.setdefault((direction, name), []).append(megabytes / seconds)
                print(f"{service.name} {turn + 1} {name:12} {direction:4} {megabytes / seconds:6.0f} MB/s", flush=True)
            client.delete_object(Bucket=bucket, Key=key)
            fetched.unlink()
    for direction in ("up", "down"):
        ours = speeds[direction, "store"]
        for name in ("boto3", "boto3 tuned"):
            ratios = [mine / theirs for mine, theirs in zip(ours, speeds[direction, name], strict=True)]
            ratio = statistics.median(ours) / statistics.median(speeds[direction, name])
            verdict = "reached" if ratio >= TARGET else "MISSED"
            print(
                f"{service.name} {direction:4} {statistics.median(ours):6.0f} MB/s, {ratio:.2f} of {name} "
                f"(rounds {min(ratios):.2f} to {max(ratios):.2f}); target {TARGET}: {verdict}"
            )


def _timed(action: Callable[[], object]) -> float:
    start = time.perf_counter()
    action()
    return time.perf_counter() - start


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--service", choices=["seaweed", "juicefs"], default="seaweed")
    parser.add_argument("--megabytes", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--folder", type=Path, help="where the service and the files are; a temporary one otherwise")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=given.folder) as name:
        folder = Path(name)
        (folder / "service").mkdir()
        with s3_server.running(getattr(s3_server, given.service)(folder / "service")) as service:
            measure(service, folder, given.megabytes, given.rounds)
    print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
