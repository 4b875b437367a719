"""The command that serves the door to a Docker engine."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from aerodag.cli.arguments import Commands
from aerodag.cli.logs import log_to_standard_error
from aerodag.errors import ConfigError
from aerodag.settings import Settings, get_settings

if TYPE_CHECKING:
    from aerodag.containers.gate import Policy


def add_to(commands: Commands) -> None:
    """Add the commands of this module."""
    gate = commands.add_parser("gate", help="let workers reach a Docker engine for engine runs, and for nothing else")
    gate.add_argument("--host", default="127.0.0.1", help="address to listen on")
    gate.add_argument("--port", type=int, default=2375, help="port to listen on")
    gate.add_argument("--socket", type=Path, default=Path("/var/run/docker.sock"), help="the engine's socket")
    gate.set_defaults(command=_gate)


def _gate(options: argparse.Namespace, _: Console) -> int:
    import uvicorn

    from aerodag.containers.gate import gate

    log_to_standard_error()
    application = gate(_policy(get_settings()), options.socket)
    uvicorn.run(
        application,
        host=options.host,
        port=options.port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=5,
    )
    return 0


def _policy(settings: Settings) -> Policy:
    from aerodag.containers.gate import Policy
    from aerodag.containers.ownership import container_user

    odm = settings.odm
    user = container_user(odm.user)
    if user.partition(":")[0] == "0":
        raise ConfigError("gate.root", "Engines would run as root.", advice="Set AERODAG_ODM__USER to another user.")
    images = frozenset({odm.image} | ({odm.gpu_image} if odm.gpu_image else set()))
    return Policy(images, user, settings.data, odm.models)
