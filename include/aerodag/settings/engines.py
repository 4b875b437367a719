"""Photogrammetry engines."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field


class Odm(BaseModel):
    """OpenDroneMap in containers; each is ``AERODAG_ODM__<NAME>`` in the environment."""

    model_config = ConfigDict(frozen=True)

    image: str = Field(default="opendronemap/odm:3.5.6", description="Better by digest: NAME@sha256:...")
    gpu_image: str | None = Field(default=None, description="Used where a GPU is granted; image when not given.")
    flavour: Literal["odm", "odx"] = Field(default="odm", description="odx for WebODM's fork.")
    pull: Literal["missing", "never"] = "missing"
    docker_url: str = Field(
        default_factory=lambda: os.environ.get("DOCKER_HOST", "unix:///var/run/docker.sock"),
        description="unix://, tcp:// or ssh://USER@HOST; the connection aerodag_docker comes before it.",
    )
    ca_cert: Path | None = Field(default=None, description="The daemon's certificate authority, for TLS.")
    client_cert: Path | None = None
    client_key: Path | None = None
    user: str | None = Field(default=None, description="UID:GID inside the container; the worker's own by default.")
    read_only_root: bool | None = Field(default=None, description="As the flavour allows when not given.")
    memory_bytes: int | None = Field(default=None, description="memory_share of the Docker host's when not given.")
    memory_share: float = Field(default=0.8, gt=0, le=1)
    cpus: float | None = Field(default=None, description="Cores; all of the Docker host's when not given.")
    pids: int = 16384
    gdal_cache_mb: int = 2048
    models: Path | None = Field(default=None, description="Folder with ODM's AI models, for hosts without internet.")
    gpu_access: Literal["device_requests", "nvidia"] = Field(
        default="device_requests", description="nvidia: the runtime of that name, where --gpus does not work."
    )
    gpu_devices: tuple[str, ...] = Field(default=("all",), description="Device ids that containers may use.")
    hours: float = Field(default=24.0, gt=0, description="The most that one attempt may take, over all retries.")
    stop_seconds: int = Field(default=30, description="Time to end politely.")
    poll_seconds: float = Field(default=5.0, gt=0, description="How often a running container is looked at.")
    quiet_hours: float = Field(default=6.0, description="Without a line of output for so long, it hangs.")
    quiet_stage_hours: dict[str, float] = Field(
        default={"dataset": 1.0, "odm_report": 0.5, "odm_postprocess": 1.0}, description="The same for single stages."
    )
    disk_soft_bytes: int = Field(default=20 * 1024**3, description="Less free space than this is warned of.")
    disk_hard_bytes: int = Field(default=3 * 1024**3, description="Less than this stops the engine cleanly.")
    gps_accuracy_m: float = Field(default=3.0, description="Given to ODM where no accuracy is known at all.")

    def memory_on(self, host_bytes: int) -> int:
        """Bytes that a container gets on a Docker host with ``host_bytes`` of memory."""
        return self.memory_bytes or int(host_bytes * self.memory_share)

    def cpus_on(self, host_cpus: int) -> float:
        """Cores that a container gets on a Docker host with ``host_cpus``."""
        return self.cpus or float(host_cpus)


class NodeOdm(BaseModel):
    """A NodeODM or ClusterODM server; each is ``AERODAG_NODEODM__<NAME>`` in the environment."""

    model_config = ConfigDict(frozen=True)

    url: str | None = Field(default=None, description="http://HOST:3000; the connection aerodag_nodeodm comes first.")
    token: str = ""
    parallel_uploads: int = 4
