"""The file that an upload grows in, and who may write where."""

import os
import subprocess
import sys
from uuid import uuid4

import pytest

from aerodag.errors import DataError, InfrastructureError
from aerodag.storage import Storage
from aerodag.uploads import parts
from aerodag.uploads.parts import PartRange

HOLD = """
import sys
from pathlib import Path
from aerodag.uploads.parts import PartRange
with PartRange(Path(sys.argv[1]), 100, 50):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def storage(tmp_path):
    return Storage(tmp_path / "data")


@pytest.fixture
def part(storage):
    with parts.created(storage, uuid4(), 1000) as path:
        return path


def test_a_part_has_its_size_at_once_and_takes_no_room(storage):
    with parts.created(storage, uuid4(), 20 * 10**9) as path:
        assert path.stat().st_size == 20 * 10**9
        assert path.stat().st_blocks == 0


def test_a_part_goes_when_its_upload_is_not_recorded(storage):
    with pytest.raises(RuntimeError), parts.created(storage, uuid4(), 10):
        raise RuntimeError
    assert list(parts.folder(storage).iterdir()) == []


def test_its_name_tells_the_upload(storage):
    upload_id = uuid4()
    assert parts.upload_of(parts.part_of(storage, upload_id)) == upload_id
    assert parts.upload_of(parts.folder(storage) / "notes.part") is None
    assert parts.upload_of(parts.folder(storage) / str(upload_id)) is None


def test_ranges_are_written_where_they_belong_in_any_order(part):
    with PartRange(part, 600, 400) as last, PartRange(part, 0, 600) as first:
        last.write(0, b"b" * 300)
        first.write(0, b"a" * 600)
        last.write(300, b"c" * 100)
        last.sync()
        first.sync()
    assert part.read_bytes() == b"a" * 600 + b"b" * 300 + b"c" * 100


def test_a_range_has_one_writer_also_inside_a_process(part):
    with PartRange(part, 100, 50), PartRange(part, 150, 50):
        for offset, length in [(100, 50), (149, 1), (0, 1000)]:
            with pytest.raises(DataError, match=r"upload\.busy"), PartRange(part, offset, length):
                pass
    with PartRange(part, 100, 50):
        pass


def test_a_range_has_one_writer_among_processes_and_is_free_when_that_is_killed(part):
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(part)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert holder.stdout.readline() == "held\n"
    with pytest.raises(DataError, match=r"upload\.busy"), PartRange(part, 120, 1):
        pass
    holder.kill()
    holder.wait()
    with PartRange(part, 120, 1):
        pass


def test_without_the_part_a_person_is_told(part):
    part.unlink()
    with pytest.raises(DataError, match=r"upload\.gone"), PartRange(part, 0, 1):
        pass


def test_a_failing_disk_is_told(part):
    with PartRange(part, 0, 10) as place:
        handle = place._handle
        place._handle = os.open("/dev/full", os.O_RDWR)
        with pytest.raises(InfrastructureError, match=r"storage\.disk_full"):
            place.write(0, b"x")
        os.close(place._handle)
        place._handle = handle
