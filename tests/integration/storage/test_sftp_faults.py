"""Transfers over a real OpenSSH server that breaks, fills up or refuses in the middle."""

from __future__ import annotations

import hashlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from aerodag.errors import ConfigError, InfrastructureError
from aerodag.storage.remote.sftp import store as sftp
from aerodag.storage.remote.sftp.store import SftpStore
from servers.sftp import PILOT, SshHost, running_sshd, sftp_program

SIZE = 40_000_000
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root can give the server disks and users of its own")
PUT = """
import sys
from pathlib import Path
from aerodag.settings import SftpServer
from aerodag.storage.remote.sftp.store import SftpStore
root, server, source, key, sha256 = sys.argv[1:]
SftpStore(root, SftpServer.model_validate_json(server)).put(Path(source), key, sha256)
"""


@pytest.fixture(scope="module")
def host() -> Iterator[SshHost]:
    with running_sshd() as running:
        yield running


@pytest.fixture(autouse=True)
def _short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sftp, "_PAUSES", (0.05, 0.1, 0.2))


@pytest.fixture
def folder(host: SshHost, tmp_path: Path) -> Path:
    made = host.files / tmp_path.name
    made.mkdir()
    return made


@pytest.fixture
def store(host: SshHost, folder: Path) -> Iterator[SftpStore]:
    reached = SftpStore(f"sftp://nas{folder}", host.settings())
    yield reached
    reached.close()


@pytest.fixture(scope="module")
def source(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    path = tmp_path_factory.mktemp("source") / "source"
    content = hashlib.shake_128(b"source").digest(SIZE)
    path.write_bytes(content)
    return path, hashlib.sha256(content).hexdigest()


def partials(folder: Path) -> list[Path]:
    return list(folder.glob(".*.part"))


@contextmanager
def when_grown(folder: Path, size: int, act: Callable[[], object]) -> Iterator[list[int]]:
    """Does something once, as soon as the partial file there has so many bytes; collects its inode."""
    seen: list[int] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.is_set() and not seen:
            for path in partials(folder):
                found = path.stat()
                if found.st_size >= size:
                    act()
                    seen.append(found.st_ino)
                    return

    watcher = threading.Thread(target=watch)
    watcher.start()
    try:
        yield seen
    finally:
        ended.set()
        watcher.join()


def test_a_dropped_upload_goes_on_where_it_ended(
    host: SshHost, store: SftpStore, folder: Path, source: tuple[Path, str]
) -> None:
    path, sha256 = source
    store.list()
    with when_grown(folder, SIZE // 4, host.kill_sessions) as seen:
        store.put(path, "a.zip", sha256)
    assert seen == [(folder / "a.zip").stat().st_ino], "the same file that was begun was finished"
    assert (folder / "a.zip").read_bytes() == path.read_bytes()
    assert partials(folder) == []


def test_a_dropped_download_goes_on_where_it_ended(
    host: SshHost, store: SftpStore, folder: Path, source: tuple[Path, str], tmp_path: Path
) -> None:
    path, sha256 = source
    store.put(path, "a.zip", sha256)
    with when_grown(tmp_path, SIZE // 4, host.kill_sessions) as seen:
        assert store.get("a.zip", tmp_path / "a.zip", size=SIZE) == sha256
    assert seen == [(tmp_path / "a.zip").stat().st_ino]
    assert (tmp_path / "a.zip").read_bytes() == path.read_bytes()
    assert partials(tmp_path) == []


def test_a_silent_server_is_given_up_and_logged_in_to_again(
    host: SshHost, folder: Path, source: tuple[Path, str]
) -> None:
    path, sha256 = source

    def stop() -> None:
        for process in host.sessions():
            process.send_signal(signal.SIGSTOP)

    store = SftpStore(f"sftp://nas{folder}", host.settings(idle_seconds=1.0))
    store.list()
    with when_grown(folder, SIZE // 4, stop) as seen:
        store.put(path, "a.zip", sha256)
    store.close()
    host.kill_sessions()
    assert seen == [(folder / "a.zip").stat().st_ino]
    assert hashlib.sha256((folder / "a.zip").read_bytes()).hexdigest() == sha256


def test_what_is_no_beginning_of_the_file_is_sent_anew(
    store: SftpStore, folder: Path, source: tuple[Path, str], tmp_path: Path
) -> None:
    path, sha256 = source
    content = path.read_bytes()
    other_end = content[:1_000_000] + b"other"
    # Its end fits and its beginning does not: as after a crash of the server's disk.
    hole = bytes(1_000_000) + content[1_000_000:9_000_000]
    for rubbish in (other_end, hole, content + b"longer"):
        (folder / f".a.zip.{sha256[:12]}.part").write_bytes(rubbish)
        store.put(path, "a.zip", sha256)
        assert hashlib.sha256((folder / "a.zip").read_bytes()).hexdigest() == sha256
        (folder / "a.zip").unlink()
    store.put(path, "a.zip", sha256)
    for rubbish in (other_end, hole, content + b"longer"):
        (tmp_path / f".b.zip.{sha256[:12]}.part").write_bytes(rubbish)
        store.get("a.zip", tmp_path / "b.zip", size=SIZE, sha256=sha256)
        assert hashlib.sha256((tmp_path / "b.zip").read_bytes()).hexdigest() == sha256
        (tmp_path / "b.zip").unlink()


def test_a_wrong_checksum_never_gets_its_name(store: SftpStore, folder: Path, source: tuple[Path, str]) -> None:
    path, _ = source
    with pytest.raises(InfrastructureError) as caught:
        store.put(path, "a.zip", "0" * 64)
    assert caught.value.code == "storage.checksum"
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("seed", range(4))
def test_at_any_moment_of_death_a_name_is_absent_or_whole(
    host: SshHost, folder: Path, source: tuple[Path, str], seed: int
) -> None:
    """The uploading process dies, or the server's: what a reader finds is nothing or the whole file."""
    path, sha256 = source
    chance = random.Random(seed)
    command = [sys.executable, "-c", PUT, f"sftp://nas{folder}", _json(host), str(path), "a.zip", sha256]
    for _ in range(3):
        writer = subprocess.Popen(command, stderr=subprocess.DEVNULL)
        until = time.monotonic() + 300
        grown = chance.uniform(0, 1.1) * SIZE
        while time.monotonic() < until and writer.poll() is None:
            if any(part.exists() and part.stat().st_size >= min(grown, SIZE) for part in partials(folder)):
                break
        time.sleep(max(0.0, grown - SIZE) / SIZE * 10)
        if chance.random() < 0.5:
            host.kill_sessions()
            time.sleep(0.1)
        writer.kill()
        writer.wait()
        if (folder / "a.zip").exists():
            assert hashlib.sha256((folder / "a.zip").read_bytes()).hexdigest() == sha256
    subprocess.run(command, check=True)
    assert hashlib.sha256((folder / "a.zip").read_bytes()).hexdigest() == sha256
    assert partials(folder) == []


def _json(host: SshHost) -> str:
    return host.settings().model_dump_json()


@needs_root
def test_a_full_disk_says_so(host: SshHost, source: tuple[Path, str]) -> None:
    path, sha256 = source
    store = SftpStore(f"sftp://nas{host.small}", host.settings())
    with pytest.raises(InfrastructureError, match="its disk is full") as caught:
        store.put(path, "a.zip", sha256)
    assert caught.value.code == "storage.disk_full"
    assert store.stat("a.zip") is None
    store.remove_partials(time.time() + 60)
    store.write("small.json", b"{}")
    store.close()


def test_a_target_that_cannot_be_written_says_so(store: SftpStore, tmp_path: Path) -> None:
    store.write("a.json", b"{}")
    (tmp_path / "file").touch()
    with pytest.raises(InfrastructureError) as caught:
        store.get("a.json", tmp_path / "file" / "a.json", size=2)
    assert caught.value.code == "storage.failed"
    assert store.read("a.json") == b"{}"


@needs_root
def test_a_read_only_disk_says_so(host: SshHost) -> None:
    store = SftpStore(f"sftp://nas{host.fixed}", host.settings())
    with pytest.raises(ConfigError, match="read-only") as caught:
        store.write("deep/a.json", b"{}")
    assert caught.value.code == "storage.access_denied"
    store.close()


@needs_root
def test_permission_denied_says_so(host: SshHost, folder: Path) -> None:
    folder.chmod(0o755)
    store = SftpStore(f"sftp://nas{folder}", host.settings(user=PILOT))
    with pytest.raises(ConfigError, match="permission denied") as caught:
        store.write("a.json", b"{}")
    assert caught.value.code == "storage.access_denied"
    store.close()


def test_a_quota_says_so(source: tuple[Path, str], tmp_path: Path) -> None:
    path, sha256 = source
    with running_sshd() as host:
        limited = host.folder / "limited"
        limited.write_text(f"#!/bin/sh\ntrap '' XFSZ\nulimit -f 4096\nexec {sftp_program()}\n")
        limited.chmod(0o755)
        host.stop()
        host.start(subsystem=str(limited))
        store = SftpStore(f"sftp://nas{host.files}", host.settings())
        with pytest.raises(InfrastructureError, match="quota") as caught:
            store.put(path, "a.zip", sha256)
        store.close()
        assert caught.value.code == "storage.disk_full"
        assert not (host.files / "a.zip").exists()


def test_an_account_without_a_shell(source: tuple[Path, str], tmp_path: Path) -> None:
    path, sha256 = source
    with running_sshd() as host:
        host.stop()
        host.start(extra="ForceCommand internal-sftp")
        store = SftpStore(f"sftp://nas{host.files}", host.settings())
        store.put(path, "a.zip", sha256)
        assert store.get("a.zip", tmp_path / "a.zip", size=SIZE, sha256=sha256) == sha256
        store.close()
