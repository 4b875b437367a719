import hashlib

import pytest

from aerodag.errors import ConfigError, InfrastructureError
from aerodag.storage import local_path, move, publish, remove_tree, require_free_space, sha256_of


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
