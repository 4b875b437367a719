"""Task body of the reprocessing DAG."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from airflow.sdk import get_current_context

from aerodag.airflow.connection import open_ledger

# The log has them all; this many are handed on for people to read in the UI.
SHOWN = 200


def request_runs() -> dict[str, Any]:
    """Request runs for the datasets of the interval, or only say for which."""
    import structlog

    from aerodag.airflow.installation import installation
    from aerodag.pipeline.reprocessing import Order, plan, reprocess

    context = get_current_context()
    params = context["params"]
    settings, order = installation(), Order.of(params)
    start, end = _interval(context, params)
    with open_ledger() as conn:
        if params["dry_run"]:
            decisions, requested = plan(conn, settings, order, uploaded_from=start, uploaded_to=end), 0
        else:
            run_id = str(context["dag_run"].run_id)
            outcome = reprocess(conn, settings, order, uploaded_from=start, uploaded_to=end, requested_by=run_id)
            decisions, requested = outcome.decisions, outcome.requested
    log = structlog.get_logger(__name__)
    for decision in decisions:
        log.info(
            "to be processed" if decision.process else "left alone",
            dataset=decision.candidate.dataset_id,
            name=decision.candidate.name,
            reason=decision.reason,
        )
    return {
        "uploaded_from": start.isoformat(),
        "uploaded_to": end.isoformat(),
        "datasets": len(decisions),
        "to_process": sum(decision.process for decision in decisions),
        "requested": requested,
        "left_alone": dict(Counter(decision.reason for decision in decisions if not decision.process)),
        "process": [d.candidate.dataset_id for d in decisions if d.process][:SHOWN],
    }


def _interval(context: Mapping[str, Any], params: Mapping[str, Any]) -> tuple[datetime, datetime]:
    """The days that were asked for, else those of the schedule or backfill."""
    from aerodag.errors import ConfigError

    given = (params["uploaded_from"], params["uploaded_to"])
    if all(given):
        start, end = (datetime.fromisoformat(str(moment)) for moment in given)
    elif any(given) or context.get("data_interval_start") is None:
        raise ConfigError(
            "reprocess.interval",
            "A run without an interval of its own needs uploaded_from and uploaded_to.",
            advice="Give both, or create a backfill over the days.",
        )
    else:
        start, end = context["data_interval_start"], context["data_interval_end"]
    if start.tzinfo is None or end.tzinfo is None or start >= end:
        raise ConfigError(
            "reprocess.interval",
            f"From {start} to {end} is no time span in a known time zone.",
            advice="Give two times like 2026-11-01T00:00:00Z, the earlier first.",
        )
    return start, end
