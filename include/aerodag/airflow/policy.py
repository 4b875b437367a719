"""Cluster policy: how urgent a run is decides which of its tasks Airflow starts first, its queue on what pod.

Airflow finds it by the entry point ``airflow.policy`` of this package. A priority weight strategy would not do: it is
asked before the run's parameters can be seen.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from airflow import settings
from airflow.policies import hookimpl

from aerodag.settings import get_settings

PROCESS_DAG_ID = "process_dataset"
NORMAL = 3
# Weights are 32-bit integers: five classes, and in each 110 years in steps of ten seconds.
_CLASS = 350_000_000
_STEP_SECONDS = 10
_BEGIN = datetime(2026, 1, 1, tzinfo=UTC)

# Airflow 3.3 asks the hook for every new task only where an airflow_local_settings module was found, and takes it for
# empty where it comes by an entry point.
settings.task_instance_mutation_hook.is_noop = False  # type: ignore[attr-defined]


def weight(priority: int, asked_at: datetime) -> int:
    """The weight of a run's tasks: by class, and within a class those of the run that was asked for first."""
    steps = int((asked_at - _BEGIN).total_seconds() // _STEP_SECONDS)
    return priority * _CLASS + _CLASS - 1 - min(max(steps, 0), _CLASS - 1)


@hookimpl
def task_instance_mutation_hook(task_instance: Any, dag_run: Any) -> None:
    """Give every task of a run its run's weight, and its pod what its queue needs; also when it is cleared."""
    if task_instance.dag_id != PROCESS_DAG_ID:
        return
    run = dag_run or task_instance.dag_run
    if run is not None:
        priority = (run.conf or {}).get("priority") or NORMAL
        task_instance.priority_weight = weight(priority, run.run_after)
    if pod := get_settings().pods.get(task_instance.queue):
        task_instance.executor_config = {"pod_override": _pod(pod)}


def _pod(spec: dict[str, Any]) -> Any:
    """Only KubernetesExecutor reads it, and only where it is there does anybody ask for one."""
    from airflow.providers.cncf.kubernetes.pod_generator import PodGenerator

    return PodGenerator.deserialize_model_dict({"spec": spec})
