"""Starts, watches and stops the services of the embedded set-up."""

from __future__ import annotations

import contextlib
import importlib.metadata
import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import psutil

from aerodag.errors import InfrastructureError
from aerodag.local.client import AirflowClient
from aerodag.local.health import Health
from aerodag.local.postgres import LEDGER_LOGIN, EmbeddedPostgres, PostgresAddress, start_postgres
from aerodag.local.processes import STOP_SECONDS, is_alive, kill
from aerodag.local.state import StateFolder
from aerodag.local.supervision import Supervisor
from aerodag.settings import PROJECT_ROOT, Settings
from aerodag.storage import Storage


def serve(settings: Settings) -> None:
    """Run the set-up in this process until it is told to stop or its terminal closes, then stop what it started."""
    state = StateFolder(settings.home.resolve())
    if state.serving() is not None:
        raise InfrastructureError(
            "local.serving", "This set-up is already running.", advice="Use it, or stop it with `make stop`."
        )
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: stopping.set())
    state.logs.mkdir(parents=True, exist_ok=True)
    Storage(settings.data).create()
    server = start_postgres(state.postgres)
    try:
        port = _free_port(settings.port)
        environment = airflow_environment(state, server, settings, port)
        _prepare_airflow(state, environment)
        _supervise(state, server, environment, port, stopping)
    finally:
        server.stop()


def _supervise(
    state: StateFolder,
    server: EmbeddedPostgres,
    environment: Mapping[str, str],
    port: int,
    stopping: threading.Event,
) -> None:
    health = Health(AirflowClient(f"http://localhost:{port}", state.password()))
    supervisor = Supervisor(state, server, environment, health)
    try:
        supervisor.start()
        state.announce(port, server.ledger_url)
        health.start(stopping)
        supervisor.watch(stopping)
    finally:
        state.withdraw()
        supervisor.stop()


def airflow_environment(state: StateFolder, server: PostgresAddress, settings: Settings, port: int) -> dict[str, str]:
    """The environment of Airflow's services: what ``airflow.cfg`` leaves to the installation."""
    state.password()
    connection = {
        "conn_type": "postgres",
        "host": str(server.socket_directory),
        "schema": "aerodag",
        "login": LEDGER_LOGIN,
        "description": "The ledger",
    }
    return dict(os.environ) | {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}",
        "AIRFLOW_HOME": str(state.airflow),
        "AIRFLOW_CONFIG": str(PROJECT_ROOT / "airflow.cfg"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(PROJECT_ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(PROJECT_ROOT / "plugins"),
        "AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_PASSWORDS_FILE": str(state.passwords),
        "AIRFLOW__CORE__EXECUTION_API_SERVER_URL": f"http://localhost:{port}/execution/",
        "AIRFLOW__API__HOST": "127.0.0.1",
        "AIRFLOW__API__PORT": str(port),
        "AIRFLOW__API__BASE_URL": f"http://localhost:{port}",
        "AIRFLOW__API__SECRET_KEY": state.jwt_secret(),
        "AIRFLOW__API_AUTH__JWT_SECRET": state.jwt_secret(),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": server.airflow_url,
        "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(state.airflow / "logs"),
        "AIRFLOW_CONN_AERODAG": json.dumps(connection),
        "AERODAG_HOME": str(state.home),
        "AERODAG_DATA_ROOT": str(settings.data),
        "AERODAG_DATABASE_URL": server.ledger_url,
    }


def start_in_background(settings: Settings) -> subprocess.Popen[bytes]:
    """Start ``aerodag serve`` as a process of its own, which outlives this one."""
    logs = StateFolder(settings.home.resolve()).logs
    logs.mkdir(parents=True, exist_ok=True)
    with (logs / "serve.log").open("ab") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "aerodag.cli", "serve"],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            cwd=PROJECT_ROOT,
        )


def stop(settings: Settings) -> bool:
    """Stop the running set-up, and only that; False when none runs."""
    serving = StateFolder(settings.home.resolve()).serving()
    if serving is None:
        return False
    supervisor = psutil.Process(serving.pid)
    family = [supervisor, *supervisor.children(recursive=True)]
    supervisor.terminate()
    with contextlib.suppress(psutil.TimeoutExpired):
        supervisor.wait(STOP_SECONDS + 30)
    kill(process for process in family if is_alive(process))
    return True


def _prepare_airflow(state: StateFolder, environment: Mapping[str, str]) -> None:
    """Migrate Airflow's database and make pools and roles, once per version and auth manager: it takes its time."""
    prepared = state.home / "prepared"
    version = importlib.metadata.version("apache-airflow-core")
    mark = " ".join(filter(None, (version, environment.get("AIRFLOW__CORE__AUTH_MANAGER"))))
    if prepared.exists() and prepared.read_text() == mark:
        return
    with (state.logs / "prepare.log").open("ab") as output:
        done = subprocess.run(
            [sys.executable, "-m", "aerodag.airflow.bootstrap"],
            env=dict(environment),
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if done.returncode:
        raise InfrastructureError(
            "local.prepare",
            f"Airflow's database could not be prepared (exit code {done.returncode}).",
            advice=f"See {state.logs / 'prepare.log'}.",
        )
    prepared.write_text(mark)


def _free_port(preferred: int) -> int:
    for port in (preferred, 0):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(probe.getsockname()[1])
    raise InfrastructureError("local.port", "No TCP port is free.", advice="Stop other services on this machine.")
