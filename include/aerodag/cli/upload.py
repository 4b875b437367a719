"""Commands about one ZIP of images, without a ledger."""

from __future__ import annotations

import argparse
import dataclasses
from pathlib import Path

from rich.console import Console

from aerodag.cli.arguments import Commands
from aerodag.cli.logs import log_to_standard_error
from aerodag.errors import ConfigError
from aerodag.settings import get_settings


def add_to(commands: Commands) -> None:
    """Add the commands of this module."""
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


def _inspect(options: argparse.Namespace, console: Console) -> int:
    from aerodag import preflight
    from aerodag.pipeline.examination.inspection import inspect_upload
    from aerodag.preflight.terminal import renderable

    if not options.zip.is_file():
        raise ConfigError("inspect.no_file", f"There is no file {options.zip}.", advice="Name a ZIP of drone images.")
    log_to_standard_error()
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
