"""Datasets of the ledger on a real PostgreSQL."""

from __future__ import annotations

import hashlib
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import psycopg
import pytest

from aerodag import ledger
from aerodag.errors import ConfigError, InfrastructureError


def content(number: int) -> str:
    return hashlib.sha256(str(number).encode()).hexdigest()


def register(conn: psycopg.Connection, number: int = 1, **changes: Any) -> ledger.Registration:
    given: dict[str, Any] = {
        "name": f"flight {number}.zip",
        "owner": "anna",
        "source_uri": f"file:///incoming/flight {number}.zip",
        "content_sha256": content(number),
        "size_bytes": 5_000_000_000,
        "upload_type": "raw_images_zip",
    }
    return ledger.register(conn, **(given | changes))


def test_same_content_is_the_same_dataset(ledger_connection: psycopg.Connection) -> None:
    first = register(ledger_connection, priority=4, description=ledger.Description(authors=("Anna", "Bo")))
    again = register(ledger_connection, name="copy.zip", source_uri="file:///incoming/copy.zip")

    assert first.created
    assert not again.created
    assert again.dataset == first.dataset
    assert first.dataset.authors == ["Anna", "Bo"]
    assert (first.dataset.priority, first.dataset.access, first.dataset.raw_uri) == (4, "public", None)
    assert ledger.get_dataset(ledger_connection, dataset_id=first.dataset.id) == first.dataset


def test_what_is_private_is_there_for_its_owner_alone(ledger_connection: psycopg.Connection) -> None:
    private = ledger.Description(access="private")
    kept = register(ledger_connection, description=private)
    shared = register(ledger_connection, owner="bo", name="field.zip")
    assert (kept.created, shared.created) == (True, True)
    assert register(ledger_connection, owner="carl", description=private).dataset == shared.dataset
    assert register(ledger_connection).dataset == kept.dataset

    starts = {start.dataset_id: start.dag_run_id for start in ledger.starts_due(ledger_connection, places=9)}
    digest = content(1)[:12]
    assert starts == {
        kept.dataset.id: f"dataset_{kept.dataset.id}__{digest}",
        shared.dataset.id: f"field.zip__{digest}",
    }
    for dataset_id, dag_run_id in starts.items():
        assert ledger.newest_run_of_dataset(ledger_connection, dataset_id=dataset_id) == dag_run_id
        told = ledger.run_status(ledger_connection, dag_run_id=dag_run_id)
        assert told is not None
        assert told.dataset_id == dataset_id


def test_archived_content_may_be_registered_afresh(ledger_connection: psycopg.Connection) -> None:
    old = register(ledger_connection).dataset
    ledger.archive_dataset(ledger_connection, dataset_id=old.id)
    new = register(ledger_connection)
    assert new.created
    assert new.dataset.id != old.id
    assert [start.dataset_id for start in ledger.starts_due(ledger_connection, places=9)] == [new.dataset.id]


def test_many_sessions_register_one_row(database_url: str) -> None:
    def attempt(_: int) -> ledger.Registration:
        with ledger.connect(database_url) as conn:
            return register(conn)

    with ThreadPoolExecutor(12) as pool:
        outcomes = list(pool.map(attempt, range(48)))
    assert sum(outcome.created for outcome in outcomes) == 1
    assert len({outcome.dataset.id for outcome in outcomes}) == 1


def test_registration_waits_for_one_that_is_not_committed(database_url: str) -> None:
    with ledger.connect(database_url) as holder, ThreadPoolExecutor(1) as pool:

        def late() -> ledger.Registration:
            with ledger.connect(database_url) as conn:
                return register(conn)

        with holder.transaction():
            first = register(holder)
            second = pool.submit(late)
            time.sleep(0.2)
            assert not second.done()
        assert second.result(10) == ledger.Registration(first.dataset, created=False)


def test_waiting_is_by_priority_then_age_without_quarantine_and_runs(ledger_connection: psycopg.Connection) -> None:
    low, high, bad, started, older = [
        register(ledger_connection, number, priority=priority).dataset
        for number, priority in enumerate((1, 5, 5, 5, 3))
    ]
    ledger.quarantine(ledger_connection, dataset_id=bad.id, raw_uri="file:///quarantine/bad.zip")
    ledger.open_run(
        ledger_connection,
        dataset_id=started.id,
        dag_run_id="r",
        task_types=["cog"],
        preset="fast",
        engine="auto",
        options={},
        priority=2,
    )
    assert [start.dataset_id for start in ledger.starts_due(ledger_connection, places=9)] == [high.id, older.id, low.id]
    assert [start.dataset_id for start in ledger.starts_due(ledger_connection, places=1)] == [high.id]

    ledger.move_raw(ledger_connection, dataset_id=bad.id, raw_uri="file:///raw_images/3.zip")
    restored = ledger.get_dataset(ledger_connection, dataset_id=bad.id)
    assert (restored.quarantined_at, restored.raw_uri) == (None, "file:///raw_images/3.zip")
    assert bad.id in [start.dataset_id for start in ledger.starts_due(ledger_connection, places=9)]


def test_a_dataset_that_is_being_started_is_not_offered_again_and_takes_a_place(
    ledger_connection: psycopg.Connection,
) -> None:
    first, second = [register(ledger_connection, number).dataset for number in (1, 2)]
    ledger.asked_to_start(ledger_connection, ledger.starts_due(ledger_connection, places=1)[0])
    assert [start.dataset_id for start in ledger.starts_due(ledger_connection, places=9)] == [second.id]
    assert ledger.starts_due(ledger_connection, places=1) == []

    run = ledger.open_run(
        ledger_connection,
        dataset_id=first.id,
        dag_run_id="r",
        task_types=["cog"],
        preset="fast",
        engine="auto",
        options={},
        priority=3,
    )
    assert ledger.starts_due(ledger_connection, places=1) == []
    assert ledger.newest_run(ledger_connection) == run

    ledger.asked_to_start(ledger_connection, ledger.starts_due(ledger_connection, places=2)[0])
    ledger_connection.execute("update aerodag.dataset set start_asked_at = start_asked_at - interval '2 minutes'")
    assert [start.dataset_id for start in ledger.starts_due(ledger_connection, places=9)] == [second.id]


def test_content_is_found_until_it_is_archived(ledger_connection: psycopg.Connection) -> None:
    dataset = register(ledger_connection).dataset
    assert ledger.find_dataset(ledger_connection, content_sha256=dataset.content_sha256) == dataset
    ledger.archive_dataset(ledger_connection, dataset_id=dataset.id)
    assert ledger.find_dataset(ledger_connection, content_sha256=dataset.content_sha256) is None


def test_capture_times_stay_unknown_until_known(ledger_connection: psycopg.Connection) -> None:
    dataset = register(ledger_connection).dataset
    assert (dataset.captured_from, dataset.captured_to, dataset.captured_source) == (None, None, None)
    first, last = datetime(2025, 6, 1, 8, tzinfo=UTC), datetime(2025, 6, 1, 9, tzinfo=UTC)
    ledger.set_capture(
        ledger_connection, dataset_id=dataset.id, captured_from=first, captured_to=last, captured_source="exif"
    )
    found = ledger.get_dataset(ledger_connection, dataset_id=dataset.id)
    assert (found.captured_from, found.captured_to, found.captured_source) == (first, last, "exif")


def test_unknown_dataset(ledger_connection: psycopg.Connection) -> None:
    with pytest.raises(ConfigError) as caught:
        ledger.get_dataset(ledger_connection, dataset_id=404)
    assert caught.value.code == "dataset.unknown"
    with pytest.raises(ConfigError, match="no dataset 404"):
        ledger.move_raw(ledger_connection, dataset_id=404, raw_uri="file:///x")


def test_sizes_beyond_any_file_are_held(ledger_connection: psycopg.Connection) -> None:
    size = 2_000_000_000_000_000
    dataset = register(ledger_connection, size_bytes=size).dataset
    ledger.move_raw(ledger_connection, dataset_id=dataset.id, raw_uri="s3://raw/1.zip")
    assert ledger_connection.execute("select raw_image_size_mb from v2_raw_images").fetchone() == (2_000_000_000,)


def test_ten_thousand_registrations_on_one_connection(ledger_connection: psycopg.Connection) -> None:
    started = time.process_time()
    for number in range(10_000):
        register(ledger_connection, number)
    spent = time.process_time() - started
    waiting = ledger.starts_due(ledger_connection, places=20_000)
    assert len(waiting) == 10_000
    assert spent < 15, f"{spent:.1f} CPU seconds"


def test_an_unreachable_server_is_an_infrastructure_error() -> None:
    with pytest.raises(InfrastructureError) as caught:
        ledger.connect("postgresql://nobody@/nothing?host=/nonexistent")
    assert caught.value.code == "ledger.unreachable"


def test_connections_are_in_utc_and_say_who_they_are(database_url: str) -> None:
    with ledger.connect(database_url.replace("postgresql://", "postgresql+psycopg2://")) as conn:
        row = conn.execute("select current_setting('timezone'), current_setting('application_name')").fetchone()
    assert row == ("UTC", "aerodag")
