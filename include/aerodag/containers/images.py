"""Images: present on the Docker host before anything is started from them."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import structlog

from aerodag.containers.faults import explanation, translated
from aerodag.errors import ConfigError, InfrastructureError

if TYPE_CHECKING:
    from docker import APIClient

log = structlog.get_logger(__name__)

_TELL_SECONDS = 15.0


@dataclass(frozen=True, slots=True)
class ImageFacts:
    """An image on the Docker host.

    ``digest`` is the registry's, None for an image made here; ``size`` in bytes. ``version`` and ``revision`` are the
    labels ``org.opencontainers.image.*``, where it has them.
    """

    id: str
    digest: str | None
    entrypoint: tuple[str, ...]
    size: int
    version: str | None = None
    revision: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)


def ensure_image(client: APIClient, reference: str, pull: Literal["missing", "never"] = "missing") -> ImageFacts:
    """The image that ``reference`` names, brought from its registry first where it is missing and that is wanted.

    Raises:
        ConfigError: ``engine.image_missing``.
        InfrastructureError: ``engine.image_pull`` where the registry cannot be read now, ``engine.unreachable``.
    """
    with translated(f"looking for the image {reference}"):
        found = _inspect(client, reference)
        if found is None and pull == "missing":
            _pull(client, reference)
            found = _inspect(client, reference)
    if found is None:
        raise _missing(reference, "it is not on the Docker host")
    return _facts(found, reference)


def _inspect(client: APIClient, reference: str) -> dict[str, Any] | None:
    from docker.errors import ImageNotFound

    try:
        image: dict[str, Any] = client.inspect_image(reference)
    except ImageNotFound:
        return None
    return image


def _facts(image: Mapping[str, Any], reference: str) -> ImageFacts:
    config = image.get("Config") or {}
    labels = config.get("Labels") or {}
    name = reference.partition("@")[0]
    digests = [digest.partition("@") for digest in image.get("RepoDigests") or ()]
    own = [digest for repository, _, digest in digests if name == repository or name.startswith(f"{repository}:")]
    return ImageFacts(
        id=image["Id"],
        digest=next(iter(own or [digest for _, _, digest in digests]), None),
        entrypoint=tuple(config.get("Entrypoint") or ()),
        size=int(image.get("Size") or 0),
        version=labels.get("org.opencontainers.image.version"),
        revision=labels.get("org.opencontainers.image.revision"),
        labels=labels,
    )


def _pull(client: APIClient, reference: str) -> None:
    from docker.errors import APIError

    log.info("pulling an image", image=reference)
    try:
        _follow(client.pull(reference, stream=True, decode=True), reference)
    except APIError as error:
        if error.is_server_error() and "not found" not in explanation(error).lower():
            raise _unreadable(reference, explanation(error)) from error
        raise _missing(reference, explanation(error)) from error


def _follow(messages: Iterable[Mapping[str, Any]], reference: str) -> None:
    """Reads a pull to its end; errors come as messages of a stream that was answered with 200."""
    told, layers = time.monotonic(), dict[str, int]()
    for message in messages:
        if error := message.get("error"):
            if "not found" in error or "denied" in error or "manifest unknown" in error:
                raise _missing(reference, error)
            raise _unreadable(reference, error)
        if message.get("status") == "Downloading":
            layers[message.get("id", "")] = (message.get("progressDetail") or {}).get("current") or 0
        if time.monotonic() - told > _TELL_SECONDS:
            told = time.monotonic()
            log.info("still pulling", image=reference, megabytes=round(sum(layers.values()) / 1e6))


def _missing(reference: str, reason: str) -> ConfigError:
    return ConfigError(
        "engine.image_missing",
        f"There is no image {reference}: {reason}.",
        advice=f"Run this on the Docker host: docker pull {reference}",
    )


def _unreadable(reference: str, reason: str) -> InfrastructureError:
    return InfrastructureError(
        "engine.image_pull",
        f"The image {reference} could not be pulled: {reason}.",
        advice=f"Look whether the Docker host has a connection and disk space: docker pull {reference}",
    )
