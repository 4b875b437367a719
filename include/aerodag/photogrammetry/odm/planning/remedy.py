"""What to change before a failed run of the engine is tried once more."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from aerodag.errors import AerodagError, Retry
from aerodag.photogrammetry.odm.planning.options import OPTIONS, Value
from aerodag.photogrammetry.odm.planning.plan import Gpu, OdmPlan, Remedy

Change = tuple[OdmPlan, str]
Step = Callable[[OdmPlan], Change | None]

_ODM_DEFAULTS: dict[str, Value] = {
    "feature-quality": "high",
    "pc-quality": "medium",
    "mesh-octree-depth": 11,
    "dem-resolution": 5,
}
_LEAST_DEPTH = 8


def remedy(error: AerodagError, plan: OdmPlan) -> tuple[OdmPlan, str] | None:
    """The plan for one more try after ``error``, and what changed in words; None if there is none.

    Each class of ``error.retry`` is a reason once. ``error.numbers["stage"]`` names the stage that failed, where known:
    only what concerns it or later stages gets smaller, so that the work before it is kept. The one exception is a
    boundary, where there is none yet and a raster was too large.
    """
    cure = _CURES.get(error.retry)
    if cure is None or any(remedy.kind is error.retry for remedy in plan.remedies):
        return None
    changed = cure(error, plan)
    if changed is None:
        return None
    after, text = changed
    return replace(after, remedies=(*after.remedies, Remedy(error.retry, text))), text


def _smaller(error: AerodagError, plan: OdmPlan) -> Change | None:
    stage = error.numbers.get("stage")
    texts: list[str] = []
    for step in _STEPS.get(stage, _ALL_STEPS) if isinstance(stage, str) else _ALL_STEPS:
        changed = step(plan)
        if changed is not None:
            plan, text = changed
            texts.append(text)
    return (plan, f"Smaller: {', '.join(texts)}.") if texts else None


def _fewer_threads(plan: OdmPlan) -> Change | None:
    fewer = plan.max_concurrency // 2
    if fewer < 1:
        return None
    return replace(plan, max_concurrency=fewer), f"{plan.max_concurrency} to {fewer} threads"


def _lower(name: str) -> Step:
    def step(plan: OdmPlan) -> Change | None:
        choices = OPTIONS[name].choices
        now = choices.index(str(_option(plan, name)))
        return _with(plan, name, choices[now + 1]) if now + 1 < len(choices) else None

    return step


def _sparser(plan: OdmPlan) -> Change | None:
    return None if plan.options.get("fast-orthophoto") else _lower_points(plan)


def _shallower_mesh(plan: OdmPlan) -> Change | None:
    depth = int(_option(plan, "mesh-octree-depth"))
    return _with(plan, "mesh-octree-depth", depth - 1) if depth > _LEAST_DEPTH else None


def _coarser(name: str) -> Step:
    def step(plan: OdmPlan) -> Change | None:
        return _with(plan, name, float(_option(plan, name)) * 2)

    return step


def _limited(plan: OdmPlan) -> Change | None:
    """Stray points make canvases of many kilometres, which no host has the memory for."""
    if plan.boundary is not None or plan.options.get("auto-boundary"):
        return None
    return _with(plan, "auto-boundary", True)


_lower_features = _lower("feature-quality")
_lower_points = _lower("pc-quality")
_coarser_dem = _coarser("dem-resolution")
_coarser_orthophoto = _coarser("orthophoto-resolution")

_ALL_STEPS: Sequence[Step] = (_fewer_threads, _lower_features, _sparser, _limited)
_STEPS: dict[str, Sequence[Step]] = {
    "opensfm": _ALL_STEPS,
    "openmvs": (_fewer_threads, _sparser, _limited),
    "odm_filterpoints": (_fewer_threads, _limited),
    "odm_meshing": (_fewer_threads, _shallower_mesh),
    "mvs_texturing": (_fewer_threads,),
    "odm_georeferencing": (_fewer_threads,),
    "odm_dem": (_fewer_threads, _coarser_dem, _limited),
    "odm_orthophoto": (_fewer_threads, _coarser_orthophoto, _limited),
    "odm_report": (_fewer_threads,),
    "odm_postprocess": (_fewer_threads,),
}


def _option(plan: OdmPlan, name: str) -> Value:
    return plan.options.get(name, _ODM_DEFAULTS.get(name, 0))


def _with(plan: OdmPlan, name: str, value: Value) -> Change:
    text = name if value is True else f"{name} {_option(plan, name)} to {value}"
    return replace(plan, options=dict(sorted({**plan.options, name: value}.items()))), text


def _without_gpu(error: AerodagError, plan: OdmPlan) -> Change | None:
    if plan.gpu.mode == "required" or not plan.gpu.granted:
        return None
    return replace(plan, gpu=Gpu(mode=plan.gpu.mode)), "Without GPU."


def _clean_stage(error: AerodagError, plan: OdmPlan) -> Change | None:
    return plan, "The stage that failed starts again from an empty folder."


def _clean_images(error: AerodagError, plan: OdmPlan) -> Change | None:
    if plan.sanitise_images:
        return None
    return replace(plan, sanitise_images=True), "On copies of the images without maker notes."


_CURES: dict[Retry, Callable[[AerodagError, OdmPlan], Change | None]] = {
    Retry.SMALLER: _smaller,
    Retry.WITHOUT_GPU: _without_gpu,
    Retry.CLEAN_STAGE: _clean_stage,
    Retry.CLEAN_IMAGES: _clean_images,
}
