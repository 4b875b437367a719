"""What is known to be broken in which version of the engine, as far as it can spoil a run of ours."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from aerodag.findings import Finding, Severity
from aerodag.photogrammetry.odm.planning.options import Value

Release = tuple[int, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Circumstances:
    """What decides whether a defect matters: the final options, the cameras' models, accurate positions."""

    options: Mapping[str, Value] = field(default_factory=dict)
    cameras: frozenset[str] = frozenset()
    has_rtk: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Defect:
    """One defect of the releases ``first`` to ``last``, both included."""

    flavour: str
    first: Release
    last: Release
    matters: Callable[[Circumstances], bool]
    severity: Severity
    code: str
    message: str
    advice: str

    def is_in(self, flavour: str, release: Release) -> bool:
        """Whether this release has it."""
        return flavour == self.flavour and self.first <= release <= self.last


_MAKER_NOTE_CAMERAS = frozenset({"M3E", "M3M", "M3T"})

DEFECTS = (
    Defect(
        flavour="odm", first=(3, 6, 0), last=(3, 6, 1), severity=Severity.WARNING, code="odm.maker_notes",
        matters=lambda circumstances: bool(circumstances.cameras & _MAKER_NOTE_CAMERAS),
        message="stops at the maker notes of some images of DJI's Mavic 3 Enterprise and Multispectral "
        "(OpenDroneMap/ODM #2077).",
        advice="If it stops, it is tried once more on copies without maker notes; 3.5.6 reads them.",
    ),
    Defect(
        flavour="odm", first=(3, 6, 0), last=(3, 6, 0), severity=Severity.WARNING, code="odm.cutline",
        matters=lambda circumstances: bool(circumstances.options.get("orthophoto-cutline")),
        message="fails at cutlines of several parts (OpenDroneMap/ODM #2044).",
        advice="Leave orthophoto-cutline out, or take another version.",
    ),
    Defect(
        flavour="odm", first=(3, 6, 0), last=(3, 6, 0), severity=Severity.WARNING, code="odm.report",
        matters=lambda circumstances: not circumstances.options.get("skip-report"),
        message="often fails in the report, after the orthophoto (OpenDroneMap/ODM #1969, #1958).",
        advice="The orthophoto is kept; the statistics may be missing.",
    ),
    Defect(
        flavour="odm", first=(3, 6, 0), last=(3, 6, 0), severity=Severity.WARNING, code="odm.crop",
        matters=lambda circumstances: circumstances.options.get("crop", 3) != 0,
        message="may compute no bounds, so that the products are not cropped (OpenDroneMap/ODM #1997).",
        advice="Expect ragged edges, or take another version.",
    ),
    Defect(
        flavour="odx", first=(3, 8, 0), last=(3, 8, 0), severity=Severity.WARNING, code="odm.rtk_nadir",
        matters=lambda circumstances: circumstances.has_rtk,
        message="may turn the heights of nadir surveys with RTK upside down (OpenDroneMap/ODM #2052).",
        advice="Take another version of ODX for surveys with RTK.",
    ),
)  # fmt: skip

# --boundary stops these with a CRSError (OpenDroneMap/ODM #2040, WebODM #1889); --auto-boundary works.
_WITHOUT_BOUNDARY = {"odm": ((3, 6, 0), (3, 6, 1)), "odx": ((3, 7), (3, 7, 99))}


def release(version: str | None) -> Release | None:
    """The numbers of a version, ``(3, 5, 6)`` of 3.5.6; None where it is not known or a name like ``latest``."""
    match = re.match(r"v?(\d+(?:\.\d+)+)", version or "")
    return tuple(int(number) for number in match[1].split(".")) if match else None


def version_of(image: str) -> str | None:
    """The version that an image's reference names in its tag, None where the tag is none: ``gpu``, ``latest``."""
    _, _, tag = image.partition("@")[0].rpartition("/")[2].partition(":")
    return tag if release(tag) else None


def supports_boundary(version: str | None, flavour: str) -> bool:
    """Whether ``--boundary`` is safe; not where the version is unknown."""
    numbers = release(version)
    if numbers is None:
        return False
    first, last = _WITHOUT_BOUNDARY[flavour]
    return not first <= numbers <= last


def warnings(version: str | None, image: str, flavour: str, circumstances: Circumstances) -> list[Finding]:
    """What to expect of this image for this run: ``odm.image_unpinned``, ``odm.version_unknown``, known defects."""
    findings = [] if "@sha256:" in image else [_unpinned(image)]
    numbers = release(version)
    if numbers is None:
        return [*findings, _unknown(image)]
    return findings + [
        Finding(
            defect.severity,
            defect.code,
            f"{flavour.upper()} {version} {defect.message}",
            defect.advice,
            numbers={"version": version, "flavour": flavour},
        )
        for defect in DEFECTS
        if defect.is_in(flavour, numbers) and defect.matters(circumstances)
    ]


def _unpinned(image: str) -> Finding:
    rolling = version_of(image) is None
    return Finding(
        Severity.WARNING if rolling else Severity.INFO,
        "odm.image_unpinned",
        f"The image {image} is named by a tag that "
        + ("moves with every build of the engine." if rolling else "its publisher can move."),
        "Set AERODAG_ODM__IMAGE (or GPU_IMAGE) to NAME@sha256:..., so that every run uses the same engine.",
        numbers={"image": image},
    )


def _unknown(image: str) -> Finding:
    return Finding(
        Severity.INFO,
        "odm.version_unknown",
        f"Which version of the engine {image} holds is not known, so neither are its defects.",
        "Take an image with the label org.opencontainers.image.version, or a tag with its version.",
        numbers={"image": image},
    )
