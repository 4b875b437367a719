"""The engines by name, and which of them can work here."""

from __future__ import annotations

import socket
from collections.abc import Callable
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING

import psutil
import structlog

from aerodag.errors import AerodagError, ConfigError
from aerodag.photogrammetry.embedded_engine import EmbeddedEngine
from aerodag.photogrammetry.jobs import Jobs
from aerodag.settings import Odm, Settings

if TYPE_CHECKING:
    from docker import APIClient

    from aerodag.containers.endpoint import Endpoint
    from aerodag.photogrammetry.nodeodm_jobs import NodeOdmJobs


log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Choice:
    """An engine that a run may use; ``takes_ground_control`` tells whether it steers by ``gcp_list.txt``.

    A ``detached`` engine works outside this process, and is reached by `jobs`.
    """

    name: str
    detached: bool
    takes_ground_control: bool
    unavailable: Callable[[Settings], list[str]]


def endpoint(odm: Odm) -> Endpoint:
    """Where the Docker engine is."""
    from aerodag.containers.endpoint import Endpoint

    return Endpoint(odm.docker_url, odm.ca_cert, odm.client_cert, odm.client_key)


def node(settings: Settings) -> NodeOdmJobs:
    """The NodeODM or ClusterODM server. Raises ``ConfigError`` ``engine.no_node``."""
    from aerodag.photogrammetry.nodeodm_jobs import NodeOdmJobs

    return NodeOdmJobs(settings.nodeodm, owner=settings.installation)


def _odm_unavailable(settings: Settings) -> list[str]:
    """Without Docker, or without the image: nobody shall wait for gigabytes who did not ask for this engine."""
    from aerodag.containers.endpoint import connect
    from aerodag.containers.images import ensure_image

    try:
        with closing(connect(endpoint(settings.odm))) as client:
            ensure_image(client, settings.odm.image, "never")
    except AerodagError as error:
        return [error.message]
    return []


def _node_unavailable(settings: Settings) -> list[str]:
    if not settings.nodeodm.url:
        return ["No NodeODM server is configured."]
    reason = node(settings).unavailable()
    return [reason] if reason else []


# In the order in which engine=auto tries them.
ENGINES = {
    choice.name: choice
    for choice in (
        Choice("odm", True, True, _odm_unavailable),
        Choice("nodeodm", True, True, _node_unavailable),
        Choice("embedded", False, False, lambda _: EmbeddedEngine().unavailable()),
    )
}


def choose(asked: str, settings: Settings) -> Choice:
    """The engine of that name, or with ``auto`` the first that can work here.

    An engine elsewhere that is asked for by name is not tried beforehand: it may be away for a moment, and its steps
    say best what it lacks.

    Raises:
        ConfigError: ``engine.unavailable``, with what is missing.
    """
    if asked != "auto" and ENGINES[asked].detached:
        return ENGINES[asked]
    reasons: list[str] = []
    for choice in ENGINES.values() if asked == "auto" else (ENGINES[asked],):
        missing = choice.unavailable(settings)
        if not missing:
            return choice
        reasons += missing
    raise ConfigError(
        "engine.unavailable",
        f"No engine can run here: {' '.join(reasons)}",
        advice="Install what is missing, or choose engine=auto.",
    )


@dataclass(frozen=True, slots=True)
class EngineHost:
    """The machine that an engine works on, and what it may use there: memory in bytes, whole cores."""

    name: str
    memory_bytes: int
    cores: int


def host_of(choice: Choice, settings: Settings) -> EngineHost:
    """Where the engine works; this machine where the other cannot be asked now."""
    try:
        if choice.name == "odm":
            return _docker_host(settings)
        if choice.name == "nodeodm":
            return _node_host(settings)
    except AerodagError as error:
        log.info("the engine's host cannot be asked now; this one's figures are taken", reason=error.message)
    return EngineHost(socket.gethostname(), psutil.virtual_memory().available, settings.max_concurrency)


def _docker_host(settings: Settings) -> EngineHost:
    from aerodag.containers.endpoint import connect
    from aerodag.containers.host import host_facts

    odm = settings.odm
    with closing(connect(endpoint(odm))) as client:
        facts = host_facts(client)
    return EngineHost(facts.name, odm.memory_on(facts.memory_bytes), max(1, int(odm.cpus_on(facts.cpus))))


def _node_host(settings: Settings) -> EngineHost:
    facts = node(settings).facts()
    memory = facts.memory_bytes or psutil.virtual_memory().available
    return EngineHost(str(settings.nodeodm.url), memory, facts.cpu_cores or settings.max_concurrency)


def jobs(name: str, settings: Settings, *, client: Callable[[], APIClient] | None = None) -> Jobs:
    """The jobs of a detached engine; ``client`` makes the connection to Docker where a caller has its own way."""
    if name == "nodeodm":
        return node(settings)
    from aerodag.photogrammetry.docker_jobs import DockerJobs

    return DockerJobs(endpoint(settings.odm), settings.odm, installation=settings.installation, client=client)
