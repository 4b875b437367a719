"""What a check says."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from aerodag.errors import AerodagError


class Status(StrEnum):
    """How it is; only ``failed`` stops runs."""

    OK = "ok"
    SKIPPED = "skipped"
    WARNING = "warning"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``message`` says in a sentence how it is, ``advice`` which command or setting cures it."""

    status: Status
    message: str
    advice: str = ""
    numbers: dict[str, Any] = field(default_factory=dict)


def ok(message: str, **numbers: Any) -> Verdict:
    """Nothing to do."""
    return Verdict(Status.OK, message, numbers=numbers)


def warning(message: str, advice: str, **numbers: Any) -> Verdict:
    """Runs go, and worse than they could."""
    return Verdict(Status.WARNING, message, advice, numbers)


def failed(message: str, advice: str, **numbers: Any) -> Verdict:
    """Runs that need it fail."""
    return Verdict(Status.FAILED, message, advice, numbers)


def skipped(message: str, advice: str = "") -> Verdict:
    """Not looked at, and why."""
    return Verdict(Status.SKIPPED, message, advice)


def of_error(error: AerodagError) -> Verdict:
    """The failure that an error of the pipeline tells of."""
    return Verdict(Status.FAILED, error.message, error.advice, {"code": error.code, **error.numbers})


def together(verdicts: Iterable[Verdict]) -> Verdict:
    """Several verdicts on one thing as one: the worst status, and what each says."""
    every = list(verdicts)
    order = list(Status)
    return Verdict(
        max((verdict.status for verdict in every), key=order.index),
        " ".join(verdict.message for verdict in every),
        " ".join(dict.fromkeys(verdict.advice for verdict in every if verdict.advice)),
        {name: value for verdict in every for name, value in verdict.numbers.items()},
    )
