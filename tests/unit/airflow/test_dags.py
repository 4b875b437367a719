"""Invariants of the DAG files, read in a process of their own as Airflow's DAG processor does."""

import json
import os
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[3]
POOLS = {"default_pool", "heavy", "odm"}
TAGS = {"intake", "processing", "operations"}

READ_DAGS = """
import json, sys
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder="dags")
assert not bag.import_errors, bag.import_errors
def task(t):
    return {
        "downstream": sorted(t.downstream_task_ids), "pool": t.pool, "retries": t.retries, "owner": t.owner,
        "timeout": getattr(t.execution_timeout, "total_seconds", lambda: None)(),
        "policy": t.retry_policy is not None, "teardown": t.is_teardown, "rule": str(t.trigger_rule),
    }
print("RESULT" + json.dumps({
    "seconds": {stat.file: stat.duration.total_seconds() for stat in bag.dagbag_stats},
    "modules": sorted(set(sys.modules)),
    "dags": {
        d.dag_id: {"doc": d.doc_md, "tags": sorted(d.tags), "tasks": {t.task_id: task(t) for t in d.tasks}}
        for d in bag.dags.values()
    },
}))
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory):
    environment = dict(os.environ) | {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW_CONFIG": str(ROOT / "airflow.cfg"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    }
    done = subprocess.run(
        [sys.executable, "-c", READ_DAGS], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.split("RESULT", 1)[1])


def test_the_dags_are_these(parsed):
    assert set(parsed["dags"]) == {
        "housekeeping", "ingest_datasets", "notify", "process_dataset", "reprocess_datasets",
    }  # fmt: skip


def test_every_dag_is_documented_and_tagged(parsed):
    for dag_id, dag in parsed["dags"].items():
        assert "**On failure.**" in dag["doc"], dag_id
        assert dag["tags"], dag_id
        assert set(dag["tags"]) <= TAGS, dag_id


def test_every_task_has_an_owner_retries_a_policy_a_time_limit_and_a_known_pool(parsed):
    for dag_id, dag in parsed["dags"].items():
        for task_id, task in dag["tasks"].items():
            name = f"{dag_id}.{task_id}"
            assert task["owner"] == "aerodag", name
            assert task["retries"] >= 1, name
            assert task["policy"], name
            assert task["timeout"], name
            assert task["pool"] in POOLS, name


def test_tasks_and_edges_of_processing(parsed):
    tasks = parsed["dags"]["process_dataset"]["tasks"]
    assert {name: task["downstream"] for name, task in tasks.items()} == {
        "claim": ["cleanup", "stage"],
        "stage": ["cog", "indices", "metadata", "promote", "publish_ortho", "standardise", "thumbnail", "validate"],
        "validate": ["extract_metadata"],
        "extract_metadata": ["assess_images"],
        "assess_images": ["preflight"],
        "preflight": ["review"],
        "review": ["plan_engine"],
        "plan_engine": ["odm"],
        "odm": ["publish_ortho"],
        "publish_ortho": ["cog", "indices", "metadata", "promote", "standardise", "thumbnail"],
        "standardise": ["cog", "indices", "promote", "thumbnail"],
        "cog": ["indices", "promote", "thumbnail"],
        "thumbnail": ["promote"],
        "indices": ["promote"],
        "metadata": ["promote"],
        "promote": ["stac"],
        "stac": ["finish"],
        "finish": ["cleanup"],
        "cleanup": [],
    }
    assert [name for name, task in tasks.items() if task["teardown"]] == ["cleanup"]
    assert tasks["odm"]["pool"] == "odm"
    assert tasks["odm"]["timeout"] == 24 * 3600


def test_whatever_claim_skips_a_step_waits_for_all_before_it(parsed):
    edges = {name: task["downstream"] for name, task in parsed["dags"]["process_dataset"]["tasks"].items()}
    of_images = {"validate", "extract_metadata", "assess_images", "preflight", "review", "plan_engine", "odm"}
    choices = [of_images, *({name} for name in ("standardise", "cog", "thumbnail", "indices", "metadata"))]
    choices.append(of_images | {"publish_ortho"})
    for count in range(len(choices) + 1):
        for skipped in (set().union(*chosen) for chosen in combinations(choices, count)):
            for name in edges.keys() - skipped:
                waiting = reached(edges, name, lambda step, skipped=skipped: step not in skipped)
                assert reached(edges, name, lambda step: True) - skipped == waiting, (name, skipped)


def reached(edges, start, may_pass):
    """Everything behind a step, by ways over steps that may be passed."""
    found, left = set(), [start]
    while left:
        for step in edges[left.pop()]:
            if may_pass(step) and step not in found:
                found.add(step)
                left.append(step)
    return found


def test_tasks_and_edges_of_intake(parsed):
    tasks = parsed["dags"]["ingest_datasets"]["tasks"]
    assert {name: task["downstream"] for name, task in tasks.items()} == {
        "wait_for_upload": ["register"],
        "register": ["choose_runs"],
        "choose_runs": ["start_processing"],
        "start_processing": [],
    }


def test_every_task_of_processing_has_its_step(parsed):
    from aerodag.pipeline.steps import STEPS

    assert set(parsed["dags"]["process_dataset"]["tasks"]) - {"claim"} == set(STEPS)


def test_parsing_is_fast_and_loads_nothing_heavy(parsed):
    assert max(parsed["seconds"].values()) < 3.0  # a quarter of it where nothing else runs
    heavy = {"numpy", "scipy", "rasterio", "PIL", "cv2", "pycolmap", "shapely"}
    assert not heavy & set(parsed["modules"])


PRELOAD = """
import json, runpy, sys
sys.argv = ["airflow", sys.argv[1]]
from aerodag.airflow.preload import on_starting
on_starting(component=None)
before = set(sys.modules)
runpy.run_path("dags/process_dataset.py")
print("RESULT" + json.dumps([sorted(before), sorted(set(sys.modules) - before)]))
"""


@pytest.mark.parametrize(("service", "has_steps"), [("scheduler", True), ("dag-processor", False)])
def test_what_tasks_import_is_there_before_they_are_forked(tmp_path, service, has_steps):
    environment = dict(os.environ) | {"AIRFLOW_HOME": str(tmp_path)}
    command = [sys.executable, "-c", PRELOAD, service]
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    before, late = json.loads(done.stdout.split("RESULT")[1])
    # Services of Airflow have Airflow's own.
    assert [name for name in late if name.partition(".")[0] not in {"airflow", "croniter"}] == []
    assert ({"numpy", "rasterio", "aerodag.pipeline.products.rasters"} <= set(before)) is has_steps
    assert "pycolmap" not in before
