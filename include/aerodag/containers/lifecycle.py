"""A container from its creation to its verified removal; every step may be repeated."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import structlog

from aerodag.containers.faults import CONFLICT, refused_start, translated
from aerodag.containers.spec import INSTALLATION, RUN, ContainerSpec, create_options
from aerodag.errors import AerodagError, ConfigError, InfrastructureError

if TYPE_CHECKING:
    from docker import APIClient
    from docker.errors import APIError

log = structlog.get_logger(__name__)

_GONE_WITHIN_SECONDS = 120.0
_PAUSE_SECONDS = 0.25


def start(client: APIClient, spec: ContainerSpec) -> str:
    """Id of the running container ``spec.name``, created and started where it was not yet.

    A container that cannot be started is removed again.

    Raises:
        InfrastructureError: ``engine.gpu_runtime`` (try without GPU), ``engine.paths_differ``, ``engine.start_failed``.
        ConfigError: ``engine.name_taken`` by a container that is not this one, ``engine.refused``.
    """
    with translated(f"starting {spec.name}"):
        container = _created(client, spec)
        _started(client, container, spec.name)
    return container


def inspect(client: APIClient, container: str) -> dict[str, Any] | None:
    """All that the engine knows of a container, by id or name; None if it is gone."""
    from docker.errors import NotFound

    with translated(f"looking at container {container[:12]}"):
        try:
            found: dict[str, Any] = client.inspect_container(container)
        except NotFound:
            return None
    return found


def stop(client: APIClient, container: str, grace_seconds: int) -> None:
    """End it with TERM and after ``grace_seconds`` with KILL; returns when it has ended or is gone.

    Raises:
        InfrastructureError: ``engine.not_stopped``.
    """
    from docker.errors import NotFound

    with translated(f"stopping container {container[:12]}"):
        try:
            client.stop(container, timeout=grace_seconds)
        except NotFound:
            return
    until = time.monotonic() + _GONE_WITHIN_SECONDS
    while (facts := inspect(client, container)) and facts["State"]["Running"]:
        if time.monotonic() > until:
            raise InfrastructureError(
                "engine.not_stopped",
                f"Container {container[:12]} still runs {_GONE_WITHIN_SECONDS:.0f} s after it was killed.",
                advice="A process that waits for a disk or a driver cannot be killed; restart the Docker host.",
            )
        time.sleep(_PAUSE_SECONDS)


def discard(client: APIClient, container: str, grace_seconds: int) -> None:
    """Stop it, remove it with its own volumes, and make sure that neither its id nor its labels are found any more.

    Raises:
        InfrastructureError: ``engine.not_removed``.
    """
    facts = inspect(client, container)
    if facts is None:
        return
    if facts["State"]["Running"]:
        stop(client, container, grace_seconds)
    until = time.monotonic() + _GONE_WITHIN_SECONDS
    reason = remove(client, container)
    while _still_there(client, facts["Id"], facts["Config"].get("Labels") or {}):
        if time.monotonic() > until:
            raise InfrastructureError(
                "engine.not_removed",
                f"Container {container[:12]} is still there after {_GONE_WITHIN_SECONDS:.0f} s: {reason}.",
                advice=f"Run this on the Docker host: docker rm --force {container[:12]}",
            )
        time.sleep(_PAUSE_SECONDS)
        reason = remove(client, container)
    log.info("removed a container", container=container[:12], name=facts["Name"].lstrip("/"))


def remove(client: APIClient, container: str) -> str:
    """Try once to remove it, running or not; says why it may still be there, in the engine's words."""
    from docker.errors import APIError, NotFound

    with translated(f"removing container {container[:12]}"):
        try:
            client.remove_container(container, v=True, force=True)
        except NotFound:
            return "gone"
        except APIError as error:
            # Somebody else removes it at this moment, or the storage driver is busy for a while.
            if error.status_code != CONFLICT and not error.is_server_error():
                raise
            return str(error.explanation)
    return "removed"


def _created(client: APIClient, spec: ContainerSpec) -> str:
    from docker.errors import APIError

    try:
        return str(client.create_container(**create_options(client, spec))["Id"])
    except APIError as error:
        if error.status_code != CONFLICT:
            raise _unmade(error, spec) from error
    return _adopted(client, spec)


def _unmade(error: APIError, spec: ContainerSpec) -> AerodagError:
    if "no such image" in str(error.explanation).lower():
        return ConfigError(
            "engine.image_missing",
            f"There is no image {spec.image} on the Docker host.",
            advice=f"Run this on the Docker host: docker pull {spec.image}",
        )
    return refused_start(error, spec.name)


def _adopted(client: APIClient, spec: ContainerSpec) -> str:
    """The container that has the name already, if its labels say that it is the same start."""
    facts = inspect(client, spec.name)
    if facts is None:
        raise _vanished(spec.name)
    labels = facts["Config"].get("Labels") or {}
    if any(labels.get(key) != spec.labels.get(key) for key in (RUN, INSTALLATION)):
        raise ConfigError(
            "engine.name_taken",
            f"Another container has the name {spec.name}: {facts['Id'][:12]} of run {labels.get(RUN)}.",
            advice="Remove or rename it, or give each installation on this Docker host a data root of its own.",
        )
    log.info("adopted a container", container=facts["Id"][:12], name=spec.name, state=facts["State"]["Status"])
    return str(facts["Id"])


def _started(client: APIClient, container: str, name: str) -> None:
    from docker.errors import APIError

    facts = inspect(client, container)
    if facts is not None and facts["State"]["Status"] != "created":
        return
    try:
        client.start(container)
    except APIError as error:
        if inspect(client, container) is None:
            raise _vanished(name) from error
        remove(client, container)
        raise refused_start(error, name) from error


def _vanished(name: str) -> InfrastructureError:
    return InfrastructureError(
        "engine.start_failed",
        f"Somebody removed container {name} before it could start.",
        advice="The step may simply be tried again.",
    )


def _still_there(client: APIClient, container: str, labels: dict[str, str]) -> bool:
    if inspect(client, container) is not None:
        return True
    if RUN not in labels:
        return False
    with translated("listing containers"):
        return any(
            row["Id"] == container for row in client.containers(all=True, filters={"label": f"{RUN}={labels[RUN]}"})
        )
