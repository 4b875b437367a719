"""Commands that let others watch an installation."""

from __future__ import annotations

import argparse

from rich.console import Console

from aerodag.cli.arguments import Commands
from aerodag.cli.ledger import database_url
from aerodag.cli.logs import log_to_standard_error
from aerodag.settings import get_settings

PORT = 9400


def add_to(commands: Commands) -> None:
    """Add the commands of this module."""
    exporter = commands.add_parser("exporter", help="serve figures of the ledger and the disk to Prometheus")
    exporter.add_argument("--port", type=int, default=PORT, help=f"where to listen; {PORT} when not given")
    exporter.add_argument("--address", default="0.0.0.0", help="at this address only; at all when not given")  # noqa: S104
    exporter.set_defaults(command=_exporter)


def _exporter(options: argparse.Namespace, console: Console) -> int:
    from aerodag import ledger
    from aerodag.monitoring import serve

    log_to_standard_error()
    settings = get_settings()
    serve(
        settings,
        lambda: ledger.connect(database_url(settings)),
        address=options.address,
        port=options.port,
        started=lambda port: console.print(f"metrics at http://localhost:{port}/metrics", soft_wrap=True),
    )
    return 0
