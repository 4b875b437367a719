"""Runs that were asked for and never came."""

from __future__ import annotations

from aerodag.ledger import housekeeping as book
from aerodag.pipeline.housekeeping.round import Counts, Round


def tell_never_started(sweep: Round) -> Counts:
    """Ingest offers such a dataset again a few times, at growing intervals; then it is a person's turn."""
    before = sweep.ago(minutes=sweep.settings.housekeeping.ghost_minutes)
    found = {request.subject: request for request in book.never_started(sweep.ledger, before=before)}
    for key in (told := sweep.untold("dataset.not_started", found)):
        request = found[key]
        sweep.tell(
            "dataset.not_started",
            f"Airflow was asked {request.asked} times to process {request.name} and never began; it is asked no more. "
            f"Look for its run in the Airflow UI, then trigger process_dataset with dataset_id {request.dataset_id}.",
            dataset_id=request.dataset_id,
            asked=request.asked,
            asked_last=request.asked_at,
        )
    return {"never_started": len(told)}
