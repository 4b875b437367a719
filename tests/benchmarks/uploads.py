"""An upload in pieces through Airflow's API server, against ``curl -T`` of the whole file to a server that only copies.

``python tests/benchmarks/uploads.py [--megabytes N] [--rounds N]``
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import http.client
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import psutil

sys.path.insert(0, str(Path(__file__).parents[1]))

from servers.ports import free_port
from systems.api_server import ApiServer, api_server

AT_ONCE = 3
# The peer: one process that writes what comes to a file, and answers when it is on the disk.
COPYING = """
import http.server, os, sys
class Copy(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        left = int(self.headers["Content-Length"])
        self.send_response_only(100)
        self.end_headers()
        with open(sys.argv[2], "wb") as file:
            while left:
                left -= file.write(self.rfile.read(min(left, 1 << 20)))
            file.flush()
            os.fsync(file.fileno())
        self.send_response(204)
        self.end_headers()
    def log_message(self, *_):
        pass
http.server.HTTPServer(("127.0.0.1", int(sys.argv[1])), Copy).serve_forever()
"""


def write_source(path: Path, megabytes: int) -> int:
    """A ZIP of images that do not compress; returns its bytes."""
    with zipfile.ZipFile(path, "w") as bundle, Path("/dev/urandom").open("rb") as noise:
        for number in range(max(3, megabytes // 8)):
            bundle.writestr(f"DJI_{number:04}.JPG", noise.read(8_000_000))
    return path.stat().st_size


def in_pieces(server: ApiServer, client: httpx.Client, source: Path, size: int) -> None:
    """What the page does, from the first request to the answer that the file is complete."""
    upload = client.post("/api/uploads", json={"name": source.name, "size_bytes": size}).raise_for_status().json()
    chunk_bytes, mine = upload["chunk_bytes"], threading.local()

    def send(index: int) -> None:
        with source.open("rb") as file:
            file.seek(index * chunk_bytes)
            chunk = file.read(chunk_bytes)
        if not hasattr(mine, "connection"):
            mine.connection = http.client.HTTPConnection(urlsplit(server.url).netloc)
        digest = base64.b64encode(hashlib.sha256(chunk).digest()).decode()
        headers = {"Authorization": client.headers["authorization"], "Content-Digest": f"sha-256=:{digest}:"}
        mine.connection.request("PUT", f"/aerodag/api/uploads/{upload['id']}/chunks/{index}", chunk, headers)
        answer = mine.connection.getresponse()
        if answer.status != http.client.NO_CONTENT:
            raise RuntimeError(answer.read().decode())
        answer.read()

    with ThreadPoolExecutor(AT_ONCE) as crowd:
        list(crowd.map(send, range(upload["chunks_total"])))
    client.post(f"/api/uploads/{upload['id']}/complete").raise_for_status()


@contextmanager
def copying(target: Path) -> Iterator[str]:
    """The peer's server; yields where to put the file."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", COPYING, str(port), str(target)])
    time.sleep(1)
    try:
        yield f"http://127.0.0.1:{port}/file"
    finally:
        process.kill()
        process.wait()


class Memory:
    """The most that a process and its children held above what they held at first, in MB."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._first = self._held()
        self.most = 0.0
        threading.Thread(target=self._watch, daemon=True).start()

    def _watch(self) -> None:
        with suppress(psutil.NoSuchProcess):
            while True:
                self.most = max(self.most, (self._held() - self._first) / 1e6)
                time.sleep(0.02)

    def _held(self) -> int:
        family = (self._process, *self._process.children(recursive=True))
        return sum(process.memory_info().rss for process in family)


def measure(server: ApiServer, folder: Path, megabytes: int, rounds: int) -> None:
    """All rounds and what they say."""
    source = folder / "survey.zip"
    size = write_source(source, megabytes)
    seconds: dict[str, list[float]] = {"in pieces": [], "curl": []}
    incoming = server.home / "data" / "incoming"
    incoming.mkdir(parents=True, exist_ok=True)
    with server.client("ursula") as client, copying(folder / "copy") as address:
        in_pieces(server, client, source, size)  # warms both up
        assert server.process is not None
        memory = Memory(server.process.pid)
        for _ in range(rounds):
            for name in seconds:
                for left in (*incoming.iterdir(), folder / "copy"):
                    left.unlink(missing_ok=True)
                started = time.perf_counter()
                if name == "curl":
                    curl = str(shutil.which("curl"))
                    subprocess.run([curl, "-sSf", "-T", str(source), address], check=True, stdout=subprocess.DEVNULL)
                else:
                    in_pieces(server, client, source, size)
                seconds[name].append(time.perf_counter() - started)
        speed = {name: size / 1e6 / statistics.median(taken) for name, taken in seconds.items()}
        ratio = speed["in pieces"] / speed["curl"]
        print(f"in pieces {speed['in pieces']:.0f} MB/s, curl -T {speed['curl']:.0f} MB/s: {ratio:.2f}", flush=True)
        print(f"memory of the API server grew by {memory.most:.0f} MB at most", flush=True)


def main() -> None:
    """Run it where curl is installed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=int, default=800)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    if shutil.which("curl") is None:
        print("curl is not installed: nothing is measured")
        return
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with api_server(folder / "airflow", users={"ursula": "user"}) as server:
            print(f"{options.megabytes} MB, {options.rounds} rounds", flush=True)
            measure(server, folder, options.megabytes, options.rounds)


if __name__ == "__main__":
    main()
