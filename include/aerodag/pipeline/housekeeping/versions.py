"""Old versions of products, where not all are to be kept."""

from __future__ import annotations

from itertools import groupby

from aerodag import ledger
from aerodag.ledger import housekeeping as book
from aerodag.ledger.housekeeping import OldVersion
from aerodag.pipeline.housekeeping.round import Counts, Round
from aerodag.pipeline.housekeeping.slices import next_slice, seen


def retire_versions(sweep: Round) -> Counts:
    """Remove the files of products beyond the versions to keep; their rows stay.

    Never what is valid, never an upload, and nothing of a dataset whose upload is not there to make it again.
    """
    keep = sweep.settings.housekeeping.keep_versions
    if keep is None:
        return {"versions": 0, "freed_bytes": 0}
    part = next_slice(sweep, "versions")
    old = book.old_versions(sweep.ledger, datasets=part.ids, keep=keep)
    freed = [
        _retire(sweep, dataset_id, list(versions), keep)
        for dataset_id, versions in groupby(old, key=lambda version: version.dataset_id)
        if _can_be_made_again(sweep, dataset_id)
    ]
    seen(sweep, part)
    return {"versions": len(freed), "freed_bytes": sum(freed)}


def _can_be_made_again(sweep: Round, dataset_id: int) -> bool:
    dataset = ledger.get_dataset(sweep.ledger, dataset_id=dataset_id)
    return dataset.raw_uri is not None and sweep.storage.size(dataset.raw_uri) == dataset.size_bytes


def _retire(sweep: Round, dataset_id: int, versions: list[OldVersion], keep: int) -> int:
    freed = 0
    for version in versions:
        # The file goes first: what is killed in between is done again.
        freed += sweep.storage.size(version.uri) or 0
        sweep.storage.remove(version.uri)
        book.artifacts_removed(sweep.ledger, artifacts=[version.id], now=sweep.now)
    runs = sorted({version.run_id for version in versions})
    sweep.tell(
        "versions.removed",
        f"{len(versions)} products of {len(runs)} earlier runs of dataset {dataset_id} were removed ({freed / 1e6:.1f} "
        f"MB): {keep} versions are kept beside the valid one.",
        dataset_id=dataset_id,
        products=len(versions),
        runs=runs,
        bytes=freed,
        keep=keep,
    )
    return freed
