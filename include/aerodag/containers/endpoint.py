"""Where a Docker engine is, and a client that talks to it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from aerodag.containers.faults import translated
from aerodag.errors import AerodagError, ConfigError

if TYPE_CHECKING:
    from docker import APIClient

_FIRST_ANSWER_SECONDS = 20


@dataclass(frozen=True, slots=True)
class Endpoint:
    """``unix://``, ``tcp://HOST:PORT`` or ``ssh://USER@HOST``; the certificate files make TLS of ``tcp``."""

    url: str = "unix:///var/run/docker.sock"
    ca_cert: Path | None = None
    client_cert: Path | None = None
    client_key: Path | None = None


def connect(endpoint: Endpoint, timeout: int = 600) -> APIClient:
    """A client of the engine, which has answered once; ``timeout`` in seconds bounds each later call.

    The default is long because creating and removing containers takes minutes on a host whose disks are busy.

    An ``ssh`` endpoint goes through paramiko and not through the ``ssh`` program: paramiko keeps one session for all
    calls and honours the timeout, whereas the program is started, with a whole handshake, for every call and is waited
    for without bound. It reads ``~/.ssh/config`` and refuses hosts that ``known_hosts`` does not list.

    Raises:
        InfrastructureError: ``engine.unreachable``.
        ConfigError: ``engine.certificates``.
    """
    from docker import APIClient

    with translated(f"connecting to {endpoint.url}"):
        client = APIClient(endpoint.url, version="auto", timeout=_FIRST_ANSWER_SECONDS, tls=_tls(endpoint))
    client.timeout = timeout
    return client


def unavailable(endpoint: Endpoint) -> str | None:
    """Why the engine cannot be used from here, in a sentence; None if it can."""
    try:
        connect(endpoint).close()
    except AerodagError as error:
        return f"{error.message} {error.advice}"
    return None


def _tls(endpoint: Endpoint) -> Any:
    if not (endpoint.ca_cert or endpoint.client_cert):
        return False
    from docker.errors import TLSParameterError
    from docker.tls import TLSConfig

    pair = (str(endpoint.client_cert), str(endpoint.client_key)) if endpoint.client_cert else None
    try:
        return TLSConfig(client_cert=pair, ca_cert=endpoint.ca_cert and str(endpoint.ca_cert), verify=True)
    except TLSParameterError as error:
        raise ConfigError(
            "engine.certificates",
            f"The TLS files for {endpoint.url} cannot be used: {error.msg}.",
            advice="Check AERODAG_ODM__CA_CERT, AERODAG_ODM__CLIENT_CERT and AERODAG_ODM__CLIENT_KEY.",
        ) from error
