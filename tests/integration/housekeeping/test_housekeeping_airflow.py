"""Housekeeping in a real Airflow: what it says of its runs, and an engine that is held back."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import psycopg
import pytest

from aerodag import ledger
from aerodag.ledger.housekeeping import lift_hold, put_hold
from aerodag.simulate import Survey, simulate
from systems.odm_airflow import wait_for
from systems.served import SetUp, served

pytestmark = pytest.mark.e2e

DAG = "process_dataset"


class Running(SetUp):
    """A set-up whose ingest sleeps."""

    def state(self, dag: str, run: str) -> str:
        return str(self.rest("GET", f"dags/{dag}/dagRuns/{run}")["state"])

    def sweep(self, name: str) -> dict[str, dict[str, int]]:
        """One run of the DAG; returns what its task returned."""
        self.client.trigger("housekeeping", name, {})
        wait_for(f"the end of {name}", lambda: self.state("housekeeping", name) in {"success", "failed"}, 240)
        assert self.state("housekeeping", name) == "success"
        path = f"dags/housekeeping/dagRuns/{name}/taskInstances/sweep/xcomEntries/return_value?deserialize=true"
        value: dict[str, dict[str, int]] = self.rest("GET", path)["value"]
        return value

    def open_run(self, number: int, dag_run_id: str) -> ledger.Run:
        dataset = ledger.register(
            self.conn, name=dag_run_id, owner="anna", source_uri="file:///x.zip", content_sha256=f"{number:064d}",
            size_bytes=1, upload_type="raw_images_zip",
        ).dataset  # fmt: skip
        return ledger.open_run(
            self.conn, dataset_id=dataset.id, dag_run_id=dag_run_id, task_types=["cog"], preset="standard",
            engine="auto", options={}, priority=3,
        )  # fmt: skip

    def run(self, dag_run_id: str) -> ledger.Run:
        found = ledger.find_run(self.conn, dag_run_id=dag_run_id)
        assert found is not None
        return found


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    settings = {
        "AERODAG_ODM__DOCKER_URL": "unix:///nowhere/docker.sock",
        "AERODAG_HOUSEKEEPING__GRACE_MINUTES": "0",
        "AERODAG_HOUSEKEEPING__GHOST_MINUTES": "0",
    }
    with served(tmp_path_factory.mktemp("aerodag"), Running, **settings) as found:
        found.rest("PATCH", "dags/ingest_datasets", {"is_paused": True})
        yield found


def test_ghosts_are_told_from_runs_that_airflow_knows(running: Running) -> None:
    running.client.trigger(DAG, "ended", {"dataset_id": 4711})
    wait_for("a run that failed", lambda: running.state(DAG, "ended") == "failed")
    running.rest("PATCH", f"dags/{DAG}", {"is_paused": True})
    running.client.trigger(DAG, "waiting", {"dataset_id": 4711})
    runs = [running.open_run(number, name) for number, name in enumerate(["never_was", "ended", "waiting"])]
    assert [run.state for run in runs] == ["queued"] * 3

    # The DAG's own schedule may have come first.
    assert running.sweep("one")["runs"]["ghosts"] in {0, 2}
    assert running.run("waiting").state == "queued"
    never_was, ended = running.run("never_was"), running.run("ended")
    assert (never_was.state, never_was.failure_code) == (ended.state, ended.failure_code) == ("failed", "run.ghost")
    events = running.conn.execute(
        "select run_id, details ->> 'airflow_state' from aerodag.event where kind = 'run.ghost_closed' order by run_id"
    ).fetchall()
    assert events == [(never_was.id, None), (ended.id, "failed")]
    assert running.sweep("two")["runs"] == {"ghosts": 0, "outlived": 0}

    ledger.close_run(running.conn, dag_run_id="waiting", state="cancelled")
    running.sweep("three")
    kinds = running.conn.execute("select kind from aerodag.event where kind like 'run.outlived'").fetchall()
    assert kinds == [("run.outlived",)]


def test_an_engine_is_held_back_without_a_worker_and_goes_on(running: Running, tmp_path: Path) -> None:
    running.rest("PATCH", f"dags/{DAG}", {"is_paused": False})
    put_hold(running.conn, kind="test", reason="Nothing starts during this test.", now=datetime.now(UTC))
    survey = simulate(Survey(images=12, width=800, height=600), tmp_path / "survey.zip")
    upload = running.storage.incoming / "held.zip"
    shutil.copyfile(survey.zip_path, upload.with_suffix(".part"))
    upload.with_suffix(".part").rename(upload)
    running.client.trigger(DAG, "held", {"source": "held.zip", "engine": "embedded"})
    path = f"dags/{DAG}/dagRuns/held/taskInstances/odm"
    wait_for("the hold", lambda: running.rest("GET", path)["state"] == "deferred", 240)
    assert running.run("held").state == "running"
    assert _steps(running.conn, "held") == [("odm", "running")]
    lift_hold(running.conn, kind="test")
    wait_for("the end", lambda: running.state(DAG, "held") in {"success", "failed"}, 300)
    assert running.run("held").state == "succeeded"
    assert _steps(running.conn, "held")[-1] == ("odm", "succeeded")
    log = running.rest("GET", f"{path}/logs/1?full_content=true")["content"]
    assert any("Nothing starts during this test." in str(entry.get("event")) for entry in log)


def _steps(conn: psycopg.Connection, dag_run_id: str) -> list[tuple[str, str]]:
    return conn.execute(
        "select name, step.state from aerodag.step join aerodag.run on run.id = step.run_id"
        " where dag_run_id = %s and name = 'odm' order by try_number",
        [dag_run_id],
    ).fetchall()
