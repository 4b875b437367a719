import errno
import hashlib

import pytest

from aerodag.errors import ConfigError, InfrastructureError
from aerodag.storage import (
    Storage,
    explained,
    link,
    local_path,
    move,
    publish,
    remove_tree,
    require_free_space,
    sha256_of,
)


def test_publish_copies_verifies_and_leaves_no_partial_file(tmp_path):
    source = tmp_path / "made.tif"
    source.write_bytes(b"pixels" * 1_000_000)
    target = tmp_path / "archive" / "1_ortho.tif"
    published = publish(source, target)
    assert target.read_bytes() == source.read_bytes()
    assert published.size == 6_000_000
    assert published.sha256 == hashlib.sha256(source.read_bytes()).hexdigest() == sha256_of(target)
    assert [path.name for path in target.parent.iterdir()] == ["1_ortho.tif"]


def test_a_publish_that_fails_leaves_the_old_file(tmp_path):
    target = tmp_path / "1_ortho.tif"
    target.write_bytes(b"old")
    with pytest.raises(FileNotFoundError):
        publish(tmp_path / "missing.tif", target)
    assert target.read_bytes() == b"old"
    assert [path.name for path in tmp_path.iterdir()] == ["1_ortho.tif"]


def test_uris_round_trip_with_odd_characters(tmp_path):
    path = tmp_path / "a b%20ü#.zip"
    assert local_path(path.as_uri()) == path


def test_other_schemes_are_refused():
    with pytest.raises(ConfigError, match=r"storage\.scheme"):
        local_path("s3://bucket/key.zip")


def test_a_full_disk_is_told_before_the_work(tmp_path):
    with pytest.raises(InfrastructureError, match=r"storage\.disk_full"):
        require_free_space(tmp_path, 10**18)


def test_move_and_remove(tmp_path):
    (tmp_path / "in.zip").write_bytes(b"12345")
    move(tmp_path / "in.zip", tmp_path / "raw" / "1" / "in.zip")
    assert not (tmp_path / "in.zip").exists()
    assert remove_tree(tmp_path / "raw") == 5
    assert remove_tree(tmp_path / "raw") == 0


def test_every_run_has_names_of_its_own(tmp_path):
    storage = Storage(tmp_path)
    assert storage.product("archive", 12, 34, "ortho.tif") == tmp_path / "archive" / "12" / "34" / "12_ortho.tif"
    assert storage.product("archive", 12, 35, "ortho.tif") != storage.product("archive", 12, 34, "ortho.tif")
    assert storage.current_orthophoto(12) == tmp_path / "archive" / "12_ortho.tif"


def test_a_link_follows_the_newest_version_and_keeps_the_old(tmp_path):
    first, second, name = tmp_path / "1" / "a.tif", tmp_path / "2" / "a.tif", tmp_path / "a.tif"
    for path in (first, second):
        path.parent.mkdir()
        path.write_text(path.parent.name)
    link(first, name)
    link(second, name)
    assert (name.read_text(), first.read_text(), second.read_text()) == ("2", "1", "2")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["1", "2", "a.tif"]


def test_without_hard_links_a_copy_does(tmp_path, monkeypatch):
    source = tmp_path / "a.tif"
    source.write_text("pixels")
    monkeypatch.setattr("pathlib.Path.hardlink_to", _refuse)
    link(source, tmp_path / "b.tif")
    assert (tmp_path / "b.tif").read_text() == "pixels"
    assert not (tmp_path / "b.tif").samefile(source)


def _refuse(*_args):
    raise PermissionError(errno.EPERM, "Operation not permitted")


@pytest.mark.parametrize(
    ("number", "code"),
    [
        (errno.ENOSPC, "storage.disk_full"),
        (errno.EDQUOT, "storage.disk_full"),
        (errno.EROFS, "storage.read_only"),
        (errno.EACCES, "storage.read_only"),
        (errno.EIO, "storage.failed"),
        (errno.ESTALE, "storage.failed"),
    ],
)
def test_a_failing_disk_is_explained(number, code):
    error = explained(OSError(number, "reason", "/data/archive/x.tif"))
    assert (error.code, error.numbers["path"]) == (code, "/data/archive/x.tif")
    assert "/data/archive/x.tif" in error.message
