"""What goes wrong between this process and a Docker engine, in the words of this project."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from aerodag.errors import AerodagError, ConfigError, InfrastructureError, Retry

if TYPE_CHECKING:
    from docker.errors import APIError

UNREACHABLE = "engine.unreachable"
GPU_RUNTIME = "engine.gpu_runtime"

NOT_FOUND, CONFLICT = 404, 409
_GPU = re.compile(r"device driver|nvidia|\bcdi device|unresolvable cdi|cuda", re.IGNORECASE)
_NO_SOURCE = "bind source path does not exist"


@contextmanager
def translated(doing: str) -> Iterator[None]:
    """Turns errors of docker-py and of the connection below it into those of this project.

    Raises:
        InfrastructureError: ``engine.unreachable`` where the engine gives no answer, or says that it cannot now.
        ConfigError: ``engine.refused`` where it does not take the request.
    """
    from docker.errors import APIError, DockerException
    from paramiko import SSHException
    from requests.exceptions import RequestException

    try:
        yield
    except APIError as error:
        raise _answered(error, doing) from error
    except (RequestException, DockerException, SSHException, OSError, EOFError) as error:
        raise unreachable(error, doing) from error


def unreachable(error: Exception, doing: str) -> InfrastructureError:
    """The engine gave no answer: ``engine.unreachable``."""
    text = _innermost(error)
    return InfrastructureError(
        UNREACHABLE, f"No answer from the Docker engine while {doing}: {text}.", advice=_cure(text)
    )


def lost_connection(error: AerodagError) -> bool:
    """Whether a connection that was kept open broke, as it does when the engine restarts; a new one may work."""
    from paramiko import SSHException
    from requests.exceptions import HTTPError, Timeout

    cause = error.__cause__
    # What requests raises is an OSError too.
    return isinstance(cause, (OSError, EOFError, SSHException)) and not isinstance(
        cause, (HTTPError, Timeout, TimeoutError)
    )


def refused_start(error: APIError, name: str) -> AerodagError:
    """Why a container that exists did not start, or could not be made: by its GPU, its folder, or its settings."""
    text = explanation(error)
    if _GPU.search(text):
        return InfrastructureError(
            GPU_RUNTIME,
            f"Container {name} got no GPU: {text}.",
            advice="Install the NVIDIA container toolkit on the Docker host, try AERODAG_ODM__GPU_ACCESS=nvidia, "
            "or run without GPU.",
            retry=Retry.WITHOUT_GPU,
        )
    if _NO_SOURCE in text:
        return InfrastructureError(
            "engine.paths_differ",
            f"The Docker host does not know the folder that this host uses: {text}.",
            advice="The data root must have the same path here and on the Docker host; mount it at that path.",
        )
    if error.is_server_error():
        return InfrastructureError(
            "engine.start_failed",
            f"The Docker engine could not start {name}: {text}.",
            advice="Read the engine's own log (journalctl -u docker) for the time of this message.",
        )
    return _refused(error, f"starting {name}")


def explanation(error: APIError) -> str:
    """The engine's own words, without a full stop."""
    return " ".join(str(error.explanation or error).split()).rstrip(".")


def _answered(error: APIError, doing: str) -> AerodagError:
    if not error.is_server_error():
        return _refused(error, doing)
    return InfrastructureError(
        UNREACHABLE,
        f"The Docker engine answered {error.status_code} while {doing}: {explanation(error)}.",
        advice="Read the engine's own log (journalctl -u docker) for the time of this message.",
    )


def _refused(error: APIError, doing: str) -> ConfigError:
    return ConfigError(
        "engine.refused",
        f"The Docker engine refused with {error.status_code} while {doing}: {explanation(error)}.",
        advice="Correct the AERODAG_ODM__* setting that the message speaks of.",
    )


def _cure(text: str) -> str:
    lowered = text.lower()
    if "permission denied" in lowered:
        return "Let the worker's user use the socket: usermod -aG docker USER, then log in again."
    if "known_hosts" in lowered or "host key" in lowered:
        return "Log in once by hand with ssh, so that known_hosts lists the Docker host."
    return "Start the Docker engine, or correct AERODAG_ODM__DOCKER_URL or the connection aerodag_docker."


def _innermost(error: Exception) -> str:
    """The last cause's words, because the layers above it only repeat it."""
    cause: BaseException = error
    while (deeper := cause.__cause__ or cause.__context__) is not None:
        cause = deeper
    return (" ".join(str(cause).split()) or type(cause).__name__).rstrip(".")
