"""The command line: ``aerodag COMMAND``."""

from __future__ import annotations

import argparse
import dataclasses
import logging
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from aerodag.errors import AerodagError, ConfigError
from aerodag.settings import Settings, get_settings


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

    serve = commands.add_parser("serve", help="run the embedded PostgreSQL and Airflow until interrupted")
    serve.set_defaults(command=_serve)

    demo = commands.add_parser("demo", help="take a ZIP through the pipeline and watch it")
    demo.add_argument("--zip", type=Path, help="a ZIP of drone images; a simulated survey when not given")
    demo.set_defaults(command=_demo)

    stop = commands.add_parser("stop", help="stop what serve or demo started")
    stop.set_defaults(command=_stop)

    status = commands.add_parser("status", help="the datasets of the ledger and how they are")
    status.set_defaults(command=_status)

    inspect = commands.add_parser("inspect", help="what the pipeline would say of a ZIP, before any engine runs")
    inspect.add_argument("zip", type=Path, help="a ZIP of drone images")
    inspect.add_argument("--json", action="store_true", help="print the whole report as JSON")
    inspect.add_argument("--page", type=Path, help="write the report as a self-contained HTML page")
    inspect.add_argument("--preset", choices=["standard", "fast"], default="standard", help="for the predictions")
    inspect.set_defaults(command=_inspect)

    simulate = commands.add_parser("simulate", help="make a simulated drone survey with its ground truth")
    simulate.add_argument("target", type=Path, help="the ZIP to write; the truth goes to truth/ beside it")
    simulate.add_argument("--images", type=int, help="how many images")
    simulate.add_argument("--seed", type=int, help="another seed, another landscape")
    simulate.add_argument("--width", type=int, help="image width in pixels")
    simulate.add_argument("--height", type=int, help="image height in pixels")
    simulate.add_argument("--position", choices=["rtk", "gps", "none"], help="how the images know their position")
    simulate.set_defaults(command=_simulate)

    doctor = commands.add_parser("doctor", help="check what a run would need, and say what cures what is missing")
    doctor.add_argument("--json", action="store_true", help="print the checks as JSON")
    doctor.set_defaults(command=_doctor)

    migrate = commands.add_parser("migrate", help="bring the ledger's schema up to date")
    migrate.add_argument("--url", help="database owner's URL; AERODAG_DATABASE_URL when not given")
    migrate.set_defaults(command=_migrate)
    return parser


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


def _status(_: argparse.Namespace, console: Console) -> int:
    from aerodag import ledger

    table = Table()
    with ledger.connect(_database_url(get_settings())) as conn:
        cursor = conn.execute(ledger.query("dataset_overview"))
        for column in cursor.description or ():
            table.add_column(column.name, overflow="fold")
        for row in cursor:
            table.add_row(*("" if value is None else str(value) for value in row))
    console.print(table)
    return 0


def _inspect(options: argparse.Namespace, console: Console) -> int:
    from aerodag import preflight
    from aerodag.pipeline.examination.inspection import inspect_upload
    from aerodag.preflight.terminal import renderable

    if not options.zip.is_file():
        raise ConfigError("inspect.no_file", f"There is no file {options.zip}.", advice="Name a ZIP of drone images.")
    _log_to_standard_error()
    inspection = inspect_upload(options.zip, get_settings(), preset=options.preset)
    if options.page:
        options.page.write_text(preflight.render(inspection.report, inspection.previews), "utf-8")
    if options.json:
        console.print(preflight.to_json(inspection.report, indent=2), markup=False, soft_wrap=True)
    else:
        console.print(renderable(inspection.report))
    return 1 if inspection.report.verdict.decision is preflight.Decision.NO_GO else 0


def _simulate(options: argparse.Namespace, console: Console) -> int:
    from aerodag.simulate import Position, Survey, simulate

    names = {field.name for field in dataclasses.fields(Survey)}
    chosen = {name: value for name, value in vars(options).items() if name in names and value is not None}
    if "position" in chosen:
        chosen["position"] = Position(chosen["position"])
    options.target.parent.mkdir(parents=True, exist_ok=True)
    result = simulate(Survey(**chosen), options.target)
    console.print(str(result.zip_path), soft_wrap=True)
    return 0


def _doctor(options: argparse.Namespace, console: Console) -> int:
    from aerodag import doctor
    from aerodag.doctor.terminal import renderable
    from aerodag.local.examination import examine

    _log_to_standard_error()
    report = examine()
    if options.json:
        console.print(doctor.as_json(report), markup=False, soft_wrap=True)
    else:
        console.print(renderable(report))
    return 0 if doctor.passed(report) else 1


def _migrate(options: argparse.Namespace, console: Console) -> int:
    from aerodag.ledger.migrate import migrate

    migrate(options.url or _database_url(get_settings()))
    console.print("the ledger is up to date")
    return 0


def _log_to_standard_error() -> None:
    """Standard output is the report's alone."""
    import structlog

    structlog.configure(
        wrapper_class=structlog.make_filtering_bound_logger(logging.WARNING),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
    )


def _database_url(settings: Settings) -> str:
    from aerodag.local.state import StateFolder

    if settings.database_url:
        return settings.database_url
    serving = StateFolder(settings.home.resolve()).serving()
    if serving is None:
        raise ConfigError(
            "ledger.unknown",
            "No ledger is named and no embedded set-up is running.",
            advice="Set AERODAG_DATABASE_URL, or run `make up`.",
        )
    return serving.ledger_url


if __name__ == "__main__":
    sys.exit(main())
