"""A part of the datasets at each sweep, so that all are seen in a day."""

from __future__ import annotations

import math
from dataclasses import dataclass

from aerodag.ledger import housekeeping as book
from aerodag.pipeline.housekeeping.round import Round

# One every five minutes, and some to spare.
SWEEPS_A_DAY = 250
LEAST = 50
POSITION = "position"


@dataclass(frozen=True, slots=True)
class Slice:
    """The datasets whose turn it is."""

    name: str
    ids: list[int]
    last: bool


def next_slice(sweep: Round, name: str) -> Slice:
    """The datasets after those that this concern has seen; from the beginning after the last."""
    noted = book.observations(sweep.ledger, kind=POSITION).get(name)
    after = int(noted.details["after"]) if noted else 0
    limit = max(LEAST, math.ceil(book.newest_dataset_id(sweep.ledger) / SWEEPS_A_DAY))
    ids = book.next_datasets(sweep.ledger, after=after, limit=limit)
    return Slice(name, ids, last=len(ids) < limit)


def seen(sweep: Round, part: Slice) -> None:
    """The next sweep goes on behind this part."""
    after = 0 if part.last else part.ids[-1]
    book.note(sweep.ledger, kind=POSITION, subject=part.name, now=sweep.now, details={"after": after})
