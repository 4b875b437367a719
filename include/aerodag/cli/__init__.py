"""The command line: ``aerodag COMMAND``."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence

from rich.console import Console

from aerodag.cli import gate, monitoring, records, setup, upload
from aerodag.errors import AerodagError


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; errors of the pipeline are one sentence and exit code 1."""
    options = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace, Console], int] = options.command
    try:
        return command(options, Console(highlight=False))
    except AerodagError as error:
        Console(stderr=True, highlight=False).print(str(error), style="red", markup=False, soft_wrap=True)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="aerodag", description="Drone images in, cloud-optimised orthophotos out.")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for module in (setup, upload, records, monitoring, gate):
        module.add_to(commands)
    return parser
