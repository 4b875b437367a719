"""The operator of every pipeline step."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import AirflowSkipException

from aerodag.airflow.connection import open_ledger

if TYPE_CHECKING:
    from airflow.sdk import Context


class StepOperator(BaseOperator):
    """Runs the step of the pipeline that has the name of the task.

    Which dataset and run it works for comes from the ledger, by the run id of Airflow, so any task can be cleared
    at any time. The step's metrics are its XCom and go to its row in the ledger.
    """

    def __init__(self, **kwargs: Any) -> None:
        kwargs.setdefault("trigger_rule", "none_failed")
        super().__init__(**kwargs)

    def execute(self, context: Context) -> dict[str, Any]:
        """Run the step, unless the run did not ask for it."""
        import structlog

        from aerodag import ledger
        from aerodag.pipeline.context import StepContext
        from aerodag.pipeline.steps import STEPS
        from aerodag.settings import get_settings

        spec, ti = STEPS[self.task_id], context["ti"]
        with open_ledger() as conn:
            step = StepContext.of(conn, get_settings(), str(context["dag_run"].run_id))
            if not spec.wanted(step.run):
                raise AirflowSkipException(f"The run did not ask for {spec.task_type}.")
            if spec.works_on_run:
                ledger.resume_run(conn, run_id=step.run.id)
            with structlog.contextvars.bound_contextvars(dataset=step.dataset.id, run=step.run.id, step=spec.name):
                metrics = spec.work(step)
            ledger.add_metrics(
                conn,
                run_id=step.run.id,
                name=spec.name,
                map_index=ti.map_index if ti.map_index is not None else -1,
                try_number=ti.try_number,
                metrics=metrics,
            )
        return metrics
