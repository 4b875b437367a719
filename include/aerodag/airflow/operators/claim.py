"""The operator of the first task."""

from __future__ import annotations

from typing import TYPE_CHECKING

from airflow.sdk import BaseOperator
from airflow.sdk.exceptions import DownstreamTasksSkipped

from aerodag.airflow.connection import open_ledger

if TYPE_CHECKING:
    from airflow.sdk import Context


class ClaimOperator(BaseOperator):
    """Claims a dataset for this run; the ids are its XCom, for people and frontends to read.

    It also skips the steps that the run did not ask for: to start a task that only says so costs a second each.
    """

    def execute(self, context: Context) -> None:
        """Open the run that the params ask for.

        Raises:
            DownstreamTasksSkipped: Airflow's way to skip tasks; this one has succeeded.
        """
        from aerodag import ledger
        from aerodag.airflow.installation import installation
        from aerodag.pipeline.claim import Request, claim
        from aerodag.pipeline.steps import not_wanted

        with open_ledger() as conn:
            request = Request.of(context["params"])
            run = claim(conn, installation(), dag_run_id=str(context["dag_run"].run_id), request=request)
            reasons = not_wanted(run, ledger.get_dataset(conn, dataset_id=run.dataset_id))
            ledger.skip_steps(conn, run_id=run.id, reasons=reasons)
        self.log.info("Run %s works on dataset %s.", run.id, run.dataset_id)
        context["ti"].xcom_push("return_value", {"run_id": run.id, "dataset_id": run.dataset_id})
        if reasons:
            raise DownstreamTasksSkipped(tasks=list(reasons))
