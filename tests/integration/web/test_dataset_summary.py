"""The row that lists pick a dataset by is what the tables say, after whatever happened to it."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.rows import dict_row

from aerodag import ledger
from samples.gallery import add_dataset, add_product, add_run, image, request, start_step, step

TOTALS = "select * from aerodag.dataset_total where datasets > 0 order by audience, state"
DERIVED = ("place", "longitude", "latitude", "made_in")


def summary(conn: psycopg.Connection, dataset_id: int) -> dict[str, Any] | None:
    with conn.cursor(row_factory=dict_row) as cursor:
        return cursor.execute("select * from aerodag.dataset_summary where dataset_id = %s", [dataset_id]).fetchone()


def facts(row: dict[str, Any]) -> dict[str, Any]:
    """What the row says, without what PostgreSQL works out from it."""
    return {name: value for name, value in row.items() if name not in DERIVED}


def written(conn: psycopg.Connection) -> int:
    """How often the row of the only dataset was written."""
    conn.execute("select pg_stat_force_next_flush()")
    conn.execute("select pg_stat_clear_snapshot()")
    statement = "select n_tup_ins + n_tup_upd from pg_stat_user_tables where relname = 'dataset_summary'"
    return int(conn.execute(statement).fetchone()[0])


@pytest.fixture
def survey(ledger_connection):
    return add_dataset(ledger_connection, "survey.zip", project="Dunes")


def test_a_new_dataset_waits(ledger_connection, survey):
    row = summary(ledger_connection, survey.id)
    assert (row["state"], row["run_id"], row["images"], row["rtk_fix_share"]) == ("waiting", None, 0, None)
    assert row["words"] == f"{survey.id} survey.zip anna dunes"
    assert row["place"] is None


@pytest.mark.parametrize("state", ["queued", "running", "failed", "succeeded"])
def test_the_state_is_that_of_the_newest_run(ledger_connection, survey, state):
    add_run(ledger_connection, survey, "succeeded", "first")
    run = add_run(ledger_connection, survey, state, "second")
    row = summary(ledger_connection, survey.id)
    assert (row["state"], row["run_id"]) == (state, run.id)


def test_an_earlier_run_that_is_started_again_is_the_newest(ledger_connection, survey):
    first = add_run(ledger_connection, survey, "failed", "first")
    add_run(ledger_connection, survey, "succeeded", "second")
    start_step(ledger_connection, first, "odm", try_number=2)
    row = summary(ledger_connection, survey.id)
    assert (row["state"], row["run_id"]) == ("running", first.id)


def test_quarantine_is_told_unless_a_run_goes_well(ledger_connection, survey):
    ledger.quarantine(ledger_connection, dataset_id=survey.id, raw_uri="file:///quarantine/survey.zip")
    assert summary(ledger_connection, survey.id)["state"] == "quarantined"
    add_run(ledger_connection, survey, "failed", "first")
    assert summary(ledger_connection, survey.id)["state"] == "quarantined"
    add_run(ledger_connection, survey, "running", "second")
    assert summary(ledger_connection, survey.id)["state"] == "running"


def test_a_dataset_waits_from_the_request_to_the_run(ledger_connection, survey):
    add_run(ledger_connection, survey, "failed", "first")
    request(ledger_connection, survey, "second")
    assert summary(ledger_connection, survey.id)["state"] == "waiting"
    add_run(ledger_connection, survey, "succeeded", "second")
    assert summary(ledger_connection, survey.id)["state"] == "succeeded"


def test_a_run_that_a_person_started_is_told_before_the_one_that_waits(ledger_connection, survey):
    request(ledger_connection, survey, "later")
    run = add_run(ledger_connection, survey, "running", "first")
    assert summary(ledger_connection, survey.id)["state"] == "running"
    step(ledger_connection, run, "finish")
    assert summary(ledger_connection, survey.id)["state"] == "waiting"


def test_an_archived_dataset_is_gone(ledger_connection, survey):
    ledger.archive_dataset(ledger_connection, dataset_id=survey.id)
    assert summary(ledger_connection, survey.id) is None


def test_images_are_counted_however_they_change(ledger_connection, survey):
    taken = [
        image("a.jpg", 7.0, 46.0, rtk_flag=50),
        image("b.jpg", 7.1, 46.2, rtk_flag=34),
        image("c.jpg", 9.0, 50.0, rtk_flag=16, status="rejected"),
        image("d.jpg"),
    ]
    ledger.replace_images(ledger_connection, dataset_id=survey.id, images=taken)
    row = summary(ledger_connection, survey.id)
    assert (row["images"], row["images_used"], row["rtk_fix_share"]) == (4, 3, 0.25)
    assert [row[edge] for edge in ("west", "south", "east", "north")] == [7.0, 46.0, 7.1, 46.2]
    verdicts = [ledger.Verdict("b.jpg", "rejected", ["image.blurred"]), ledger.Verdict("d.jpg", "unmatched")]
    ledger.judge_images(ledger_connection, dataset_id=survey.id, verdicts=verdicts)
    row = summary(ledger_connection, survey.id)
    assert (row["images_used"], row["east"]) == (1, 7.0)
    ledger.replace_images(ledger_connection, dataset_id=survey.id, images=[])
    row = summary(ledger_connection, survey.id)
    assert (row["images"], row["rtk_fix_share"], row["place"]) == (0, None, None)


def test_thousands_of_images_are_counted_once(ledger_connection, survey):
    taken = [image(f"{number}.jpg", 7.0, 46.0) for number in range(2_000)]
    ledger.replace_images(ledger_connection, dataset_id=survey.id, images=taken)
    before = written(ledger_connection)
    ledger_connection.execute("update aerodag.image set status = 'rejected' where dataset_id = %s", [survey.id])
    assert written(ledger_connection) == before + 1
    assert summary(ledger_connection, survey.id)["images_used"] == 0


def test_what_a_failed_transaction_did_is_not_told(ledger_connection, survey):
    with ledger_connection.transaction(force_rollback=True):
        ledger.replace_images(ledger_connection, dataset_id=survey.id, images=[image("a.jpg")])
    assert summary(ledger_connection, survey.id)["images"] == 0


def test_the_current_orthophoto_says_where_and_how_large(ledger_connection, survey):
    ledger.replace_images(ledger_connection, dataset_id=survey.id, images=[image("a.jpg", 1.0, 2.0)])
    first = add_run(ledger_connection, survey, "succeeded", "first")
    details = {"raster": {"valid_area_m2": 1_500.5}}
    add_product(ledger_connection, first, "orthophoto", (7.0, 46.0, 7.1, 46.1), gsd_m=0.02, details=details)
    shown = add_product(ledger_connection, first, "thumbnail")
    row = summary(ledger_connection, survey.id)
    assert (row["area_m2"], row["gsd_m"], row["west"], row["thumbnail_id"]) == (1_500.5, 0.02, 7.0, shown.id)
    second = add_run(ledger_connection, survey, "succeeded", "second")
    add_product(ledger_connection, second, "orthophoto", (8.0, 46.0, 8.1, 46.1), gsd_m=0.03)
    assert summary(ledger_connection, survey.id)["west"] == 7.0
    ledger.promote(ledger_connection, run_id=second.id)
    row = summary(ledger_connection, survey.id)
    assert (row["west"], row["gsd_m"], row["area_m2"], row["longitude"]) == (8.0, 0.03, None, 8.05)


def test_a_place_across_the_antimeridian_is_one_box(ledger_connection, survey):
    taken = [image("a.jpg", 179.9, -17.0), image("b.jpg", -179.8, -16.9)]
    ledger.replace_images(ledger_connection, dataset_id=survey.id, images=taken)
    row = summary(ledger_connection, survey.id)
    assert (row["west"], row["east"], row["longitude"]) == (179.9, pytest.approx(180.2), pytest.approx(180.05))
    run = add_run(ledger_connection, survey)
    add_product(ledger_connection, run, "orthophoto", (179.95, -17.0, -179.9, -16.9))
    assert summary(ledger_connection, survey.id)["longitude"] == pytest.approx(180.025)


def test_at_once_from_many_sides_nothing_is_lost(ledger_connection, database_url, survey):
    run = add_run(ledger_connection, survey, "running")

    def record(number: int) -> None:
        with ledger.connect(database_url) as conn:
            if number % 2:
                images = [image(f"{count}.jpg") for count in range(number)]
                ledger.replace_images(conn, dataset_id=survey.id, images=images)
            else:
                add_product(conn, run, "thumbnail", name="" if number == 10 else str(number))

    with ThreadPoolExecutor(8) as threads:
        list(threads.map(record, range(16)))
    step(ledger_connection, run, "odm")
    step(ledger_connection, run, "finish")
    row = summary(ledger_connection, survey.id)
    (images,) = ledger_connection.execute(
        "select count(*) from aerodag.image where dataset_id = %s", [survey.id]
    ).fetchone()
    assert (row["images"], row["state"]) == (images, "succeeded")
    assert row["thumbnail_id"] is not None


def test_a_year_of_changes_leaves_what_would_be_made_anew(ledger_connection, ledger_database):
    for number in range(12):
        dataset = add_dataset(ledger_connection, f"{number}.zip", access=("public", "private", "viewonly")[number % 3])
        ledger.replace_images(ledger_connection, dataset_id=dataset.id, images=[image("a.jpg", number, 1.0)])
        if number % 4:
            run = add_run(ledger_connection, dataset, ("queued", "running", "failed", "succeeded")[number % 4])
            add_product(ledger_connection, run, "orthophoto", (number, 1.0, number + 0.1, 1.1))
        if number == 5:
            ledger.archive_dataset(ledger_connection, dataset_id=dataset.id)
    with ledger.connect(ledger_database.admin_url) as admin, admin.cursor(row_factory=dict_row) as cursor:
        kept = cursor.execute("select * from aerodag.dataset_summary order by dataset_id").fetchall()
        made = cursor.execute(
            "select made.* from aerodag.dataset, aerodag.summary_of(dataset.id) as made order by dataset_id"
        ).fetchall()
        totals = cursor.execute(TOTALS).fetchall()
        cursor.execute("select aerodag.summarise_all()")
        anew = cursor.execute("select * from aerodag.dataset_summary order by dataset_id").fetchall()
        assert cursor.execute(TOTALS).fetchall() == totals
    assert [facts(row) for row in kept] == [facts(row) for row in made] == [facts(row) for row in anew]
    assert len(kept) == sum(total["datasets"] for total in totals) == 11


def test_the_pipeline_cannot_write_it(ledger_connection, survey):
    with pytest.raises(psycopg.errors.InsufficientPrivilege):
        ledger_connection.execute("update aerodag.dataset_summary set state = 'succeeded'")


def test_nobody_waits_for_a_list(ledger_connection, database_url, survey):
    """Who works on a dataset for long, in a transaction of its own, holds up nobody else's commits."""
    other = add_dataset(ledger_connection, "other.zip")
    with ledger.connect(database_url) as busy, busy.transaction():
        ledger.replace_images(busy, dataset_id=survey.id, images=[image("a.jpg")])
        started = datetime.now(UTC)
        ledger_connection.execute("set statement_timeout = '5s'")
        ledger.replace_images(ledger_connection, dataset_id=other.id, images=[image("b.jpg")])
        assert datetime.now(UTC) - started < timedelta(seconds=5)
    assert summary(ledger_connection, survey.id)["images"] == 1
