"""The report as one HTML page that needs nothing else: no network, no library, and no script to be readable."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from jinja2 import Environment, PackageLoader, StrictUndefined
from markupsafe import Markup

from aerodag.findings import Finding
from aerodag.preflight import amounts, words
from aerodag.preflight.predict import Estimate
from aerodag.preflight.report import PhotoRow, Report
from aerodag.preflight.site_map import Dot, draw
from aerodag.preflight.words import FindingGroup

GALLERY_LIMIT: Final = 300
IMAGES_PER_FINDING: Final = 200
_MAGIC: Final = ((b"\xff\xd8\xff", "image/jpeg"), (b"RIFF", "image/webp"), (b"\x89PNG", "image/png"))
_SHAPES: Final = {
    "assigned": "disc",
    "staged": "disc",
    "rejected": "square",
    "duplicate": "ring",
    "unmatched": "frame",
    "invalid_exif": "frame",
}


@dataclass(frozen=True, slots=True)
class _Card:
    """One picture of the gallery."""

    photo: PhotoRow
    source: str | None


@dataclass(frozen=True, slots=True)
class _Need:
    """One bar of needs against what is there; positions in percent of the bar."""

    title: str
    likely: str
    range: str
    available: str
    low_percent: float
    high_percent: float
    likely_percent: float
    available_percent: float | None
    short: bool
    basis: str


def render(report: Report, thumbnails: Mapping[str, bytes] | None = None, *, limit: int = GALLERY_LIMIT) -> str:
    """The page as HTML text, to be written as UTF-8.

    ``thumbnails`` are small JPEG, WebP or PNG files by ``zip_path``; those of `photos_to_show` suffice.
    """
    thumbnails = thumbnails or {}
    shown = photos_to_show(report, limit)
    cards = [_Card(photo, _data_uri(thumbnails.get(photo.zip_path))) for photo in shown]
    cards = [card for card in cards if card.source or _flagged(card.photo)]
    return (
        _environment()
        .get_template("page.html.j2")
        .render(
            report=report,
            site=draw(report),
            tiles=words.key_figures(report),
            groups=words.group_findings(report.findings),
            needs=_needs(report),
            cards=cards,
            hidden=len(report.photos) - len(cards),
            anchors={card.photo.zip_path: f"photo-{index}" for index, card in enumerate(cards, 1)},
            images_per_finding=IMAGES_PER_FINDING,
            style=Markup(_asset("page.css")),  # noqa: S704 - our own file
            script=Markup(_asset("page.js")),  # noqa: S704 - our own file
            script_hash=base64.b64encode(hashlib.sha256(_asset("page.js").encode()).digest()).decode(),
        )
    )


def photos_to_show(report: Report, limit: int = GALLERY_LIMIT) -> tuple[PhotoRow, ...]:
    """The images of the gallery: those with a reason first, then the others, evenly over the survey."""
    flagged = [photo for photo in report.photos if _flagged(photo)]
    flagged.sort(key=lambda photo: (photo.used, photo.status))
    others = [photo for photo in report.photos if not _flagged(photo)]
    room = max(0, limit - len(flagged))
    if room < len(others):
        others = [others[index * len(others) // room] for index in range(room)]
    return (*flagged[:limit], *others)


def _flagged(photo: PhotoRow) -> bool:
    return bool(photo.reasons) or not photo.used


def _data_uri(image: bytes | None) -> str | None:
    kind = next((kind for magic, kind in _MAGIC if image and image.startswith(magic)), None)
    return f"data:{kind};base64,{base64.b64encode(image).decode()}" if image and kind else None


def _needs(report: Report) -> list[_Need]:
    prediction, there = report.prediction, report.resources
    if prediction is None:
        return []
    return [
        _need("Memory", prediction.memory_bytes, there.memory_bytes if there else None, "free"),
        _need("Disk", prediction.disk_bytes, there.free_disk_bytes if there else None, "free"),
        _need("Time", prediction.seconds, None, ""),
    ]


def _need(title: str, estimate: Estimate, available: int | None, verb: str) -> _Need:
    show = amounts.duration if title == "Time" else amounts.data_size
    # What is there may be a hundred times what is needed; the bar must still show the range.
    full = max(1.0, 1.15 * max(estimate.high, min(available or 0, 3 * estimate.high)))
    return _Need(
        title=title,
        likely=show(estimate.likely),
        range=f"{show(estimate.low)} – {show(estimate.high)}",
        available=f"{show(available)} {verb}" if available is not None else "",
        low_percent=100 * estimate.low / full,
        high_percent=100 * estimate.high / full,
        likely_percent=100 * estimate.likely / full,
        available_percent=None if available is None else min(100.0, 100 * available / full),
        short=available is not None and estimate.likely > available,
        basis=words.basis(estimate),
    )


def _dot_title(dot: Dot) -> str:
    photo = dot.photo
    parts = [
        words.status(photo.status),
        f"flight {photo.flight}" if photo.flight is not None else "",
        amounts.moment(photo.captured_at) if photo.captured_at else "",
        f"sharpness {amounts.number(photo.sharpness)}" if photo.sharpness is not None else "",
        "beyond the edge of this map" if dot.stray else "",
        *(words.reason(code) for code in photo.reasons),
    ]
    return f"{photo.zip_path} – " + ", ".join(part for part in parts if part)


def _shape(photo: PhotoRow) -> str:
    return _SHAPES.get(photo.status, "frame")


def _finding_images(group: FindingGroup) -> tuple[Finding, ...]:
    return tuple(finding for finding in group.findings if finding.image)


def _finalize(value: object) -> object:
    """Every text that reaches the page loses its control characters; markup of our own stays."""
    return value if isinstance(value, Markup) or not isinstance(value, str) else amounts.printable(value)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("aerodag.preflight", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_finalize,
    )
    environment.filters |= {
        "area": amounts.area,
        "data_size": amounts.data_size,
        "duration": amounts.duration,
        "distance": amounts.distance,
        "moment": amounts.moment,
        "number": amounts.number,
        "percent": amounts.percent,
        "status": words.status,
        "reason": words.reason,
        "dot_title": _dot_title,
        "shape": _shape,
        "with_image": _finding_images,
    }
    environment.globals |= {"words": words, "count_of": amounts.count_of, "span": amounts.span}
    return environment


@cache
def _asset(name: str) -> str:
    return files("aerodag.preflight").joinpath("templates", name).read_text("utf-8")
