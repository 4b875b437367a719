"""What a container of this project is given, and how it is kept within bounds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from docker import APIClient

DATASET, RUN, TRY = "aerodag.dataset", "aerodag.run", "aerodag.try"
DEADLINE, PROJECT = "aerodag.deadline", "aerodag.project"
ROLE, INSTALLATION = "aerodag.role", "aerodag.installation"

# An engine that ignores TERM at its bound has so long to end.
KILL_AFTER_SECONDS = 60

# Line numbers stay true only while nothing of the log is rotated away.
_LOG = {"type": "json-file", "config": {"max-size": "4g", "max-file": "2"}}
# OpenSfM's worker processes share arrays there; the 64 MB that Docker gives make them fail.
_SHARED_MEMORY_BYTES = 2 * 1024**3


@dataclass(frozen=True, slots=True)
class GpuAccess:
    """GPUs by device id, or ``all``. ``nvidia`` is the runtime of that name, for hosts where ``--gpus`` fails."""

    devices: tuple[str, ...] = ()
    way: Literal["device_requests", "nvidia"] = "device_requests"

    def environment(self) -> dict[str, str]:
        """Variables that the NVIDIA runtime reads; ``void`` hides the GPUs where it is the host's default runtime."""
        if not self.devices:
            return {"NVIDIA_VISIBLE_DEVICES": "void"}
        return {"NVIDIA_VISIBLE_DEVICES": ",".join(self.devices), "NVIDIA_DRIVER_CAPABILITIES": "compute,utility"}

    def host_options(self) -> dict[str, Any]:
        """Arguments of ``create_host_config``. Never both ways at once: the runtime refuses that on some hosts."""
        if not self.devices:
            return {}
        if self.way == "nvidia":
            return {"runtime": "nvidia"}
        from docker.types import DeviceRequest

        which = {"count": -1} if "all" in self.devices else {"device_ids": list(self.devices)}
        return {"device_requests": [DeviceRequest(capabilities=[["gpu"]], **which)]}


NO_GPU = GpuAccess()


@dataclass(frozen=True, slots=True)
class Bind:
    """A folder of the Docker host inside the container; at the same path unless ``target`` says otherwise."""

    source: Path
    target: str = ""
    read_only: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContainerSpec:
    """One container. Memory in bytes without swap, 0 for no limit; ``cpus`` in cores, 0 for all.

    ``seconds`` bounds the main process from inside, so that it ends even if nobody watches; 0 for no bound.
    ``tmpfs`` maps folders to their size in bytes, which counts as the container's memory.
    """

    name: str
    image: str
    entrypoint: Sequence[str]
    arguments: Sequence[str] = ()
    labels: Mapping[str, str] = field(default_factory=dict)
    environment: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    binds: Sequence[Bind] = ()
    tmpfs: Mapping[str, int] = field(default_factory=dict)
    read_only_root: bool = True
    memory_bytes: int = 0
    cpus: float = 0.0
    pids: int = 0
    seconds: float = 0.0
    network: str = "none"
    stop_seconds: int = 30
    gpus: GpuAccess = NO_GPU


def labels_of(
    *,
    role: str,
    dataset_id: int,
    run_id: int,
    attempt: int,
    deadline: datetime | None,
    project: Path,
    installation: str,
) -> dict[str, str]:
    """Labels by which a container is found again, and by which housekeeping knows when its time is over."""
    return {
        ROLE: role,
        DATASET: str(dataset_id),
        RUN: str(run_id),
        TRY: str(attempt),
        PROJECT: str(project),
        INSTALLATION: installation,
    } | ({DEADLINE: deadline.isoformat()} if deadline else {})


def bounded(entrypoint: Sequence[str], seconds: float) -> list[str]:
    """``entrypoint`` under ``timeout``, in the form that GNU's and BusyBox's both take.

    At the bound GNU's gives exit code 124, BusyBox's that of the ended process (143), and both 137 after a kill.
    """
    if seconds <= 0:
        return list(entrypoint)
    whole = str(max(1, round(seconds)))
    return ["timeout", "-k", str(KILL_AFTER_SECONDS), "-s", "TERM", whole, *entrypoint]


def create_options(client: APIClient, spec: ContainerSpec) -> dict[str, Any]:
    """Arguments of docker-py's ``create_container``."""
    return {
        "image": spec.image,
        "name": spec.name,
        "entrypoint": bounded(spec.entrypoint, spec.seconds),
        "command": list(spec.arguments),
        "labels": dict(spec.labels),
        "environment": {**spec.gpus.environment(), **spec.environment},
        "user": spec.user,
        "stop_signal": "SIGTERM",
        "stop_timeout": spec.stop_seconds,
        # Proxies of the client's configuration may hold passwords, and lead nowhere without a network.
        "use_config_proxy": spec.network != "none",
        "host_config": client.create_host_config(**host_options(spec)),
    }


def host_options(spec: ContainerSpec) -> dict[str, Any]:
    """Arguments of docker-py's ``create_host_config``: the limits and what the container may reach."""
    from docker.types import LogConfig, Mount

    return {
        "mounts": [
            Mount(bind.target or str(bind.source), str(bind.source), type="bind", read_only=bind.read_only)
            for bind in spec.binds
        ],
        # ODM's helpers run scripts from /tmp, which Docker's own default forbids.
        "tmpfs": {folder: f"rw,exec,nosuid,nodev,mode=1777,size={size}" for folder, size in spec.tmpfs.items()},
        "read_only": spec.read_only_root,
        "mem_limit": spec.memory_bytes or None,
        # Equal to the memory limit, because the rest would be swap: an engine that thrashes for days instead of ending.
        "memswap_limit": spec.memory_bytes or None,
        "nano_cpus": round(spec.cpus * 1e9) or None,
        "pids_limit": spec.pids or None,
        "shm_size": _SHARED_MEMORY_BYTES,
        # Where the host itself runs out of memory, the kernel shall take the engine and not the worker.
        "oom_score_adj": 500,
        "init": True,
        "security_opt": ["no-new-privileges"],
        **_capabilities(spec.user),
        "log_config": LogConfig(**_LOG),
        "network_mode": spec.network,
        **spec.gpus.host_options(),
    }


def _capabilities(user: str) -> dict[str, list[str]]:
    dropped = {"cap_drop": ["ALL"]}
    if user and user.partition(":")[0] not in {"0", "root"}:
        return dropped
    # Root without these cannot write into folders of the worker.
    return dropped | {"cap_add": ["CHOWN", "DAC_OVERRIDE", "FOWNER"]}
