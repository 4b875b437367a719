"""Files that the ledger knows, against what is on storage."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from aerodag.ledger import housekeeping as book
from aerodag.ledger.housekeeping import FileOnRecord
from aerodag.pipeline.housekeeping.round import Counts, Round
from aerodag.pipeline.housekeeping.slices import next_slice, seen

MISSING, CHANGED = "artifact.missing", "artifact.changed"
RAW_MISSING, RAW_CHANGED = "dataset.raw_missing", "dataset.raw_changed"
BACK = {
    MISSING: "artifact.back",
    CHANGED: "artifact.back",
    RAW_MISSING: "dataset.raw_back",
    RAW_CHANGED: "dataset.raw_back",
}
AWAY = "storage.away"
# So many files of one folder and none of them there: the folder is away, not its files.
AWAY_FROM = 10
# Of what is amiss, so many are looked at in each sweep; the others when it is their dataset's turn.
AGAIN = 500


@dataclass(frozen=True, slots=True)
class Checked:
    """A file on record, and its bytes on storage; None where there is none."""

    file: FileOnRecord
    size: int | None

    @property
    def amiss(self) -> str | None:
        """Kind of event, or None where the file is what the ledger says."""
        if self.size == self.file.bytes:
            return None
        if self.file.type == "dataset":
            return RAW_MISSING if self.size is None else RAW_CHANGED
        return MISSING if self.size is None else CHANGED


def check_files(sweep: Round) -> Counts:
    """Tell once of current products and uploads that are missing or of another size, and when they are back."""
    part = next_slice(sweep, "files")
    known = {kind: book.observations(sweep.ledger, kind=kind) for kind in BACK}
    again = {kind: list(found)[:AGAIN] for kind, found in known.items()}
    on_record = book.files_on_record(
        sweep.ledger,
        datasets=part.ids,
        artifacts=[int(subject) for kind in (MISSING, CHANGED) for subject in again[kind]],
        uploads=[int(subject) for kind in (RAW_MISSING, RAW_CHANGED) for subject in again[kind]],
    )
    checked = [Checked(file, sweep.storage.size(file.uri)) for file in on_record]
    away = _away(checked)
    _tell_away(sweep, away)
    here = [entry for entry in checked if _folder(entry.file) not in away]
    unseen = [entry.file for entry in checked if _folder(entry.file) in away]
    told = [_compare(sweep, kind, here, known[kind], {*again[kind]} - _subjects(unseen, kind)) for kind in BACK]
    seen(sweep, part)
    return {"files": len(checked), "amiss": sum(told), "folders_away": len(away)}


def _compare(
    sweep: Round, kind: str, here: Iterable[Checked], known: Mapping[str, book.Observation], again: set[str]
) -> int:
    """Reconcile what is known to be amiss with what was just looked at; ``again`` are those that were looked for."""
    looked_at = {str(entry.file.id): entry for entry in here if _is_of(entry.file, kind)}
    amiss = {subject: entry for subject, entry in looked_at.items() if entry.amiss == kind}
    still = {subject for subject in known if subject not in again and subject not in looked_at}
    told = sweep.untold(kind, amiss.keys() | still, minutes=sweep.settings.housekeeping.grace_minutes)
    for subject in told:
        _tell(sweep, kind, amiss[subject])
    for subject, before in known.items():
        entry = looked_at.get(subject)
        if before.told_at is not None and entry is not None and entry.amiss is None:
            _tell_back(sweep, kind, entry.file)
    return len(told)


def _is_of(file: FileOnRecord, kind: str) -> bool:
    return (file.type == "dataset") == (kind in {RAW_MISSING, RAW_CHANGED})


def _subjects(files: Iterable[FileOnRecord], kind: str) -> set[str]:
    return {str(file.id) for file in files if _is_of(file, kind)}


def _folder(file: FileOnRecord) -> str:
    """Where all files of its class lie."""
    return file.uri.partition(f"/{file.dataset_id}/")[0]


def _away(checked: Iterable[Checked]) -> set[str]:
    there: dict[str, list[bool]] = defaultdict(list)
    for entry in checked:
        there[_folder(entry.file)].append(entry.size is not None)
    return {folder for folder, found in there.items() if len(found) >= AWAY_FROM and not any(found)}


def _tell_away(sweep: Round, away: set[str]) -> None:
    for folder in sweep.untold(AWAY, away):
        sweep.tell(
            AWAY,
            f"None of the files that should lie in {folder} is there; its storage seems not to be mounted. They are "
            "not reported one by one.",
            folder=folder,
        )


def _name(file: FileOnRecord) -> str:
    what = " ".join(part for part in (file.kind, file.name) if part)
    return f"The {what} of dataset {file.dataset_id}"


def _tell(sweep: Round, kind: str, entry: Checked) -> None:
    file = entry.file
    found = "is not there" if entry.size is None else f"has {entry.size} bytes"
    remedy = "upload the same file again" if file.type == "dataset" else "clear the task that makes it"
    sweep.tell(
        kind,
        f"{_name(file)} {found}; the ledger says {file.bytes} bytes at {file.uri}. Bring it back from a backup, or "
        f"{remedy}.",
        dataset_id=file.dataset_id,
        run_id=file.run_id,
        uri=file.uri,
        bytes=file.bytes,
        found_bytes=entry.size,
    )


def _tell_back(sweep: Round, kind: str, file: FileOnRecord) -> None:
    sweep.tell(
        BACK[kind],
        f"{_name(file)} is there again, with {file.bytes} bytes.",
        dataset_id=file.dataset_id,
        run_id=file.run_id,
        uri=file.uri,
        bytes=file.bytes,
    )
