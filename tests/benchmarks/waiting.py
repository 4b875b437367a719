"""100 waiting ODM tasks: what the triggerer and the Docker engine pay, and that no worker is held.

Everything is real: Airflow, PostgreSQL, dockerd, 100 containers of ODM's double that each print a line a second after
a first burst, the project's `OdmOperator` and `EngineTrigger` at their default poll interval. Only the DAG is one of
the benchmark's own: it has the ``odm`` task alone and allows 100 active runs, where ``process_dataset`` allows 16 on
purpose. What comes before that task is done beforehand by the steps themselves, and costs a triggerer nothing.

The peer is a wait that is not deferred: one worker process each, measured while the same tasks start. Memory counts
shared pages by share (PSS). Most of what 100 tasks add comes with the first: libraries, and Airflow's own API in the
triggerer, which answers for connections. Exits with 1 when they add 200 MB or more to an idle triggerer, hold a
worker, or start more than one container each. A smaller number of tasks may be given as argument. Needs root, dockerd
and 6 GB of memory.
"""

from __future__ import annotations

import json
import logging
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil
import pytest
import structlog

sys.path.insert(0, str(Path(__file__).parents[1]))

from aerodag import ledger
from aerodag.containers.endpoint import connect
from aerodag.containers.lifecycle import inspect
from aerodag.containers.states import parse_time
from aerodag.simulate import Survey, simulate
from cases.engine import EngineFlow, small_survey
from servers.docker_engine import own_engine
from systems.odm_airflow import OdmSetUp, odm_set_up, wait_for

WAITING = int(sys.argv[1]) if len(sys.argv) > 1 else 100
SETTLE_SECONDS = 20
WATCH_SECONDS = 120
RESUMED = min(8, WAITING)
LIMIT_MB = 200
POLL_SECONDS = 5.0
DAG = "waiting"
DAG_FILE = f"""
from airflow.sdk import DAG
from aerodag.airflow.operators.odm import OdmOperator

with DAG("{DAG}", schedule=None, max_active_runs={WAITING}):
    OdmOperator(task_id="odm", pool="odm", retries=0)
"""
# The burst fills whatever a watch keeps of the output; then the double's steady lines come once a second.
SLOWLY = """
awk 'BEGIN { for (i = 1; i <= 600; i++) print "2026-05-01 10:00:00,000 DEBUG: Matching DJI_0001.JPG and DJI_" i }'
usleep() { sleep 1; }
"""


@dataclass(frozen=True, slots=True)
class Usage:
    """Memory in MB and CPU seconds so far of some processes, at a monotonic time."""

    at: float
    rss: float
    pss: float
    cpu: float

    @classmethod
    def of(cls, processes: list[psutil.Process]) -> Usage:
        rss = pss = cpu = 0.0
        for process in processes:
            with suppress(psutil.NoSuchProcess):
                memory, times = process.memory_full_info(), process.cpu_times()
                rss, pss = rss + memory.rss / 1e6, pss + memory.pss / 1e6
                # Short-lived children, as PostgreSQL has one for each connection.
                cpu += times.user + times.system + times.children_user + times.children_system
        return cls(time.monotonic(), rss, pss, cpu)

    def cores_until(self, later: Usage) -> float:
        return (later.cpu - self.cpu) / (later.at - self.at)


def processes_with(*words: str) -> list[psutil.Process]:
    """Processes whose command line has all the words."""
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = " ".join(process.info["cmdline"] or ())
        if all(word in line for word in words):
            found.append(process)
    return found


@contextmanager
def set_up() -> Iterator[OdmSetUp]:
    """The embedded set-up, with the benchmark's DAG beside its own."""
    with tempfile.TemporaryDirectory(prefix="waiting-") as folder, own_engine() as engine:
        home, dags = Path(folder) / "home", Path(folder) / "dags"
        home.mkdir()
        dags.mkdir()
        (dags / "waiting.py").write_text(DAG_FILE)
        bundle = "airflow.dag_processing.bundles.local.LocalDagBundle"
        bundles = [
            {"name": "dags-folder", "classpath": bundle, "kwargs": {}},
            {"name": "benchmark", "classpath": bundle, "kwargs": {"path": str(dags)}},
        ]
        survey = simulate(Survey(images=3, width=160, height=120), Path(folder) / "survey.zip")
        environment = {
            "AERODAG_ODM__POLL_SECONDS": str(POLL_SECONDS),
            "AIRFLOW__DAG_PROCESSOR__DAG_BUNDLE_CONFIG_LIST": json.dumps(bundles),
        }
        with odm_set_up(home, engine, survey, **environment) as running:
            wait_for("the DAG", lambda: running.client.has_dag(DAG))
            running.rest("PATCH", "dags/housekeeping", {"is_paused": True})
            running.rest("PATCH", "pools/odm", {"pool": "odm", "slots": WAITING, "include_deferred": True})
            yield running


def prepare(air: OdmSetUp, folder: Path) -> list[ledger.Run]:
    """Runs that are ready for their engine, each with a dataset of its own."""
    flow = EngineFlow(air.conn, "", air.engine.endpoint, air.storage.root)
    files = small_survey(folder)
    runs: list[ledger.Run] = []
    for number in range(WAITING):
        dataset = flow.upload(files | {"number.txt": str(number).encode()})
        run = flow.open(dataset, f"waiting-{number:03d}")
        if runs:
            ledger.set_plan(air.conn, run_id=run.id, engine="odm", plan=runs[0].plan, engine_digest=None)
        else:
            flow.plan()
        flow.double(outcome="steady", at="openmvs", lines=1_000_000)
        with (flow.project / ".double" / "scenario").open("a") as scenario:
            scenario.write(SLOWLY)
        runs.append(flow.run)
    return runs


def busy_workers(air: OdmSetUp) -> list[psutil.Process]:
    """Processes that run a task now."""
    found = []
    for process in air.service("scheduler"):
        with suppress(psutil.NoSuchProcess):
            title = " ".join(process.cmdline())
            if title.startswith("airflow worker") and "LocalExecutor" not in title:
                found.append(process)
    return found


def states(air: OdmSetUp, *wanted: str) -> int:
    """How many tasks are in one of these states."""
    query = "&".join(f"state={state}" for state in wanted)
    return int(air.rest("GET", f"dags/{DAG}/dagRuns/~/taskInstances?limit=1&{query}")["total_entries"])


def start(air: OdmSetUp, runs: list[ledger.Run]) -> float:
    """Trigger all, until all wait; MB that a worker has while it runs one of these tasks."""
    token = air.client._token()
    for run in runs:
        body = {"dag_run_id": run.dag_run_id, "logical_date": None, "conf": {}}
        air.client._call("POST", f"/api/v2/dags/{DAG}/dagRuns", token, body)
    workers: list[float] = []
    until = time.monotonic() + 30 + 20 * len(runs)
    while states(air, "deferred") < len(runs):
        assert time.monotonic() < until, "the tasks do not come to wait"
        assert not states(air, "failed"), "a task failed instead of waiting"
        for process in busy_workers(air):
            with suppress(psutil.NoSuchProcess):
                workers.append(process.memory_full_info().pss / 1e6)
        time.sleep(2)
    return statistics.median(workers)


def unwatched_seconds(air: OdmSetUp) -> float:
    """How long ago the last look at a job was, of the one that waits longest; infinite before the first look."""
    row = air.conn.execute(
        "select max(extract(epoch from now() - coalesce(watched_at, '-infinity'))) from aerodag.engine_job"
    ).fetchone()
    assert row is not None
    return float(row[0])


def lines_shown(air: OdmSetUp) -> int:
    """Lines of all containers that are in the task logs."""
    row = air.conn.execute("select sum(lines_shown) from aerodag.engine_job").fetchone()
    assert row is not None
    return int(row[0])


def slots_held(air: OdmSetUp) -> int:
    """Workers that are busy, by Airflow's own account or by their processes, whichever is more."""
    return max(states(air, "running", "queued"), len(busy_workers(air)))


def resumption(air: OdmSetUp, run: ledger.Run) -> float:
    """Seconds from the end of a container to the task that runs again."""
    client = connect(air.engine.endpoint)
    job = air.jobs(run)[-1].job
    client.kill(job)

    def again() -> bool:
        path = f"dags/{DAG}/dagRuns/{run.dag_run_id}/taskInstances/odm"
        return air.rest("GET", path)["state"] in {"running", "failed"}

    ended = wait_for("the end", lambda: parse_time((inspect(client, job) or {"State": {}})["State"].get("FinishedAt")))
    client.close()
    wait_for("resumption", again)
    return time.time() - ended.timestamp()


def parts(air: OdmSetUp) -> dict[str, Callable[[], list[psutil.Process]]]:
    """Whose CPU is measured."""
    folder = str(air.engine.folder)
    return {
        "triggerer": lambda: air.service("triggerer"),
        "dockerd": lambda: [*processes_with("dockerd", folder), *processes_with("containerd --config", folder)],
        "postgres": lambda: [
            member
            for process in processes_with("bin/postgres", str(air.home))
            for member in (process, *process.children(recursive=True))
        ],
        "scheduler": lambda: air.service("scheduler"),
    }


@dataclass(frozen=True, slots=True)
class Wait:
    """What was seen while all tasks waited: workers held, seconds between looks, lines a second, use of each part."""

    held: int
    unwatched: float
    lines: float
    before: dict[str, Usage]
    after: dict[str, Usage]


def observe(air: OdmSetUp) -> Wait:
    """Look on for a while."""
    before = {name: Usage.of(found()) for name, found in parts(air).items()}
    lines, held, unwatched = lines_shown(air), 0, 0.0
    until = time.monotonic() + WATCH_SECONDS
    while time.monotonic() < until:
        held, unwatched = max(held, slots_held(air)), max(unwatched, unwatched_seconds(air))
        time.sleep(POLL_SECONDS)
    after = {name: Usage.of(found()) for name, found in parts(air).items()}
    return Wait(held, unwatched, (lines_shown(air) - lines) / WATCH_SECONDS, before, after)


def main() -> int:
    """Measure and print."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING))
    with tempfile.TemporaryDirectory() as folder, set_up() as air:
        time.sleep(SETTLE_SECONDS)
        idle = Usage.of(air.service("triggerer"))
        runs = prepare(air, Path(folder))
        worker = start(air, runs)
        wait_for("all watches", lambda: unwatched_seconds(air) < 3 * POLL_SECONDS, 300)
        time.sleep(SETTLE_SECONDS)
        seen = observe(air)
        pool = air.rest("GET", "pools/odm")
        jobs = [job for run in runs for job in air.jobs(run)]
        resumed = [resumption(air, run) for run in runs[:RESUMED]]
    full = seen.after["triggerer"]
    added = full.pss - idle.pss
    print(f"{WAITING} waiting ODM tasks in {len(jobs)} containers, {seen.lines:.0f} lines/s, over {WATCH_SECONDS} s")
    print(f"  triggerer idle     {idle.pss:7.1f} MB PSS {idle.rss:7.1f} MB RSS")
    print(f"  triggerer waiting  {full.pss:7.1f} MB PSS {full.rss:7.1f} MB RSS")
    print(f"  added              {added:7.1f} MB PSS; {added / LIMIT_MB:.2f} of the limit of {LIMIT_MB} MB")
    print(f"  a worker for each  {worker * WAITING:7.1f} MB PSS; ratio {added / worker / WAITING:.3f}")
    print(f"  worker slots held  {seen.held}; pool odm: {pool['deferred_slots']} deferred, {pool['open_slots']} open")
    for name, usage in seen.before.items():
        print(f"  CPU of {name:<11} {usage.cores_until(seen.after[name]):7.2f} cores")
    print(f"  longest without a look {seen.unwatched:.1f} s, asked every {POLL_SECONDS:.0f} s")
    print(f"  end of a container to its task: median {statistics.median(resumed):.1f} s, most {max(resumed):.1f} s")
    return int(added >= LIMIT_MB or seen.held > 0 or len(jobs) != WAITING)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except pytest.skip.Exception as reason:
        print(f"not measured: {reason}")
