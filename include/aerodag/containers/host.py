"""What a Docker host has and can do."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from aerodag.containers.faults import translated

if TYPE_CHECKING:
    from docker import APIClient


@dataclass(frozen=True, slots=True)
class HostFacts:
    """A Docker host; memory in bytes. ``live_restore``: containers outlive a restart of the engine."""

    name: str
    server_version: str
    cpus: int
    memory_bytes: int
    cgroup_version: int
    runtimes: tuple[str, ...]
    limits_swap: bool
    live_restore: bool
    storage_driver: str
    data_folder: str
    rootless: bool


def host_facts(client: APIClient) -> HostFacts:
    """What the engine says about its host."""
    with translated("asking for facts about its host"):
        info = client.info()
    return HostFacts(
        name=info.get("Name", ""),
        server_version=info.get("ServerVersion", ""),
        cpus=int(info.get("NCPU", 0)),
        memory_bytes=int(info.get("MemTotal", 0)),
        cgroup_version=int(info.get("CgroupVersion") or 1),
        runtimes=tuple(sorted(info.get("Runtimes") or ())),
        limits_swap=bool(info.get("SwapLimit")),
        live_restore=bool(info.get("LiveRestoreEnabled")),
        storage_driver=info.get("Driver", ""),
        data_folder=info.get("DockerRootDir", ""),
        rootless="name=rootless" in (info.get("SecurityOptions") or ()),
    )
