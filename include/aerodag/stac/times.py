"""Points in time as STAC writes them: RFC 3339 in UTC."""

from __future__ import annotations

from datetime import datetime

from pystac.utils import datetime_to_str

from aerodag.errors import DataError


def timestamp(moment: datetime) -> str:
    """``2026-05-04T09:30:00Z``.

    Raises:
        DataError: ``stac.no_time_zone``: without its zone a time may be half a day off.
    """
    return datetime_to_str(zoned(moment))


def zoned(moment: datetime) -> datetime:
    """The same moment. Raises ``DataError`` ``stac.no_time_zone`` if it does not say its zone."""
    if moment.utcoffset() is None:
        raise DataError(
            "stac.no_time_zone",
            f"{moment.isoformat()} does not say its time zone.",
            advice="Record times with their zone, or leave them out.",
        )
    return moment
