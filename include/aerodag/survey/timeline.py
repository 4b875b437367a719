"""Which exposures belong to one flight, and each flight as a sequence of stations in time."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np

from aerodag.settings import Checks
from aerodag.survey.columns import Columns, Flags, Ints, camera, columns, distances
from aerodag.survey.exposure import Exposure

UNKNOWN = 0


def flights(exposures: Sequence[Exposure], checks: Checks) -> dict[str, int]:
    """Number of the flight (1, 2, ... by start) of every exposure that can be placed, by path.

    One camera's exposures in time order are parted by a pause, a wide step or an impossible speed (``flight_*``). An
    exposure without time joins the only flight of its folder and camera, or the one its neighbours by name share.
    """
    table = columns(exposures)
    numbers = flight_numbers(table, checks)
    return {table.path(i): int(numbers[i]) for i in np.flatnonzero(numbers != UNKNOWN)}


def flight_numbers(table: Columns, checks: Checks) -> Ints:
    """As ``flights``, shape (n,); 0 where the flight is unknown."""
    parts = [part for members in _cameras(table) for part in _parted(table, members, checks)]
    parts.sort(key=lambda part: (table.seconds[part[0]], table.path(part[0])))
    numbers = np.full(len(table), UNKNOWN, dtype=np.int64)
    for number, part in enumerate(parts, start=1):
        numbers[part] = number
    _adopt_timeless(table, numbers)
    return numbers


@dataclass(frozen=True, slots=True)
class Flight:
    """One flight's located exposures in time order, by station.

    A camera with several bands exposes all of them at one station. ``first`` holds the index of each station's first
    exposure, shape (s,); ``members`` the indices of all its exposures.
    """

    number: int
    first: Ints
    members: tuple[Ints, ...]

    def exposures(self, stations: Ints) -> list[int]:
        """Indices of all exposures of some stations."""
        return [int(index) for station in stations for index in self.members[int(station)]]


def sequences(table: Columns, numbers: Ints) -> list[Flight]:
    """The flights by number; exposures without place or time are in none."""
    usable = table.located & table.timed
    found = []
    chosen = np.flatnonzero(usable & (numbers != UNKNOWN))
    chosen = chosen[np.lexsort((table.seconds[chosen], numbers[chosen]))]
    for members in np.split(chosen, np.flatnonzero(np.diff(numbers[chosen])) + 1) if len(chosen) else []:
        same = np.ones(len(members) - 1, dtype=np.bool_)
        for values in (table.seconds, table.longitude, table.latitude):
            same &= np.diff(values[members]) == 0
        stations = np.split(members, np.flatnonzero(~same) + 1)
        found.append(Flight(int(numbers[members[0]]), np.array([station[0] for station in stations]), tuple(stations)))
    return found


def _cameras(table: Columns) -> list[Ints]:
    """Timed exposures of each camera in time order; its own clock and true UTC are not compared with each other."""
    groups: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    for index in np.flatnonzero(table.timed):
        exposure = table.exposures[index]
        groups[*camera(exposure), exposure.captured_source == "exif_local"].append(int(index))
    arrays = [np.array(members, dtype=np.int64) for members in groups.values()]
    return [members[np.argsort(table.seconds[members], kind="stable")] for members in arrays]


def _parted(table: Columns, members: Ints, checks: Checks) -> list[Ints]:
    cut = np.zeros(len(members), dtype=np.bool_)
    cut[1:] = np.diff(table.seconds[members]) > checks.flight_gap_s
    located = np.flatnonzero(table.located[members])
    located = located[~_spikes(table, members[located], checks)]
    cut[located[1:]] |= _apart(table, members[located], checks)
    return np.split(members, np.flatnonzero(cut))


def _apart(table: Columns, members: Ints, checks: Checks) -> Flags:
    """Which of the steps no flying drone makes."""
    metres = distances(table.longitude[members], table.latitude[members])[1]
    # Clocks of whole seconds give equal times to exposures that are up to a second apart.
    seconds = np.maximum(np.diff(table.seconds[members]), 1.0)
    return (metres > checks.flight_gap_m) | (metres / seconds > checks.flight_speed_m_s)


def _spikes(table: Columns, members: Ints, checks: Checks) -> Flags:
    """Single wrong positions: the steps to and from them are impossible, the step over them is not."""
    spikes = np.zeros(len(members), dtype=np.bool_)
    if len(members) < 3:
        return spikes
    apart = _apart(table, members, checks)
    for index in np.flatnonzero(apart[:-1] & apart[1:]):
        over = members[[index, index + 2]]
        spikes[index + 1] = not spikes[index] and not _apart(table, over, checks)[0]
    return spikes


def _adopt_timeless(table: Columns, numbers: Ints) -> None:
    if table.timed.all():
        return
    folders: defaultdict[tuple[object, ...], list[int]] = defaultdict(list)
    for index, exposure in enumerate(table.exposures):
        folders[str(PurePosixPath(exposure.zip_path).parent), *camera(exposure)].append(index)
    for folder in folders.values():
        members = np.array(folder)
        numbers[members] = _from_neighbours(numbers[members])


def _from_neighbours(numbers: Ints) -> Ints:
    known = np.unique(numbers[numbers != UNKNOWN])
    if len(known) == 1:
        return np.full_like(numbers, known[0])
    before, after = _filled(numbers), _filled(numbers[::-1])[::-1]
    return np.where((numbers == UNKNOWN) & (before == after), before, numbers)


def _filled(numbers: Ints) -> Ints:
    """Each unknown number replaced by the last known one before it."""
    last = np.maximum.accumulate(np.where(numbers != UNKNOWN, np.arange(len(numbers)), -1))
    return np.where(last >= 0, numbers[last], UNKNOWN)
