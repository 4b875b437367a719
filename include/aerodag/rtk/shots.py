"""The images as exposure marks count them: by folder and by the number at the end of the file name."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath

LOCAL_CLOCK = "exif_local"

# The number may be followed by the name of a lens or a band: _D, _V, _T, _W, _Z, _MS_G.
_NUMBERED = re.compile(r"(?<![0-9])([0-9]{1,6})(?:_([A-Za-z]+(?:_[A-Za-z]+)*))?$")
_STAMP = re.compile(r"(?<![0-9])[0-9]{14}(?![0-9])")


@dataclass(frozen=True, slots=True)
class Shot:
    """What one image says of itself: position in degrees WGS84, DJI's ``rtk_flag``, time; None is unknown.

    ``captured_at`` is aware; it is true UTC unless ``captured_source`` is ``exif_local``, where it is the camera's
    own clock in an unknown zone. ``position_source`` is ``xmp`` or ``exif``.
    """

    zip_path: str
    longitude: float | None = None
    latitude: float | None = None
    position_source: str | None = None
    rtk_flag: int | None = None
    captured_at: datetime | None = None
    captured_source: str | None = None


@dataclass(frozen=True, slots=True)
class NumberedShot:
    """A shot and its exposure number; images of one exposure differ in ``kind`` (band, lens, file type)."""

    shot: Shot
    index: int
    kind: str


@dataclass(frozen=True, slots=True)
class Series:
    """Images of one folder whose numbers were counted together, each (index, kind) once."""

    folder: str
    shots: tuple[NumberedShot, ...]

    @property
    def indexes(self) -> frozenset[int]:
        """The exposure numbers."""
        return frozenset(shot.index for shot in self.shots)


@dataclass(frozen=True, slots=True)
class _Name:
    folder: str
    prefix: str
    stamp: str
    index: int
    kind: str


def series_of(shots: Iterable[Shot]) -> list[Series]:
    """Sort the numbered shots into series; those without a number at the end of the name are in none.

    One folder may hold several: other prefixes (``100_0003_``, ``100_0004_``), or numbers that start again, which the
    time in names like ``DJI_20260803132556_0001_D.JPG`` puts in order.
    """
    groups: dict[tuple[str, str], list[tuple[_Name, Shot]]] = defaultdict(list)
    for shot in shots:
        name = _parse(shot.zip_path)
        if name is not None:
            groups[name.folder, name.prefix].append((name, shot))
    result = []
    for (folder, _), members in sorted(groups.items()):
        members.sort(key=lambda member: (member[0].stamp, member[0].index, member[0].kind, member[1].zip_path))
        result += [Series(folder, part) for part in _restarts(members)]
    return result


def folder_of(zip_path: str) -> str:
    """The folder part of a path inside the ZIP, empty at its root."""
    return zip_path.rpartition("/")[0]


def _parse(zip_path: str) -> _Name | None:
    path = PurePosixPath(zip_path)
    found = _NUMBERED.search(path.stem)
    if found is None:
        return None
    before = path.stem[: found.start()]
    stamp = _STAMP.search(before)
    return _Name(
        folder=folder_of(zip_path),
        prefix=_STAMP.sub("", before),
        stamp=stamp[0] if stamp else "",
        index=int(found[1]),
        kind=f"{found[2] or ''}{path.suffix}".upper(),
    )


def _restarts(members: list[tuple[_Name, Shot]]) -> Iterator[tuple[NumberedShot, ...]]:
    """Cut where the numbers start again, but only if some number occurs twice: a gap in time is no new count."""
    numbered = [NumberedShot(shot, name.index, name.kind) for name, shot in members]
    if len({(shot.index, shot.kind) for shot in numbered}) == len(numbered):
        yield tuple(numbered)
        return
    part: list[NumberedShot] = []
    seen: set[tuple[int, str]] = set()
    for shot in numbered:
        key = (shot.index, shot.kind)
        if part and (key in seen or shot.index < part[-1].index):
            yield tuple(part)
            part, seen = [], set()
        part.append(shot)
        seen.add(key)
    yield tuple(part)
