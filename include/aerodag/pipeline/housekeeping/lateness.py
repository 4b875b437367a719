"""Runs that take longer than they should."""

from __future__ import annotations

from aerodag.ledger import housekeeping as book
from aerodag.pipeline.housekeeping.round import Counts, Round

# Predictions are of the engine's work alone.
OTHER_STEPS_S = 3600.0
# How much longer than any of the last ones of its kind a run may take.
MARGIN = 1.5
# Beyond what the engine may take.
DEFAULT_MARGIN_HOURS = 2.0


def tell_late(sweep: Round) -> Counts:
    """Tell once of each run that exceeds its expected time."""
    late = book.late_runs(
        sweep.ledger,
        now=sweep.now,
        other_steps_s=OTHER_STEPS_S,
        margin=MARGIN,
        default_s=(sweep.settings.odm.hours + DEFAULT_MARGIN_HOURS) * 3600,
    )
    for run in late:
        sweep.tell(
            "run.late",
            f"Run {run.dag_run_id} has been under way for {run.seconds / 3600:.1f} hours; {run.expected_s / 3600:.1f} "
            f"hours were expected ({run.basis}).",
            run_id=run.id,
            hours=round(run.seconds / 3600, 2),
            expected_hours=round(run.expected_s / 3600, 2),
            basis=run.basis,
        )
    return {"late": len(late)}
