"""The embedded set-up, started as a person starts it, with nothing replaced."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from aerodag import ledger
from aerodag.local.client import AirflowClient, wait_until_healthy
from aerodag.local.state import StateFolder
from aerodag.storage import Storage

ROOT = Path(__file__).parents[2]
DAGS = ("process_dataset", "ingest_datasets", "housekeeping", "reprocess_datasets", "notify")


class SetUp:
    """A running set-up with its ledger, storage and REST client."""

    def __init__(self, home: Path) -> None:
        serving = StateFolder(home).serving()
        assert serving is not None
        self.client = AirflowClient.of(serving, StateFolder(home).password())
        self.storage = Storage(home / "data")
        self.conn = ledger.connect(serving.ledger_url)

    def drop(self, source: Path, name: str) -> None:
        target = self.storage.incoming / name
        shutil.copyfile(source, target.with_suffix(".part"))
        target.with_suffix(".part").replace(target)

    def run_of(self, dataset_name: str, seconds: float = 300) -> ledger.Run:
        """The dataset's newest run, once it has ended and cleaned up."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            row = self.conn.execute(
                """
                select run.dag_run_id from aerodag.run join aerodag.dataset on dataset.id = run.dataset_id
                join aerodag.step on step.run_id = run.id and step.name = 'cleanup' and step.state = 'succeeded'
                where dataset.name = %s and run.state not in ('queued', 'running') order by run.id desc limit 1
                """,
                [dataset_name],
            ).fetchone()
            if row:
                run = ledger.find_run(self.conn, dag_run_id=row[0])
                assert run is not None
                return run
            time.sleep(0.3)
        pytest.fail(f"{dataset_name} did not end in {seconds} s")

    def rest(self, method: str, path: str, body: dict | None = None) -> dict:
        return self.client._call(method, f"/api/v2/{path}", self.client._token(), body)


Kind = TypeVar("Kind", bound=SetUp)


@contextmanager
def served(home: Path, kind: type[Kind], **settings: str) -> Iterator[Kind]:
    """A set-up of its own below ``home``; the settings are environment variables."""
    environment = dict(os.environ) | {"AERODAG_HOME": str(home), "AERODAG_PORT": "0", "AERODAG_SETTLE_SECONDS": "1"}
    environment.pop("AERODAG_DATABASE_URL", None)
    with (home / "serve.log").open("wb") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "aerodag.cli", "serve"], env=environment | settings, cwd=ROOT, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + 480
        while StateFolder(home).serving() is None:
            assert server.poll() is None, (home / "serve.log").read_text()
            assert time.monotonic() < deadline, (home / "serve.log").read_text()
            time.sleep(0.3)
        running = kind(home)
        wait_until_healthy(running.client, seconds=240, report=lambda missing: None)
        while not all(running.client.has_dag(dag) for dag in DAGS):
            assert time.monotonic() < deadline, "the DAGs are not read"
            time.sleep(0.3)
        yield running
        running.conn.close()
    finally:
        server.terminate()
        server.wait(90)
