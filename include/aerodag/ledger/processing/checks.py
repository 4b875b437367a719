"""Data-quality checks: what a run's data is measured by, against thresholds that are rows of the ledger."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

import psycopg

from aerodag.ledger.database import execute, fetch_all
from aerodag.ledger.processing.runs import unknown_run


@dataclass(frozen=True, slots=True, kw_only=True)
class CheckResult:
    """How a run fared in one check, with the thresholds that it was judged by.

    ``topic`` is images, gps, rtk, registration, geometry or products; ``comparison`` at_least, at_most, equal or
    between; ``verdict`` pass, warn, fail or unknown, which has no ``value`` but a ``reason``.
    """

    run_id: int
    name: str
    topic: str
    title: str
    value: float | None
    unit: str
    comparison: str
    threshold: float
    upper_threshold: float | None
    verdict: str
    reason: str | None
    description: str
    evaluated_at: datetime


def evaluate_checks(conn: psycopg.Connection, *, run_id: int) -> list[CheckResult]:
    """Judge a run by the checks that are enabled now and record the verdicts; judging again replaces them.

    What is measured of the images is that of the dataset's rows as they are now, so a run is best judged at its end.

    Raises:
        ConfigError: ``run.unknown``.
    """
    if not execute(conn, "evaluate_checks", run_id=run_id):
        raise unknown_run(run_id)
    return run_checks(conn, run_id=run_id)


def run_checks(conn: psycopg.Connection, *, run_id: int) -> list[CheckResult]:
    """The verdicts on a run by topic; none before it was judged."""
    return fetch_all(conn, "run_checks", CheckResult, run_id=run_id)
