"""Reports on a small ledger whose every figure is known."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest
from psycopg.sql import SQL, Identifier, Placeholder
from psycopg.types.json import Jsonb

from aerodag import ledger
from aerodag.errors import ConfigError
from aerodag.ledger.reports import REPORTS

GIGABYTE = 10**9
GPU = {"gpu": {"granted": True, "devices": [{"name": "L4"}, {"name": "L4"}]}}


@dataclass
class History:
    """Datasets and runs as they would be after some days; times are hours before now."""

    conn: psycopg.Connection
    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    number: int = 0

    def dataset(self, *, gigabytes: float = 1, priority: int = 3, hours_ago: float = 1) -> int:
        self.number += 1
        return self._insert(
            "dataset",
            name=f"flight_{self.number}.zip",
            owner="anna",
            source_uri="file:///flight.zip",
            raw_uri="file:///raw_images/flight.zip",
            content_sha256=f"{self.number:064x}",
            size_bytes=int(gigabytes * GIGABYTE),
            upload_type="raw_images_zip",
            priority=priority,
            created_at=self.ago(hours_ago),
        )

    def run(
        self,
        dataset_id: int | None = None,
        state: str = "succeeded",
        *,
        preset: str = "standard",
        ended: float = 1,
        took: float = 1,
        **columns: Any,
    ) -> int:
        """A run that ended ``ended`` hours ago after ``took`` hours, or that is active and began then."""
        self.number += 1
        begun = self.ago(ended + took)
        facts = {
            "dataset_id": dataset_id or self.dataset(),
            "dag_run_id": f"run {self.number}",
            "task_types": ["odm_processing", "cog"],
            "preset": preset,
            "engine": "odm",
            "state": state,
            "created_at": begun,
            "attempt_at": begun,
            "started_at": None if state == "queued" else begun,
            "finished_at": None if state in ("queued", "running") else self.ago(ended),
        }
        return self._insert("run", **(facts | columns))

    def step(self, run_id: int, name: str, *, ended: float = 1, minutes: float = 10, state: str = "succeeded") -> None:
        finished = self.ago(ended)
        self.conn.execute(
            "insert into aerodag.step (run_id, name, try_number, state, started_at, finished_at, recorded_at) "
            "values (%s, %s, 1, %s, %s, %s, %s)",
            [
                run_id,
                name,
                state,
                finished - timedelta(minutes=minutes),
                None if state == "running" else finished,
                finished,
            ],
        )

    def job(self, run_id: int, *, ended: float | None, hours: float, attempt: int = 1, **columns: Any) -> None:
        submitted = self.ago((ended or 0) + hours)
        facts = {
            "run_id": run_id,
            "attempt": attempt,
            "engine": "odm",
            "job": f"{run_id}-{attempt}",
            "name": "job",
            "submitted_at": submitted,
            "deadline": submitted + timedelta(days=1),
            "ended_at": None if ended is None else self.ago(ended),
        }
        self._insert("engine_job", **(facts | columns))

    def ago(self, hours: float) -> datetime:
        return self.now - timedelta(hours=hours)

    def report(self, name: str, **given: Any) -> list[dict[str, Any]]:
        return ledger.make_report(self.conn, name, **given).records

    def _insert(self, table: str, **columns: Any) -> int:
        statement = SQL("insert into {} ({}) values ({}) returning id").format(
            Identifier("aerodag", table),
            SQL(", ").join(map(Identifier, columns)),
            SQL(", ").join(Placeholder() * len(columns)),
        )
        values = [Jsonb(value) if isinstance(value, dict) else value for value in columns.values()]
        row = self.conn.execute(statement, values).fetchone()
        assert row
        return int(row[0])


@pytest.fixture
def history(ledger_connection: psycopg.Connection) -> History:
    return History(ledger_connection)


def hours_from_now(history: History, text: str) -> float:
    return round((datetime.fromisoformat(text) - history.now).total_seconds() / 3600, 1)


def test_every_report_answers_an_empty_ledger(history: History) -> None:
    for name in REPORTS:
        rows = history.report(name)
        assert rows == [] or name == "success_rate", name
    with pytest.raises(ConfigError, match="no report 'weather'") as failure:
        history.report("weather")
    assert failure.value.code == "report.unknown"
    assert "queue" in failure.value.advice


def test_queue(history: History) -> None:
    for took in (1, 2, 9):  # two hours a gigabyte at the median
        history.run(took=took)
    # Ten hours a gigabyte; over all presets that makes five and a half.
    history.run(history.dataset(gigabytes=2), took=20, preset="fast")
    long_ago = history.run(took=500, ended=24 * 200)
    running = history.run(history.dataset(gigabytes=3), "running", ended=0, took=1)
    watched = history.run(history.dataset(gigabytes=1), "running", ended=0, took=0.5)
    history.job(watched, ended=None, hours=0.4, expected_at=history.ago(-3))
    parked = history.run(history.dataset(), "running", ended=0, took=2)
    history._insert(
        "review", run_id=parked, due_at=history.ago(-1), verdict="review", question="Go on?", default_answer="Abort"
    )
    queued = history.run(history.dataset(gigabytes=1), "queued", preset="fast", ended=0, took=0.2)
    normal, urgent = history.dataset(gigabytes=1, hours_ago=5), history.dataset(priority=5, hours_ago=1)
    rows = history.report("queue", places=2)
    assert [(row["position"], row["state"]) for row in rows] == [
        (None, "running"),
        (None, "running"),
        (1, "queued"),
        (2, "waiting"),
        (3, "waiting"),
        (None, "review"),
    ]
    assert [row["run_id"] for row in rows] == [running, watched, queued, None, None, parked]
    assert [row["dataset_id"] for row in rows[3:5]] == [urgent, normal]
    assert long_ago not in {row["run_id"] for row in rows}
    expected = [(hours_from_now(history, row["expected_start"]), row["expected_end"]) for row in rows[:5]]
    assert [start for start, _ in expected] == [-1, -0.5, pytest.approx(4, abs=0.1), 9, pytest.approx(11.7, abs=0.1)]
    ends = [hours_from_now(history, end) for _, end in expected]
    assert ends == [5, 3, pytest.approx(14, abs=0.1), pytest.approx(14.5, abs=0.1), pytest.approx(17.2, abs=0.1)]


def test_queue_without_history_knows_no_times(history: History) -> None:
    first, second = history.dataset(hours_ago=2), history.dataset(hours_ago=1)
    rows = history.report("queue")
    assert [(row["dataset_id"], row["position"]) for row in rows] == [(first, 1), (second, 2)]
    assert hours_from_now(history, rows[0]["expected_start"]) == 0
    assert [rows[0]["expected_end"], rows[1]["expected_start"], rows[1]["expected_end"]] == [None, None, None]


def test_requested_further_runs_wait_too(history: History) -> None:
    done = history.dataset(gigabytes=1)
    history.run(done)
    history._insert(
        "start_request",
        dataset_id=done,
        dag_run_id="again",
        conf={"preset": "fast"},
        priority=1,
        reason="outdated",
        requested_by="reprocess",
    )
    (row,) = history.report("queue")
    assert (row["dataset_id"], row["state"], row["preset"], row["position"]) == (done, "waiting", "fast", 1)
    history.run(done, dag_run_id="again")
    assert history.report("queue") == []


def test_a_dataset_waits_until_its_first_run(history: History) -> None:
    dataset = history.dataset()
    assert [start.dataset_id for start in ledger.starts_due(history.conn, places=5)] == [dataset]
    history.run(dataset, "failed")
    assert ledger.starts_due(history.conn, places=5) == []


def test_stuck(history: History) -> None:
    lost = history.run(state="running", ended=0, took=5)
    history.step(lost, "cog", ended=3, state="running")
    lively = history.run(state="running", ended=0, took=5)
    history.step(lively, "stage", ended=4)
    history.step(lively, "cog", ended=0.2, state="running")
    watched = history.run(state="running", ended=0, took=9)
    history.step(watched, "odm", ended=8, state="running")
    history.job(watched, ended=None, hours=8, watched_at=history.ago(0.01))
    between = history.run(state="running", ended=0, took=9)
    history.step(between, "plan_engine", ended=2)
    unborn = history.run(state="queued", ended=0, took=4)
    history.run(state="failed", ended=3)
    rows = history.report("stuck", minutes=60)
    assert [(row["run_id"], row["step"], row["minutes"]) for row in rows] == [
        (unborn, "not started", 240),
        (lost, "in cog", 180),
        (between, "after plan_engine", 120),
    ]
    assert {row["run_id"] for row in history.report("stuck", minutes=5)} == {lost, lively, between, unborn}


def test_failures(history: History) -> None:
    memory = {"failure_code": "odm.out_of_memory", "failure_category": "resources"}
    dataset = history.dataset()
    history.run(dataset, "failed", ended=30, message="Old.", **memory)
    newest = history.run(dataset, "failed", ended=2, message="New.", advice="Use fewer images.", **memory)
    history.run(state="failed", ended=5, **memory)
    history.run(state="failed", ended=5, failure_code="archive.empty", failure_category="data")
    history.run(state="failed", ended=24 * 8, **memory)
    history.run(state="cancelled", ended=5)
    first, second = history.report("failures")
    assert (first["code"], first["category"], first["runs"], first["share"]) == (
        "odm.out_of_memory",
        "resources",
        3,
        0.75,
    )
    assert (first["datasets"], first["example_run"], first["message"]) == (2, newest, "New.")
    assert first["advice"] == "Use fewer images."
    assert (second["code"], second["runs"], second["share"]) == ("archive.empty", 1, 0.25)
    assert history.report("failures", days=30)[0]["runs"] == 4


def test_success_rate(history: History) -> None:
    for state, preset, days in (
        ("succeeded", "standard", 1),
        ("degraded", "standard", 1),
        ("failed", "fast", 1),
        ("cancelled", "fast", 2),
        ("succeeded", "fast", 40),
    ):
        history.run(state=state, preset=preset, ended=24 * days)
    rows = {(row["by"], row["of"]): row for row in history.report("success_rate")}
    day = history.ago(24).date()
    assert set(rows) == {
        ("day", str(day)),
        ("day", str(day - timedelta(days=1))),
        ("preset", "standard"),
        ("preset", "fast"),
        ("all", ""),
    }
    assert rows["day", str(day)]["success_rate"] == 0.667
    assert rows["preset", "standard"]["success_rate"] == 1
    assert (rows["preset", "fast"]["runs"], rows["preset", "fast"]["success_rate"]) == (2, 0)
    assert rows["day", str(day - timedelta(days=1))]["success_rate"] is None
    assert (rows["all", ""]["runs"], rows["all", ""]["cancelled"]) == (4, 1)


def test_stage_durations(history: History) -> None:
    for minutes in (10, 20, 60):
        run_id = history.run(ended=2, took=10)
        history.step(run_id, "odm", ended=2, minutes=minutes)
        history.conn.execute(
            "insert into aerodag.engine_stage values (%s, 'openmvs', 50, %s, %s), (%s, 'copied', 50, %s, %s)",
            [
                *(run_id, history.ago(2 + minutes / 120), history.ago(2)),
                *(run_id, history.ago(14), history.ago(13)),
            ],
        )
    failed = history.run(state="failed", ended=2)
    history.step(failed, "odm", state="failed", minutes=1)
    rows = history.report("stage_durations")
    assert [(row["kind"], row["name"], row["times"], row["median_s"]) for row in rows] == [
        ("step", "odm", 3, 1200),
        ("stage", "openmvs", 3, 600),
    ]
    assert rows[0]["p95_s"] == pytest.approx(1200 + 0.9 * 2400)
    assert rows[0]["hours"] == 1.5


def test_gpu_hours(history: History) -> None:
    granted = history.run(plan=GPU)
    history.job(granted, ended=1, hours=3)
    history.job(history.run(state="running", plan=GPU), ended=None, hours=0.5)
    lost_it = history.run(plan={"gpu": {"granted": False, "devices": []}})
    history.job(lost_it, attempt=1, ended=3, hours=2, failure_code="engine.gpu_out_of_memory")
    history.job(lost_it, attempt=2, ended=1, hours=1)
    history.job(history.run(plan={"engine": "embedded"}), ended=1, hours=7)
    history.job(history.run(plan=GPU), ended=24 * 40, hours=7)
    rows = history.report("gpu_hours")
    assert sum(row["jobs"] for row in rows) == 3
    assert sum(row["gpu_hours"] for row in rows) == pytest.approx(2 * 3 + 2 * 0.5 + 2, abs=0.05)
    assert sum(row["failed"] for row in rows) == 1


def test_slowest_steps(history: History) -> None:
    slow = history.run()
    history.step(slow, "odm", minutes=300)
    for minutes in (60, 60):
        history.step(history.run(), "odm", minutes=minutes)
    history.step(slow, "cog", minutes=90)
    history.step(history.run(ended=24 * 9), "odm", minutes=900, ended=24 * 9)
    rows = history.report("slowest_steps", limit=2)
    assert [(row["run_id"], row["step"], row["hours"], row["times_median"]) for row in rows] == [
        (slow, "odm", 5, 5),
        (slow, "cog", 1.5, 1),
    ]


def test_quality(history: History) -> None:
    runs = [history.run(), history.run()]
    for run_id in runs:
        ledger.evaluate_checks(history.conn, run_id=run_id)
    rows = {row["name"]: row for row in history.report("quality")}
    missing = rows["products.missing"]
    assert (missing["runs"], missing["failed"], missing["pass_rate"], missing["example_run"]) == (2, 2, 0, runs[1])
    assert (rows["gps.time_share"]["unknown"], rows["gps.time_share"]["pass_rate"]) == (2, None)


def test_reports_are_json(history: History) -> None:
    history.run(state="failed", failure_code="a.b")
    history.step(history.run(), "odm")
    for name in REPORTS:
        report = ledger.make_report(history.conn, name)
        assert all(set(row) == set(report.columns) for row in json.loads(json.dumps(report.records))), name


def test_a_reader_reports_what_it_may_see(history: History, url_of_new_login: Callable[[str, str | None], str]) -> None:
    history.run(state="failed", failure_code="a.b")
    history.conn.execute("update aerodag.dataset set access = 'private'")
    history.run(state="failed", failure_code="c.d")
    with ledger.connect(url_of_new_login("bo", "aerodag_reader")) as reader:
        assert [row["code"] for row in ledger.make_report(reader, "failures").records] == ["c.d"]
