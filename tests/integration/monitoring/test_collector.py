"""What a scrape says of a real ledger, and what it says while the ledger is away."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from aerodag import ledger
from aerodag.ledger import housekeeping as book
from cases.ledger import OUT_OF_MEMORY
from cases.monitoring import LiveFlow, Scrape, dataset, scraper
from conftest import LedgerDatabase, url_of
from samples.ledger_bulk import fill


def flow(conn: psycopg.Connection, number: int, *steps: str) -> LiveFlow:
    made = LiveFlow(conn, dataset(conn, number), dag_run_id=f"run {number}")
    made.open()
    made.play(*steps)
    return made


def test_an_empty_ledger(database_url: str, tmp_path: Path) -> None:
    with scraper(database_url, tmp_path) as scrape:
        seen: Scrape = scrape()
    assert seen("aerodag_up") == 1
    assert seen("aerodag_build_info", version="1.2.3") == 1
    assert 0 < seen("aerodag_ledger_read_seconds") < 5
    assert sum(seen.all("aerodag_queue_datasets")) == 0
    assert len(seen.all("aerodag_queue_oldest_seconds")) == 6
    assert seen("aerodag_hold", kind="disk") == 0
    assert seen("aerodag_reviews_open") == seen("aerodag_notifications_dropped_total") == 0
    assert seen.all("aerodag_housekeeping_last_sweep_timestamp_seconds") == []


def test_each_disk(tmp_path: Path) -> None:
    places = {"data": tmp_path, "memory": Path("/dev/shm"), "away": tmp_path / "away"}  # noqa: S108
    with scraper("postgresql://nobody@127.0.0.1:1/none", places) as scrape:
        seen = scrape()
    assert {place: seen("aerodag_disk_up", place=place) for place in places} == {"data": 1, "memory": 1, "away": 0}
    for place in ("data", "memory"):
        usage = shutil.disk_usage(places[place])
        share = usage.used / (usage.used + usage.free)
        assert seen("aerodag_disk_total_bytes", place=place) == usage.total
        assert seen("aerodag_disk_used_ratio", place=place) == pytest.approx(share, abs=0.01)
    assert len(seen.all("aerodag_disk_free_bytes")) == 2


def test_queue(ledger_connection: psycopg.Connection, database_url: str, tmp_path: Path) -> None:
    conn = ledger_connection
    for number, hours in ((1, 5), (2, 7)):
        conn.execute(
            "update aerodag.dataset set created_at = now() - make_interval(hours => %s) where id = %s",
            [hours, dataset(conn, number)],
        )
    dataset(conn, 3, upload_type="geotiff")
    quarantined = dataset(conn, 4)
    conn.execute("update aerodag.dataset set quarantined_at = now() where id = %s", [quarantined])
    done = flow(conn, 5, "stage", "finish")
    conn.execute(
        "insert into aerodag.start_request (dataset_id, dag_run_id, conf, priority, reason, requested_by, created_at) "
        "values (%s, 'again', '{}', 3, 'failed', 'me', now() - interval '2 hours')",
        [done.dataset_id],
    )
    with scraper(database_url, tmp_path) as scrape:
        seen = scrape()
    assert seen("aerodag_queue_datasets", run="first", upload_type="raw_images_zip") == 2
    assert seen("aerodag_queue_oldest_seconds", run="first", upload_type="raw_images_zip") == pytest.approx(
        7 * 3600, abs=60
    )
    assert seen("aerodag_queue_datasets", run="first", upload_type="geotiff") == 1
    assert seen("aerodag_queue_datasets", run="further", upload_type="raw_images_zip") == 1
    assert seen("aerodag_queue_oldest_seconds", run="further", upload_type="raw_images_zip") == pytest.approx(
        7200, abs=60
    )
    assert seen("aerodag_datasets_quarantined") == 1
    assert seen("aerodag_datasets_registered_total", upload_type="raw_images_zip") == 4
    assert seen("aerodag_datasets_registered_bytes_total", upload_type="geotiff") == 10**9
    assert seen("aerodag_storage_files", **{"class": "incoming", "version": "current"}) == 4


def test_runs_under_way(ledger_connection: psycopg.Connection, database_url: str, tmp_path: Path) -> None:
    conn = ledger_connection
    flow(conn, 1)
    working, reviewed = flow(conn, 2, "stage"), flow(conn, 3, "stage")
    working.plan(gpu={"granted": True, "devices": [{"name": "L4"}, {"name": "L4"}]})
    working.begun -= timedelta(hours=3)
    working.start("odm")
    working.job(seconds=-1)
    conn.execute(
        "update aerodag.engine_job set ended_at = null, deadline = now() - interval '1 hour', "
        "watched_at = now() - interval '10 minutes', submitted_at = now() - interval '1 hour'"
    )
    reviewed.start("review")
    ledger.ask_review(
        conn,
        run_id=reviewed.run.id,
        due_at=datetime.now(UTC) + timedelta(hours=1),
        verdict="review",
        question="Well?",
        default_answer="Accept",
    )
    ledger.add_event(conn, kind="run.late", message="Late.", run_id=working.run.id)
    book.put_hold(conn, kind="disk", reason="Full.", now=datetime.now(UTC))
    with scraper(database_url, tmp_path) as scrape:
        seen = scrape()
    assert seen("aerodag_runs_active", state="queued", preset="standard") == 1
    assert seen("aerodag_runs_active", state="running", engine="odm") == 1
    assert seen("aerodag_runs_active", state="review") == 1
    assert (seen("aerodag_steps_active", step="odm"), seen("aerodag_steps_active", step="review")) == (1, 1)
    assert seen("aerodag_engine_runs_active", engine="odm", gpu="yes") == 1
    assert seen("aerodag_engine_gpus_active") == 2
    assert seen("aerodag_engine_longest_seconds") == pytest.approx(3 * 3600 - 180, abs=60)
    assert seen("aerodag_engine_unwatched_seconds") == pytest.approx(600, abs=60)
    assert seen("aerodag_engine_jobs_overdue") == seen("aerodag_runs_late") == seen("aerodag_reviews_open") == 1
    assert seen("aerodag_hold", kind="disk") == 1
    # What they are going to add to is there already.
    assert seen("aerodag_runs_finished_total", state="failed", engine="odm") == 0
    assert seen("aerodag_run_duration_seconds_count", state="succeeded", engine="odm") == 0
    assert seen("aerodag_step_duration_seconds_bucket", step="stage", state="succeeded", le="60") == 0


def test_runs_that_ended(ledger_connection: psycopg.Connection, database_url: str, tmp_path: Path) -> None:
    conn = ledger_connection
    good, bad = flow(conn, 1, "stage"), flow(conn, 2, "stage")
    good.plan(gpu={"granted": True})
    good.engine(images=10, waited_s=300.0, gpu_requested=True, gpu_used_features=True, peak_rss_bytes=5 * 10**9)
    good.play("finish")
    bad.start("odm")
    bad.end("odm", "retrying", OUT_OF_MEMORY)
    bad.start("odm")
    bad.end("odm", "failed", OUT_OF_MEMORY)
    before = flow(conn, 3, "stage", "finish")
    conn.execute("update aerodag.run set finished_at = now() - interval '3 days' where id = %s", [before.run.id])
    with scraper(database_url, tmp_path) as scrape:
        seen = scrape()
        assert seen("aerodag_recent_runs", period="1d", state="succeeded") == 1
        assert sum(seen.all("aerodag_recent_runs", period="7d", state="succeeded")) == 2
        assert seen("aerodag_recent_failures", period="1d", code="odm.out_of_memory", category="resources") == 1
        assert sum(seen.all("aerodag_runs_finished_total", state="succeeded")) == 2
        assert seen("aerodag_run_failures_total", code="odm.out_of_memory") == 1
        assert seen("aerodag_step_retries_total", step="odm") == 1
        assert seen("aerodag_step_duration_seconds_bucket", step="odm", state="failed", le="60") == 1
        assert seen("aerodag_step_duration_seconds_bucket", step="stage", state="succeeded", le="+Inf") == 3
        assert seen("aerodag_step_duration_seconds_sum", step="stage", state="succeeded") == 180
        assert seen("aerodag_engine_images_total", engine="odm") == 10
        assert seen("aerodag_recent_engine_seconds_per_image", engine="odm") == 30
        assert seen("aerodag_recent_engine_peak_memory_bytes", engine="odm") == 5e9
        assert [seen("aerodag_recent_engine_runs", engine="odm", gpu=gpu) for gpu in ("all", "granted", "used")] == [
            1,
            1,
            1,
        ]
        # Who tries a failed run again sees the rate mend and the counter stay.
        bad.resume()
        bad.play("odm", "finish")
        seen = scrape()
        assert seen.all("aerodag_recent_failures") == []
        assert seen("aerodag_run_failures_total", code="odm.out_of_memory") == 1


def test_who_keeps_it_going(ledger_connection: psycopg.Connection, database_url: str, tmp_path: Path) -> None:
    conn, now = ledger_connection, datetime.now(UTC)
    for subject, minutes in (("sweep", 4), ("incoming", 1), ("another", 0)):
        book.note(conn, kind="done", subject=subject, now=now - timedelta(minutes=minutes), details={})
    ledger.subscribe(conn, channel="email", address="a@example.org", owner=None, events=["run.succeeded"], secret=None)
    for number in (1, 2):
        flow(conn, number, "stage", "finish")
    conn.execute("update aerodag.outbox set state = 'failed' where id = (select min(id) from aerodag.outbox)")
    conn.execute("update aerodag.outbox set next_attempt_at = now() - interval '9 minutes' where state = 'pending'")
    with scraper(database_url, tmp_path) as scrape:
        seen = scrape()
    assert seen("aerodag_housekeeping_last_sweep_timestamp_seconds") == pytest.approx(now.timestamp() - 240, abs=1)
    assert seen("aerodag_ingest_last_look_timestamp_seconds") == pytest.approx(now.timestamp() - 60, abs=1)
    assert (seen("aerodag_notifications_waiting"), seen("aerodag_notifications_dropped_total")) == (1, 1)
    assert seen("aerodag_notifications_overdue_seconds") == pytest.approx(540, abs=30)


def test_a_ledger_that_goes_away_and_comes_back(
    ledger_database: LedgerDatabase, database_url: str, tmp_path: Path
) -> None:
    with (
        psycopg.connect(url_of(ledger_database.admin_url, dbname="postgres"), autocommit=True) as admin,
        scraper(database_url, tmp_path) as scrape,
    ):
        assert scrape()("aerodag_up") == 1
        name = psycopg.conninfo.conninfo_to_dict(ledger_database.admin_url)["dbname"]
        admin.execute("select pg_terminate_backend(pid) from pg_stat_activity where datname = %s", [name])
        admin.execute(psycopg.sql.SQL("alter database {} allow_connections false").format(psycopg.sql.Identifier(name)))
        away = scrape()
        assert away("aerodag_up") == 0
        assert away.all("aerodag_runs_late") == away.all("aerodag_queue_datasets") == []
        assert away("aerodag_disk_up") == 1
        admin.execute(psycopg.sql.SQL("alter database {} allow_connections true").format(psycopg.sql.Identifier(name)))
        assert scrape()("aerodag_up") == 1


def test_a_server_that_never_answers_holds_no_scrape(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"postgresql://nobody@127.0.0.1:{silent.getsockname()[1]}/ledger"
        with scraper(url, tmp_path / "missing", patience=0.3) as scrape:
            started = time.monotonic()
            seen = [scrape() for _ in range(3)]
            assert time.monotonic() - started < 5
    assert [one("aerodag_up") for one in seen] == [0, 0, 0]
    assert seen[0]("aerodag_disk_up") == 0
    assert seen[0].all("aerodag_disk_free_bytes") == []


def test_figures_are_kept_for_a_few_seconds(
    ledger_connection: psycopg.Connection, database_url: str, tmp_path: Path
) -> None:
    with scraper(database_url, tmp_path, cache_seconds=1.0) as scrape:
        first = scrape()
        dataset(ledger_connection, 1)
        assert scrape()("aerodag_ledger_read_seconds") == first("aerodag_ledger_read_seconds")
        time.sleep(1.1)
        assert scrape()("aerodag_queue_datasets", run="first", upload_type="raw_images_zip") == 1


def test_no_transaction_is_left_open(ledger_connection: psycopg.Connection, database_url: str, tmp_path: Path) -> None:
    with scraper(database_url, tmp_path) as scrape:
        scrape()
        scrape()
        sessions = ledger_connection.execute(
            "select state, xact_start from pg_stat_activity "
            "where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'"
        ).fetchall()
    assert sessions == [("idle", None)]


def test_metrics_are_named_as_prometheus_wants(
    ledger_connection: psycopg.Connection, database_url: str, tmp_path: Path
) -> None:
    made = flow(ledger_connection, 1, "stage")
    made.engine(images=3)
    made.play("finish")
    promtool = shutil.which("promtool") or pytest.skip("promtool (Debian: prometheus) is not installed")
    with scraper(database_url, tmp_path) as scrape:
        text = scrape().text
    checked = subprocess.run([promtool, "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (checked.returncode, checked.stdout + checked.stderr) == (0, "")


def test_a_ledger_of_some_size_makes_no_more_series(ledger_database: LedgerDatabase, tmp_path: Path) -> None:
    fill(ledger_database.admin_url, 500)
    with scraper(ledger_database.admin_url, tmp_path) as scrape:
        seen = scrape()
    assert seen("aerodag_up") == 1
    assert sum(seen.all("aerodag_runs_active")) > 10
    assert len(seen.samples) < 2000
    assert not any("survey_" in value or value.startswith("run ") for _, labels in seen.samples for _, value in labels)
