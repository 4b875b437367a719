"""The embedded set-up with ODM's double as its engine: real Airflow, real PostgreSQL, a real Docker engine."""

from __future__ import annotations

import gzip
import json
import os
import re
import shutil
import subprocess
import sys
import time
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import psutil
import pytest
import rasterio

from aerodag import ledger
from aerodag.containers.endpoint import connect
from aerodag.containers.states import Labelled, labelled
from aerodag.local.client import AirflowClient, wait_until_healthy
from aerodag.local.state import StateFolder
from aerodag.simulate.simulation import SimulatedSurvey
from aerodag.storage import Storage, local_path
from doubles.odm import recipe
from doubles.odm.project import choose, starts
from servers.docker_engine import OwnEngine

ROOT = Path(__file__).parents[2]
MEBIBYTE = 1024**2
DAG = "process_dataset"

T = TypeVar("T")


def wait_for(what: str, ask: Callable[[], T | None], seconds: float = 300, *, pause: float = 0.2) -> T:
    """The first answer that is something; fails the test when there is none in time."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if answer := ask():
            return answer
        time.sleep(pause)
    pytest.fail(f"{what}: not in {seconds} s")


def true_results(survey: SimulatedSurvey, folder: Path) -> dict[str, bytes]:
    """What an engine makes of the survey: the true orthophoto with an alpha band, and a report."""
    made = folder / "odm_orthophoto.tif"
    with rasterio.open(survey.truth_ortho) as truth:
        colours, profile = truth.read(), truth.profile | {"count": 4}
    with rasterio.open(made, "w", **profile) as target:
        target.write(np.concatenate([colours, np.full_like(colours[:1], 255)]))
    names = [shot.name for shot in survey.shots]
    shots = [{"type": "Feature", "properties": {"filename": name}, "geometry": None} for name in names]
    statistics = {"reconstruction_statistics": {"reconstructed_shots_count": len(names)}}
    return {
        "odm_orthophoto/odm_orthophoto.tif": made.read_bytes(),
        "odm_report/shots.geojson": json.dumps({"type": "FeatureCollection", "features": shots}).encode(),
        "odm_report/stats.json": json.dumps(statistics).encode(),
        "odm_report/report.pdf": b"%PDF-1.4",
    }


class OdmSetUp:
    """A running set-up: its ledger, storage, REST API, processes and containers."""

    def __init__(self, home: Path, engine: OwnEngine, survey: SimulatedSurvey) -> None:
        serving = StateFolder(home).serving()
        assert serving is not None
        self.home = home
        self.engine = engine
        self.survey = survey
        self.client = AirflowClient.of(serving, StateFolder(home).password())
        self.storage = Storage(home / "data")
        self.conn = ledger.connect(serving.ledger_url)
        self.supervisor = psutil.Process(serving.pid)

    def rest(self, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        return self.client._call(method, f"/api/v2/{path}", self.client._token(), body)

    def start(self, name: str, *, conf: dict[str, Any] | None = None, **scenario: object) -> ledger.Run:
        """Upload a survey of its own, trigger it on the double with this scenario, and give back the run."""
        upload = self.storage.incoming / f"{name}.zip.part"
        shutil.copyfile(self.survey.zip_path, upload)
        with zipfile.ZipFile(upload, "a") as bundle:
            bundle.writestr(f"{name}.txt", name)  # other content, so another dataset
        upload.rename(upload.with_suffix(""))
        self.client.trigger(DAG, name, {"source": f"{name}.zip", "engine": "odm"} | (conf or {}))
        run = wait_for(f"run {name}", lambda: ledger.find_run(self.conn, dag_run_id=name), pause=0.02)
        self.prepare(run, **scenario)  # half a dozen steps come before the engine
        return run

    def prepare(self, run: ledger.Run, **scenario: object) -> None:
        """Lay out what the double shall do and make for a run whose engine has not started."""
        project = self.project(run)
        (project / ".double" / "outputs").mkdir(parents=True)
        choose(project, **scenario)
        outputs = project / ".double" / "outputs"
        for name, content in true_results(self.survey, outputs).items():
            (outputs / name).parent.mkdir(exist_ok=True)
            (outputs / name).write_bytes(content)

    def prepare_again(self, run: ledger.Run, **scenario: object) -> None:
        """What the double does from its next start on."""
        choose(self.project(run), **scenario)

    def project(self, run: ledger.Run) -> Path:
        return self.storage.work(run.id) / "project"

    def starts(self, run: ledger.Run) -> list[str]:
        return starts(self.project(run))

    def containers(self, run: ledger.Run) -> list[Labelled]:
        client = connect(self.engine.endpoint)
        try:
            return labelled(client, run=str(run.id))
        finally:
            client.close()

    def ended(self, run: ledger.Run, seconds: float = 300) -> ledger.Run:
        """The run once Airflow has ended it, clean-up and all."""

        def ask() -> ledger.Run | None:
            try:
                state = self.rest("GET", f"dags/{DAG}/dagRuns/{run.dag_run_id}")["state"]
            except OSError:
                return None  # the API server is one of those that get killed
            return ledger.get_run(self.conn, run_id=run.id) if state in {"success", "failed"} else None

        return wait_for(f"the end of {run.dag_run_id}", ask, seconds)

    def task(self, run: ledger.Run, name: str = "odm") -> dict[str, Any]:
        return self.rest("GET", f"dags/{DAG}/dagRuns/{run.dag_run_id}/taskInstances/{name}")

    def watched(self, run: ledger.Run, seconds: float = 300) -> None:
        """Wait until the engine's task waits without a worker, and a trigger watches its container."""
        query = "select watched_at from aerodag.engine_job where run_id = %s order by id desc limit 1"
        wait_for("a watch", lambda: (self.conn.execute(query, [run.id]).fetchone() or [None])[0], seconds)
        wait_for("deferral", lambda: self.task(run)["state"] == "deferred", seconds)

    def clear(self, run: ledger.Run, *tasks: str) -> None:
        self.rest(
            "POST",
            f"dags/{DAG}/clearTaskInstances",
            {
                "dry_run": False, "dag_run_id": run.dag_run_id, "task_ids": list(tasks), "include_downstream": True,
                "only_failed": False, "only_running": False, "reset_dag_runs": True,
            },
        )  # fmt: skip

    def mark(self, run: ledger.Run, state: str) -> None:
        path = f"dags/{DAG}/dagRuns/{run.dag_run_id}/taskInstances/odm"
        self.rest("PATCH", path, {"new_state": state, "include_downstream": False})

    def shown(self, run: ledger.Run) -> list[tuple[str, int, str]]:
        """The engine's lines as Airflow's API shows them, over all tries: container, number, text."""
        found = []
        for attempt in range(1, self.task(run)["try_number"] + 1):
            path = f"dags/{DAG}/dagRuns/{run.dag_run_id}/taskInstances/odm/logs/{attempt}?full_content=true"
            for entry in self.rest("GET", path)["content"]:
                if match := re.fullmatch(r"(.{12}):(\d+)", str(entry.get("line", ""))):
                    found.append((match[1], int(match[2]), entry["event"]))
        return found

    def kept_log(self, run: ledger.Run) -> list[str]:
        """The whole log of the run's last container as it was kept, without its times."""
        artifacts = {artifact.kind: artifact for artifact in ledger.list_artifacts(self.conn, run_id=run.id)}
        text = gzip.decompress(local_path(artifacts["engine_log"].uri).read_bytes()).decode()
        return [line.partition(" ")[2] for line in text.splitlines()]

    def service(self, name: str) -> list[psutil.Process]:
        """The processes of a service; none while it is down."""
        # Airflow writes api_server and the like over its command line.
        found = [
            child
            for child in self.supervisor.children()
            if name in " ".join(child.cmdline()).replace("_", "-") and child.status() != psutil.STATUS_ZOMBIE
        ]
        return [*found, *(member for process in found for member in process.children(recursive=True))]

    def kill(self, service: str) -> bool:
        """SIGKILL a service and its children; the set-up's supervisor starts it again. False if it is not up."""
        found = self.service(service)
        for process in found:
            process.kill()
        return bool(found)

    def kill_workers(self) -> bool:
        """SIGKILL the processes that run tasks now, as a host does that runs out of memory."""
        found = False
        for service in self.supervisor.children():
            for process in service.children(recursive=True):
                try:
                    title = " ".join(process.cmdline())
                    if title.startswith("airflow worker") and "idle" not in title:
                        process.kill()
                        found = True
                except psutil.NoSuchProcess:
                    continue
        return found

    def jobs(self, run: ledger.Run) -> list[ledger.EngineJob]:
        """The engine's starts of a run, oldest first."""
        rows = self.conn.execute(
            "select job from aerodag.engine_job where run_id = %s order by id", [run.id]
        ).fetchall()
        found = (ledger.find_job(self.conn, engine="odm", job=job) for (job,) in rows)
        return [job for job in found if job is not None]

    def findings(self, run: ledger.Run) -> list[tuple[str, str, str]]:
        found = ledger.list_findings(self.conn, run_id=run.id)
        return [(entry.severity, entry.code, entry.message) for entry in found]

    def steps(self, run: ledger.Run) -> dict[tuple[str, int], ledger.Step]:
        return {(step.name, step.try_number): step for step in ledger.list_steps(self.conn, run_id=run.id)}


@contextmanager
def odm_set_up(home: Path, engine: OwnEngine, survey: SimulatedSurvey, **environment: str) -> Iterator[OdmSetUp]:
    """The set-up on ``engine``; its ingest sleeps, so that only what a test triggers runs."""
    settings = {
        "AERODAG_REVIEW__VERDICTS": "[]",  # the survey is small, and so is the memory of its container
        "AERODAG_HOME": str(home),
        "AERODAG_PORT": "0",
        "AERODAG_ODM__DOCKER_URL": engine.endpoint.url,
        "AERODAG_ODM__IMAGE": recipe.IMAGE,
        "AERODAG_ODM__PULL": "never",
        "AERODAG_ODM__POLL_SECONDS": "0.5",
        "AERODAG_ODM__STOP_SECONDS": "3",
        "AERODAG_ODM__MEMORY_BYTES": str(128 * MEBIBYTE),
        "AERODAG_ODM__CPUS": "1",
        "AERODAG_RETRY_SECONDS": "5",
        "AERODAG_ODM__DISK_SOFT_BYTES": "0",
        "AERODAG_ODM__DISK_HARD_BYTES": "0",
        # A killed worker is noticed after seconds, not after a quarter of an hour.
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_TIMEOUT": "15",
        "AIRFLOW__SCHEDULER__TASK_INSTANCE_HEARTBEAT_DETECTION_INTERVAL": "3",
    }
    whole = dict(os.environ) | settings | environment
    whole.pop("AERODAG_DATABASE_URL", None)
    with (home / "serve.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "aerodag.cli", "serve"], env=whole, cwd=ROOT, stdout=log, stderr=log
        )
    try:
        wait_for("the set-up", lambda: StateFolder(home).serving() or server.poll() is not None, 240)
        assert server.poll() is None, (home / "serve.log").read_text()
        running = OdmSetUp(home, engine, survey)
        wait_until_healthy(running.client, seconds=240, report=lambda missing: None)
        wait_for("the DAGs", lambda: running.client.has_dag(DAG) and running.client.has_dag("ingest_datasets"))
        running.rest("PATCH", "dags/ingest_datasets", {"is_paused": True})
        yield running
        running.conn.close()
    finally:
        server.terminate()
        server.wait(90)
