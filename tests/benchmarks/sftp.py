"""The SFTP store against OpenSSH's own ``sftp`` and ``scp`` on loopback, alternating.

Prints ratios of the medians of speed: above 1 the store is faster, although it makes sure that the file is on the
server's disk, compares its SHA-256 there and renames it. Files lie in memory, so that no disk is measured.
``AERODAG_BENCH_SFTP_MB`` is the size, 1000 when not given.
"""

from __future__ import annotations

import hashlib
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from aerodag.storage.remote.sftp.store import SftpStore
from servers.sftp import SshHost, running_sshd, sshd

MEGABYTES = int(os.environ.get("AERODAG_BENCH_SFTP_MB", "1000"))
ROUNDS = int(os.environ.get("AERODAG_BENCH_SFTP_ROUNDS", "5"))


def write_source(path: Path) -> str:
    """Incompressible bytes; returns their SHA-256."""
    digest = hashlib.sha256()
    with path.open("wb") as file:
        for _ in range(MEGABYTES):
            block = os.urandom(1_000_000)
            digest.update(block)
            file.write(block)
    return digest.hexdigest()


def options(host: SshHost) -> list[str]:
    """What all of OpenSSH's programs need to reach this server."""
    known = host.folder / "known_hosts"
    known.write_text(f"[127.0.0.1]:{host.port} {host.host_key}\n")
    return ["-q", "-P", str(host.port), "-i", str(host.key), f"-oUserKnownHostsFile={known}", "-oBatchMode=yes"]


def sftp(host: SshHost, line: str) -> None:
    """One command of OpenSSH's sftp."""
    command = [str(shutil.which("sftp")), *options(host), "-b", "-", f"{host.user}@127.0.0.1"]
    subprocess.run(command, input=line.encode(), stdout=subprocess.DEVNULL, check=True)


def scp(host: SshHost, *places: str) -> None:
    """One copy by OpenSSH's scp."""
    subprocess.run([str(shutil.which("scp")), *options(host), *places], check=True)


def measure(host: SshHost, folder: Path) -> None:
    """All rounds and what they say."""
    source, there, back = folder / "source", folder / "there", folder / "back"
    sha256 = write_source(source)
    size = source.stat().st_size

    def ours(use: Callable[[SftpStore], object]) -> None:
        store = SftpStore(f"sftp://bench{folder}", host.settings(idle_seconds=60.0))
        use(store)
        store.close()

    peer = f"{host.user}@127.0.0.1"
    ways: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "store": (
            lambda: ours(lambda store: store.put(source, there.name, sha256)),
            lambda: ours(lambda store: store.get(there.name, back, size=size, sha256=sha256)),
        ),
        "sftp": (lambda: sftp(host, f"put {source} {there}\n"), lambda: sftp(host, f"get {there} {back}\n")),
        "scp": (lambda: scp(host, str(source), f"{peer}:{there}"), lambda: scp(host, f"{peer}:{there}", str(back))),
    }
    seconds: dict[tuple[str, str], list[float]] = {}
    for _ in range(ROUNDS):
        for name, (up, down) in ways.items():
            for direction, act in (("up", up), ("down", down)):
                started = time.perf_counter()
                act()
                seconds.setdefault((name, direction), []).append(time.perf_counter() - started)
            there.unlink()
            back.unlink()
    report({key: size / 1e6 / statistics.median(values) for key, values in seconds.items()})


def report(speed: dict[tuple[str, str], float]) -> None:
    """Speeds in MB/s and their ratios."""
    for direction in ("up", "down"):
        for name in ("sftp", "scp"):
            ours, theirs = speed["store", direction], speed[name, direction]
            print(f"{direction:5} store {ours:5.0f} MB/s, {name:4} {theirs:5.0f} MB/s: {ours / theirs:.2f}", flush=True)
    print(f"peak memory of this process {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB", flush=True)


def main() -> None:
    """Run it where OpenSSH's server is installed."""
    if sshd() is None:
        print("OpenSSH's server is not installed (Debian: openssh-server): nothing is measured")
        return
    memory = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
    print(f"{MEGABYTES} MB, {ROUNDS} rounds", flush=True)
    with running_sshd() as host, tempfile.TemporaryDirectory(dir=memory) as folder:
        measure(host, Path(folder))


if __name__ == "__main__":
    main()
