"""Files on storage that the ledger does not know."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from aerodag.ledger import housekeeping as book
from aerodag.ledger.housekeeping import UnknownFile
from aerodag.pipeline.housekeeping.round import Counts, Round

UNKNOWN = "storage.unknown"
EVERY_HOURS = 24.0
# Not the catalogue (stac): its files are made anew with every dataset.
CLASSES = ("raw_images", "archive", "cogs", "thumbnails", "metadata", "reports", "quarantine")
# The ledger reads all its products for one question, however many files it is about.
BATCH = 50_000
EXAMPLES = 10
REASON = "reason.json"


def tell_unknown(sweep: Round) -> Counts:
    """Look through one storage class whose turn it is; files without a record are told and kept."""
    folder = sweep.most_due(CLASSES, hours=EVERY_HOURS)
    return {"unknown": 0} if folder is None else _look_through(sweep, folder)


def _look_through(sweep: Round, folder: str) -> Counts:
    count = size = 0
    examples: list[str] = []
    for found in _unknown(sweep, folder):
        count, size = count + 1, size + found.bytes
        if len(examples) < EXAMPLES:
            examples.append(found.uri)
    sweep.done(folder)
    figures = {"files": count, "bytes": size}
    before = book.observations(sweep.ledger, kind=UNKNOWN).get(folder)
    if not count:
        book.observations_end(sweep.ledger, kind=UNKNOWN, subjects=[folder])
    elif before is None or before.details != figures:
        book.note(sweep.ledger, kind=UNKNOWN, subject=folder, now=sweep.now, details=figures)
        sweep.tell(
            UNKNOWN,
            f"{count} files in {folder} ({size / 1e6:.1f} MB) are on no record of the ledger, such as {examples[0]}. "
            "They are kept; remove them when nobody needs them.",
            folder=folder,
            examples=examples,
            **figures,
        )
    return {"unknown": count}


def _unknown(sweep: Round, folder: str) -> Iterator[UnknownFile]:
    start = len(sweep.storage.uri(sweep.storage.root / folder / "x")) - 1
    files = sweep.storage.files(folder)
    while batch := list(islice(files, BATCH)):
        owners = [_dataset_of(uri[start:]) for uri, _ in batch]
        for found in book.unknown_files(sweep.ledger, files=batch, datasets=owners):
            if not _goes_along(sweep, folder, found.uri):
                yield found


def _dataset_of(name: str) -> int | None:
    """Whose folder a file of this name in its class lies in."""
    owner, slash, _ = name.partition("/")
    return int(owner) if slash and owner.isdecimal() else None


def _goes_along(sweep: Round, folder: str, uri: str) -> bool:
    """Whether it is a second name of a product, or the reason beside an upload in quarantine."""
    path = sweep.storage.path(uri)
    if folder == "archive" and path.parent.name == folder:
        dataset_id = path.name.partition("_")[0]
        return dataset_id.isdecimal() and path == sweep.storage.current_orthophoto(int(dataset_id))
    return folder == "quarantine" and path.name == REASON
