"""Registration of uploads on a real ledger."""

import os
import time

import pytest

from aerodag import ledger
from aerodag.errors import ConfigError, DataError
from aerodag.pipeline.claim import Request, claim
from aerodag.pipeline.incoming import Intake, complete_uploads, register_uploads
from aerodag.settings import Settings
from aerodag.storage import Storage, local_path


@pytest.fixture
def storage(tmp_path):
    storage = Storage(tmp_path / "data")
    storage.create()
    return storage


def registered(conn):
    starts = ledger.starts_due(conn, places=10)
    return [ledger.get_dataset(conn, dataset_id=start.dataset_id) for start in starts]


def test_only_complete_zips_are_seen(storage):
    for name in ("new.zip", "marked.zip", "old.ZIP", "busy.zip.part", "busy.tmp", ".hidden.zip", "notes.txt"):
        (storage.incoming / name).write_bytes(b"content")
    (storage.incoming / "marked.zip.done").touch()
    now = time.time()
    assert [file.name for file in complete_uploads(storage, settle_seconds=60, now=now)] == ["marked.zip"]
    later = complete_uploads(storage, settle_seconds=60, now=now + 61)
    assert {file.name for file in later} == {"new.zip", "marked.zip", "old.ZIP"}


def test_a_file_with_an_old_modification_time_that_is_still_being_written_is_not_complete(storage):
    upload = storage.incoming / "restored.zip"
    upload.write_bytes(b"half")
    os.utime(upload, (0, 0))
    assert complete_uploads(storage, settle_seconds=60) == []


def test_geotiffs_are_uploads_of_their_own_kind(storage, ledger_connection):
    for name in ("Map.TIF", "map two.tiff", "map.tfw", "map.tif.part", "images.zip"):
        (storage.incoming / name).write_text(name)
    uploads = complete_uploads(storage, settle_seconds=0)
    assert register_uploads(ledger_connection, storage, uploads) == Intake(new=3, known=0, refused=0)
    datasets = registered(ledger_connection)
    assert {(dataset.upload_type, local_path(dataset.raw_uri).name) for dataset in datasets} == {
        ("geotiff", "Map.tif"),
        ("geotiff", "map_two.tiff"),
        ("raw_images_zip", "images.zip"),
    }
    assert all(local_path(dataset.raw_uri).is_file() for dataset in datasets)


def test_uploads_are_registered_once_and_moved(storage, ledger_connection):
    (storage.incoming / "Field 7 (north).zip").write_bytes(b"images")
    uploads = complete_uploads(storage, settle_seconds=0)
    assert register_uploads(ledger_connection, storage, uploads) == Intake(new=1, known=0, refused=0)
    (dataset,) = registered(ledger_connection)
    assert dataset.name == "Field_7_north"
    assert local_path(dataset.raw_uri).read_bytes() == b"images"
    (start,) = ledger.starts_due(ledger_connection, places=1)
    assert start.dag_run_id == f"Field_7_north__{dataset.content_sha256[:12]}"

    (storage.incoming / "again.zip").write_bytes(b"images")
    uploads = complete_uploads(storage, settle_seconds=0)
    assert register_uploads(ledger_connection, storage, uploads) == Intake(new=0, known=1, refused=0)
    assert list(storage.incoming.iterdir()) == []


def test_a_registration_that_was_killed_before_the_move_is_completed(storage, ledger_connection):
    upload = storage.incoming / "field.zip"
    upload.write_bytes(b"images")
    register_uploads(ledger_connection, storage, complete_uploads(storage, settle_seconds=0))
    (dataset,) = registered(ledger_connection)
    local_path(dataset.raw_uri).rename(upload)  # what a kill between the row and the move leaves

    register_uploads(ledger_connection, storage, complete_uploads(storage, settle_seconds=0))
    assert local_path(dataset.raw_uri).read_bytes() == b"images"
    assert not upload.exists()


def test_an_unreadable_upload_is_refused_with_its_reason_and_the_next_one_registered(storage, ledger_connection):
    (storage.incoming / "a_empty.zip").touch()
    (storage.incoming / "b_good.zip").write_bytes(b"images")
    uploads = complete_uploads(storage, settle_seconds=0)
    assert register_uploads(ledger_connection, storage, uploads) == Intake(new=1, known=0, refused=1)
    message, details = ledger_connection.execute(
        "select message, details from aerodag.event where kind = 'upload.refused'"
    ).fetchone()
    assert "upload.empty" in message
    assert details["code"] == "upload.empty"
    assert local_path(details["quarantine_uri"]).exists()


def test_ten_thousand_uploads_take_seconds(storage, ledger_connection):
    for number in range(10_000):
        (storage.incoming / f"survey_{number:05}.zip").write_bytes(number.to_bytes(4, "big"))
    started = time.monotonic()
    uploads = complete_uploads(storage, settle_seconds=0)
    assert register_uploads(ledger_connection, storage, uploads) == Intake(new=10_000, known=0, refused=0)
    assert time.monotonic() - started < 30
    assert list(storage.incoming.iterdir()) == []


class TestClaim:
    @pytest.fixture
    def settings(self, tmp_path, storage):
        return Settings(home=tmp_path, data_root=storage.root)

    def test_a_source_is_registered_and_claimed(self, storage, ledger_connection, settings):
        (storage.incoming / "field.zip").write_bytes(b"images")
        request = Request.of({"source": "field.zip", "task_types": ["cog"], "engine_options": {}, "review": True})
        run = claim(ledger_connection, settings, dag_run_id="manual__1", request=request)
        assert run.task_types == ["cog"]
        assert claim(ledger_connection, settings, dag_run_id="manual__1", request=Request(run.dataset_id)).id == run.id

    @pytest.mark.parametrize("source", ["../secret.zip", "/etc/passwd", "file:///etc/passwd", "a/../../b.zip"])
    def test_a_source_outside_the_incoming_folder_is_refused(self, ledger_connection, settings, source):
        with pytest.raises(ConfigError, match=r"claim\.source_outside"):
            claim(ledger_connection, settings, dag_run_id="manual__1", request=Request(source=source))

    def test_a_source_of_another_kind_is_refused(self, storage, ledger_connection, settings):
        (storage.incoming / "notes.pdf").write_bytes(b"text")
        with pytest.raises(DataError, match=r"upload\.unknown_type"):
            claim(ledger_connection, settings, dag_run_id="manual__1", request=Request(source="notes.pdf"))
        assert (storage.incoming / "notes.pdf").exists()

    def test_a_source_that_was_taken_in_before_is_known(self, storage, ledger_connection, settings):
        (storage.incoming / "field 1.zip").write_bytes(b"images")
        register_uploads(ledger_connection, storage, complete_uploads(storage, settle_seconds=0))
        run = claim(ledger_connection, settings, dag_run_id="manual__1", request=Request(source="field 1.zip"))
        assert [dataset.id for dataset in registered(ledger_connection)] == []
        assert ledger.get_dataset(ledger_connection, dataset_id=run.dataset_id).name == "field_1"

    def test_a_source_that_is_not_there_is_refused(self, ledger_connection, settings):
        with pytest.raises(ConfigError, match=r"claim\.source_missing"):
            claim(ledger_connection, settings, dag_run_id="manual__1", request=Request(source="nothing.zip"))

    @pytest.mark.parametrize("params", [{}, {"dataset_id": 1, "source": "a.zip"}])
    def test_exactly_one_thing_must_be_named(self, ledger_connection, settings, params):
        with pytest.raises(ConfigError, match=r"claim\.what"):
            claim(ledger_connection, settings, dag_run_id="manual__1", request=Request.of(params))
