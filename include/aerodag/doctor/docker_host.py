"""The Docker host: there, able to keep limits, with the same folders, and what GPUs its containers see."""

from __future__ import annotations

from aerodag import photogrammetry
from aerodag.containers.gpu import Gpu
from aerodag.doctor.examination import Visit
from aerodag.doctor.verdict import Status, Verdict, failed, of_error, ok, skipped, together, warning
from aerodag.errors import AerodagError
from aerodag.preflight import amounts

# The PopSift that ODM and ODX come with is built for no newer GPUs (OpenDroneMap/ODM #1924).
NEWEST_CAPABILITY = 8.6


def reachable(visit: Visit) -> Verdict:
    """Whether the engine answers, and which it is."""
    endpoint = photogrammetry.endpoint(visit.settings.odm)
    try:
        host = visit.docker_host
    except AerodagError as error:
        advice = f"{error.advice} Until then runs go by NodeODM or the embedded engine."
        return failed(error.message, advice, code=error.code)
    rootless = ", rootless" if host.rootless else ""
    return ok(
        f"Docker {host.server_version} answers at {endpoint.url} on {host.name}: "
        f"cgroup v{host.cgroup_version}, {host.storage_driver}{rootless}.",
        url=endpoint.url,
        version=host.server_version,
        cgroup=host.cgroup_version,
        runtimes=list(host.runtimes),
    )


def live_restore(visit: Visit) -> Verdict:
    """Whether a running engine survives a restart or an upgrade of Docker."""
    if visit.docker_host.live_restore:
        return ok("Containers go on while the Docker daemon restarts.")
    return warning(
        "A restart of the Docker daemon ends its containers, a day's run included.",
        'Set "live-restore": true in /etc/docker/daemon.json, then run `systemctl reload docker`.',
    )


def limits(visit: Visit) -> Verdict:
    """Whether a container can be held to its memory and cores."""
    host, memory, cpus = visit.docker_host, visit.memory_bytes, visit.cpus
    numbers = {"memory_bytes": memory, "host_bytes": host.memory_bytes, "cpus": cpus, "host_cpus": host.cpus}
    told = (
        f"An engine gets {amounts.data_size(memory)} of {amounts.data_size(host.memory_bytes)} memory "
        f"and {cpus:g} of {amounts.count_of(host.cpus, 'core')}"
    )
    if cpus > host.cpus:
        return failed(f"{told}; Docker refuses that.", f"Set AERODAG_ODM__CPUS={host.cpus} or less.", **numbers)
    if memory > host.memory_bytes:
        return warning(
            f"{told}, so that the host runs out of memory before the limit is reached.",
            f"Set AERODAG_ODM__MEMORY_BYTES below {host.memory_bytes}, or unset it.",
            **numbers,
        )
    if not host.limits_swap:
        return warning(
            f"{told}, but this kernel does not limit swap: an engine that needs more may slow the host for hours.",
            "Boot the Docker host with swapaccount=1 (cgroup v1), or without swap.",
            **numbers,
        )
    return ok(f"{told}, without swap.", **numbers)


def paths(visit: Visit) -> Verdict:
    """Whether a file goes into a container and back by the same path, as the engine's user."""
    from aerodag.containers.ownership import container_user
    from aerodag.containers.sentinel import check_paths

    image = visit.image(visit.settings.odm.image)
    if image is None:
        return skipped("Not looked at, because the image is not on the Docker host.")
    user = container_user(visit.settings.odm.user)
    wrong = check_paths(visit.docker, image.id, visit.work, user)
    if wrong is not None:
        return of_error(wrong)
    return ok(f"{visit.work} is the same folder in containers, and user {user} writes there.", user=user)


def gpu(visit: Visit) -> Verdict:
    """Which GPUs containers see, asked in one."""
    from aerodag.containers.gpu import probe_gpus
    from aerodag.containers.ownership import container_user
    from aerodag.containers.spec import GpuAccess

    odm = visit.settings.odm
    if not odm.gpu_devices:
        return skipped("No GPU is wanted: AERODAG_ODM__GPU_DEVICES is empty.")
    image = visit.image(odm.gpu_image or odm.image)
    if image is None:
        return skipped("Not looked at, because the image is not on the Docker host.")
    access = GpuAccess(odm.gpu_devices, odm.gpu_access)
    probe = probe_gpus(visit.docker, image.id, access, container_user(odm.user))
    if not probe.gpus:
        return warning(
            f"Containers see no GPU: {probe.reason or 'nvidia-smi shows none.'} Runs use the cores alone.",
            "Install the NVIDIA container toolkit on the Docker host or set AERODAG_ODM__GPU_ACCESS=nvidia; "
            "on a host without GPU set AERODAG_ODM__GPU_DEVICES=[].",
        )
    return together([*(judge_gpu(each) for each in probe.gpus), *_built_for_gpu(visit)])


def judge_gpu(gpu: Gpu) -> Verdict:
    """A GPU that containers see: whether the engine uses all of it."""
    capability = "unknown" if gpu.compute_capability is None else f"{gpu.compute_capability:.1f}"
    told = (
        f"GPU {gpu.index}: {gpu.name}, compute capability {capability}, {amounts.data_size(gpu.memory_bytes)}, "
        f"driver {gpu.driver}"
    )
    numbers = {f"gpu_{gpu.index}_capability": gpu.compute_capability, f"gpu_{gpu.index}_bytes": gpu.memory_bytes}
    if gpu.compute_capability is not None and gpu.compute_capability > NEWEST_CAPABILITY:
        return warning(
            f"{told}; ODM's SIFT does not use GPUs newer than {NEWEST_CAPABILITY}.",
            "Expect features from the cores; depth maps still use the GPU.",
            **numbers,
        )
    return Verdict(Status.OK, f"{told}.", numbers=numbers)


def _built_for_gpu(visit: Visit) -> list[Verdict]:
    odm = visit.settings.odm
    if odm.gpu_image or "gpu" in odm.image.lower():
        return []
    return [
        warning(
            f"But the image {odm.image} may be built without CUDA.",
            "Set AERODAG_ODM__GPU_IMAGE to a build for GPUs, by digest.",
        )
    ]
