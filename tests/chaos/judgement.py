"""The questions that are asked when all is quiet; each answer is the list of what is wrong."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from pathlib import Path
from urllib.parse import unquote, urlsplit

from rio_cogeo import cog_validate
from system import ChaosSystem
from uploads import Upload

# What a run of Airflow and the ledger's call the same.
RUN_STATES = {"success": {"succeeded", "degraded"}, "failed": {"failed", "cancelled"}}
STEP_STATES = {"success": "succeeded", "failed": "failed", "skipped": "skipped"}
COG_KINDS = {"cog", "archive_cog"}
ENGINE_STARTED = "starting the embedded engine"


def lost(system: ChaosSystem, uploads: list[Upload]) -> list[str]:
    """Contents that are not registered, or whose newest run did not end as the content deserves."""
    rows = system.ledger(
        """
        select distinct on (dataset.id) dataset.content_sha256, run.state::text, run.failure_code, run.message
        from aerodag.dataset left join aerodag.run on run.dataset_id = dataset.id order by dataset.id, run.id desc
        """
    )
    newest = {row["content_sha256"]: row for row in rows}
    problems = [f"{path.name} still lies in the incoming folder" for path in system.incoming.iterdir()]
    for upload in uploads:
        row = newest.get(upload.sha256)
        if row is None:
            problems.append(f"{upload.name} is not registered")
        elif upload.good and row["state"] not in {"succeeded", "degraded"}:
            problems.append(f"{upload.name}: {row['state']} [{row['failure_code']}] {row['message']}")
        elif not upload.good and not str(row["failure_code"]).startswith(("archive.", "imagery.")):
            problems.append(f"{upload.name} is bad and its run says {row['state']} [{row['failure_code']}]")
    return problems


def twice(system: ChaosSystem, uploads: list[Upload], overlaps: set[str]) -> list[str]:
    """Contents with two datasets or runs, and engines that were started more often than tries are on record."""
    rows = system.ledger(
        """
        select dataset.content_sha256, count(distinct dataset.id) as datasets, count(run.id) as runs
        from aerodag.dataset left join aerodag.run on run.dataset_id = dataset.id group by 1
        """
    )
    problems = [
        f"content {row['content_sha256'][:12]} has {row['datasets']} datasets and {row['runs']} runs"
        for row in rows
        if (row["datasets"], row["runs"]) != (1, 1)
    ]
    known = {upload.sha256 for upload in uploads}
    problems += [f"content {sha256[:12]} was never dropped" for sha256 in {r["content_sha256"] for r in rows} - known]
    problems += [f"two engines worked at once on {project}" for project in sorted(overlaps)]
    tries = system.ledger(
        """
        select run.dag_run_id, count(step.*) as tries from aerodag.run
        left join aerodag.step on step.run_id = run.id and step.name = 'odm' group by 1
        """
    )
    for row in tries:
        starts = [text.count(ENGINE_STARTED) for text in _logs(system, row["dag_run_id"], "odm")]
        if max(starts, default=0) > 1 or sum(starts) > row["tries"]:
            problems.append(f"{row['dag_run_id']}: engine starts by try {starts}, {row['tries']} tries on record")
    return problems


def ghosts(system: ChaosSystem) -> list[str]:
    """What is said to be under way while nothing works on it."""
    problems = [
        f"ledger: run {row['id']} ({row['dag_run_id']}) is {row['state']}"
        for row in system.ledger(
            "select id, dag_run_id, state::text from aerodag.run where state in ('queued', 'running')"
        )
    ]
    problems += [
        f"ledger: step {row['name']} try {row['try_number']} of run {row['run_id']} is {row['state']}"
        for row in system.ledger(
            """
            select step.run_id, step.name, step.try_number, step.state::text from aerodag.step
            where step.state in ('running', 'retrying') and not exists (
                select from aerodag.step as later
                where (later.run_id, later.name, later.map_index) = (step.run_id, step.name, step.map_index)
                    and later.try_number > step.try_number
            )
            """
        )
    ]
    problems += [
        f"Airflow: run {row['run_id']} is {row['state']}"
        for row in system.airflow(
            "select run_id, state from dag_run where dag_id = 'process_dataset' and state in ('queued', 'running')"
        )
    ]
    return problems + [
        f"Airflow: {row['dag_id']}.{row['task_id']} of {row['run_id']} is {row['state']} without a sign of life"
        for row in system.airflow(
            """
            select dag_id, task_id, run_id, state from task_instance
            where (state = 'running' and last_heartbeat_at < now() - interval '90 s')
                or (state in ('queued', 'scheduled') and updated_at < now() - interval '5 min')
            """
        )
    ]


def broken(system: ChaosSystem) -> list[str]:
    """Products that are not what their records say, and parts of files that were left."""
    problems = []
    for row in system.ledger("select id, kind, name, uri, bytes, sha256 from aerodag.artifact"):
        path = Path(unquote(urlsplit(row["uri"]).path))
        if not path.is_file():
            problems.append(f"artifact {row['id']} ({row['kind']}) is not at {path}")
        elif path.stat().st_size != row["bytes"]:
            problems.append(f"{path} has {path.stat().st_size} bytes, {row['bytes']} are on record")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != row["sha256"]:
            problems.append(f"{path} has another SHA-256 than its record")
        elif row["kind"] in COG_KINDS and not cog_validate(path, strict=True)[0]:
            problems.append(f"{path} is no valid COG")
    for row in system.ledger("select id, raw_uri, size_bytes, content_sha256 from aerodag.dataset"):
        path = Path(unquote(urlsplit(str(row["raw_uri"])).path))
        if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != row["content_sha256"]:
            problems.append(f"the upload of dataset {row['id']} is not whole at {path}")
    data = system.home / "data"
    parts = [path.relative_to(data) for path in data.rglob("*.part")]
    return problems + [f"{path} was left" for path in parts if path.parts[0] != "work"]


def disagreements(system: ChaosSystem) -> list[str]:
    """Runs and steps that Airflow and the ledger tell differently."""
    of_airflow = {
        row["run_id"]: row["state"]
        for row in system.airflow("select run_id, state from dag_run where dag_id = 'process_dataset'")
    }
    of_ledger = {
        row["dag_run_id"]: row["state"] for row in system.ledger("select dag_run_id, state::text from aerodag.run")
    }
    problems = []
    for run in sorted(of_airflow.keys() | of_ledger.keys()):
        said, recorded = of_airflow.get(run), of_ledger.get(run)
        if recorded not in RUN_STATES.get(str(said), set()):
            problems.append(f"run {run}: Airflow says {said}, the ledger {recorded}")
    return problems + _step_disagreements(system)


def _step_disagreements(system: ChaosSystem) -> list[str]:
    tasks = {
        (row["run_id"], row["task_id"]): row["state"]
        for row in system.airflow("select run_id, task_id, state from task_instance where dag_id = 'process_dataset'")
    }
    steps = {
        (row["dag_run_id"], row["name"]): row["state"]
        for row in system.ledger(
            """
            select distinct on (run.id, step.name) run.dag_run_id, step.name, step.state::text
            from aerodag.step join aerodag.run on run.id = step.run_id order by run.id, step.name, step.try_number desc
            """
        )
    }
    return [
        f"step {task} of {run}: Airflow says {state}, the ledger {steps.get((run, task))}"
        for (run, task), state in sorted(tasks.items())
        if state in STEP_STATES and steps.get((run, task)) != STEP_STATES[state]
    ]


def counts(system: ChaosSystem) -> dict[str, object]:
    """Figures for the report."""
    (ledger,) = system.ledger(
        """
        select
            (select count(*) from aerodag.dataset) as datasets,
            (select count(*) from aerodag.run) as runs,
            (select count(*) from aerodag.step) as tries,
            (select count(*) from aerodag.step where try_number > 1) as retries,
            (select count(*) from aerodag.artifact) as artifacts,
            (select count(*) from aerodag.event where kind = 'upload.known') as known_uploads
        """
    )
    states = Counter(row["state"] for row in system.ledger("select state::text from aerodag.run"))
    lost_tasks = system.ledger(
        "select count(*) as n from aerodag.step where failure_code in ('airflow.ended', 'step.lost')"
    )
    return {**ledger, "run_states": dict(states), "tasks_lost": lost_tasks[0]["n"]}


def _logs(system: ChaosSystem, run: str, task: str) -> list[str]:
    """The log of each try of a task."""
    folder = system.home / "airflow" / "logs" / "dag_id=process_dataset" / f"run_id={run}" / f"task_id={task}"
    found = sorted(folder.glob("attempt=*.log"), key=lambda path: int(re.findall(r"\d+", path.stem)[-1]))
    return [path.read_text("utf-8", errors="replace") for path in found]
