"""Reports and verdicts as tables for a terminal."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from rich.table import Table
from rich.text import Text

from aerodag.ledger.processing.checks import CheckResult
from aerodag.ledger.reports import REPORTS, Report

_STYLES = {"pass": "green", "warn": "yellow", "fail": "red", "unknown": "dim"}


def report_table(report: Report) -> Table:
    """One report."""
    table = Table(title=REPORTS[report.name].question, title_justify="left")
    for index, column in enumerate(report.columns):
        figures = any(isinstance(row[index], int | float) for row in report.rows)
        table.add_column(column, justify="right" if figures else "left", overflow="fold")
    for row in report.rows:
        table.add_row(*(Text(_shown(value)) for value in row))
    return table


def checks_table(results: Sequence[CheckResult]) -> Table:
    """A run's verdicts."""
    table = Table("check", "value", "asked", "verdict", "why", title_justify="left")
    for result in results:
        table.add_row(
            Text(f"{result.topic}: {result.title}"),
            Text("" if result.value is None else f"{result.value:.3g} {result.unit}".strip()),
            Text(_asked(result)),
            Text(result.verdict, style=_STYLES[result.verdict]),
            Text(result.reason or (result.description if result.verdict in ("warn", "fail") else "")),
        )
    return table


def _asked(result: CheckResult) -> str:
    low = f"{result.threshold:g}"
    if result.comparison == "between":
        return f"{low} to {result.upper_threshold:g}"
    return f"{result.comparison.replace('_', ' ')} {low}"


def _shown(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d %H:%M}"
    return f"{value:,}" if isinstance(value, float) else str(value)
