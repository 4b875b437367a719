"""What an assessment means for a survey: findings with numbers and advice."""

from __future__ import annotations

from aerodag.findings import Finding, Severity
from aerodag.imagery.pixels.assess import Assessment
from aerodag.imagery.tags.sensor import Modality
from aerodag.settings import Checks

_COPY_AGAIN = "Copy the file from the card again; if it is damaged there too, leave it out."
_RAW_NOTES = {
    "image.raw_preview_only": "{} is a raw image; only its built-in preview was judged.",
    "image.raw_not_decoded": "{} is a raw image without a preview; its pixels were not judged.",
}
_GROUND = {"water": "water", "snow_ice": "snow or ice", "sand": "sand"}


def quality_findings(assessment: Assessment, checks: Checks, modality: Modality = Modality.RGB) -> list[Finding]:
    """Unusable files, black or white pictures, blur; at most one remark about the pixels of an image.

    Exposure and sharpness are judged of photographs only: a thermal camera renders even ground nearly black or without
    detail, and a single band is no photograph.
    """
    if not assessment.decodable:
        return [_unusable(assessment)]
    notes = [_raw(assessment)] if assessment.problem in _RAW_NOTES else []
    if modality is not Modality.RGB:
        return notes
    about_pixels = _exposure(assessment, checks) or _sharpness(assessment, checks)
    return [*notes, about_pixels] if about_pixels else notes


def _unusable(assessment: Assessment) -> Finding:
    return Finding(
        Severity.WARNING,
        assessment.problem or "image.damaged",
        assessment.message or f"{assessment.name} does not decode.",
        _COPY_AGAIN,
        image=assessment.name,
    )


def _raw(assessment: Assessment) -> Finding:
    code = str(assessment.problem)
    return Finding(
        Severity.INFO,
        code,
        _RAW_NOTES[code].format(assessment.name),
        "Upload the camera's JPEGs to have sharpness and exposure checked.",
        image=assessment.name,
    )


def _exposure(assessment: Assessment, checks: Checks) -> Finding | None:
    """Nothing but black or nothing but white: the lens cap, the landing, the sun."""
    mean, std, dark, bright = assessment.mean, assessment.std, assessment.dark_share, assessment.bright_share
    if mean is None or std is None or dark is None or bright is None:
        return None
    flat = std <= checks.flat_std
    narrow = (assessment.p95 or 0.0) - (assessment.p5 or 0.0) <= checks.flat_spread
    if (mean <= checks.black_mean and flat) or (dark >= checks.flat_share and narrow):
        return _flat(
            assessment, "black", mean, std, dark, f"under 20; black is a mean of at most {checks.black_mean:g}"
        )
    if (mean >= checks.white_mean and flat) or (bright >= checks.flat_share and narrow):
        return _flat(
            assessment, "white", mean, std, bright, f"over 235; white is a mean of at least {checks.white_mean:g}"
        )
    return None


def _flat(assessment: Assessment, colour: str, mean: float, std: float, share: float, limit: str) -> Finding:
    return Finding(
        Severity.WARNING,
        f"image.{colour}",
        f"{assessment.name} is almost entirely {colour}: mean grey {mean:.0f} of 255, standard deviation {std:.1f}, "
        f"{share:.0%} of the pixels {limit}.",
        "Leave it out; if many images are like this, check lens cap, exposure and sun, and fly again.",
        image=assessment.name,
        numbers={"mean": round(mean, 1), "std": round(std, 1), "share": round(share, 3)},
    )


def _sharpness(assessment: Assessment, checks: Checks) -> Finding | None:
    score, scale = assessment.sharpness, assessment.scale
    # The scale of the rule is that of 8-bit photographs; stretched data and small previews do not compare.
    if score is None or scale is None or assessment.dark_share is None or assessment.problem is not None:
        return None
    threshold = checks.blurred_below.get(scale, 0.0)
    if score >= threshold:
        return None
    numbers = {"sharpness": round(score, 1), "threshold": threshold, "scale": scale}
    if assessment.terrain is not None:
        return Finding(
            Severity.INFO,
            "image.smooth_ground",
            f"{assessment.name} shows mostly {_GROUND[assessment.terrain]}: sharpness {score:.0f}, "
            f"{assessment.low_texture_share or 0.0:.0%} of it without texture.",
            "Nothing is wrong with it, but such images are often left out of the reconstruction.",
            image=assessment.name,
            numbers={**numbers, "low_texture_share": round(assessment.low_texture_share or 0.0, 3)},
        )
    return Finding(
        Severity.WARNING,
        "image.blurred",
        f"{assessment.name} looks blurred: sharpness {score:.0f}, under {threshold:g} (at 1/{scale} of full size).",
        "Look at it; leave it out if it is blurred, and fly slower or with a shorter exposure.",
        image=assessment.name,
        numbers=numbers,
    )
