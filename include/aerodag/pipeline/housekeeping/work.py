"""Scratch folders that no run needs any more, and what broken writers left."""

from __future__ import annotations

from pathlib import Path

from aerodag.ledger import housekeeping as book
from aerodag.pipeline.housekeeping.round import Counts, Round
from aerodag.storage import remove_tree, tree_size

GOING = ".removing"
PARTIALS = "partials"
# Everything is walked for them.
PARTIALS_EVERY_HOURS = 12.0


def remove_stale(sweep: Round) -> Counts:
    """Remove scratch folders by the class of their run; one of an active run is never touched."""
    root = sweep.storage.work(0).parent
    folders = [path for path in root.iterdir() if path.is_dir()] if root.is_dir() else []
    known = {int(path.name): path for path in folders if path.name.isdecimal()}
    runs = book.run_marks(sweep.ledger, run_ids=known)
    removed = [_remove(sweep, path, runs.get(run_id)) for run_id, path in known.items()]
    removed += [_finish_removing(sweep, path) for path in folders if path.name.endswith(GOING)]
    freed = [size for size in removed if size is not None]
    return {"folders": len(freed), "freed_bytes": sum(freed)}


def remove_partials(sweep: Round) -> Counts:
    """Remove temporary files of writers and transfers that nobody goes on with."""
    if sweep.most_due([PARTIALS], hours=PARTIALS_EVERY_HOURS) is None:
        return {"partials": 0}
    hours = sweep.settings.housekeeping.partial_hours
    count = sweep.storage.remove_partials(sweep.ago(hours=hours).timestamp())
    sweep.done(PARTIALS)
    if count:
        sweep.tell(
            "storage.partials_removed",
            f"{count} temporary files of broken transfers were older than {hours:g} hours and were removed.",
            files=count,
            hours=hours,
        )
    return {"partials": count}


def _remove(sweep: Round, folder: Path, run: book.RunMark | None) -> int | None:
    if run is None:
        return _remove_unknown(sweep, folder)
    hours = _hours(sweep, run.state)
    if run.active or run.finished_at is None or run.finished_at > sweep.ago(hours=hours):
        return None
    # Under the lock nobody resumes the run; the name is changed in no time, what it names takes its time.
    with sweep.ledger.transaction():
        if not book.lock_ended_run(sweep.ledger, run_id=run.id):
            return None
        going = folder.replace(folder.with_name(f".{folder.name}{GOING}"))
    freed = _freed(going) + sweep.storage.forget(run.dataset_id, run.id)
    sweep.tell(
        "work.removed",
        f"The scratch folder of run {run.dag_run_id}, {run.state} more than {hours:g} hours ago, was removed: "
        f"{freed / 1e6:.1f} MB.",
        run_id=run.id,
        bytes=freed,
        hours=hours,
        state=run.state,
    )
    return freed


def _remove_unknown(sweep: Round, folder: Path) -> int | None:
    """A folder of which only its age is known."""
    hours = sweep.settings.housekeeping.work_hours
    if folder.stat().st_mtime > sweep.ago(hours=hours).timestamp():
        return None
    freed = _freed(folder)
    sweep.tell(
        "work.removed",
        f"The scratch folder {folder.name} belonged to no run of the ledger, was more than {hours:g} hours old, and "
        f"was removed: {freed / 1e6:.1f} MB.",
        bytes=freed,
        hours=hours,
        folder=folder.name,
    )
    return freed


def _finish_removing(sweep: Round, folder: Path) -> int:
    """A sweep that was killed left it half removed."""
    freed = _freed(folder)
    sweep.tell(
        "work.removed",
        f"What a broken off sweep left of the scratch folder {folder.name} was removed: {freed / 1e6:.1f} MB.",
        bytes=freed,
        folder=folder.name,
    )
    return freed


def _hours(sweep: Round, state: str) -> float:
    keep = sweep.settings.housekeeping
    return keep.failed_work_hours if state == "failed" else keep.work_hours


def _freed(folder: Path) -> int:
    before = remove_tree(folder)
    return before - tree_size(folder)
