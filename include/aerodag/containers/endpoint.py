"""Where a Docker engine is, and a client that talks to it."""

from __future__ import annotations

from contextlib import suppress
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
    tls = _tls(endpoint)
    with translated(f"connecting to {endpoint.url}"):
        client = _client(endpoint.url, tls)
    client.timeout = timeout
    return client


def disconnect(client: APIClient) -> None:
    """Give up a client, whose connection may be broken already."""
    from paramiko import SSHException

    # Over ssh the end is announced to the other side, which fails where there is none any more.
    with suppress(OSError, EOFError, SSHException):
        client.close()


def unavailable(endpoint: Endpoint) -> str | None:
    """Why the engine cannot be used from here, in a sentence; None if it can."""
    try:
        disconnect(connect(endpoint))
    except AerodagError as error:
        return f"{error.message} {error.advice}"
    return None


def _client(url: str, tls: Any) -> APIClient:
    from docker import APIClient
    from docker.constants import MINIMUM_DOCKER_API_VERSION

    if not url.startswith("tcp://"):
        return APIClient(url, version="auto", timeout=_FIRST_ANSWER_SECONDS)
    # The engine is nobody's web site: proxies of the environment do not lead to it, and REQUESTS_CA_BUNDLE, which
    # requests prefers to a session's own authority, does not know it. A client asks for its version when it is made.
    with APIClient(url, version=MINIMUM_DOCKER_API_VERSION, timeout=_FIRST_ANSWER_SECONDS, tls=tls) as first:
        first.trust_env = False
        version = first.version(api_version=False)["ApiVersion"]
    client = APIClient(url, version=version, timeout=_FIRST_ANSWER_SECONDS, tls=tls)
    client.trust_env = False
    return client


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
