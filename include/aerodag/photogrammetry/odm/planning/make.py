"""How a plan comes about: preset, then what a person asked for, then the rules that nobody may break."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from aerodag.errors import ConfigError
from aerodag.findings import Finding, Severity
from aerodag.photogrammetry.odm.planning import positions as telling
from aerodag.photogrammetry.odm.planning.boundary import boundary, reach_m
from aerodag.photogrammetry.odm.planning.checking import checked
from aerodag.photogrammetry.odm.planning.options import Value
from aerodag.photogrammetry.odm.planning.plan import Gpu, Image, OdmPlan
from aerodag.photogrammetry.odm.planning.presets import Preset, preset
from aerodag.photogrammetry.odm.planning.resources import max_concurrency
from aerodag.photogrammetry.odm.planning.versions import Circumstances, supports_boundary, version_of, warnings
from aerodag.rtk import CameraPosition, Solution, solution

# Smaller than any survey's: ODM then takes what its own estimate of the GSD allows, its native resolution.
_NATIVE_BY_ODM_CM = 0.5

# ODM's build of popsift has code for nothing newer (OpenDroneMap/ODM #1924).
_NEWEST_SIFT_CAPABILITY = 8.6


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """The images to process: positions by engine name, the largest image's megapixels, models of the cameras.

    ``gsd_cm`` is the median ground sampling distance, None where unknown.
    """

    positions: Mapping[str, CameraPosition]
    megapixels: float = 0.0
    gsd_cm: float | None = None
    cameras: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What a person asked for; ``options`` as given, unchecked."""

    preset: str = "standard"
    options: Mapping[str, Any] = field(default_factory=dict)


def make_plan(
    survey: Survey,
    wish: Wish,
    *,
    image: Image,
    gpu: Gpu,
    memory_bytes: int,
    cpus: float,
    default_accuracy_m: float = 3.0,
    models: bool = False,
) -> tuple[OdmPlan, list[Finding]]:
    """The plan for this survey, and what a person should know of it before it runs.

    ``memory_bytes`` and ``cpus`` are the container's limits; ``default_accuracy_m`` is taken where no image tells its
    accuracy; ``models`` tells whether ODM's AI models are at hand.

    Findings: those of `versions.warnings`, ``odm.gpu_idle``, ``odm.gpu_no_features``, ``odm.heights_lost``.

    Raises:
        ConfigError: ``odm.preset_unknown``, ``odm.gpu_missing``, and those of `checked`.
    """
    chosen = preset(wish.preset)
    given = checked(wish.options, image.flavour, models=models)
    image = replace(image, version=image.version or version_of(image.reference))
    gpu = _usable(gpu)
    options: dict[str, Value] = {
        **chosen.options,
        "orthophoto-resolution": _resolution_cm(chosen, survey.gsd_cm),
        **_features(chosen, gpu, survey),
        **given,
    }
    gpu, findings = _employed(gpu, options, chosen)
    if not gpu.granted and "feature-type" not in given:
        options.pop("feature-type", None)
    area = _area(survey, image, options)
    options.update(_area_by_odm(survey, options, area))
    positions = telling.decide(survey.positions, default_accuracy_m)
    threads = max_concurrency(cpus, memory_bytes, survey.megapixels)
    plan = OdmPlan(
        image=image,
        preset=wish.preset,
        options={name: option for name, option in sorted(options.items()) if option is not False},
        memory_bytes=memory_bytes,
        cpus=cpus,
        max_concurrency=threads,
        gpu=gpu,
        positions=positions,
        boundary=area,
    )
    findings += [*_lost_heights(survey), *_version_findings(plan, survey)]
    return replace(plan, note=_note(plan, survey)), findings


def _usable(gpu: Gpu) -> Gpu:
    if gpu.mode == "off":
        return Gpu(mode="off")
    if gpu.mode == "required" and not gpu.granted:
        raise ConfigError(
            "odm.gpu_missing",
            "A GPU is required, but none can be used in a container on this host.",
            advice="Run with gpu=auto, or see `aerodag doctor` for what the GPU lacks.",
        )
    return gpu


def _resolution_cm(chosen: Preset, gsd_cm: float | None) -> float:
    native = gsd_cm * chosen.times_gsd if gsd_cm is not None and gsd_cm > 0 else _NATIVE_BY_ODM_CM
    return round(max(native, chosen.least_cm), 2)


def _features(chosen: Preset, gpu: Gpu, survey: Survey) -> dict[str, Value]:
    """Plain SIFT where the GPU can do it; without positions ODM takes other features, on the CPU."""
    placed = any(position.longitude is not None for position in survey.positions.values())
    if gpu.granted and chosen.gpu_features and placed and _does_sift(gpu):
        return {"feature-type": "sift"}
    return {}


def _does_sift(gpu: Gpu) -> bool:
    capability = _capability(gpu)
    return capability is None or capability <= _NEWEST_SIFT_CAPABILITY


def _capability(gpu: Gpu) -> float | None:
    """CUDA's compute capability of the first device, the only one that ODM uses for features."""
    try:
        return float(gpu.devices[0]["compute_cap"])
    except (LookupError, TypeError, ValueError):
        return None


def _employed(gpu: Gpu, options: Mapping[str, Value], chosen: Preset) -> tuple[Gpu, list[Finding]]:
    """Whether the GPU has something to do; one that has not is given back unless a person requires it."""
    if not gpu.granted:
        return gpu, []
    features = options.get("feature-type") == "sift" and options.get("matcher-type") != "bow" and _does_sift(gpu)
    if not features and options.get("fast-orthophoto"):
        kept = gpu if gpu.mode == "required" else replace(gpu, granted=False)
        return kept, [_idle(kept)]
    if chosen.gpu_features and not _does_sift(gpu):
        return gpu, [_no_features(gpu)]
    return gpu, []


def _idle(gpu: Gpu) -> Finding:
    return Finding(
        Severity.WARNING if gpu.granted else Severity.INFO,
        "odm.gpu_idle",
        "There is nothing for a GPU to do: fast-orthophoto leaves the dense points out, and these features are found "
        "on the CPU.",
        "Set feature-type to sift or fast-orthophoto to false to use a GPU, or gpu=off.",
        numbers={"granted": gpu.granted, "devices": list(gpu.devices)},
    )


def _no_features(gpu: Gpu) -> Finding:
    return Finding(
        Severity.INFO,
        "odm.gpu_no_features",
        f"ODM cannot find features on a GPU of compute capability {_capability(gpu)}, only up to "
        f"{_NEWEST_SIFT_CAPABILITY}; it is used for the dense points alone.",
        numbers={"compute_capability": _capability(gpu), "newest": _NEWEST_SIFT_CAPABILITY},
    )


_AREA_OPTIONS = {"auto-boundary", "auto-boundary-distance"}


def _area(survey: Survey, image: Image, options: Mapping[str, Value]) -> str | None:
    if _AREA_OPTIONS & options.keys() or not supports_boundary(image.version, image.flavour):
        return None
    if survey.gsd_cm is None or survey.megapixels <= 0:
        return None
    points = [
        (position.longitude, position.latitude)
        for position in survey.positions.values()
        if position.longitude is not None and position.latitude is not None
    ]
    return boundary(points, reach_m(survey.gsd_cm, survey.megapixels))


def _area_by_odm(survey: Survey, options: Mapping[str, Value], area: str | None) -> dict[str, Value]:
    """ODM's own boundary where ours cannot be used, since stray points cost more memory than anything else."""
    placed = any(position.longitude is not None for position in survey.positions.values())
    if area is not None or "auto-boundary" in options or not placed:
        return {}
    return {"auto-boundary": True}


def _lost_heights(survey: Survey) -> list[Finding]:
    """One entry of geo.txt without height makes ODM ignore the heights of all images."""
    flat = sum(position.source == "geo" and position.altitude is None for position in survey.positions.values())
    if not flat:
        return []
    return [
        Finding(
            Severity.WARNING,
            "odm.heights_lost",
            f"{flat} of {len(survey.positions)} images have positions without height in the uploaded file; ODM then "
            "uses the height of none.",
            "Give all images of the file a height as the third number.",
            numbers={"images": flat},
        )
    ]


def _version_findings(plan: OdmPlan, survey: Survey) -> list[Finding]:
    kinds = {solution(position.flag) for position in survey.positions.values()}
    circumstances = Circumstances(
        options=plan.options, cameras=survey.cameras, has_rtk=bool(kinds & {Solution.FIXED, Solution.FLOAT})
    )
    return warnings(plan.image.version, plan.image.reference, plan.image.flavour, circumstances)


def _note(plan: OdmPlan, survey: Survey) -> str:
    gsd = f"GSD {survey.gsd_cm:.2f} cm" if survey.gsd_cm else "GSD unknown"
    area = "area from the cameras" if plan.boundary else "area by ODM" if "auto-boundary" in plan.options else "no area"
    return (
        f"{plan.preset}: pixels of {plan.orthophoto_resolution_cm:g} cm ({gsd}), {plan.max_concurrency} threads in "
        f"{plan.memory_bytes / 1024**3:.1f} GiB, {'with' if plan.gpu.granted else 'without'} GPU, {area}. "
        f"{plan.positions.reason}"
    )
