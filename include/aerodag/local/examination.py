"""The checks of this machine: in the environment of the set-up that runs here, where one does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path

import psutil
from psycopg.conninfo import conninfo_to_dict
from pydantic import ValidationError

from aerodag import doctor, ledger
from aerodag.doctor import Report, Verdict, Visit, failed, ok, skipped, warning
from aerodag.doctor.host import unreadable
from aerodag.local.postgres import PostgresAddress
from aerodag.local.services import airflow_environment
from aerodag.local.state import Serving, StateFolder
from aerodag.settings import Settings, get_settings

SET_UP, AIRFLOW = "set-up", "airflow"
# Above the sum of what its checks may take, when all of them hang.
_SECONDS = 1200.0
_OF_SETTINGS = ("AERODAG_", "DOCKER_")


def examine() -> Report:
    """All checks; those of Airflow only where a set-up serves. Never raises."""
    try:
        settings = get_settings()
    except ValidationError as error:
        return {"settings": unreadable(error)}
    state = StateFolder(settings.home.resolve())
    serving = state.serving()
    if serving is None:
        open_ledger = partial(ledger.connect, settings.database_url) if settings.database_url else None
        return doctor.examine(doctor.CHECKS, Visit(settings, open_ledger)) | {AIRFLOW: _nothing_serves(state)}
    return {SET_UP: _set_up(serving)} | _of_airflow(_environment(state, serving, settings))


def differing(one: Mapping[str, str], other: Mapping[str, str]) -> list[str]:
    """Names of the settings that are not the same in two environments."""
    names = {name for name in [*one, *other] if name.startswith(_OF_SETTINGS)}
    return sorted(name for name in names if one.get(name) != other.get(name))


def _nothing_serves(state: StateFolder) -> Verdict:
    return skipped(
        f"No set-up serves from {state.home}, so that Airflow's connections, pools and services were not looked at.",
        "Run `make up`; where Airflow runs otherwise, run `python -m aerodag.airflow.doctor` in its environment.",
    )


def _set_up(serving: Serving) -> Verdict:
    """Whether what runs was started with the settings of this shell."""
    told = f"The embedded set-up serves at {serving.url}, process {serving.pid}"
    try:
        others = differing(os.environ, psutil.Process(serving.pid).environ())
    except psutil.Error as error:
        return warning(f"{told}; its settings cannot be read: {error}.", "Run this as the user who started it.")
    if others:
        return warning(
            f"{told}, and was started with other settings than this shell's: {', '.join(others)}.",
            "Run `make stop` and `make up` in this shell for them to count.",
        )
    return ok(f"{told}.")


def _environment(state: StateFolder, serving: Serving, settings: Settings) -> dict[str, str]:
    server = PostgresAddress(Path(str(conninfo_to_dict(serving.ledger_url)["host"])))
    return airflow_environment(state, server, settings, serving.port)


def _of_airflow(environment: Mapping[str, str]) -> Report:
    """The report of the module that knows Airflow, which takes its time to import."""
    command = [sys.executable, "-m", "aerodag.airflow.doctor", "--json"]
    try:
        done = subprocess.run(
            command, env=dict(environment), capture_output=True, text=True, timeout=_SECONDS, check=False
        )
        return doctor.from_json(done.stdout)
    except subprocess.TimeoutExpired:
        reason = f"gave no answer within {_SECONDS:.0f} s"
    except (ValueError, KeyError, TypeError):
        last = (done.stderr.strip().splitlines() or ["no output"])[-1]
        reason = f"ended with {done.returncode}: {last}"
    advice = f"Run this for the whole message: {' '.join(command[1:])}"
    return {AIRFLOW: failed(f"The examination in Airflow's environment {reason}.", advice)}
