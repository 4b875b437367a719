"""The engines by name, and which of them can work here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from aerodag.errors import AerodagError, ConfigError
from aerodag.photogrammetry.embedded_engine import EmbeddedEngine
from aerodag.photogrammetry.jobs import Jobs
from aerodag.settings import Odm, Settings

if TYPE_CHECKING:
    from docker import APIClient

    from aerodag.containers.endpoint import Endpoint


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


def _odm_unavailable(settings: Settings) -> list[str]:
    """Without Docker, or without the image: nobody shall wait for gigabytes who did not ask for this engine."""
    from aerodag.containers.endpoint import connect
    from aerodag.containers.images import ensure_image

    try:
        client = connect(endpoint(settings.odm))
        ensure_image(client, settings.odm.image, "never")
        client.close()
    except AerodagError as error:
        return [error.message]
    return []


def _node_unavailable(settings: Settings) -> list[str]:
    if not settings.nodeodm.url:
        return ["No NodeODM server is configured."]
    from aerodag.photogrammetry.nodeodm_jobs import NodeOdmJobs

    reason = NodeOdmJobs(settings.nodeodm, owner=settings.installation).unavailable()
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


def jobs(name: str, settings: Settings, *, client: Callable[[], APIClient] | None = None) -> Jobs:
    """The jobs of a detached engine; ``client`` makes the connection to Docker where a caller has its own way."""
    if name == "nodeodm":
        from aerodag.photogrammetry.nodeodm_jobs import NodeOdmJobs

        return NodeOdmJobs(settings.nodeodm, owner=settings.installation)
    from aerodag.photogrammetry.docker_jobs import DockerJobs

    return DockerJobs(endpoint(settings.odm), settings.odm, installation=settings.installation)
