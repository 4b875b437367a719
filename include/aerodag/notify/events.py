"""What people can be told of: the ends of runs, and kinds of the journal's events."""

from __future__ import annotations

import difflib
from collections.abc import Iterable
from typing import Final

from aerodag.errors import ConfigError

# Of an event of a dataset, the dataset's name stands before it.
TITLES: Final = {
    "run.succeeded": "finished",
    "run.degraded": "finished with shortcomings",
    "run.failed": "failed",
    "run.cancelled": "was cancelled",
    "run.late": "takes longer than expected",
    "run.refused": "a run was refused",
    "run.ghost_closed": "a run that had ended unseen was closed",
    "review.needed": "waits for your review",
    "review.answered": "the review was answered",
    "engine.remedied": "is tried again in another way",
    "dataset.quarantined": "cannot be processed",
    "quarantine.expired": "has been in quarantine for long",
    "artifact.missing": "a product is missing",
    "upload.known": "was uploaded again",
    "upload.refused": "an upload was refused",
    "disk.warning": "the disk is filling up",
    "disk.stopped": "the disk is full, no engine starts",
    "disk.resumed": "the disk has room again",
}
USUAL_EVENTS: Final = ("run.succeeded", "run.degraded", "run.failed", "run.late", "review.needed")
TEST_EVENT: Final = "notify.test"


def title(event: str) -> str:
    """A few words for the subject of a message."""
    return TITLES.get(event, event)


def checked_events(events: Iterable[str]) -> list[str]:
    """The events, each once.

    Raises:
        ConfigError: ``notify.event_unknown``, for one that never happens.
    """
    chosen = list(dict.fromkeys(events))
    for event in chosen:
        if event not in TITLES:
            near = difflib.get_close_matches(event, TITLES, 1)
            hint = f"Did you mean {near[0]}? " if near else ""
            raise ConfigError(
                "notify.event_unknown", f"There is no event {event}.", advice=f"{hint}Choose of: {', '.join(TITLES)}."
            )
    return chosen
