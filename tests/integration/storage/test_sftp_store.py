"""Files on a real OpenSSH server."""

from __future__ import annotations

import hashlib
import os
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from aerodag.errors import ConfigError, InfrastructureError
from aerodag.storage.remote.sftp.store import SftpStore
from aerodag.storage.store import Store
from servers.sftp import SshHost, running_sshd

NAME = "Fläche 7 'Süd' $(x).zip"


@pytest.fixture(scope="module")
def host() -> Iterator[SshHost]:
    with running_sshd() as running:
        yield running


@pytest.fixture
def store(host: SshHost, tmp_path: Path) -> Iterator[SftpStore]:
    folder = host.files / tmp_path.name
    folder.mkdir()
    reached = SftpStore(f"sftp://nas{folder}", host.settings())
    yield reached
    reached.close()


@pytest.fixture
def folder(host: SshHost, tmp_path: Path) -> Path:
    return host.files / tmp_path.name


def content_of(path: Path, size: int, seed: int = 1) -> str:
    """Writes random bytes; returns their SHA-256."""
    content = hashlib.shake_128(seed.to_bytes(4)).digest(size)
    path.write_bytes(content)
    return hashlib.sha256(content).hexdigest()


def test_is_a_store(store: Store, folder: Path) -> None:
    assert store.root == f"sftp://nas{folder}"
    assert store.appears_whole is False


@pytest.mark.parametrize("size", [0, 1, 261_120, 261_121, 9_000_001])
def test_there_and_back(store: SftpStore, folder: Path, tmp_path: Path, size: int) -> None:
    source = tmp_path / "source"
    sha256 = content_of(source, size)
    key = f"raw images/12/{NAME}"

    entry = store.put(source, key, sha256)

    assert (folder / key).read_bytes() == source.read_bytes()
    assert (entry.key, entry.size) == (key, size)
    assert entry == store.stat(key)
    assert abs(entry.modified - time.time()) < 60
    assert store.get(key, tmp_path / "new" / "target", size=size, sha256=sha256) == sha256
    assert (tmp_path / "new" / "target").read_bytes() == source.read_bytes()
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["target"]
    assert [path.name for path in (folder / key).parent.iterdir()] == [NAME]


def test_an_equal_file_is_not_sent_again(store: SftpStore, folder: Path, tmp_path: Path) -> None:
    sha256 = content_of(tmp_path / "source", 6_000_000)
    store.put(tmp_path / "source", "a", sha256)
    before = (folder / "a").stat()
    store.put(tmp_path / "source", "a", sha256)
    assert (folder / "a").stat().st_ino == before.st_ino

    other = content_of(tmp_path / "source", 6_000_000, seed=2)
    store.put(tmp_path / "source", "a", other)
    assert (folder / "a").read_bytes() == (tmp_path / "source").read_bytes()


def test_a_version_changes_with_the_file(store: SftpStore, folder: Path) -> None:
    store.write("a", b"one")
    first = store.stat("a")
    store.write("a", b"three")
    assert first is not None
    assert (second := store.stat("a")) is not None
    assert first.version != second.version


def test_lists_and_walks_without_temporary_files(store: SftpStore, folder: Path) -> None:
    for key in ("a.zip", "in/b.zip", "in/deeper/c.zip"):
        store.write(key, b"x")
    (folder / ".a.zip.0123456789ab.part").write_bytes(b"half")
    (folder / ".hidden").write_bytes(b"somebody's")
    (folder / "link.zip").symlink_to(folder / "a.zip")
    (folder / "nowhere").symlink_to(folder / "gone")
    (folder / "in" / "up").symlink_to(folder)

    assert {entry.key for entry in store.list()} == {"a.zip", ".hidden", "link.zip"}
    assert [entry.key for entry in store.list("in")] == ["in/b.zip"]
    assert {entry.key for entry in store.walk("in")} == {"in/b.zip", "in/deeper/c.zip"}
    assert {entry.key for entry in store.walk()} == {"a.zip", ".hidden", "link.zip", "in/b.zip", "in/deeper/c.zip"}
    assert store.list("absent") == []
    assert list(store.walk("absent")) == []
    assert store.stat("in") is None


def test_two_thousand_entries_are_listed_at_once(store: SftpStore, folder: Path) -> None:
    for number in range(2000):
        (folder / f"{number:04} ü.zip").touch()
    store.list("absent")
    started = time.monotonic()
    assert len(store.list()) == 2000
    assert time.monotonic() - started < 5


def test_small_files(store: SftpStore, folder: Path) -> None:
    store.write("deep/er/state.json", b"{}")
    store.write("deep/er/state.json", b'{"a": 1}')
    assert store.read("deep/er/state.json") == b'{"a": 1}'
    assert [path.name for path in (folder / "deep/er").iterdir()] == ["state.json"]


def test_copies_without_sending(store: SftpStore, folder: Path) -> None:
    store.write("a", b"new")
    store.write("b/c", b"old")
    store.copy("a", "b/c")
    store.copy("a", "b/c")
    assert store.read("b/c") == b"new"
    assert Path(folder / "a").samefile(folder / "b/c")
    assert [path.name for path in (folder / "b").iterdir()] == ["c"]


def test_moves_and_removes_once(store: SftpStore, folder: Path) -> None:
    store.write("a", b"x")
    store.write("b/c", b"old")
    store.move("a", "b/c")
    store.move("a", "b/c")
    assert store.read("b/c") == b"x"
    store.remove("b/c")
    store.remove("b/c")
    assert not (folder / "b/c").exists()


@pytest.mark.parametrize("call", ["read", "get", "copy", "move"])
def test_a_missing_file_is_said_to_be_missing(store: SftpStore, tmp_path: Path, call: str) -> None:
    calls = {
        "read": lambda: store.read("none"),
        "get": lambda: store.get("none", tmp_path / "t", size=1),
        "copy": lambda: store.copy("none", "other"),
        "move": lambda: store.move("none", "other"),
    }
    with pytest.raises(InfrastructureError) as caught:
        calls[call]()
    assert caught.value.code == "storage.missing"
    assert "none" in caught.value.message
    assert not (tmp_path / "t").exists()


def test_another_size_or_checksum_is_refused(store: SftpStore, tmp_path: Path) -> None:
    store.write("a", b"four")
    with pytest.raises(InfrastructureError, match="4 bytes in place of 5") as caught:
        store.get("a", tmp_path / "t", size=5)
    assert caught.value.code == "storage.checksum"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("key", ["../out", "a/../../out", "/etc/passwd", "a\0b"])
def test_keys_stay_below_the_root(store: SftpStore, key: str) -> None:
    with pytest.raises(ConfigError) as caught:
        store.write(key, b"x")
    assert caught.value.code == "storage.key"


def test_removes_old_partial_files(store: SftpStore, folder: Path) -> None:
    (folder / "deep").mkdir()
    old, young = folder / "deep/.a.zip.0123456789ab.part", folder / ".b.zip.0123456789ab.part"
    kept = folder / ".c.part"
    for path in (old, young, kept):
        path.write_bytes(b"half")
    hour_ago = time.time() - 3600
    os.utime(old, (hour_ago, hour_ago))
    os.utime(kept, (hour_ago, hour_ago))

    assert store.remove_partials(time.time() - 1800) == 1
    assert not old.exists()
    assert young.exists()
    assert kept.exists()
    assert store.remove_partials(time.time() - 1800) == 0


def test_writers_of_one_key_do_not_disturb_each_other(host: SshHost, folder: Path, tmp_path: Path) -> None:
    folder.mkdir()
    sums = [content_of(tmp_path / f"s{number}", 12_000_000, seed=number % 2) for number in range(6)]
    errors: list[Exception] = []
    seen: set[str] = set()

    def put(number: int) -> None:
        store = SftpStore(f"sftp://nas{folder}", host.settings())
        try:
            store.put(tmp_path / f"s{number}", "same.zip", sums[number])
        except Exception as error:
            errors.append(error)
        finally:
            store.close()

    writers = [threading.Thread(target=put, args=(number,)) for number in range(6)]
    for writer in writers:
        writer.start()
    while any(writer.is_alive() for writer in writers):
        if (folder / "same.zip").exists():
            seen.add(hashlib.sha256((folder / "same.zip").read_bytes()).hexdigest())
        time.sleep(0.02)
    assert errors == []
    assert seen <= set(sums)
    assert hashlib.sha256((folder / "same.zip").read_bytes()).hexdigest() in sums
    assert [path.name for path in folder.iterdir()] == ["same.zip"]


def test_below_the_home_of_the_user(host: SshHost) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give the server another user")
    store = SftpStore("sftp://nas/~/mine", host.settings(user="aerodag-pilot"))
    store.write("a", b"x")
    assert [entry.key for entry in store.list()] == ["a"]
    assert (host.files / "mine" / "a").read_bytes() == b"x"
    store.close()
