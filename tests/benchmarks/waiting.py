"""100 waiting ODM tasks: what the triggerer and the Docker engine pay, and that no worker is held.

Everything is real: Airflow, PostgreSQL, dockerd, 100 containers of ODM's double that each print a line a second after
a first burst, the project's `OdmOperator` and `EngineTrigger` at their default poll interval. Only the DAG is one of
the benchmark's own: it has the ``odm`` task alone and allows 100 active runs, where ``process_dataset`` allows 16 on
purpose. What comes before that task is done beforehand by the steps themselves, and costs a triggerer nothing.

The peer is a wait that is not deferred: one worker process each, measured while the same tasks start. Memory counts
shared pages by share (PSS). Exits with 1 when 100 tasks add 200 MB or more to an idle triggerer, or hold a worker.
A smaller number of tasks may be given as argument. Needs root, dockerd and 6 GB of memory.
"""

from __future__ import annotations

import json
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

sys.path.insert(0, str(Path(__file__).parents[1]))

from aerodag import ledger
from aerodag.containers.endpoint import connect
from aerodag.containers.lifecycle import inspect
from aerodag.containers.states import parse_time
from aerodag.simulate import Survey, simulate
from docker_engine import own_engine
from engine_flow import EngineFlow, small_survey
from odm_airflow import OdmSetUp, odm_set_up, wait_for

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
    """Trigger all, until all wait; MB that a worker of one of these tasks has for itself."""
    for run in runs:
        air.client.trigger(DAG, run.dag_run_id, {})
    own: list[float] = []
    until = time.monotonic() + 30 + 20 * len(runs)
    while states(air, "deferred") < len(runs):
        assert time.monotonic() < until, "the tasks do not come to wait"
        assert not states(air, "failed"), "a task failed instead of waiting"
        for process in busy_workers(air):
            with suppress(psutil.NoSuchProcess):
                own.append(process.memory_full_info().pss / 1e6)
        time.sleep(1)
    return statistics.median(own)


def watched(air: OdmSetUp) -> int:
    """Jobs that a watch has looked at within the last moments."""
    since = 4 * POLL_SECONDS
    row = air.conn.execute(
        "select count(*) from aerodag.engine_job where watched_at > now() - make_interval(secs => %s)", [since]
    ).fetchone()
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


def main() -> int:
    """Measure and print."""
    with tempfile.TemporaryDirectory() as folder, set_up() as air:
        time.sleep(SETTLE_SECONDS)
        idle = Usage.of(air.service("triggerer"))
        runs = prepare(air, Path(folder))
        worker = start(air, runs)
        wait_for("all watches", lambda: watched(air) == WAITING)
        time.sleep(SETTLE_SECONDS)
        lines = ledger_lines(air)
        first = {name: Usage.of(found()) for name, found in parts(air).items()}
        held, until = 0, time.monotonic() + WATCH_SECONDS
        while time.monotonic() < until:
            held = max(held, slots_held(air))
            time.sleep(POLL_SECONDS)
        last = {name: Usage.of(found()) for name, found in parts(air).items()}
        lines = ledger_lines(air) - lines
        still = watched(air)
        pool = air.rest("GET", "pools/odm")
        seconds = [resumption(air, run) for run in runs[:RESUMED]]
    added = last["triggerer"].pss - idle.pss
    print(f"{WAITING} waiting ODM tasks over {WATCH_SECONDS} s, {lines / WATCH_SECONDS:.0f} lines/s, {still} watched")
    print(f"  triggerer idle     {idle.pss:7.1f} MB PSS {idle.rss:7.1f} MB RSS")
    print(f"  triggerer waiting  {last['triggerer'].pss:7.1f} MB PSS {last['triggerer'].rss:7.1f} MB RSS")
    print(f"  added              {added:7.1f} MB, limit {LIMIT_MB}; {added / LIMIT_MB:.2f} of it")
    print(
        f"  a worker each      {worker * WAITING:7.0f} MB ({worker:.0f} MB each); ratio {added / worker / WAITING:.4f}"
    )
    print(
        f"  worker slots held  {held}; slots of the pool: {pool['deferred_slots']} deferred, {pool['open_slots']} open"
    )
    for name in first:
        print(f"  CPU {name:<15}{first[name].cores_until(last[name]):7.2f} cores")
    print(f"  from a container's end to its task: median {statistics.median(seconds):.1f} s, most {max(seconds):.1f} s")
    return int(added >= LIMIT_MB or held > 0 or still < WAITING)


def ledger_lines(air: OdmSetUp) -> int:
    """Lines of all containers that are in the task logs."""
    row = air.conn.execute("select coalesce(sum(lines_shown), 0) from aerodag.engine_job").fetchone()
    assert row is not None
    return int(row[0])


if __name__ == "__main__":
    try:
        sys.exit(main())
    except pytest.skip.Exception as reason:
        print(f"not measured: {reason}")
