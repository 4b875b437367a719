"""Commands that run, check and prepare an installation."""

from __future__ import annotations

import argparse
from pathlib import Path

from rich.console import Console

from aerodag.cli.arguments import Commands
from aerodag.cli.ledger import database_url
from aerodag.cli.logs import log_to_standard_error
from aerodag.settings import get_settings


def add_to(commands: Commands) -> None:
    """Add the commands of this module."""
    serve = commands.add_parser("serve", help="run the embedded PostgreSQL and Airflow until interrupted")
    serve.set_defaults(command=_serve)

    demo = commands.add_parser("demo", help="take a ZIP through the pipeline and watch it")
    demo.add_argument("--zip", type=Path, help="a ZIP of drone images; a simulated survey when not given")
    demo.set_defaults(command=_demo)

    stop = commands.add_parser("stop", help="stop what serve or demo started")
    stop.set_defaults(command=_stop)

    doctor = commands.add_parser("doctor", help="check what a run would need, and say what cures what is missing")
    doctor.add_argument("--json", action="store_true", help="print the checks as JSON")
    doctor.set_defaults(command=_doctor)

    migrate = commands.add_parser("migrate", help="bring the ledger's schema up to date")
    migrate.add_argument("--url", help="database owner's URL; AERODAG_DATABASE_URL when not given")
    migrate.set_defaults(command=_migrate)


def _serve(_: argparse.Namespace, console: Console) -> int:
    from aerodag.local.services import serve

    serve(get_settings())
    console.print("stopped")
    return 0


def _demo(options: argparse.Namespace, console: Console) -> int:
    from aerodag.local.demo import run_demo

    return 0 if run_demo(get_settings(), options.zip, console) else 1


def _stop(_: argparse.Namespace, console: Console) -> int:
    from aerodag.local.services import stop

    console.print("stopped" if stop(get_settings()) else "nothing was running")
    return 0


def _doctor(options: argparse.Namespace, console: Console) -> int:
    from aerodag import doctor
    from aerodag.doctor.terminal import renderable
    from aerodag.local.examination import examine

    log_to_standard_error()
    report = examine()
    if options.json:
        console.print(doctor.as_json(report), markup=False, soft_wrap=True)
    else:
        console.print(renderable(report))
    return 0 if doctor.passed(report) else 1


def _migrate(options: argparse.Namespace, console: Console) -> int:
    from aerodag.ledger.migrate import migrate

    migrate(options.url or database_url(get_settings()))
    console.print("the ledger is up to date")
    return 0
