"""The camera's clock against the GPS time of exposure marks."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from aerodag.rtk.mrk import SECONDS_PER_WEEK, MrkRecord
from aerodag.rtk.shots import LOCAL_CLOCK, Shot

_FEWEST = 3  # two exposures fit any clock
_RANGE = 10  # times the tolerance; within less, a clock of an unknown zone fits the wrong marks as well
_ZONES_S = 14 * 3600


@dataclass(frozen=True, slots=True)
class Clock:
    """One camera clock over a series of joins: camera minus mark is ``median_s``, over ``range_s`` of marks.

    Only times of the commonest ``source`` are looked at; others may come from another clock.
    """

    source: str | None = None
    median_s: float | None = None
    range_s: float = 0.0
    times: int = 0

    @classmethod
    def of(cls, joined: Sequence[tuple[Shot, MrkRecord, float | None]]) -> Clock:
        """The clock most images of these joins were dated by; the number is ``seconds_apart``."""
        sources = Counter(shot.captured_source or "" for shot, _, seconds in joined if seconds is not None)
        if not sources:
            return cls()
        source = max(sorted(sources), key=sources.__getitem__)
        timed = [
            (seconds, record.week * SECONDS_PER_WEEK + record.seconds_of_week)
            for shot, record, seconds in joined
            if seconds is not None and (shot.captured_source or "") == source
        ]
        marks = [at for _, at in timed]
        return cls(source, median(seconds for seconds, _ in timed), max(marks) - min(marks), len(timed))

    @property
    def is_utc(self) -> bool:
        """Whether camera minus mark should be zero."""
        return self.source is not None and self.source != LOCAL_CLOCK

    def deviation(self, shot: Shot, seconds: float | None) -> float | None:
        """Seconds between image and mark beyond what is common to the series; None where it cannot be told."""
        if seconds is None or self.median_s is None or self.times < _FEWEST:
            return None
        return abs(seconds - self.median_s) if (shot.captured_source or "") == self.source else None

    def can_verify(self, tolerance: float) -> bool:
        """Whether this clock alone, good to ``tolerance`` seconds, can tell right joins from wrong ones."""
        if self.median_s is None or self.times < _FEWEST:
            return False
        if self.is_utc:
            return abs(self.median_s) <= tolerance
        return abs(self.median_s) <= _ZONES_S + tolerance and self.range_s >= _RANGE * tolerance


def seconds_apart(shot: Shot, record: MrkRecord) -> float | None:
    """Camera's time minus the mark's."""
    return None if shot.captured_at is None else (shot.captured_at - record.captured_at).total_seconds()
