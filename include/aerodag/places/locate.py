"""The place of a point on Earth: country by polygon, administrative areas and nearest place by point."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from aerodag.errors import DataError
from aerodag.places.gazetteer import LEVELS, Settlement, country, nearest, point_source
from aerodag.places.territories import countries_at, polygon_source

MAX_PLACE_M = 100_000.0
_NO_COUNTRY = (
    "In no country's land or coastal waters (12 nautical miles) by the polygons: "
    "open sea, or an uninhabited island without a time zone."
)
_AREA_FIELDS = {1: "admin1", 2: "admin2", 3: "admin3"}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a point lies; what is not known is None, and ``reasons`` says why under the field's name.

    ``country_code`` and ``country_code3`` are ISO 3166-1 alpha-2 and alpha-3 (XK and XKX for Kosovo). ``admin1`` to
    ``admin3`` are administrative areas from the largest down. ``distance_m`` is from the point to the centre of
    ``nearest_place``, along the ellipsoid. ``sources`` gives data set and licence by field.
    """

    longitude: float
    latitude: float
    country: str | None = None
    country_code: str | None = None
    country_code3: str | None = None
    admin1: str | None = None
    admin2: str | None = None
    admin3: str | None = None
    nearest_place: str | None = None
    distance_m: float | None = None
    sources: dict[str, str] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)


def locate(longitude: float, latitude: float) -> Place:
    """Say where a point lies (degrees, WGS84).

    Raises:
        DataError: ``places.off_the_globe``: no such longitude or latitude.
    """
    require_position(longitude, latitude)
    codes = countries_at(longitude, latitude)
    found = nearest(longitude, latitude, codes)
    if found is not None and found.distance_m > MAX_PLACE_M:
        found = None
    facts: dict[str, str | None] = {}
    sources: dict[str, str] = {}
    reasons: dict[str, str] = {}
    _tell_country(codes, found, facts, sources, reasons)
    _tell_areas(bool(codes), found, facts, sources, reasons)
    if found is None:
        reasons["nearest_place"] = f"No place of the data set is within {MAX_PLACE_M / 1000:.0f} km."
    else:
        facts["nearest_place"] = found.name
        sources["nearest_place"] = point_source()
    distance_m = None if found is None else round(found.distance_m, 1)
    return Place(longitude, latitude, distance_m=distance_m, sources=sources, reasons=reasons, **facts)


def require_position(longitude: float, latitude: float) -> None:
    """Refuse what is no point on Earth.

    Raises:
        DataError: ``places.off_the_globe``.
    """
    finite = math.isfinite(longitude) and math.isfinite(latitude)
    if not finite or abs(longitude) > 180 or abs(latitude) > 90:
        raise DataError(
            "places.off_the_globe",
            f"Longitude {longitude}, latitude {latitude} is no point on Earth.",
            advice="Check the coordinate reference system of the orthophoto.",
            numbers={"longitude": str(longitude), "latitude": str(latitude)},
        )


def _tell_country(
    codes: tuple[str, ...],
    found: Settlement | None,
    facts: dict[str, str | None],
    sources: dict[str, str],
    reasons: dict[str, str],
) -> None:
    if not codes:
        reasons["country"] = _NO_COUNTRY
        return
    if len(codes) > 1 and found is None:
        reasons["country"] = f"The polygons cannot tell {' and '.join(codes)} apart here, and no place is near."
        return
    code = codes[0] if len(codes) == 1 or found is None else found.country_code
    sources["country"] = polygon_source()
    if len(codes) > 1 and found is not None:
        others = " and ".join(codes)
        by_point = f"; told apart from {others} by the nearest place, {found.distance_m:.0f} m away"
        sources["country"] = f"{polygon_source()}{by_point}: {point_source()}"
    entry = country(code)
    facts["country_code"] = code
    facts["country"] = None if entry is None else entry.common_name or entry.name
    facts["country_code3"] = None if entry is None else entry.alpha3


def _tell_areas(
    has_country: bool,
    found: Settlement | None,
    facts: dict[str, str | None],
    sources: dict[str, str],
    reasons: dict[str, str],
) -> None:
    """Areas of the nearest place; out at sea there are none, however near the place."""
    for level in LEVELS:
        name = _AREA_FIELDS[level]
        if not has_country:
            reasons[name] = "No country is known here."
        elif found is None:
            reasons[name] = f"No place of this country is within {MAX_PLACE_M / 1000:.0f} km."
        elif level in found.areas:
            facts[name] = found.areas[level]
            sources[name] = f"{point_source()}; by the nearest place, {found.distance_m:.0f} m away"
        elif level in found.rivals:
            own, other, metres = found.rivals[level]
            reasons[name] = (
                f"Near a border: {own} by the nearest place ({found.distance_m:.0f} m), "
                f"but {other} has one at {metres:.0f} m."
            )
        else:
            reasons[name] = f"The data set names no area of this level for {found.name}."
