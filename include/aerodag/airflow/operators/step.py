"""The operator of most pipeline steps."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from aerodag.airflow.operators.work import record_metrics, step_of

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
        from aerodag.pipeline.steps import STEPS

        with step_of(context, self.task_id) as step:
            metrics = STEPS[self.task_id].work(step)
            record_metrics(step, context, self.task_id, metrics)
        return metrics
