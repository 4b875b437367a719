"""The report for the command line, in any terminal's width."""

from __future__ import annotations

from collections import Counter
from typing import Final

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from aerodag.doctor.examination import Report
from aerodag.doctor.verdict import Status, Verdict
from aerodag.preflight import amounts

_STYLES: Final = {Status.OK: "green", Status.WARNING: "yellow", Status.FAILED: "bold red", Status.SKIPPED: "dim"}


def renderable(report: Report) -> RenderableType:
    """A row for every check, advice below the sentence that needs it, and the counts."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(no_wrap=True)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for name, verdict in report.items():
        style = _STYLES[verdict.status]
        table.add_row(Text(verdict.status, style=style), _text(name), _said(verdict))
    return Group(table, Padding(_counts(report), (1, 0, 0, 0)))


def _said(verdict: Verdict) -> RenderableType:
    message = _text(verdict.message, "dim" if verdict.status is Status.SKIPPED else "")
    return Group(message, _text(f"→ {verdict.advice}", "italic")) if verdict.advice else message


def _counts(report: Report) -> Text:
    counts = Counter(verdict.status for verdict in report.values())
    words = {status: str(status) for status in _STYLES} | {Status.WARNING: "with a warning"}
    return Text(", ".join(f"{counts[status]} {word}" for status, word in words.items() if counts[status]))


def _text(text: str, style: str = "") -> Text:
    return Text(amounts.printable(text), style=style, overflow="fold")
