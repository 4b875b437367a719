"""Uploads that have been in quarantine for too long."""

from __future__ import annotations

from aerodag.ledger import housekeeping as book
from aerodag.pipeline.housekeeping.round import Counts, Round

# So many at a time: each asks the storage whether the file is still there.
BATCH = 50


def tell_expired(sweep: Round) -> Counts:
    """Tell once of each; a person decides what becomes of it."""
    days = sweep.settings.housekeeping.quarantine_days
    expired = book.expired_quarantine(sweep.ledger, before=sweep.ago(days=days))
    known = book.observations(sweep.ledger, kind="quarantine.expired")
    new = [entry for entry in expired if entry.subject not in known][:BATCH]
    wanted = {*known} & {entry.subject for entry in expired} | {entry.subject for entry in new}
    sizes = {entry.subject: sweep.storage.size(entry.uri) for entry in new if entry.uri is not None}
    told = set(sweep.untold("quarantine.expired", wanted))
    there = [(entry, sizes.get(entry.subject)) for entry in new if entry.subject in told]
    for entry, size in there:
        if size is not None:
            _tell(sweep, entry, size)
    return {"expired": len(there)}


def _tell(sweep: Round, entry: book.Quarantined, size: int) -> None:
    days = (sweep.now - entry.since).days
    sweep.tell(
        "quarantine.expired",
        f"{entry.name} has been in quarantine for {days} days ({size / 1e6:.1f} MB at {entry.uri}). It is kept; remove "
        "it, or archive its dataset, when nobody needs it.",
        dataset_id=entry.dataset_id,
        days=days,
        bytes=size,
        uri=entry.uri,
    )
