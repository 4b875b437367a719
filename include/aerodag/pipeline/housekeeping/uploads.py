"""Uploads through the web that nobody finished."""

from __future__ import annotations

from aerodag.pipeline.housekeeping.round import Counts, Round
from aerodag.uploads import remove_leftovers


def remove_unfinished(sweep: Round) -> Counts:
    """Close uploads whose time is over and remove what was received of them; the uploader still has the file."""
    expired = remove_leftovers(sweep.ledger, sweep.storage, now=sweep.now)
    for upload in expired:
        days = (sweep.now - upload.created_at).days
        sweep.tell(
            "upload.expired",
            f"The upload of {upload.name} by {upload.owner} was not finished in {days} days; what was received of it "
            "was removed.",
            upload_id=str(upload.id),
            owner=upload.owner,
            bytes=upload.size_bytes,
            days=days,
        )
    return {"expired": len(expired)}
