"""Runs that the ledger and Airflow do not see alike."""

from __future__ import annotations

from aerodag import ledger
from aerodag.ledger import housekeeping as book
from aerodag.pipeline.housekeeping.round import Counts, Round

GHOST = "run.ghost"
OUTLIVED = "run.outlived"
# An older difference was told, or does not matter any more.
LOOK_BACK_HOURS = 24.0
ENDS = {"success": "succeeded", "failed": "failed"}


def close_ghosts(sweep: Round) -> Counts:
    """Close runs that go on in the ledger only; a run that goes on in Airflow only is told."""
    return {"ghosts": _close(sweep), "outlived": _tell_outlived(sweep)}


def _close(sweep: Round) -> int:
    grace = sweep.ago(minutes=sweep.settings.housekeeping.grace_minutes)
    runs = {str(run.id): run for run in book.active_run_marks(sweep.ledger) if run.attempt_at <= grace}
    alive = sweep.airflow.active([run.dag_run_id for run in runs.values()]) if runs else set()
    seen = sweep.watch(GHOST, [key for key, run in runs.items() if run.dag_run_id not in alive])
    long_ago = sweep.ago(minutes=sweep.settings.housekeeping.ghost_minutes)
    return sum(_close_one(sweep, runs[key], ghost) for key, ghost in seen.items() if ghost.since <= long_ago)


def _close_one(sweep: Round, run: book.RunMark, ghost: book.Observation) -> bool:
    state = sweep.airflow.state(run.dag_run_id)
    if state is not None and state not in ENDS:
        return False
    minutes = (sweep.now - ghost.since).total_seconds() / 60
    airflow = "does not know it" if state is None else f"says {state}"
    with sweep.ledger.transaction():
        closed = ledger.close_run(
            sweep.ledger,
            dag_run_id=run.dag_run_id,
            state=_end(sweep, run, state),
            code=None if state == "success" else GHOST,
            category=None if state == "success" else "infrastructure",
            message=None if state == "success" else f"The run was {run.state} in the ledger, and Airflow {airflow}.",
            advice=None if state == "success" else "Start the dataset again; what is done already is not done twice.",
        )
        if closed is None:
            return False
        sweep.tell(
            "run.ghost_closed",
            f"Run {run.dag_run_id} was {run.state} in the ledger for {minutes:.0f} minutes although Airflow {airflow}; "
            f"it was closed as {closed.state}.",
            run_id=run.id,
            minutes=round(minutes, 1),
            airflow_state=state,
            was=run.state,
            closed_as=closed.state,
            code=closed.failure_code,
        )
    return True


def _end(sweep: Round, run: book.RunMark, state: str | None) -> str:
    end = ENDS.get(state or "", "failed")
    findings = ledger.list_findings(sweep.ledger, run_id=run.id)
    worst = {found.severity for found in findings} & {"degraded", "error"}
    return "degraded" if end == "succeeded" and worst else end


def _tell_outlived(sweep: Round) -> int:
    minutes = sweep.settings.housekeeping.ghost_minutes
    ended = book.ended_run_marks(sweep.ledger, since=sweep.ago(hours=LOOK_BACK_HOURS), until=sweep.ago(minutes=minutes))
    alive = sweep.airflow.active([run.dag_run_id for run in ended]) if ended else set()
    runs = {str(run.id): run for run in ended if run.dag_run_id in alive}
    for key in (told := sweep.untold(OUTLIVED, runs, minutes=minutes)):
        run = runs[key]
        sweep.tell(
            OUTLIVED,
            f"Run {run.dag_run_id} ended in the ledger ({run.state}, {run.finished_at:%Y-%m-%d %H:%M} UTC), and "
            "Airflow still runs it. It was left alone; mark it in the Airflow UI if nothing happens there.",
            run_id=run.id,
            state=run.state,
            finished_at=run.finished_at,
        )
    return len(told)
