"""Remarks on an upload or a result that stop nothing: what was found, how much it matters, what to do."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any


class Severity(StrEnum):
    """How much a finding matters; degraded and error make a run that finishes degraded."""

    INFO = "info"
    WARNING = "warning"
    DEGRADED = "degraded"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Finding:
    """One remark: machine code, sentence, advice, and the numbers behind it.

    ``code`` is dotted lower case, room or subject first (``image.blurred``); ``image`` is the path inside the ZIP, None
    where the finding is about the whole dataset.
    """

    severity: Severity
    code: str
    message: str
    advice: str = ""
    image: str | None = None
    numbers: dict[str, Any] = field(default_factory=dict)
