"""The operator of the first task."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from airflow.sdk import BaseOperator

from aerodag.airflow.connection import open_ledger

if TYPE_CHECKING:
    from airflow.sdk import Context


class ClaimOperator(BaseOperator):
    """Claims a dataset for this run; returns the ids as XCom for people and frontends to read."""

    def execute(self, context: Context) -> dict[str, Any]:
        """Open the run that the params ask for."""
        from aerodag.airflow.installation import installation
        from aerodag.pipeline.claim import Request, claim

        with open_ledger() as conn:
            request = Request.of(context["params"])
            run = claim(conn, installation(), dag_run_id=str(context["dag_run"].run_id), request=request)
        self.log.info("Run %s works on dataset %s.", run.id, run.dataset_id)
        return {"run_id": run.id, "dataset_id": run.dataset_id}
