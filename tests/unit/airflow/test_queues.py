"""Which task goes to workers of which queue, and what its pod gets."""

import json
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from aerodag.airflow import policy
from aerodag.settings import Settings

ROOT = Path(__file__).parents[3]
READ_QUEUES = """
import json
from airflow.dag_processing.dagbag import DagBag
bag = DagBag(dag_folder="dags")
assert not bag.import_errors, bag.import_errors
print("RESULT" + json.dumps({d.dag_id: {t.task_id: [t.queue, t.pool] for t in d.tasks} for d in bag.dags.values()}))
"""


@pytest.fixture(scope="module")
def queues(tmp_path_factory):
    environment = os.environ | {
        "AIRFLOW_HOME": str(tmp_path_factory.mktemp("airflow")),
        "AIRFLOW_CONFIG": str(ROOT / "airflow.cfg"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
    }
    done = subprocess.run(
        [sys.executable, "-c", READ_QUEUES], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.split("RESULT", 1)[1])


def test_work_on_pixels_goes_to_heavy_and_what_sees_the_engine_s_host_to_odm(queues):
    tasks = queues["process_dataset"]
    assert {name for name, (queue, _) in tasks.items() if queue == "heavy"} == {
        "assess_images", "standardise", "cog", "indices",
    }  # fmt: skip
    assert {name for name, (queue, _) in tasks.items() if queue == "odm"} == {"preflight", "plan_engine", "odm"}
    assert {name for name, (_, pool) in tasks.items() if pool == "heavy"} == {
        name for name, (queue, _) in tasks.items() if queue == "heavy"
    }


def test_everything_else_goes_to_default(queues):
    assert {queue for tasks in queues.values() for queue, _ in tasks.values()} == {"default", "heavy", "odm"}
    others = [tasks for dag, tasks in queues.items() if dag != "process_dataset"]
    assert {queue for tasks in others for queue, _ in tasks.values()} == {"default"}


def test_a_queue_may_ask_for_another_pod(monkeypatch):
    pytest.importorskip("airflow.providers.cncf.kubernetes.pod_generator", reason="the provider is not installed")
    pods = {"heavy": {"containers": [{"name": "base", "resources": {"limits": {"memory": "8Gi"}}}]}}
    monkeypatch.setattr(policy, "get_settings", lambda: Settings(pods=pods))
    run = SimpleNamespace(conf={}, run_after=policy._BEGIN)
    heavy, light = (
        SimpleNamespace(dag_id="process_dataset", queue=queue, executor_config={}) for queue in ("heavy", "default")
    )
    for task in (heavy, light):
        policy.task_instance_mutation_hook(task, run)
    assert heavy.executor_config["pod_override"].spec.containers[0].resources.limits == {"memory": "8Gi"}
    assert light.executor_config == {}
    assert heavy.priority_weight == light.priority_weight > 0
