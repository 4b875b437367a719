"""What a result lacks though ODM says that all went well."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from aerodag.findings import Finding, Severity
from aerodag.photogrammetry.odm.judging.stats import Figures
from aerodag.photogrammetry.odm.planning.plan import OdmPlan
from aerodag.photogrammetry.odm.watching.facts import LogFacts

_NAMED: Final = 20
# Fewer registered images than this share are told as a loss; some at the border are usual.
_WHOLE: Final = 0.95


@dataclass(frozen=True, slots=True)
class _Told:
    """A warning of ODM's that we pass on."""

    severity: Severity
    message: str
    advice: str


_WARNINGS: Mapping[str, _Told] = {
    "engine.not_georeferenced": _Told(
        Severity.DEGRADED, "ODM could not make a coordinates file and works in local coordinates.",
        "The images need GPS positions or ground control points.",
    ),
    "engine.no_positions_seen": _Told(
        Severity.DEGRADED, "ODM saw no GPS position in the images.",
        "The images need GPS positions, a geo.txt or ground control points.",
    ),
    "engine.model_missing": _Told(
        Severity.DEGRADED, "ODM could not load an AI model and did without that step.",
        "Give AERODAG_ODM__MODELS a folder with the models on hosts without internet.",
    ),
    "engine.altitudes_dropped": _Told(
        Severity.WARNING, "ODM does not use the altitudes: more than 5 % of the images have none.",
        "Heights of the surface model are then relative; check the images' altitudes.",
    ),
    "engine.position_zero": _Told(
        Severity.WARNING, "ODM met an image with the position 0, 0.", "Leave that image out.",
    ),
    "engine.submodels_dropped": _Told(
        Severity.DEGRADED, "ODM dropped parts of the split dataset; the orthophoto has holes there.",
        "Process it in one piece, or with larger parts and more overlap between them.",
    ),
    "engine.boundary_ignored": _Told(
        Severity.DEGRADED, "ODM ignored the boundary, as the reconstruction is not georeferenced.",
        "The images need GPS positions or ground control points.",
    ),
}  # fmt: skip


def findings_of(
    plan: OdmPlan,
    facts: LogFacts,
    images: int,
    placed: Collection[str] | None,
    products: Collection[str],
    numbers: Figures,
) -> tuple[Finding, ...]:
    """Everything that ODM lost without failing; ``placed`` are the registered of ``images`` images, if known."""
    return (
        *_partial(images, placed, facts, numbers),
        *_skipped(facts),
        *_components(facts),
        *_report(plan, products),
        *_gpu(plan, facts),
        *_positions(plan, facts),
        *_passed_on(facts),
    )


def _partial(images: int, placed: Collection[str] | None, facts: LogFacts, numbers: Figures) -> Iterator[Finding]:
    if placed is None:
        yield Finding(
            Severity.DEGRADED,
            "engine.registered_unknown",
            "Nothing that ODM left tells which images are in the reconstruction.",
            "Clear the odm task to make its report again if that matters.",
        )
    shots = numbers.get("shots")
    count = len(placed) if placed is not None else shots
    if not isinstance(count, int) or isinstance(count, bool) or count >= images:
        return
    yield Finding(
        Severity.WARNING if count >= _WHOLE * images else Severity.DEGRADED,
        "engine.partial",
        f"{count} of {images} images are in the reconstruction, {count / max(1, images):.0%}.",
        "The map of unregistered images shows where overlap or sharpness did not suffice.",
        numbers={"registered": count, "images": images, "usable": facts.usable_images},
    )


def _skipped(facts: LogFacts) -> Iterator[Finding]:
    if facts.corrupt_count:
        yield Finding(
            Severity.DEGRADED,
            "engine.images_skipped",
            f"ODM could not read {facts.corrupt_count} images and left them out: "
            f"{', '.join(facts.corrupt_images[:_NAMED])}{' ...' if facts.corrupt_count > _NAMED else ''}",
            "Copy these images again from the camera's card.",
            numbers={"images": facts.corrupt_count, "names": facts.corrupt_images[:_NAMED]},
        )


def _components(facts: LogFacts) -> Iterator[Finding]:
    if (facts.reconstructions or 0) > 1:
        yield Finding(
            Severity.DEGRADED,
            "engine.in_parts",
            f"The images fell apart into {facts.reconstructions} reconstructions that ODM laid side by side.",
            "Seams between them can be off; more overlap between the parts of the survey joins them.",
            numbers={"reconstructions": facts.reconstructions},
        )


def _report(plan: OdmPlan, products: Collection[str]) -> Iterator[Finding]:
    missing = [kind for kind in ("report", "statistics", "shots") if kind not in products]
    if missing and not plan.options.get("skip-report"):
        yield Finding(
            Severity.DEGRADED,
            "engine.report_missing",
            f"ODM's report is incomplete: {', '.join(missing)} missing.",
            "The orthophoto is whole; accuracy figures are not known for this run.",
            numbers={"missing": missing},
        )


def _gpu(plan: OdmPlan, facts: LogFacts) -> Iterator[Finding]:
    if not plan.gpu.granted or facts.gpu_features or facts.gpu_dense:
        return
    why = facts.gpu_fallbacks[0] if facts.gpu_fallbacks else "ODM saw no GPU" if not facts.gpu_visible else "no stage"
    yield Finding(
        Severity.DEGRADED,
        "engine.gpu_unused",
        f"A GPU was granted but not used ({why[:200].rstrip('.')}).",
        "Check the image, the driver and the container toolkit with aerodag doctor, or set gpu to off.",
        numbers={
            "visible": facts.gpu_visible,
            "features": facts.gpu_features,
            "dense": facts.gpu_dense,
            "fallbacks": facts.gpu_fallbacks,
        },
    )


def _positions(plan: OdmPlan, facts: LogFacts) -> Iterator[Finding]:
    lines, updated = plan.positions.lines, facts.positions_updated
    if not plan.positions.has_geo or updated == lines:
        return
    known = "did not say that it used" if updated is None else f"used {updated} of"
    yield Finding(
        # A resumed run reads its own list of images again and does not repeat the sentence.
        Severity.WARNING if updated is None else Severity.DEGRADED,
        "engine.positions_unmatched",
        f"ODM {known} the {lines} positions in geo.txt.",
        "The others have the images' own positions and accuracy.",
        numbers={"lines": lines, "updated": updated},
    )


def _passed_on(facts: LogFacts) -> Iterator[Finding]:
    for code, line in facts.warnings.items():
        if code in _WARNINGS:
            told = _WARNINGS[code]
            yield Finding(told.severity, code, told.message, told.advice, numbers={"line": line})
