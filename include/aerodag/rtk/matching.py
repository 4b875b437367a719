"""Which exposure mark belongs to which image: by folder and number, believed only where the positions agree."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from aerodag.findings import Finding
from aerodag.rtk import refusal
from aerodag.rtk.agreement import Agreement, Pair, Records, by_index, compare, distances
from aerodag.rtk.marks import MarkFile
from aerodag.rtk.mrk import MrkRecord
from aerodag.rtk.shots import Series, Shot, folder_of, series_of
from aerodag.settings import Checks

_MOST_FILES = 300  # no survey has so many flights; beyond, only files beside their images are tried
_CLEARLY_NEARER = 2.0  # times; two flights over the same waypoints differ by more


@dataclass(frozen=True, slots=True)
class Match:
    """The mark of one image, its file, and how far apart the two are; None where the image does not say.

    ``distance_m`` is between the two positions, ``seconds`` the camera's clock minus the mark.
    """

    record: MrkRecord
    mark_file: str
    distance_m: float | None
    seconds: float | None


@dataclass(frozen=True, slots=True)
class JoinedFile:
    """One mark file after the join.

    ``matched`` counts its records with at least one image, ``unmatched_records`` are the numbers of the others.
    ``copy_of`` names the file that says the same; ``refused`` is a file none of whose records is used.
    """

    name: str
    records: int
    matched: int
    unmatched_records: tuple[int, ...]
    median_m: float | None
    worst_m: float | None
    clock_s: float | None
    refused: bool
    copy_of: str | None = None


@dataclass(frozen=True, slots=True)
class Join:
    """Marks by ``zip_path``, the images without one, each file's account, and what a person should know."""

    matches: Mapping[str, Match]
    unmatched_images: tuple[str, ...]
    files: tuple[JoinedFile, ...]
    findings: tuple[Finding, ...]

    @property
    def unmatched_records(self) -> int:
        """Records of all files but copies that no image has."""
        return sum(len(file.unmatched_records) for file in self.files if file.copy_of is None)


@dataclass(frozen=True, slots=True)
class _Source:
    """Marks with the same content, and every folder they lie in."""

    file: MarkFile
    copies: tuple[MarkFile, ...]
    records: Records
    folders: frozenset[str]


@dataclass(frozen=True, slots=True)
class _Trial:
    """One series against one source."""

    series: Series
    source: _Source
    agreement: Agreement

    @property
    def name(self) -> str:
        return self.source.file.name

    @property
    def is_near(self) -> bool:
        return self.series.folder in self.source.folders

    @property
    def median_m(self) -> float:
        found = distances(self.agreement.accepted)
        return median(found) if found else float("inf")


def join(mark_files: Iterable[MarkFile], shots: Iterable[Shot], checks: Checks | None = None) -> Join:
    """Give every image its mark.

    A mark file of the images' own folder comes first, then the one elsewhere whose numbers and positions fit. The
    result does not depend on the order of files or shots. Findings: ``rtk.mrk_disagrees``, ``rtk.mrk_unverified``,
    ``rtk.mrk_ambiguous``, ``rtk.mrk_no_images``, ``rtk.mrk_strays``, ``rtk.images_without_mark``, ``rtk.clock``.
    """
    checks = checks or Checks()
    shots = sorted(shots, key=lambda shot: shot.zip_path)
    files = sorted((file for file in mark_files if file.records), key=lambda file: file.name)
    sources = _sources(files)
    chosen: list[_Trial] = []
    failed: list[_Trial] = []
    findings: list[Finding] = []
    for series in series_of(shots):
        trials = _trials(series, sources, checks)
        fits = [trial for trial in trials if trial.agreement.fits]
        best = _best(fits, checks)
        if best is not None:
            chosen.append(best)
        elif fits:
            findings.append(refusal.ambiguous(series, [trial.name for trial in fits]))
            failed += trials
        else:
            failed += trials
    used = _assign(chosen)
    findings += _explain(sources, chosen, failed, checks)
    matches = {
        pair.numbered.shot.zip_path: Match(pair.record, name, pair.distance_m, pair.seconds)
        for name, pairs in used.items()
        for pair in pairs
    }
    unmatched = tuple(shot.zip_path for shot in shots if shot.zip_path not in matches)
    if matches and unmatched:
        findings.append(refusal.images_without_mark(unmatched, len(shots)))
    accounts = tuple(account for source in sources for account in _accounts(source, used.get(source.file.name, [])))
    return Join(dict(sorted(matches.items())), unmatched, accounts, tuple(findings))


def _sources(files: Sequence[MarkFile]) -> list[_Source]:
    groups: dict[frozenset[MrkRecord], list[MarkFile]] = {}
    for file in files:
        groups.setdefault(frozenset(file.records), []).append(file)
    return [
        _Source(
            file=group[0],
            copies=tuple(group[1:]),
            records=by_index(group[0].records),
            folders=frozenset(folder_of(file.name) for file in group),
        )
        for group in groups.values()
    ]


def _trials(series: Series, sources: Sequence[_Source], checks: Checks) -> list[_Trial]:
    """Against the files of its own folder and, if none fits, against all others that know most of its numbers."""
    near = [source for source in sources if series.folder in source.folders]
    far = [
        source
        for source in (sources if len(sources) <= _MOST_FILES else ())
        if series.folder not in source.folders
        and 2 * len(series.indexes & source.records.keys()) >= len(series.indexes)
    ]
    trials: list[_Trial] = []
    for group in (near, far):
        trials += [_Trial(series, source, compare(series, source.records, checks)) for source in group]
        if any(trial.agreement.fits for trial in trials):
            break
    return [trial for trial in trials if trial.agreement.pairs]


def _best(fits: Sequence[_Trial], checks: Checks) -> _Trial | None:
    """The only one that fits, or that also fits in time, or that is clearly the nearest."""
    if len(fits) <= 1:
        return next(iter(fits), None)
    on_time = [trial for trial in fits if trial.agreement.clock.can_verify(checks.mark_time_s)]
    if len(on_time) == 1 and on_time[0].agreement.clock.is_utc:
        return on_time[0]
    first, second, *_ = sorted(fits, key=lambda trial: trial.median_m)
    return first if first.median_m * _CLEARLY_NEARER < second.median_m else None


def _assign(chosen: Sequence[_Trial]) -> dict[str, list[Pair]]:
    """Pairs by file name; of two images of one kind with the same mark, the one of the better series keeps it."""
    used: dict[str, list[Pair]] = {}
    taken: set[tuple[str, MrkRecord, str]] = set()
    for trial in sorted(chosen, key=lambda trial: (not trial.is_near, trial.median_m, trial.series.folder)):
        for pair in trial.agreement.accepted:
            key = (trial.name, pair.record, pair.numbered.kind)
            if key not in taken:
                taken.add(key)
                used.setdefault(trial.name, []).append(pair)
    return used


def _accounts(source: _Source, pairs: Sequence[Pair]) -> list[JoinedFile]:
    matched = {pair.record for pair in pairs}
    apart = distances(pairs)
    seconds = [pair.seconds for pair in pairs if pair.seconds is not None]
    return [
        JoinedFile(
            name=file.name,
            records=len(file.records),
            matched=len(matched),
            unmatched_records=tuple(record.index for record in file.records if record not in matched),
            median_m=median(apart) if apart else None,
            worst_m=max(apart, default=None),
            clock_s=median(seconds) if seconds else None,
            refused=not pairs,
            copy_of=None if file is source.file else source.file.name,
        )
        for file in (source.file, *source.copies)
    ]


def _explain(
    sources: Sequence[_Source], chosen: Sequence[_Trial], failed: Sequence[_Trial], checks: Checks
) -> list[Finding]:
    """Why files are refused for images of their own folder or at all, and which single joins are left out."""
    findings = []
    for trial in chosen:
        if trial.agreement.disagreeing:
            findings.append(refusal.strays(trial.name, trial.agreement))
        if off := refusal.clock(trial.name, trial.agreement, checks.mark_time_s):
            findings.append(off)
    for source in sources:
        tried = [trial for trial in failed if trial.source is source]
        mine = [trial for trial in tried if not trial.agreement.fits]
        near = [trial for trial in mine if trial.is_near]
        if near:
            findings += [refusal.refused(source.file.name, trial.series, trial.agreement, checks) for trial in near]
        elif mine == tried and not any(trial.source is source for trial in chosen):
            findings.append(_unused(source, mine, checks))
    return findings


def _unused(source: _Source, trials: Sequence[_Trial], checks: Checks) -> Finding:
    if not trials:
        return refusal.no_images(source.file)
    best = max(trials, key=lambda trial: (len(trial.agreement.pairs), -trial.median_m, trial.series.folder))
    return refusal.refused(source.file.name, best.series, best.agreement, checks)
