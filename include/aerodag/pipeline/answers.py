"""What a person may answer before the engine starts."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Option(StrEnum):
    """The three answers."""

    ACCEPT = "Accept"
    REJECT = "Reject images"
    ABORT = "Abort"


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer; ``images`` are paths or patterns as they were written, ``by`` is None for the default."""

    option: Option
    at: datetime
    by: str | None = None
    by_default: bool = False
    images: tuple[str, ...] = ()
    note: str | None = None

    @property
    def who(self) -> str:
        """Who answered, as the subject of a sentence."""
        return self.by or "Somebody unknown"
