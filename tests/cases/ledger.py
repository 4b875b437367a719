"""A DAG run as the ledger sees it, without an Airflow."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
from psycopg.rows import dict_row

from aerodag import ledger

START = datetime(2026, 11, 21, 6, tzinfo=UTC)
ALL_TASKS = ("odm_processing", "geotiff", "cog", "thumbnail", "metadata")
PIPELINE = (
    *("stage", "validate", "extract_metadata", "assess_images", "preflight", "plan_engine", "odm"),
    *("publish_ortho", "standardise", "cog", "thumbnail", "metadata", "promote", "stac", "finish", "cleanup"),
)
OUT_OF_MEMORY = ledger.Failure("odm.out_of_memory", "resources", "ODM needed more than 64 GB.", "Use fewer images.")


@dataclass
class Flow:
    """A DAG run as Airflow would play it, each step a minute."""

    conn: psycopg.Connection
    dataset_id: int
    dag_run_id: str = "manual_1"
    task_types: tuple[str, ...] = ALL_TASKS
    tries: dict[str, int] = field(default_factory=dict)
    minutes: int = 0

    def open(self) -> ledger.Run:
        return ledger.open_run(
            self.conn,
            dataset_id=self.dataset_id,
            dag_run_id=self.dag_run_id,
            task_types=self.task_types,
            preset="standard",
            engine="auto",
            options={"feature-quality": "high"},
            priority=3,
        )

    def start(self, name: str) -> None:
        self.tries[name] = self.tries.get(name, 0) + 1
        self.minutes += 1
        ledger.step_started(self.conn, **self._key(name), host="worker-1", started_at=self.now)

    def end(self, name: str, state: str = "succeeded", failure: ledger.Failure | None = None) -> None:
        self.minutes += 1
        ledger.step_finished(
            self.conn,
            **self._key(name),
            host="worker-1",
            started_at=self.now - timedelta(minutes=1),
            finished_at=self.now,
            state=state,
            failure=failure,
        )

    def play(self, *names: str) -> None:
        for name in names:
            self.start(name)
            self.end(name)

    @property
    def now(self) -> datetime:
        return START + timedelta(minutes=self.minutes)

    @property
    def run(self) -> ledger.Run:
        found = ledger.find_run(self.conn, dag_run_id=self.dag_run_id)
        assert found
        return found

    @property
    def status(self) -> dict[str, Any]:
        with self.conn.cursor(row_factory=dict_row) as cursor:
            row = cursor.execute("select * from v2_statuses where dataset_id = %s", [self.dataset_id]).fetchone()
        assert row
        return row

    @property
    def done(self) -> set[str]:
        return {name.removeprefix("is_").removesuffix("_done") for name, value in self.status.items() if value is True}

    def _key(self, name: str) -> dict[str, Any]:
        return {"dag_run_id": self.dag_run_id, "name": name, "map_index": -1, "try_number": self.tries[name]}
