"""What is missing or odd in the headers of an upload, one finding for each kind."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from aerodag.findings import Finding, Severity
from aerodag.imagery.metadata import ImageMetadata

_LISTED = 20
_ORIGINALS = "Upload the camera's original files: editors and messengers remove or damage what the camera wrote."
_MEANING = {
    "exif.missing": ("have no EXIF at all", _ORIGINALS),
    "exif.damaged": ("have damaged EXIF, of which some was read", _ORIGINALS),
    "exif.gps_damaged": ("have a damaged GPS directory", _ORIGINALS),
    "exif.maker_note_unreadable": (
        "have a maker note that cannot be read; nothing needed is lost",
        "Nothing needs to be done.",
    ),
    "exif.gps_missing": ("have no GPS position in their EXIF", _ORIGINALS),
    "exif.gps_invalid": ("have a GPS position that is no number", _ORIGINALS),
    "exif.gps_ref_missing": ("do not say on which hemisphere they were taken", _ORIGINALS),
    "exif.gps_out_of_range": ("have a GPS position that is not on Earth", _ORIGINALS),
    "exif.gps_zero": (
        "lie at latitude 0, longitude 0: the receiver had no position",
        "Wait for a GPS fix before take-off.",
    ),
    "exif.altitude_invalid": ("have an impossible altitude", "Wait for a GPS fix before take-off."),
    "exif.date_missing": ("have no capture time", "Check the camera's clock; nothing is invented in its place."),
    "exif.date_invalid": ("have an impossible capture time", "Check the camera's clock."),
    "exif.zone_unknown": (
        "give their capture time without a time zone",
        "Nothing needs to be done; checks that need the exact time are left out.",
    ),
    "xmp.damaged": ("have damaged XMP; RTK accuracy and gimbal angles may be missing", _ORIGINALS),
    "xmp.gps_out_of_range": ("have a position in XMP that is not on Earth", _ORIGINALS),
    "xmp.gps_zero": (
        "lie at latitude 0, longitude 0 by their XMP: the receiver had no position",
        "Wait for a GPS fix before take-off.",
    ),
    "position.no_fix": ("were taken before the receiver had a fix", "Wait for a GPS fix before take-off."),
    "position.conflict": (
        "have positions in EXIF and XMP that are over 100 m apart; XMP is taken",
        "Check whether the images were edited.",
    ),
}
_HARMLESS = {"exif.maker_note_unreadable", "exif.zone_unknown"}


def problem_findings(images: Iterable[ImageMetadata]) -> list[Finding]:
    """One finding for each code of ``ImageMetadata.problems``, with the number of images and the first twenty."""
    found: dict[str, list[str]] = defaultdict(list)
    total = 0
    for image in images:
        total += 1
        for code in dict.fromkeys(image.problems):
            found[code].append(image.name)
    return [_finding(code, names, total) for code, names in sorted(found.items())]


def _finding(code: str, names: list[str], total: int) -> Finding:
    meaning, advice = _MEANING[code]
    return Finding(
        Severity.INFO if code in _HARMLESS else Severity.WARNING,
        code,
        f"{len(names)} of {total} images {meaning}.",
        advice,
        numbers={"images": len(names), "of": total, "first": names[:_LISTED]},
    )
