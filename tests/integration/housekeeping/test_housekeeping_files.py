"""Housekeeping: what the ledger says is on storage against what is there."""

from __future__ import annotations

import shutil
from pathlib import Path

import psycopg
import pytest

from aerodag import ledger
from aerodag.pipeline.housekeeping import files, slices
from aerodag.storage import local_path
from cases.housekeeping import House


@pytest.fixture
def house(ledger_connection: psycopg.Connection, tmp_path: Path) -> House:
    return House(ledger_connection, tmp_path)


def test_a_product_that_is_gone_is_told_once_and_when_it_is_back(house: House) -> None:
    run = house.run(house.dataset())
    artifact = house.product(run)
    house.end()
    assert house.sweep()["files"] == {"files": 2, "amiss": 0, "folders_away": 0}
    path = local_path(artifact.uri)
    away = path.rename(house.storage.work(1).parent / "elsewhere")
    house.sweep(minutes=5)
    assert house.kinds() == [], "a moment ago it was there"
    for _ in range(4):
        house.sweep(minutes=5)
    event = house.only("artifact.missing")
    assert (event.run_id, event.dataset_id) == (run.id, run.dataset_id)
    assert event.details == {"uri": artifact.uri, "bytes": 6, "found_bytes": None}
    assert "orthophoto of dataset" in event.message

    away.rename(path)
    for _ in range(3):
        house.sweep(minutes=5)
    assert house.kinds() == ["artifact.missing", "artifact.back"]
    path.unlink()
    for _ in range(3):
        house.sweep(minutes=5)
    assert house.kinds() == ["artifact.missing", "artifact.back", "artifact.missing"]


def test_another_size_and_a_missing_upload(house: House) -> None:
    dataset_id = house.dataset(content=b"0123456789")
    run = house.run(dataset_id)
    artifact = house.product(run, "cog")
    house.end()
    local_path(artifact.uri).write_bytes(b"cut")
    raw = house.storage.raw(dataset_id, "flight.zip")
    raw.unlink()
    for _ in range(3):
        house.sweep(minutes=5)
    assert house.kinds() == ["artifact.changed", "dataset.raw_missing"]
    assert house.only("artifact.changed").details["found_bytes"] == 3
    assert house.only("dataset.raw_missing").dataset_id == dataset_id

    raw.write_bytes(b"01234")
    for _ in range(3):
        house.sweep(minutes=5)
    assert house.kinds()[2:] == ["dataset.raw_changed"]
    raw.write_bytes(b"0123456789")
    house.sweep(minutes=5)
    assert house.kinds()[3:] == ["dataset.raw_back"]


def test_what_is_not_valid_any_more_or_is_being_made_is_not_missed(house: House) -> None:
    dataset_id = house.dataset()
    old = house.product(house.run(dataset_id))
    house.end()
    run = house.run(dataset_id, "second")
    house.product(run)
    ledger.promote(house.conn, run_id=run.id)
    local_path(old.uri).unlink()
    local_path(ledger.list_artifacts(house.conn, run_id=run.id)[0].uri).unlink()
    for _ in range(3):
        house.sweep(minutes=5)
    assert house.kinds() == []
    house.end("second")
    for _ in range(3):
        house.sweep(minutes=5)
    assert house.kinds() == ["artifact.missing"]
    house.run(dataset_id, "second")  # a person has it made again
    house.product(run)
    house.end("second")
    for _ in range(3):
        house.sweep(minutes=5)
    assert house.kinds() == ["artifact.missing", "artifact.back"]


def test_a_folder_that_is_not_mounted_is_told_as_that(house: House) -> None:
    for number in range(files.AWAY_FROM):
        house.product(house.run(house.dataset(f"flight{number}"), f"run{number}"))
        house.end(f"run{number}")
    archive = house.storage.root / "archive"
    unmounted = archive.rename(house.storage.root / "disk")
    for _ in range(4):
        counts = house.sweep(minutes=5)
    assert counts["files"] == {"files": 2 * files.AWAY_FROM, "amiss": 0, "folders_away": 1}
    assert house.kinds() == ["storage.away"]
    assert house.only("storage.away").details == {"folder": archive.as_uri()}
    shutil.rmtree(archive, ignore_errors=True)
    unmounted.rename(archive)
    for _ in range(3):
        house.sweep(minutes=5)
    assert house.kinds() == ["storage.away"]


def test_all_datasets_are_seen_part_by_part(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(slices, "LEAST", 3)
    gone = [house.dataset(f"flight{number}") for number in range(8)][6]
    house.storage.raw(gone, "flight6.zip").unlink()
    assert [house.sweep(minutes=5)["files"]["files"] for _ in range(4)] == [3, 3, 2, 3 + 1]
    assert house.only("dataset.raw_missing").dataset_id == gone
    house.storage.raw(gone, "flight6.zip").write_bytes(b"zip")
    house.sweep(minutes=5)
    assert house.kinds()[1:] == ["dataset.raw_back"], "not only when it is its turn"


def test_files_on_no_record_are_told_with_their_bytes_and_kept(house: House) -> None:
    dataset_id = house.dataset()
    run = house.run(dataset_id)
    house.product(run)
    house.end()
    house.write(house.storage.current_orthophoto(dataset_id))
    stray = house.write(house.storage.product("archive", dataset_id, run.id, "copy of it.tif"), b"x" * 100)
    foreign = house.write(house.storage.raw(4711, "flight.zip"), b"x" * 10)
    for _ in range(10):
        house.sweep(minutes=5)
    told = {event.details["folder"]: event for event in house.told}
    assert house.kinds() == ["storage.unknown"] * 2
    assert told["archive"].details == {"folder": "archive", "files": 1, "bytes": 100, "examples": [stray.as_uri()]}
    assert told["raw_images"].details["examples"] == [foreign.as_uri()]
    assert stray.exists()
    assert foreign.exists()

    for _ in range(10):
        house.sweep(hours=24)
    assert house.kinds() == ["storage.unknown"] * 2, "told again when it changes"
    house.write(stray.with_name("another.tif"))
    for _ in range(10):
        house.sweep(hours=24)
    assert house.kinds() == ["storage.unknown"] * 3


def test_what_a_run_under_way_has_just_made_is_not_unknown(house: House) -> None:
    run = house.run(house.dataset())
    house.write(house.storage.product("archive", run.dataset_id, run.id, "ortho.tif"))
    for _ in range(10):
        house.sweep(minutes=5)
    assert house.kinds() == []


def test_expired_quarantine_is_told_once_and_kept(house: House) -> None:
    dataset_id = house.dataset()
    place = house.storage.quarantined(dataset_id, "flight.zip")
    house.write(place, b"zip")
    house.write(place.with_name("reason.json"))
    house.storage.raw(dataset_id, "flight.zip").unlink()
    ledger.quarantine(house.conn, dataset_id=dataset_id, raw_uri=place.as_uri())
    refused = house.write(house.storage.refused("1_broken.zip"), b"broken")
    removed = house.storage.refused("2_broken.zip")
    for path in (refused, removed):
        details = {"quarantine_uri": path.as_uri()}
        ledger.add_event(house.conn, kind="upload.refused", message=f"{path.name} was refused.", details=details)
    before = len(house.told)
    house.sweep(days=89)
    assert len(house.told) == before
    for _ in range(3):
        house.sweep(days=2)
    told = house.told[before:]
    assert [event.kind for event in told] == ["quarantine.expired"] * 2
    by_uri = {event.details["uri"]: event for event in told}
    assert by_uri[place.as_uri()].dataset_id == dataset_id
    assert by_uri[place.as_uri()].details["days"] == 90
    assert by_uri[refused.as_uri()].details["bytes"] == 6
    assert place.exists()
    assert refused.exists()
