"""Whether images and the exposure marks of the same numbers were taken at the same places and times."""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from aerodag.rtk.clock import Clock, seconds_apart
from aerodag.rtk.mrk import MrkRecord
from aerodag.rtk.position import Solution, solution
from aerodag.rtk.shots import LOCAL_CLOCK, NumberedShot, Series, Shot
from aerodag.settings import Checks

_METRES_PER_DEGREE = math.pi / 180 * 6_371_008.8  # mean Earth radius; good to 0.4 % of a distance
_SHIFT_PAIRS = 5  # fewer cannot tell a common shift from a wrong join
_NEIGHBOURS = (-2, -1, 1, 2)
_MOST_ALIKE = 16  # marks of one number; with more it is no number
_RTK = {Solution.FIXED, Solution.FLOAT}

Records = dict[int, list[MrkRecord]]
Offset = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Pair:
    """One image and the mark of its number: metres between the two positions, seconds of camera clock minus mark.

    None is unknown; ``agrees`` is None where nothing could be compared.
    """

    numbered: NumberedShot
    record: MrkRecord
    distance_m: float | None
    seconds: float | None
    agrees: bool | None


@dataclass(frozen=True, slots=True)
class Agreement:
    """A series of images against one file of marks.

    ``shift_m`` is the common shift that plain GPS positions were allowed, ``limit`` the share that may disagree.
    """

    pairs: tuple[Pair, ...]
    limit: float
    shift_m: float
    clock: Clock

    @property
    def checked(self) -> int:
        """Pairs that could be compared."""
        return sum(pair.agrees is not None for pair in self.pairs)

    @property
    def disagreeing(self) -> tuple[Pair, ...]:
        """Pairs that were compared and differ."""
        return tuple(pair for pair in self.pairs if pair.agrees is False)

    @property
    def fits(self) -> bool:
        """Whether something was compared and at most the allowed share differs."""
        return self.checked > 0 and len(self.disagreeing) <= self.limit * self.checked

    @property
    def accepted(self) -> tuple[Pair, ...]:
        """The joins to keep: what agrees and, where most was compared, what could not be compared."""
        if not self.fits:
            return ()
        trusted = 2 * self.checked >= len(self.pairs)
        return tuple(pair for pair in self.pairs if pair.agrees or (pair.agrees is None and trusted))


def distances(pairs: Iterable[Pair]) -> list[float]:
    """Metres of the pairs whose two positions are known."""
    return [pair.distance_m for pair in pairs if pair.distance_m is not None]


def by_index(records: Iterable[MrkRecord]) -> Records:
    """Records by their number; a file can hold a number several times, as when files of flights were put together."""
    result: Records = defaultdict(list)
    for record in records:
        result[record.index].append(record)
    return {index: alike for index, alike in result.items() if len(alike) <= _MOST_ALIKE}


def compare(series: Series, records: Records, checks: Checks) -> Agreement:
    """Join by number and compare.

    Positions decide: within ``mark_distance_m`` where image and mark are both RTK positions, within
    ``mark_distance_gps_m`` otherwise, after a common shift of at most ``mark_shift_m``. Images without a
    position are compared by time; if none of a series has one, its clock alone has to follow the marks.
    """
    joins = [
        _Join(numbered, record, _offset(numbered.shot, record), seconds_apart(numbered.shot, record))
        for numbered in series.shots
        if (record := _choose(numbered.shot, records.get(numbered.index, ()))) is not None
    ]
    plain = [join for join in joins if join.offset is not None and not join.is_rtk]
    judge = _Judge(
        checks,
        clock=Clock.of([(join.numbered.shot, join.record, join.seconds) for join in joins]),
        shift=_common_shift([join.offset for join in plain if join.offset is not None], checks),
        misnumbered=_is_misnumbered(plain, records, checks),
        located=any(join.offset is not None for join in joins),
    )
    return Agreement(
        tuple(judge.pair(join) for join in joins), checks.mark_disagreeing, math.hypot(*judge.shift), judge.clock
    )


@dataclass(frozen=True, slots=True)
class _Join:
    """One image and the mark of its number; ``offset`` is east and north of the mark, metres."""

    numbered: NumberedShot
    record: MrkRecord
    offset: Offset | None
    seconds: float | None

    @property
    def is_rtk(self) -> bool:
        """Whether both positions are good to a few decimetres; EXIF alone may be rounded."""
        shot = self.numbered.shot
        return shot.position_source == "xmp" and {solution(shot.rtk_flag), solution(self.record.quality)} <= _RTK


@dataclass(frozen=True, slots=True)
class _Judge:
    """What a series has in common, by which each of its pairs is judged."""

    checks: Checks
    clock: Clock
    shift: Offset
    misnumbered: bool
    located: bool

    def pair(self, join: _Join) -> Pair:
        return Pair(
            join.numbered,
            join.record,
            distance_m=None if join.offset is None else math.hypot(*join.offset),
            seconds=join.seconds,
            agrees=self._by_time(join) if join.offset is None else self._by_place(join, join.offset),
        )

    def _by_place(self, join: _Join, offset: Offset) -> bool:
        if join.is_rtk:
            return math.hypot(*offset) <= self.checks.mark_distance_m
        return not self.misnumbered and math.dist(offset, self.shift) <= self.checks.mark_distance_gps_m

    def _by_time(self, join: _Join) -> bool | None:
        deviation = self.clock.deviation(join.numbered.shot, join.seconds)
        if deviation is None:
            return None
        if deviation > self.checks.mark_time_s:
            return False
        return True if not self.located and self.clock.can_verify(self.checks.mark_time_s) else None


def _choose(shot: Shot, candidates: Sequence[MrkRecord]) -> MrkRecord | None:
    """The mark of this number; of several the nearest in place, else in time, else none."""
    if len(candidates) <= 1:
        return next(iter(candidates), None)
    placed = [(math.hypot(*offset), record) for record in candidates if (offset := _offset(shot, record)) is not None]
    if placed:
        return min(placed, key=lambda item: item[0])[1]
    if shot.captured_source == LOCAL_CLOCK:
        return None
    timed = [(abs(apart), record) for record in candidates if (apart := seconds_apart(shot, record)) is not None]
    return min(timed, key=lambda item: item[0])[1] if timed else None


def _offset(shot: Shot, record: MrkRecord) -> Offset | None:
    """East and north of the image's own position from the mark, metres."""
    longitude, latitude = shot.longitude, shot.latitude
    if longitude is None or latitude is None or not record.has_position:
        return None
    if not (math.isfinite(longitude) and math.isfinite(latitude)):
        return None
    turn = (longitude - record.longitude + 180) % 360 - 180
    parallel = math.cos(math.radians((latitude + record.latitude) / 2))
    return turn * parallel * _METRES_PER_DEGREE, (latitude - record.latitude) * _METRES_PER_DEGREE


def _common_shift(offsets: Sequence[Offset], checks: Checks) -> Offset:
    """Median offset of plain GPS positions, such as another datum makes; zero where it is no plausible one."""
    if len(offsets) < _SHIFT_PAIRS:
        return 0.0, 0.0
    shift = median(east for east, _ in offsets), median(north for _, north in offsets)
    return shift if math.hypot(*shift) <= checks.mark_shift_m else (0.0, 0.0)


def _is_misnumbered(plain: Sequence[_Join], records: Records, checks: Checks) -> bool:
    """Whether marks one or two numbers away lie much nearer, so that a shift would hide a wrong count."""
    if not plain:
        return False
    own = median(math.hypot(*join.offset) for join in plain if join.offset is not None)
    if not checks.mark_distance_m < own <= checks.mark_shift_m + checks.mark_distance_gps_m:
        return False
    for step in _NEIGHBOURS:
        apart = [
            math.hypot(*offset)
            for join in plain
            for record in records.get(join.numbered.index + step, ())
            if (offset := _offset(join.numbered.shot, record)) is not None
        ]
        if 2 * len(apart) >= len(plain) and 2 * median(apart) < own:
            return True
    return False
