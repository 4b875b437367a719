"""What every operator of a pipeline step does around the step itself."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import TYPE_CHECKING, Any

from airflow.sdk.exceptions import AirflowSkipException

from aerodag.airflow.connection import open_ledger

if TYPE_CHECKING:
    from airflow.sdk import Context

    from aerodag.pipeline.context import StepContext


@contextmanager
def step_of(context: Context, name: str) -> Iterator[StepContext]:
    """The step that a task runs, with the ledger open and every log line saying dataset, run and step.

    Raises:
        AirflowSkipException: when the run did not ask for the step.
    """
    import structlog

    from aerodag import ledger
    from aerodag.airflow.installation import installation
    from aerodag.pipeline.context import StepContext
    from aerodag.pipeline.scratch import tidy_now
    from aerodag.pipeline.steps import STEPS

    spec = STEPS[name]
    with open_ledger() as conn:
        step = StepContext.of(conn, installation(), str(context["dag_run"].run_id))
        if reason := spec.not_wanted(step.run, step.dataset):
            raise AirflowSkipException(reason)
        if spec.works_on_run:
            ledger.resume_run(conn, run_id=step.run.id)
        bound = structlog.contextvars.bound_contextvars(dataset=step.dataset.id, run=step.run.id, step=name)
        with bound, closing(step.storage):
            yield step
            tidy_now(conn, step.settings, step.storage)


def record_metrics(step: StepContext, context: Context, name: str, metrics: dict[str, Any]) -> None:
    """Put a step's figures into its row in the ledger."""
    from aerodag import ledger

    ti = context["ti"]
    ledger.add_metrics(
        step.ledger,
        run_id=step.run.id,
        name=name,
        map_index=ti.map_index if ti.map_index is not None else -1,
        try_number=ti.try_number,
        metrics=metrics,
    )
