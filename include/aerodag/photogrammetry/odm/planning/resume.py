"""From where an interrupted run of OpenDroneMap may go on, and what has to be removed before.

ODM takes every file that it finds for complete. A stage that did not finish therefore loses its folder, and so do those
after it.
"""

from __future__ import annotations

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

from aerodag.errors import ConfigError
from aerodag.photogrammetry.odm.planning.options import OPTIONS
from aerodag.photogrammetry.odm.planning.plan import OdmPlan
from aerodag.photogrammetry.odm.stages import ORDER, PRODUCTS, STAGES

_FIRST = STAGES[0].name
_COSTLY = "opensfm"  # its folder cannot tell half of the features from all, so until it is done a run starts again
_UNUSED = {"split", "merge"}  # datasets are processed in one piece
_CHAIN = tuple(stage.name for stage in STAGES if stage.name not in _UNUSED)
_OPTIONAL = "openmvs"  # not in the chain of fast-orthophoto


@dataclass(frozen=True, slots=True)
class Passed:
    """One entry of the journal: a stage that began, and whether it finished."""

    stage: str
    finished: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Resume:
    """How to start: the stage for ``--rerun-from``, and what to remove first, relative to the project.

    ``fresh`` when nothing of before is used; then ``remove`` is all that the engine ever made. ``reason`` is a sentence
    for people.
    """

    rerun_from: str | None
    remove: tuple[str, ...]
    fresh: bool
    reason: str


def redoes(rerun_from: str | None, stage: str) -> bool:
    """Whether a start from ``rerun_from`` (None: from nothing) does the stage's work again.

    ODM's log names earlier stages too, which only load what is there: their lines are no entries of the journal.
    """
    return rerun_from is None or stage not in ORDER or ORDER[stage] >= ORDER[rerun_from]


def decide(
    journal: Sequence[Passed],
    *,
    same_inputs: bool,
    changed_from: str | None = None,
    failed_stage: str | None = None,
    failure: str | None = None,
) -> Resume:
    """How to go on after what ``journal`` tells, oldest entry first; later entries of a stage count.

    ``same_inputs`` means the same images and the same engine; ``changed_from`` is the first stage that the plan's
    changes concern (`changed_stage`). ``failed_stage`` is redone although it finished, as when its product was found to
    be unusable; ``failure`` is the code of the error that ended the last attempt.
    """
    if not journal:
        return _fresh("Nothing was done before.")
    if not same_inputs:
        return _fresh("The images or the engine are others than before.")
    stage = _earliest(_first_unfinished(journal), changed_from, failed_stage if failed_stage in ORDER else None)
    if stage is None:
        return _from(STAGES[-1].name, "All stages had finished; only the last is repeated.")
    if stage == _FIRST:
        return _fresh("Nothing of what was done before can be used.")
    why = f" after {failure}" if failure else ""
    if ORDER[stage] <= ORDER[_COSTLY]:
        return Resume(
            rerun_from=_FIRST,
            remove=_written_from(_COSTLY),
            fresh=False,
            reason=f"From the beginning{why}: {_COSTLY} is not usable, and what it left is removed.",
        )
    return _from(stage, f"From {stage}{why}; what earlier stages made is kept.")


def asked(stage: str, journal: Sequence[Passed], *, same_inputs: bool) -> Resume:
    """How to start from the stage that a person names.

    Raises:
        ConfigError: ``odm.resume_impossible`` when an earlier stage has not finished, or with other inputs.
    """
    if stage not in ORDER:
        near = difflib.get_close_matches(stage, ORDER, n=1)
        raise _impossible(stage, f"There is no stage {stage!r}.", near or [known.name for known in STAGES])
    if stage == _FIRST:
        return _fresh("Started from the beginning as asked.")
    if not same_inputs:
        raise _impossible(stage, "The images or the engine are others than before.", [_FIRST])
    missing = [earlier for earlier in _unfinished(journal) if ORDER[earlier] < ORDER[stage]]
    if missing:
        raise _impossible(stage, f"Not finished: {', '.join(missing)}.", [missing[0]])
    if stage in _UNUSED:
        stage = _COSTLY
    return _from(stage, f"From {stage} as asked.")


def changed_stage(before: OdmPlan, after: OdmPlan) -> str | None:
    """The first stage whose results differ between the plans; None where none does. Threads and GPU change nothing."""
    if (before.sanitise_images, before.positions.telling, before.positions.lines, before.positions.accuracy_m) != (
        after.sanitise_images, after.positions.telling, after.positions.lines, after.positions.accuracy_m,
    ):  # fmt: skip
        return _FIRST
    stages = [
        OPTIONS[name].stage
        for name in before.options.keys() | after.options.keys()
        if before.options.get(name) != after.options.get(name)
    ]
    if before.boundary != after.boundary:
        stages.append("odm_filterpoints")
    return _earliest(*stages)


def _earliest(*stages: str | None) -> str | None:
    return min((stage for stage in stages if stage is not None), key=ORDER.__getitem__, default=None)


def _first_unfinished(journal: Sequence[Passed]) -> str | None:
    return next(iter(_unfinished(journal)), None)


def _unfinished(journal: Sequence[Passed]) -> list[str]:
    """Stages whose last entry is not a finished one; the optional stage only if nothing came after it."""
    finished = {entry.stage: entry.finished for entry in journal if entry.stage in ORDER}
    furthest = max((ORDER[stage] for stage in finished), default=-1)
    missing = [stage for stage in _CHAIN if not finished.get(stage)]
    if _OPTIONAL not in finished and furthest > ORDER[_OPTIONAL]:
        missing.remove(_OPTIONAL)
    return missing


def _from(stage: str, reason: str) -> Resume:
    return Resume(rerun_from=stage, remove=_written_from(stage), fresh=False, reason=reason)


def _fresh(reason: str) -> Resume:
    return Resume(rerun_from=None, remove=PRODUCTS, fresh=True, reason=reason)


def _written_from(first: str) -> tuple[str, ...]:
    folders = [folder for stage in STAGES[ORDER[first] :] for folder in stage.writes]
    inside = {folder for folder in folders if folder.partition("/")[0] in folders and "/" in folder}
    return tuple(folder for folder in folders if folder not in inside)


def _impossible(stage: str, why: str, instead: Sequence[str]) -> ConfigError:
    return ConfigError(
        "odm.resume_impossible",
        f"The engine cannot resume from {stage}. {why}",
        advice=f"Resume from {' or '.join(instead)}, or leave resume_from out.",
        numbers={"stage": stage, "instead": list(instead)},
    )
