"""All checks as Airflow's services would find things: ``python -m aerodag.airflow.doctor`` in their environment.

Connections come from the environment and from Airflow's database, as for the services.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import redirect_stdout
from pathlib import Path

from rich.console import Console

from aerodag import doctor
from aerodag.doctor import Check, Report, Verdict, Visit, failed, ok, warning
from aerodag.doctor.routine import LEDGER_CONNECTION
from aerodag.doctor.terminal import renderable
from aerodag.doctor.verdict import together
from aerodag.preflight import amounts
from aerodag.settings import get_settings

_DAG_FILE, _PLUGIN_FILE = "process_dataset.py", "aerodag_plugin.py"
_SERVICES = {"SchedulerJob": "scheduler", "TriggererJob": "triggerer", "DagProcessorJob": "dag-processor"}
# For the log to be kept and the container to be removed, once it has ended.
_BURIAL_SECONDS = 60


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the report; exit code 0 when nothing failed."""
    parser = argparse.ArgumentParser(prog="python -m aerodag.airflow.doctor", description=__doc__)
    parser.add_argument("--json", action="store_true", help="print the checks as JSON")
    options = parser.parse_args(arguments)
    # Only a server process finds the connections that Airflow's database holds.
    os.environ.setdefault("_AIRFLOW_PROCESS_CONTEXT", "server")
    with redirect_stdout(sys.stderr):  # what Airflow has to say while it is imported
        report = examine()
    console = Console(highlight=False)
    if options.json:
        console.print(doctor.as_json(report), markup=False, soft_wrap=True)
    else:
        console.print(renderable(report))
    return 0 if doctor.passed(report) else 1


def examine() -> Report:
    """The checks of the domain with Airflow's connections, and those of Airflow itself."""
    from aerodag.airflow.connection import open_ledger
    from aerodag.airflow.installation import installation

    first = (Check(LEDGER_CONNECTION, ledger_connection),)
    settings, wrong = get_settings(), Report()
    try:
        settings = installation()
    except Exception as error:
        wrong = {"airflow.connections": _unusable(error)}
    return doctor.examine((*first, *doctor.CHECKS, *CHECKS), Visit(settings, open_ledger)) | wrong


def ledger_connection(_: Visit) -> Verdict:
    """Whether there is a connection ``aerodag`` of PostgreSQL's kind."""
    from airflow.sdk import Connection
    from airflow.sdk.exceptions import AirflowNotFoundException

    from aerodag.airflow.connection import LEDGER_CONN_ID

    add = f"airflow connections add {LEDGER_CONN_ID} --conn-uri postgres://LOGIN:PASSWORD@HOST/aerodag"
    try:
        connection = Connection.get(LEDGER_CONN_ID)
    except AirflowNotFoundException:
        return failed(f"Airflow has no connection {LEDGER_CONN_ID}.", f"Run `{add}`.")
    if connection.conn_type != "postgres":
        return failed(
            f"Airflow's connection {LEDGER_CONN_ID} is of type {connection.conn_type}.",
            f"Run `airflow connections delete {LEDGER_CONN_ID}`, then `{add}`.",
        )
    return ok(
        f"Airflow's connection {LEDGER_CONN_ID} is {connection.login or ''}@{connection.host}/{connection.schema}."
    )


def pools(_: Visit) -> Verdict:
    """Whether the pools are there, have slots, and count a deferred engine."""
    from airflow.models.pool import Pool
    from airflow.utils.session import create_session

    from aerodag.airflow.bootstrap import POOLS

    with create_session() as session:
        found = {pool.pool: (int(pool.slots), bool(pool.include_deferred)) for pool in Pool.get_pools(session=session)}
    return together(
        _pool(name, found.get(name), slots=slots, include_deferred=deferred) for name, slots, _, deferred in POOLS
    )


def services(_: Visit) -> Verdict:
    """Whether the services that runs need have said lately that they are alive."""
    from airflow.jobs.job import most_recent_job

    jobs = {name: most_recent_job(kind) for kind, name in _SERVICES.items()}
    away = [name for name, job in jobs.items() if job is None or not job.is_alive()]
    if away:
        return failed(
            f"No sign of life from {', '.join(away)}.", f"Start it: {'; '.join(f'airflow {name}' for name in away)}"
        )
    return ok(f"{', '.join(jobs)} are alive.")


def triggerer(visit: Visit) -> Verdict:
    """Whether a person's "mark failed" is given the time that an engine needs to end."""
    from airflow.configuration import conf

    given, needed = conf.getint("triggerer", "on_kill_timeout"), visit.settings.odm.stop_seconds + _BURIAL_SECONDS
    told = f"The triggerer gives on_kill {given} s; stopping and removing an engine may take {needed} s"
    if given < needed:
        return warning(
            f"{told}, so that housekeeping would have to remove it.",
            f"Set AIRFLOW__TRIGGERER__ON_KILL_TIMEOUT={needed} or more for the triggerer.",
            given_seconds=given,
            needed_seconds=needed,
        )
    return ok(f"{told}.", given_seconds=given, needed_seconds=needed)


def folders(_: Visit) -> Verdict:
    """Whether Airflow reads this project's DAGs and plugins."""
    from airflow.configuration import conf

    return together(
        _folder(Path(conf.get("core", option)), file, f"AIRFLOW__CORE__{option.upper()}")
        for option, file in (("dags_folder", _DAG_FILE), ("plugins_folder", _PLUGIN_FILE))
    )


def imports(_: Visit) -> Verdict:
    """Whether Airflow could import every DAG."""
    from airflow.models.errors import ParseImportError
    from airflow.utils.session import create_session
    from sqlalchemy import select

    with create_session() as session:
        errors = {str(row.filename): str(row.stacktrace) for row in session.scalars(select(ParseImportError))}
    if errors:
        return failed(f"{len(errors)} DAG files cannot be imported: {'; '.join(_last_lines(errors))}.", _SEE_IMPORTS)
    return ok("All DAG files that were read could be imported.")


CHECKS = (
    Check("airflow.folders", folders),
    Check("airflow.imports", imports),
    Check("airflow.pools", pools),
    Check("airflow.services", services),
    Check("airflow.triggerer", triggerer),
)

_SEE_IMPORTS = "Run `airflow dags list-import-errors`."


def _pool(name: str, found: tuple[int, bool] | None, *, slots: int, include_deferred: bool) -> Verdict:
    option = " --include-deferred" if include_deferred else ""
    if found is None:
        return failed(f"There is no pool {name}.", "Run `python -m aerodag.airflow.bootstrap`.")
    there, counts_deferred = found
    cure = f"Run `airflow pools set {name} {there or slots} aerodag{option}`."
    if there == 0:
        return failed(f"Pool {name} has no slots, so that nothing of it starts.", cure)
    if include_deferred and not counts_deferred:
        return failed(
            f"Pool {name} does not count deferred tasks, so that more engines start than it has slots ({there}).", cure
        )
    size = amounts.count_of(there, "slot") if there > 0 else "endless slots"
    return ok(f"Pool {name} has {size}.", **{f"{name}_slots": there})


def _folder(path: Path, file: str, setting: str) -> Verdict:
    if (path / file).is_file():
        return ok(f"{file} is in {path}.")
    return failed(f"There is no {file} in {path}.", f"Set {setting} to this project's folder of that name.")


def _last_lines(errors: dict[str, str]) -> Iterator[str]:
    return (f"{Path(name).name}: {text.strip().splitlines()[-1]}" for name, text in errors.items() if text.strip())


def _unusable(error: Exception) -> Verdict:
    return failed(
        f"A connection aerodag_docker or aerodag_nodeodm cannot be used ({type(error).__name__}), so that it was left "
        "out here.",
        "Correct it with `airflow connections`.",
    )


if __name__ == "__main__":
    sys.exit(main())
