"""Processes an archive of past uploads by one backfill of Airflow, and judges what came of it.

    python tests/chaos/backfill.py --datasets 500 --days 10

The uploads are GeoTIFFs whose first run failed while a storage was away, so many on each day. A backfill asked for by
REST processes those that have no COG. Exit code 0: every one has a whole COG by exactly one new run, and never more
runs than places were under way; 1: not so, and the report says what.
"""

from __future__ import annotations

import argparse
import json
import shutil
import signal
import sys
import tempfile
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

import judgement
import psycopg
from system import ChaosSystem
from uploads import make_maps

from aerodag import ledger
from aerodag.local.client import AirflowClient, wait_until_healthy
from aerodag.local.state import StateFolder
from aerodag.pipeline.incoming import register_uploads
from aerodag.storage import Storage
from aerodag.storage.arrivals import Arrival, arrivals

TASK_TYPES = ["geotiff", "cog"]
DAGS = ("process_dataset", "ingest_datasets", "reprocess_datasets")


def main() -> int:
    """Prepare the archive, backfill, judge, print."""
    options = _options()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(2))  # leaves nothing running
    folder = Path(options.home or tempfile.mkdtemp(prefix="backfill"))
    folder.mkdir(parents=True, exist_ok=True)
    folder.chmod(0o755)  # the database may run as a user of its own
    system = ChaosSystem(folder / "home")
    system.home.mkdir()
    try:
        system.start()
        client = _client(system)
        client._call("PATCH", "/api/v2/dags/ingest_datasets", client._token(), {"is_paused": True})
        make_maps(system.incoming, options.datasets, Random(options.seed))
        _register(system, options.days)
        client._call("PATCH", "/api/v2/dags/ingest_datasets", client._token(), {"is_paused": False})
        began = time.monotonic()
        _backfill(client, options.days)
        _follow(system, options.datasets, options.patience)
        report = _report(system, time.monotonic() - began)
    finally:
        system.stop()
    print(json.dumps(report, indent=2))
    wrong = any(report["problems"].values()) or report["datasets_with_one_new_run_and_cog"] != options.datasets
    if not wrong:
        shutil.rmtree(folder)
    return int(wrong)


def _client(system: ChaosSystem) -> AirflowClient:
    serving = StateFolder(system.home).serving()
    assert serving is not None
    client = AirflowClient.of(serving, StateFolder(system.home).password())
    wait_until_healthy(client, seconds=240, report=lambda missing: None)
    while not all(client.has_dag(dag) for dag in DAGS):
        time.sleep(0.5)
    return client


def _register(system: ChaosSystem, days: int) -> None:
    """Take the uploads in, spread them over past days, and end a first run of each."""
    serving = StateFolder(system.home).serving()
    assert serving is not None
    storage = Storage(system.home / "data")
    files: list[Arrival] = list(arrivals(storage).values())
    with ledger.connect(serving.ledger_url) as conn:
        conn.autocommit = True
        intake = register_uploads(conn, storage, files)
        assert intake.new == len(files), intake
        for (dataset,) in conn.execute("select id from aerodag.dataset order by id").fetchall():
            ledger.open_run(
                conn, dataset_id=dataset, dag_run_id=f"first_{dataset}", task_types=TASK_TYPES, preset="standard",
                engine="auto", options={}, priority=3,
            )  # fmt: skip
            ledger.close_run(
                conn, dag_run_id=f"first_{dataset}", state="failed", code="storage.unreachable",
                message="The storage was away.", category="infrastructure",
            )  # fmt: skip
        conn.execute(
            "update aerodag.dataset set created_at = now() - make_interval(days => 1 + (id %% %s)::integer)", [days]
        )


def _backfill(client: AirflowClient, days: int) -> None:
    now = datetime.now(UTC)
    body = {
        "dag_id": "reprocess_datasets",
        "from_date": (now - timedelta(days=days + 2)).isoformat(),
        "to_date": now.isoformat(),
        "run_backwards": False,
        "max_active_runs": 4,
        "dag_run_conf": {"mode": "missing"},
        "reprocess_behavior": "completed",
    }
    client._call("POST", "/api/v2/backfills", client._token(), body)


def _follow(system: ChaosSystem, datasets: int, patience: float) -> None:
    began = time.monotonic()
    told = 0.0
    while time.monotonic() - began < patience:
        (now,) = system.ledger(
            "select count(*) filter (where state in ('queued', 'running')) as active, "
            "count(*) filter (where finished_at is not null) as ended from aerodag.run where dag_run_id !~ '^first_'"
        )
        if now["ended"] >= datasets and not now["active"]:
            return
        if time.monotonic() - told > 60:
            told = time.monotonic()
            print(f"{told - began:6.0f} s: {now}", file=sys.stderr)
        time.sleep(2)


def _report(system: ChaosSystem, seconds: float) -> dict[str, object]:
    (whole,) = system.ledger(
        """
        select count(*) as n from aerodag.dataset
        where (
            select count(*) from aerodag.run where run.dataset_id = dataset.id and dag_run_id !~ '^first_'
        ) = 1 and exists (
            select from aerodag.artifact where artifact.dataset_id = dataset.id and kind = 'cog'
        )
        """
    )
    (most,) = system.ledger(
        """
        with edge as (
            select started_at as at, 1 as change from aerodag.run where dag_run_id !~ '^first_'
            union all
            select finished_at, -1 from aerodag.run where dag_run_id !~ '^first_'
        )
        select max(active) as n from (
            select sum(change) over (order by at, change rows unbounded preceding) as active from edge
        ) as course
        """
    )
    requests = system.airflow(
        "select count(*) as n from dag_run where dag_id = 'reprocess_datasets' and run_type = 'backfill' "
        "and state = 'success'"
    )
    return {
        **judgement.counts(system),
        "backfill_runs": requests[0]["n"],
        "datasets_with_one_new_run_and_cog": whole["n"],
        "most_runs_at_once": most["n"],
        "seconds": round(seconds),
        "problems": {"broken": judgement.broken(system), "ghosts": judgement.ghosts(system)},
    }


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--datasets", type=int, default=500)
    parser.add_argument("--days", type=int, default=10, help="the uploads came in on so many days")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--patience", type=float, default=4 * 3600.0, help="seconds to wait for the last run")
    parser.add_argument("--home", help="an empty folder to work in; a new one below /tmp when not given")
    return parser.parse_args()


if __name__ == "__main__":
    try:
        sys.exit(main())
    except (psycopg.Error, RuntimeError) as error:
        print(f"It could not be judged: {error}", file=sys.stderr)
        sys.exit(2)
