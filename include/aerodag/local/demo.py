"""The demo: one ZIP through the whole pipeline, watched from the terminal."""

from __future__ import annotations

import shutil
import subprocess
import time
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path

import psycopg
from rich.console import Console
from rich.live import Live
from rich.table import Table

from aerodag import ledger
from aerodag.errors import ConfigError, InfrastructureError
from aerodag.ledger import Run, Step
from aerodag.local.client import AirflowClient, wait_until_healthy
from aerodag.local.services import start_in_background
from aerodag.local.state import USER, Serving, StateFolder
from aerodag.settings import Settings
from aerodag.storage import Storage, local_path, sha256_of

START_SECONDS = 300.0
ACTIVE = {"queued", "running"}
PRODUCTS = ("preflight", "orthophoto", "cog", "thumbnail")


def run_demo(settings: Settings, upload: Path | None, console: Console) -> bool:
    """Serve, drop ``upload`` (default: a simulated survey) into the incoming folder, and follow its run to the end.

    Returns whether the run succeeded. The set-up stays up for the UI.
    """
    started = time.monotonic()
    state = StateFolder(settings.home.resolve())
    with ThreadPoolExecutor(max_workers=1) as pool:
        survey = pool.submit(_survey, state, upload)
        serving = _ensure_serving(settings, state, console, started)
        bundle = _await_survey(survey, console, started)
    client = AirflowClient.of(serving, state.password())
    with ledger.connect(serving.ledger_url) as conn:
        before = _newest_run(conn)
        _hand_in(conn, settings, client, bundle, console)
        run = _follow(conn, before, console)
        _summary(conn, run, serving, state, console)
    return run.state in {"succeeded", "degraded"}


def _survey(state: StateFolder, upload: Path | None) -> Path:
    if upload is not None:
        if not upload.is_file():
            raise ConfigError("demo.zip_missing", f"There is no file {upload}.", advice="Give ZIP=path to a ZIP.")
        return upload
    from aerodag.simulate import Survey, simulate

    survey = state.demo / "simulated_survey.zip"
    return survey if survey.exists() else simulate(Survey(), survey).zip_path


def _await_survey(survey: Future[Path], console: Console, started: float) -> Path:
    if not survey.done():
        console.print(f"{_elapsed(started)}  simulating a survey")
    return survey.result()


def _ensure_serving(settings: Settings, state: StateFolder, console: Console, started: float) -> Serving:
    process = None
    if state.serving() is None:
        console.print(f"{_elapsed(started)}  starting PostgreSQL and Airflow (the first start makes their databases)")
        process = start_in_background(settings)
    serving = _announced(state, process)
    client = AirflowClient.of(serving, state.password())
    shown: list[str] = []

    def report(missing: list[str]) -> None:
        if missing != shown:
            console.print(f"{_elapsed(started)}  waiting for {', '.join(missing)}")
            shown[:] = missing

    wait_until_healthy(client, seconds=START_SECONDS, report=report)
    while not (client.has_dag("ingest_datasets") and client.has_dag("process_dataset")):
        time.sleep(0.5)
    console.print(f"{_elapsed(started)}  Airflow is ready at {serving.url}")
    return serving


def _announced(state: StateFolder, process: subprocess.Popen[bytes] | None) -> Serving:
    deadline = time.monotonic() + START_SECONDS
    while (serving := state.serving()) is None:
        if (process is not None and process.poll() is not None) or time.monotonic() > deadline:
            raise InfrastructureError(
                "local.not_started", "The set-up did not start.", advice=f"See {state.logs / 'serve.log'}."
            )
        time.sleep(0.2)
    return serving


def _hand_in(
    conn: psycopg.Connection, settings: Settings, client: AirflowClient, bundle: Path, console: Console
) -> None:
    known = ledger.find_dataset(conn, content_sha256=sha256_of(bundle))
    if known is not None:
        console.print(f"{bundle.name} is dataset {known.id} already; triggering a new run of it by REST")
        run_id = f"demo__{datetime.now(UTC):%Y%m%dT%H%M%S}"
        client.trigger("process_dataset", run_id, {"dataset_id": known.id})
        return
    incoming = Storage(settings.data).incoming
    console.print(f"dropping {bundle.name} ({bundle.stat().st_size / 1e6:.0f} MB) into {incoming}")
    partial = incoming / f".{bundle.name}.part"
    shutil.copyfile(bundle, partial)
    partial.replace(incoming / bundle.name)
    (incoming / f"{bundle.name}.done").touch()


def _newest_run(conn: psycopg.Connection) -> int:
    run = ledger.newest_run(conn)
    return run.id if run else 0


def _follow(conn: psycopg.Connection, before: int, console: Console) -> Run:
    """Show the steps until the run that is newer than ``before`` has ended and cleaned up."""
    started = time.monotonic()
    printed: set[tuple[str, int, str]] = set()
    with Live(console=console, refresh_per_second=4, transient=True) as live:
        while True:
            run = ledger.newest_run(conn)
            if run is not None and run.id > before:
                steps = ledger.list_steps(conn, run_id=run.id)
                if console.is_terminal:
                    live.update(_table(conn, run, steps, started))
                else:
                    _print_changes(steps, printed, console, started)
                if run.state not in ACTIVE and any(step.name == "cleanup" and step.finished_at for step in steps):
                    return run
            time.sleep(0.3)


def _print_changes(steps: list[Step], printed: set[tuple[str, int, str]], console: Console, started: float) -> None:
    for step in steps:
        key = (step.name, step.try_number, _doing(step))
        if key not in printed:
            printed.add(key)
            console.print(f"{_elapsed(started)}  {step.name:<17} {_doing(step)}")


def _table(conn: psycopg.Connection, run: Run, steps: list[Step], started: float) -> Table:
    table = Table(title=f"run {run.id}: {run.state}, {_elapsed(started).strip()}", title_justify="left")
    for column in ("step", "state", "seconds"):
        table.add_column(column, justify="right" if column == "seconds" else "left")
    stage = ledger.current_stage(conn, run_id=run.id)
    for step in steps:
        doing = (
            f"{stage.stage} {stage.percent:.0f} %" if stage and step.name == "odm" and _is_open(step) else _doing(step)
        )
        table.add_row(step.name, doing, f"{_seconds(step):.1f}")
    return table


def _summary(conn: psycopg.Connection, run: Run, serving: Serving, state: StateFolder, console: Console) -> None:
    dataset = ledger.get_dataset(conn, dataset_id=run.dataset_id)
    steps = ledger.list_steps(conn, run_id=run.id)
    table = Table(title=f"dataset {dataset.id} ({dataset.name}): {run.state}", title_justify="left")
    for column in ("step", "try", "state", "seconds"):
        table.add_column(column, justify="right" if column in {"try", "seconds"} else "left")
    for step in steps:
        table.add_row(step.name, str(step.try_number), step.state, f"{_seconds(step):.1f}")
    console.print(table)
    work = sum(_seconds(step) for step in steps)
    started = [step.started_at for step in steps if step.started_at]
    finished = [step.finished_at for step in steps if step.finished_at]
    if started and finished:
        wall = (max(finished) - min(started)).total_seconds()
        console.print(f"run {wall:.1f} s, steps {work:.1f} s")
    if run.message:
        console.print(f"[bold red]{run.failure_code}[/]: {run.message} {run.advice}")
    for kind in PRODUCTS:
        artifact = ledger.current_artifact(conn, dataset_id=dataset.id, kind=kind)
        if artifact is not None:
            console.print(f"{kind:<11} {local_path(artifact.uri)}", soft_wrap=True)
    console.print(f"UI          {serving.url}   user {USER}   password {state.password()}", soft_wrap=True)
    console.print("`make stop` stops what this started.")


def _doing(step: Step) -> str:
    waits = step.name == "review" and _is_open(step) and step.metrics.get("waiting")
    return "waits for an answer under Required Actions in the UI" if waits else step.state


def _is_open(step: Step) -> bool:
    return step.finished_at is None


def _seconds(step: Step) -> float:
    if step.started_at is None:
        return 0.0
    return ((step.finished_at or datetime.now(UTC)) - step.started_at).total_seconds()


def _elapsed(started: float) -> str:
    return f"{time.monotonic() - started:6.1f} s"
