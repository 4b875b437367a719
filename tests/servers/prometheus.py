"""A real Prometheus with the project's configuration, which scrapes what a test has started."""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from servers.ports import free_port

CONFIGURATION = Path(__file__).parents[2] / "deploy" / "monitoring" / "prometheus"
INTERVAL = "2s"


@dataclass(frozen=True)
class Prometheus:
    """Its HTTP API."""

    url: str

    def get(self, path: str, **parameters: str) -> Any:
        """The data of an answer that says success."""
        document = httpx.get(f"{self.url}/api/v1/{path}", params=parameters, timeout=30).json()
        assert document["status"] == "success", document
        return document["data"]

    def query(self, expression: str) -> list[float]:
        """The values that an expression has now; none of those that are no number."""
        result = self.get("query", query=expression)["result"]
        values = [float(sample["value"][1]) for sample in result]
        return [value for value in values if value == value]


@contextmanager
def prometheus(folder: Path, targets: Mapping[str, int]) -> Iterator[Prometheus]:
    """Started on the project's configuration; ``targets`` are ports of 127.0.0.1, for the jobs that it is to have."""
    program = shutil.which("prometheus")
    assert program is not None
    shutil.copytree(CONFIGURATION, folder / "configuration")
    port = free_port()
    configuration = yaml.safe_load((CONFIGURATION / "prometheus.yml").read_text())
    configuration["global"] = {"scrape_interval": INTERVAL, "evaluation_interval": INTERVAL}
    jobs = {job["job_name"]: job for job in configuration["scrape_configs"]}
    configuration["scrape_configs"] = [
        jobs[name] | {"static_configs": [{"targets": [f"127.0.0.1:{number}"]}]}
        for name, number in {**targets, "prometheus": port}.items()
    ]
    (folder / "configuration" / "prometheus.yml").write_text(yaml.safe_dump(configuration))
    command = [
        program,
        f"--config.file={folder / 'configuration' / 'prometheus.yml'}",
        f"--storage.tsdb.path={folder / 'data'}",
        f"--web.listen-address=127.0.0.1:{port}",
    ]
    with (folder / "prometheus.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        _wait_until_ready(f"http://127.0.0.1:{port}", process, folder / "prometheus.log")
        yield Prometheus(f"http://127.0.0.1:{port}")
    finally:
        process.terminate()
        process.wait(30)


def _wait_until_ready(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    deadline = time.monotonic() + 300
    while True:
        assert process.poll() is None, log.read_text()
        try:
            if httpx.get(f"{url}/-/ready", timeout=5).is_success:
                return
        except httpx.TransportError:
            pass
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.2)
