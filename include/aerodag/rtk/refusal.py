"""What a person is told about mark files that do not fit their images."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import median
from typing import Any

from aerodag.findings import Finding, Severity
from aerodag.rtk.agreement import Agreement, distances
from aerodag.rtk.marks import MarkFile
from aerodag.rtk.shots import Series
from aerodag.settings import Checks

_OWN_POSITIONS = "The images keep their own positions; upload each mark file in the folder of its flight."


def refused(name: str, series: Series, agreement: Agreement, checks: Checks) -> Finding:
    """The file is not used for this series: it disagrees, or there is nothing to compare."""
    if agreement.checked == 0:
        return _unverified(name, series, agreement)
    apart, bad = distances(agreement.pairs), agreement.disagreeing
    figures = ""
    if apart:
        figures = (
            f"; the distance is {_metres(median(apart))} in the median, {_metres(max(apart))} at worst "
            f"(allowed {checks.mark_distance_m:g} m, for plain GPS {checks.mark_distance_gps_m:g} m)"
        )
    return Finding(
        Severity.WARNING,
        "rtk.mrk_disagrees",
        f"{len(bad)} of {agreement.checked} images in {_folder(series.folder)} were not taken where {name} says, more "
        f"than {agreement.limit:.0%}; it is not used for them{figures}.",
        _OWN_POSITIONS,
        numbers=_numbers(name, series.folder, agreement),
    )


def _unverified(name: str, series: Series, agreement: Agreement) -> Finding:
    return Finding(
        Severity.WARNING,
        "rtk.mrk_unverified",
        f"{name} has the numbers of {len(agreement.pairs)} images in {_folder(series.folder)}, but neither positions "
        "nor times that show they belong together; it is not used for them.",
        "Upload the camera's original images: editors remove position and time.",
        numbers=_numbers(name, series.folder, agreement),
    )


def ambiguous(series: Series, names: Sequence[str]) -> Finding:
    """Several files fit the series equally well."""
    return Finding(
        Severity.WARNING,
        "rtk.mrk_ambiguous",
        f"{len(names)} mark files fit the {len(series.shots)} images in {_folder(series.folder)} equally well: "
        f"{', '.join(names[:3])}; none is used for them.",
        _OWN_POSITIONS,
        numbers={"folder": series.folder, "images": len(series.shots), "files": list(names)},
    )


def no_images(file: MarkFile) -> Finding:
    """No image has a number of the file."""
    indexes = [record.index for record in file.records]
    return Finding(
        Severity.WARNING,
        "rtk.mrk_no_images",
        f"No image that still lacks a mark has the numbers of {file.name} ({min(indexes)} to {max(indexes)}); "
        "the file is not used.",
        "Add the images of this flight under the names the drone gave them, or leave the file out.",
        numbers={"file": file.name, "records": len(indexes), "first": min(indexes), "last": max(indexes)},
    )


def strays(name: str, agreement: Agreement) -> Finding:
    """Few images disagree with a file that the others fit."""
    bad = agreement.disagreeing
    paths = [pair.numbered.shot.zip_path for pair in bad]
    worst = max(distances(bad), default=None)
    return Finding(
        Severity.WARNING,
        "rtk.mrk_strays",
        f"{len(bad)} of {agreement.checked} images were not taken where {name} says"
        f"{'' if worst is None else f' (up to {_metres(worst)} away)'} and go without its marks, the first {paths[0]}.",
        "Look whether these images were renamed or come from another flight.",
        image=paths[0] if len(paths) == 1 else None,
        numbers={"file": name, "images": paths[:20], "count": len(bad), "checked": agreement.checked, "worst_m": worst},
    )


def images_without_mark(paths: Sequence[str], total: int) -> Finding:
    """Some images have no mark although others do."""
    return Finding(
        Severity.INFO,
        "rtk.images_without_mark",
        f"{len(paths)} of {total} images have no exposure mark, the first {paths[0]}.",
        "They keep their own positions.",
        numbers={"count": len(paths), "images": total, "first": list(paths[:20])},
    )


def clock(name: str, agreement: Agreement, tolerance: float) -> Finding | None:
    """The camera's clock does not run with the marks although the positions agree; None if it does."""
    seconds = agreement.clock.median_s
    if seconds is None or not agreement.clock.is_utc or abs(seconds) <= tolerance:
        return None
    return Finding(
        Severity.INFO,
        "rtk.clock",
        f"The camera's clock is {seconds:+.0f} s off the GPS time of {name} (allowed {tolerance:g} s).",
        "Positions are not affected; set the camera's clock and time zone before the next flight.",
        numbers={"file": name, "seconds": seconds, "tolerance_s": tolerance},
    )


def _numbers(name: str, folder: str, agreement: Agreement) -> dict[str, Any]:
    apart = distances(agreement.pairs)
    return {
        "file": name,
        "folder": folder,
        "joined": len(agreement.pairs),
        "checked": agreement.checked,
        "disagreeing": len(agreement.disagreeing),
        "median_m": median(apart) if apart else None,
        "worst_m": max(apart, default=None),
        "shift_m": agreement.shift_m,
        "clock_s": agreement.clock.median_s,
    }


def _metres(value: float) -> str:
    return f"{value:.2f} m" if value < 10 else f"{value:,.0f} m"


def _folder(folder: str) -> str:
    return folder or "the top folder"
