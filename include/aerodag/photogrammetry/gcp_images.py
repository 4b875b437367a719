"""The images that control points are seen in: by the uploader's names, then by the engine's."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from aerodag.findings import Finding, Severity
from aerodag.photogrammetry.gcp import ControlRow, GroundControl

_DEEPEST = 16  # folders looked at


@dataclass(frozen=True, slots=True)
class NamedImages:
    """Names in a control file and the ``zip_path`` each means; those of no image, and those of several."""

    paths: Mapping[str, str]
    absent: tuple[str, ...]
    ambiguous: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class EngineControl:
    """``gcp_list.txt`` for the engine, and how many rows it has, of how many points, and what is left out why."""

    text: str
    rows: int
    points: int
    absent_rows: int
    ambiguous_rows: int
    check_rows: int


def resolve(control: GroundControl, zip_paths: Iterable[str]) -> NamedImages:
    """Find the images by file name, whatever its case; same-named ones are told apart by the folders the file gives."""
    known = _by_tail(zip_paths)
    paths: dict[str, str] = {}
    absent: list[str] = []
    ambiguous: dict[str, tuple[str, ...]] = {}
    for name in dict.fromkeys(row.image for row in control.rows):
        found = _nearest(name, known)
        if len(found) == 1:
            paths[name] = found[0]
        elif found:
            ambiguous[name] = found
        else:
            absent.append(name)
    return NamedImages(paths, tuple(absent), ambiguous)


def rewrite(control: GroundControl, names: Mapping[str, str]) -> EngineControl:
    """The file with the engine's image names, ``names`` being ``{zip path: engine name}``.

    Rows of images that are not there or not clear are dropped; so are check points, which ODM would take for control.
    """
    found = resolve(control, names)
    kept = [row for row in control.rows if row.image in found.paths and not row.is_check]
    lines = [control.srs, *(_line(row, names[found.paths[row.image]]) for row in kept)]
    absent = set(found.absent)
    return EngineControl(
        text="\n".join(lines) + "\n",
        rows=len(kept),
        points=len({row.point for row in kept}),
        absent_rows=sum(row.image in absent for row in control.rows),
        ambiguous_rows=sum(row.image in found.ambiguous for row in control.rows),
        check_rows=sum(row.is_check and row.image in found.paths for row in control.rows),
    )


def choose(controls: Sequence[GroundControl], zip_paths: Iterable[str]) -> tuple[GroundControl | None, list[Finding]]:
    """Of several files the one with most observations in images of the upload; a finding says so."""
    paths = list(zip_paths)
    usable = [control for control in controls if control.rows]
    if not usable:
        return None, []
    counts = {control.name: _observations(control, paths) for control in usable}
    best = min(usable, key=lambda control: (-counts[control.name], control.name.count("/"), control.name))
    if len(usable) == 1:
        return best, []
    return best, [
        Finding(
            Severity.WARNING,
            "gcp.several",
            f"The upload holds {len(usable)} files of control points; {best.name} is used, because it has most "
            f"observations in these images ({counts[best.name]} of {len(best.rows)}).",
            "Upload one file with all control points.",
            numbers={"used": best.name, "observations": counts},
        )
    ]


def _observations(control: GroundControl, paths: Sequence[str]) -> int:
    found = resolve(control, paths).paths
    return sum(row.image in found for row in control.rows)


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part for part in re.split(r"[\\/]", path.casefold()) if part not in {"", "."})


def _by_tail(zip_paths: Iterable[str]) -> dict[tuple[str, ...], tuple[str, ...]]:
    """Paths by their last one, two, three ... parts."""
    tails: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for path in sorted(zip_paths):
        parts = _parts(path)[-_DEEPEST:]
        for start in range(len(parts)):
            tails[parts[start:]].append(path)
    return {tail: tuple(paths) for tail, paths in tails.items()}


def _nearest(name: str, known: Mapping[tuple[str, ...], tuple[str, ...]]) -> tuple[str, ...]:
    """Images of this file name that share most folders with it, from the last folder up."""
    wanted = _parts(name)[-_DEEPEST:]
    return next((known[wanted[start:]] for start in range(len(wanted)) if wanted[start:] in known), ())


def _line(row: ControlRow, engine_name: str) -> str:
    numbers = (repr(value) for value in (row.x, row.y, row.z, row.px, row.py))
    return "\t".join([*numbers, engine_name, *filter(None, (row.label, row.extras))])
