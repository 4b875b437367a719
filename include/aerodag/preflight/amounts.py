"""Figures as a person reads them: sizes, times, lengths and areas with their units; a dash where unknown."""

from __future__ import annotations

import math
import unicodedata
from datetime import UTC, datetime
from typing import Final

UNKNOWN: Final = "–"
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_SPACE: Final = "\u00a0"


def printable(text: str) -> str:
    """Text that can neither steer a terminal nor turn a line round: control, format and lone surrogate characters
    become U+FFFD, line breaks and tabs a blank.
    """  # noqa: D205
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        " " if char in "\n\r\t" else "\ufffd" if unicodedata.category(char) in _HIDDEN_CATEGORIES else char
        for char in text
    )


def known(value: float | None) -> float | None:
    """The value if it is a finite number."""
    return value if value is not None and math.isfinite(value) else None


def number(value: float | None, digits: int = 0, unit: str = "") -> str:
    """``1,234.5 m``; a dash for unknown."""
    if (value := known(value)) is None:
        return UNKNOWN
    return f"{value:,.{digits}f}{_SPACE + unit if unit else ''}"


def count_of(count: int, noun: str) -> str:
    """``1 image``, ``1,200 images``."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def percent(share: float | None) -> str:
    """A share of 0..1 in percent; what is not quite all never reads 100 %."""
    if (share := known(share)) is None:
        return UNKNOWN
    value = 100 * share
    if 99.5 <= value < 100.0:
        return f"{math.floor(value * 10) / 10:.1f}{_SPACE}%"
    return f"{value:.0f}{_SPACE}%"


def data_size(size: float | None) -> str:
    """Decimal units, as disks are sold: ``750 MB``, ``1.3 GB``."""
    if (value := known(size)) is None:
        return UNKNOWN
    for unit in ("B", "kB", "MB", "GB", "TB"):
        if abs(value) < 999.5 or unit == "TB":
            digits = 1 if unit not in {"B", "kB"} and abs(value) < 9.95 else 0
            return f"{value:,.{digits}f}{_SPACE}{unit}"
        value /= 1000
    raise AssertionError


def duration(seconds: float | None) -> str:
    """``40 s``, ``12 min``, ``3 h 20 min``, ``2 d 4 h``."""
    if (seconds := known(seconds)) is None:
        return UNKNOWN
    seconds = max(0.0, seconds)
    if seconds < 90:
        return f"{seconds:.0f}{_SPACE}s"
    minutes = round(seconds / 60)
    if minutes < 60:
        return f"{minutes}{_SPACE}min"
    hours, minutes = divmod(minutes, 60)
    if hours < 48:
        return f"{hours}{_SPACE}h" + (f"{_SPACE}{minutes}{_SPACE}min" if minutes else "")
    days, hours = divmod(hours, 24)
    return f"{days:,}{_SPACE}d" + (f"{_SPACE}{hours}{_SPACE}h" if hours else "")


def distance(metres: float | None) -> str:
    """Centimetres below a metre, kilometres from 2,000 m on."""
    if (metres := known(metres)) is None:
        return UNKNOWN
    if abs(metres) < 1:
        return number(metres * 100, 1, "cm")
    if abs(metres) < 10:
        return number(metres, 1, "m")
    return number(metres, 0, "m") if abs(metres) < 2000 else number(metres / 1000, 1, "km")


def area(square_metres: float | None) -> str:
    """Square metres, hectares, square kilometres."""
    if (square_metres := known(square_metres)) is None:
        return UNKNOWN
    if square_metres < 10_000:
        return number(square_metres, 0, "m²")
    hectares = square_metres / 10_000
    return number(hectares, 1 if hectares < 100 else 0, "ha") if hectares < 1000 else number(hectares / 100, 1, "km²")


def moment(time: datetime | None) -> str:
    """``23 Jun 2016, 14:02``, in UTC where the zone is known."""
    if time is None:
        return UNKNOWN
    time = _utc(time)
    return f"{time.day} {time:%b %Y, %H:%M}"


def span(start: datetime | None, end: datetime | None) -> str:
    """From and to, the date once where it is the same."""
    if start is None or end is None:
        return moment(start or end)
    first, last = _utc(start), _utc(end)
    if first.date() == last.date():
        return f"{moment(first)}–{last:%H:%M}"
    return f"{moment(first)} – {moment(last)}"


def _utc(time: datetime) -> datetime:
    if time.tzinfo is None:
        return time
    try:
        return time.astimezone(UTC)
    except OverflowError:
        return time
