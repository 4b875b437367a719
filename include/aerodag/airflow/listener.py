"""Records every step of every run in the ledger, on every path that ends it.

Airflow calls these hooks in the task's process, in the scheduler when a task was lost, and in the API server when a
person marks a state. They describe what happened; a failing hook is logged by Airflow and never fails a task.
"""

from __future__ import annotations

import socket
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from airflow.listeners import hookimpl

from aerodag.airflow.defaults import PROCESS_DAG_ID

if TYPE_CHECKING:
    from aerodag.ledger import Failure


@hookimpl
def on_task_instance_running(previous_state: Any, task_instance: Any) -> None:
    """A try of a step began, or goes on after a deferral."""
    if task_instance.dag_id != PROCESS_DAG_ID:
        return
    from aerodag import ledger
    from aerodag.airflow.connection import open_ledger

    with open_ledger() as conn:
        ledger.step_started(conn, **_identity(task_instance))


@hookimpl
def on_task_instance_success(previous_state: Any, task_instance: Any) -> None:
    """A try of a step succeeded."""
    _finished(task_instance, "succeeded", None)


@hookimpl
def on_task_instance_skipped(previous_state: Any, task_instance: Any) -> None:
    """A step was not asked for."""
    _finished(task_instance, "skipped", None)


@hookimpl
def on_task_instance_failed(previous_state: Any, task_instance: Any, error: Any) -> None:
    """A try of a step failed; Airflow calls this for the last try and for those that are tried again."""
    # A worker's enumeration and the scheduler's are equal to the word; only the scheduler's prints it.
    state = "retrying" if task_instance.state == "up_for_retry" else "failed"
    _finished(task_instance, state, error)


@hookimpl
def on_dag_run_success(dag_run: Any, msg: str) -> None:
    """Airflow considers the run done."""
    _run_ended(dag_run, "succeeded")


@hookimpl
def on_dag_run_failed(dag_run: Any, msg: str) -> None:
    """Airflow considers the run failed, for whatever reason."""
    _run_ended(dag_run, "failed")


def failure_of(error: object) -> Failure:
    """What the ledger keeps of an exception, or of the text that is left of one in another process."""
    from aerodag.errors import AerodagError, Category
    from aerodag.ledger import Failure

    if isinstance(error, AerodagError):
        return Failure.of(error)
    if isinstance(error, BaseException):
        return Failure(
            f"unexpected.{type(error).__name__}",
            Category.INFRASTRUCTURE,
            str(error) or type(error).__name__,
            "See the task's log; report it if it happens again.",
        )
    if "manually set to" in str(error):
        return Failure(
            "run.stopped",
            Category.CANCELLED,
            "A person marked the task as failed.",
            "Clear the task to go on from there.",
        )
    return Failure(
        "airflow.ended",
        Category.INFRASTRUCTURE,
        str(error or "Airflow ended the task."),
        "Clear the task to try again.",
    )


def _finished(task_instance: Any, state: str, error: Any) -> None:
    if task_instance.dag_id != PROCESS_DAG_ID:
        return
    from aerodag import ledger
    from aerodag.airflow.connection import open_ledger
    from aerodag.errors import sentence

    failure = None if state in {"succeeded", "skipped"} else failure_of(error)
    identity = _identity(task_instance)
    with open_ledger() as conn:
        ledger.step_finished(conn, **identity, finished_at=_now(), state=state, failure=failure)
        if failure and state == "failed" and ledger.find_run(conn, dag_run_id=identity["dag_run_id"]) is None:
            ledger.add_event(
                conn,
                kind="run.refused",
                message=sentence(failure.code, failure.message, failure.advice),
                details={"dag_run_id": identity["dag_run_id"], "code": failure.code},
            )


def _run_ended(dag_run: Any, state: str) -> None:
    if dag_run.dag_id != PROCESS_DAG_ID:
        return
    from aerodag import ledger
    from aerodag.airflow.connection import open_ledger

    with open_ledger() as conn:
        ledger.close_run(
            conn,
            dag_run_id=dag_run.run_id,
            state=state,
            code=None if state == "succeeded" else "run.ended",
            message=None if state == "succeeded" else "Airflow ended the run before its last step.",
            advice=None if state == "succeeded" else "See the run in the Airflow UI; clear the tasks that did not end.",
        )
        note = ledger.run_note(conn, dag_run_id=dag_run.run_id)
    if note:
        dag_run.note = note


def _identity(task_instance: Any) -> dict[str, Any]:
    map_index = getattr(task_instance, "map_index", None)
    return {
        "dag_run_id": task_instance.run_id,
        "name": task_instance.task_id,
        "map_index": -1 if map_index is None else map_index,
        "try_number": task_instance.try_number,
        "host": getattr(task_instance, "hostname", None) or socket.gethostname(),
        "started_at": task_instance.start_date or _now(),
    }


def _now() -> datetime:
    return datetime.now(UTC)
