"""What an operator asks of all datasets at once; each report is one query of ``sql/queries``, which says how it counts.

A report looks back over so many days because its cost follows the runs in that window, not the age of the ledger.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Any

import psycopg

from aerodag.errors import ConfigError
from aerodag.ledger.database import json_value, query


@dataclass(frozen=True, slots=True)
class ReportKind:
    """A report: what it answers, and how many days it looks back where nobody says."""

    question: str
    days: int = 7


REPORTS: Mapping[str, ReportKind] = MappingProxyType({
    "queue": ReportKind("What runs and waits, and when will it be done?"),
    "stuck": ReportKind("Which active runs show no progress?"),
    "failures": ReportKind("What did runs fail of?"),
    "success_rate": ReportKind("How many runs went well, by day and by preset?", days=30),
    "stage_durations": ReportKind("How long do steps and stages of the engine take, by preset?"),
    "slowest_steps": ReportKind("Which steps took longest?"),
    "gpu_hours": ReportKind("How long were GPUs given to the engine, by day and preset?", days=30),
    "storage_by_class": ReportKind("What lies where, and how much of it is valid?"),
    "quality": ReportKind("How did runs fare in the data-quality checks?"),
})  # fmt: skip


@dataclass(frozen=True, slots=True)
class Report:
    """The answer: rows in the order of ``columns``, most important first."""

    name: str
    columns: tuple[str, ...]
    rows: tuple[tuple[Any, ...], ...]

    @property
    def records(self) -> list[dict[str, Any]]:
        """The rows by column name, as JSON can hold them; times in ISO 8601."""
        return [{name: json_value(value) for name, value in zip(self.columns, row, strict=True)} for row in self.rows]


def make_report(
    conn: psycopg.Connection,
    name: str,
    *,
    days: int | None = None,
    minutes: int = 60,
    places: int = 1,
    limit: int = 50,
) -> Report:
    """Answer one of `REPORTS`.

    Args:
        conn: The ledger.
        name: Which.
        days: How far to look back, where it looks back at all; the report's own window when None.
        minutes: For ``stuck``: since when there was no sign of progress.
        places: For ``queue``: how many engines work at once.
        limit: Most rows of a list; what is grouped is complete.

    Raises:
        ConfigError: ``report.unknown``.
    """
    kind = REPORTS.get(name)
    if kind is None:
        raise ConfigError(
            "report.unknown", f"There is no report {name!r}.", advice=f"The reports are {', '.join(REPORTS)}."
        )
    given = {"days": kind.days if days is None else days, "minutes": minutes, "places": places, "limit": limit}
    cursor = conn.execute(query(name), given)
    columns = tuple(column.name for column in cursor.description or ())
    return Report(name, columns, tuple(tuple(_number(value) for value in row) for row in cursor))


def _number(value: Any) -> Any:
    """Rounded figures come as decimals, which JSON does not have."""
    if not isinstance(value, Decimal):
        return value
    return int(value) if value == value.to_integral_value() and value.as_tuple().exponent == 0 else float(value)
