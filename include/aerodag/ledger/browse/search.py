"""What to look for, in the way that the queries of this room take it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

MOST_WORDS = 8
STATES = ("waiting", "queued", "running", "succeeded", "degraded", "failed", "cancelled", "quarantined")


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """What datasets have to be like; None is anything.

    ``words``: each has to occur in id, name, owner or project, in any case. ``state`` is one of `STATES`.
    """

    words: str | None = None
    state: str | None = None

    @property
    def params(self) -> dict[str, Any]:
        """The parameters ``words`` and ``state``."""
        words = (self.words or "").split()[:MOST_WORDS]
        return {"words": [_pattern(word) for word in words] or None, "state": self.state}


def _pattern(word: str) -> str:
    """A pattern of LIKE that finds a word anywhere, whatever letters it is made of."""
    escaped = word.replace("\x00", "").replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped.lower()}%"
