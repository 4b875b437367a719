"""The plan: which engine, and what it shall do with this survey on its host."""

from __future__ import annotations

import dataclasses
from contextlib import closing
from statistics import median
from typing import TYPE_CHECKING, cast

import structlog

from aerodag import ledger, photogrammetry
from aerodag.findings import Finding, Severity
from aerodag.ledger import ImageRecord
from aerodag.photogrammetry import Choice, Plan
from aerodag.photogrammetry.odm.planning import plan as odm_plan
from aerodag.photogrammetry.odm.planning.make import Survey, Wish, make_plan
from aerodag.photogrammetry.odm.planning.plan import Gpu, GpuMode, Image, OdmPlan
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.examination.headers import position_of
from aerodag.pipeline.project import assigned

if TYPE_CHECKING:
    from docker import APIClient

    from aerodag.containers.images import ImageFacts

log = structlog.get_logger(__name__)

RESOLUTION = "orthophoto-resolution"


@dataclasses.dataclass(frozen=True, slots=True)
class Host:
    """What an engine elsewhere gets: its build, memory in bytes, cores, and the GPUs that were found."""

    name: str
    image: Image
    memory_bytes: int
    cpus: float
    gpu: Gpu


def plan_engine(context: StepContext) -> Metrics:
    """Choose the engine and its parameters, and write the plan into the run."""
    images = assigned(context)
    engine = photogrammetry.choose(context.run.engine, context.settings)
    if engine.detached:
        metrics, findings = _plan_detached(context, engine, images)
    else:
        metrics, findings = _plan_embedded(context, engine)
    context.replace_findings("plan_engine", [*_unused_control(context, engine), *findings])
    log.info("engine planned", engine=engine.name, images=len(images), preset=context.run.preset)
    return {"engine": engine.name, "images": len(images), "expected_gsd_cm": _gsd(images)} | metrics


def _plan_embedded(context: StepContext, engine: Choice) -> tuple[Metrics, list[Finding]]:
    plan = Plan(
        preset=context.run.preset,
        orthophoto_resolution_cm=context.run.options.get(RESOLUTION),
        max_concurrency=context.settings.max_concurrency,
    )
    ledger.set_plan(context.ledger, run_id=context.run.id, engine=engine.name, plan=dataclasses.asdict(plan))
    return {}, _unused_options(context, engine)


def _plan_detached(context: StepContext, engine: Choice, images: list[ImageRecord]) -> tuple[Metrics, list[Finding]]:
    host = _docker_host(context) if engine.name == "odm" else _node_host(context)
    plan, findings = make_plan(
        _survey(images),
        Wish(preset=context.run.preset, options=context.run.options),
        image=host.image,
        gpu=host.gpu,
        memory_bytes=host.memory_bytes,
        cpus=host.cpus,
        default_accuracy_m=context.settings.odm.gps_accuracy_m,
        models=context.settings.odm.models is not None,
    )
    plan = dataclasses.replace(plan, host=host.name)
    ledger.set_plan(
        context.ledger,
        run_id=context.run.id,
        engine=engine.name,
        plan=odm_plan.dump(plan),
        engine_digest=plan.image.digest,
    )
    log.info(plan.note, image=plan.image.reference, digest=plan.image.digest)
    return _plan_metrics(plan), findings


def _plan_metrics(plan: OdmPlan) -> Metrics:
    return {
        "image": plan.image.reference,
        "image_digest": plan.image.digest,
        "version": plan.image.version,
        "memory_bytes": plan.memory_bytes,
        "cpus": plan.cpus,
        "max_concurrency": plan.max_concurrency,
        "gpu": dataclasses.asdict(plan.gpu),
        "note": plan.note,
    }


def _docker_host(context: StepContext) -> Host:
    """What the Docker host offers. The image is there when this returns, and the data root is the same folder there.

    Raises:
        AerodagError: of what is missing.
    """
    from aerodag.containers.endpoint import connect
    from aerodag.containers.host import host_facts
    from aerodag.containers.images import ensure_image
    from aerodag.containers.ownership import container_user
    from aerodag.containers.sentinel import check_paths

    odm = context.settings.odm
    with closing(connect(photogrammetry.endpoint(odm))) as client:
        facts = host_facts(client)
        gpu = _docker_gpu(context, client)
        reference = odm.gpu_image if gpu.granted and odm.gpu_image else odm.image
        image = ensure_image(client, reference, odm.pull)
        context.work.mkdir(parents=True, exist_ok=True)
        wrong = check_paths(client, image.id, context.work, container_user(odm.user))
    if wrong is not None:
        raise wrong
    return Host(
        name=facts.name,
        image=Image(reference=reference, digest=_pinned(reference, image), flavour=odm.flavour, version=image.version),
        memory_bytes=odm.memory_on(facts.memory_bytes),
        cpus=odm.cpus_on(facts.cpus),
        gpu=gpu,
    )


def _pinned(reference: str, image: ImageFacts) -> str:
    """The image as it cannot change under the run: by its registry's digest, or by its id where it was made locally."""
    if image.digest is None:
        return image.id
    name = reference.partition("@")[0]
    folder, slash, last = name.rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}@{image.digest}"


def _docker_gpu(context: StepContext, client: APIClient) -> Gpu:
    from aerodag.containers.gpu import probe_gpus
    from aerodag.containers.images import ensure_image
    from aerodag.containers.ownership import container_user
    from aerodag.containers.spec import GpuAccess

    odm, mode = context.settings.odm, context.run.gpu
    if mode == "off":
        return Gpu(mode="off")
    image = ensure_image(client, odm.gpu_image or odm.image, odm.pull)
    probe = probe_gpus(client, image.id, GpuAccess(odm.gpu_devices, odm.gpu_access), container_user(odm.user))
    if probe.reason:
        log.info("no GPU for the engine", reason=probe.reason)
    devices = tuple(dataclasses.asdict(gpu) | {"compute_cap": gpu.compute_capability} for gpu in probe.gpus)
    return Gpu(mode=cast("GpuMode", mode), granted=bool(devices), devices=devices)


def _node_host(context: StepContext) -> Host:
    node = photogrammetry.node(context.settings).facts()
    flavour = context.settings.odm.flavour
    return Host(
        name=str(context.settings.nodeodm.url),
        image=Image(reference=f"nodeodm {node.version}", flavour=flavour, version=node.engine_version),
        memory_bytes=node.memory_bytes or 0,
        cpus=float(node.cpu_cores or 1),
        gpu=Gpu(mode=cast("GpuMode", context.run.gpu), granted=context.run.gpu == "required"),
    )


def _survey(images: list[ImageRecord]) -> Survey:
    return Survey(
        positions={str(image.engine_name): position_of(image) for image in images},
        megapixels=max((image.width or 0) * (image.height or 0) for image in images) / 1e6,
        gsd_cm=_gsd(images),
        cameras=frozenset(image.model for image in images if image.model),
    )


def _gsd(images: list[ImageRecord]) -> float | None:
    gsds = [image.gsd_cm for image in images if image.gsd_cm is not None]
    return median(gsds) if gsds else None


def _unused_options(context: StepContext, engine: Choice) -> list[Finding]:
    unused = sorted(context.run.options.keys() - {RESOLUTION})
    if not unused:
        return []
    return [
        Finding(
            Severity.WARNING,
            "engine.options_unused",
            f"The {engine.name} engine does not know these options of ODM, and goes without: {', '.join(unused)}.",
            "Process with the odm engine to use them.",
            numbers={"options": unused, "engine": engine.name},
        )
    ]


def _unused_control(context: StepContext, engine: Choice) -> list[Finding]:
    points = (context.run.preflight or {}).get("control_points")
    if not points or engine.takes_ground_control:
        return []
    return [
        Finding(
            Severity.WARNING,
            "engine.ground_control_unused",
            f"The {engine.name} engine places the survey by its positions; the {points} ground control points are "
            "not used.",
            "Process with the odm engine to use them.",
            numbers={"points": points, "engine": engine.name},
        )
    ]
