"""``aerodag exporter`` as a process."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from cases.monitoring import Scrape


@contextmanager
def exporter(home: Path, *arguments: str, **environment: str) -> Iterator[subprocess.Popen[str]]:
    known = {name: value for name, value in os.environ.items() if name != "AERODAG_DATABASE_URL"}
    process = subprocess.Popen(
        [sys.executable, "-m", "aerodag.cli", "exporter", "--address", "127.0.0.1", *arguments],
        env=known | {"AERODAG_HOME": str(home)} | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        yield process
    finally:
        process.kill()
        process.communicate()


def address(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    said = re.search(r"http://localhost:(\d+)/metrics", process.stdout.readline())
    assert said
    return f"http://127.0.0.1:{said[1]}/metrics"


def test_it_serves_until_it_is_told_to_stop(database_url: str, tmp_path: Path) -> None:
    with exporter(
        tmp_path,
        "--port",
        "0",
        AERODAG_DATABASE_URL=database_url,
        AERODAG_DATA_ROOT=str(tmp_path),
        AERODAG_DISK__PLACES='{"storage": "/none"}',
    ) as process:
        answer = httpx.get(address(process))
        assert answer.status_code == 200
        assert answer.headers["content-type"].startswith("text/plain; version=")
        seen = Scrape.of(answer.text)
        assert seen("aerodag_up") == seen("aerodag_disk_up", place="data") == 1
        assert seen("aerodag_disk_up", place="storage") == 0
        assert seen("process_resident_memory_bytes") < 400e6
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0


def test_it_says_so_when_there_is_no_ledger(tmp_path: Path) -> None:
    with exporter(tmp_path, "--port", "0") as process:
        url = address(process)
        for _ in range(2):
            answer = httpx.get(url)
            assert answer.status_code == 200
            assert Scrape.of(answer.text)("aerodag_up") == 0


def test_a_port_that_is_taken(tmp_path: Path) -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        exporter(tmp_path, "--port", str(taken.getsockname()[1])) as process,
    ):
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, output) == (1, "")
    assert "exporter.port" in errors
    assert "Give it another port." in errors
