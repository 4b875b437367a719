"""What the checks say of a real Airflow: its connections, pools and folders, whole and broken."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
from psycopg import sql

from conftest import url_of

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[3]

Look = Callable[..., dict[str, dict[str, str]]]


@pytest.fixture(scope="module")
def airflow_url(server_url: str) -> Iterator[str]:
    """A database of Airflow's own."""
    name = f"airflow_test_{uuid4().hex[:12]}"
    with psycopg.connect(server_url, autocommit=True) as admin:
        admin.execute(sql.SQL("create database {}").format(sql.Identifier(name)))
        yield url_of(server_url, dbname=name)
        admin.execute(sql.SQL("drop database {} with (force)").format(sql.Identifier(name)))


@pytest.fixture(scope="module")
def environment(airflow_url: str, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An installation of Airflow, prepared; none of its services runs."""
    home = tmp_path_factory.mktemp("airflow")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("AERODAG_", "AIRFLOW_"))}
    settings = clean | {
        "AIRFLOW_HOME": str(home),
        "AIRFLOW_CONFIG": str(ROOT / "airflow.cfg"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": airflow_url.replace("postgresql://", "postgresql+psycopg2://"),
        "AERODAG_DATA_ROOT": str(home),
        "AERODAG_ODM__DOCKER_URL": f"unix://{home}/no.sock",
    }
    subprocess.run([sys.executable, "-m", "aerodag.airflow.bootstrap"], env=settings, check=True, capture_output=True)
    return settings


@pytest.fixture
def look(environment: dict[str, str], database_url: str) -> Look:
    connection = json.dumps({"conn_type": "postgres", "extra": {}} | _parts(database_url))

    def run(**changes: str | None) -> dict[str, dict[str, str]]:
        wanted = environment | {"AIRFLOW_CONN_AERODAG": connection} | changes
        done = subprocess.run(
            [sys.executable, "-m", "aerodag.airflow.doctor", "--json"],
            env={name: value for name, value in wanted.items() if value is not None},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 1, done.stderr  # no service runs, and no Docker
        return {row["check"]: row for row in json.loads(done.stdout)}

    return run


def test_an_installation_as_it_should_be(look: Look) -> None:
    report = look()

    for name in ("ledger.connection", "ledger.rights", "airflow.pools", "airflow.folders", "airflow.triggerer"):
        assert report[name]["status"] == "ok", report[name]
    assert report["airflow.services"]["status"] == "failed"
    assert "airflow triggerer" in report["airflow.services"]["advice"]


def test_an_installation_with_faults(look: Look, airflow_url: str) -> None:
    with psycopg.connect(airflow_url, autocommit=True) as admin:
        admin.execute("update slot_pool set include_deferred = false where pool = 'odm'")
        admin.execute("delete from slot_pool where pool = 'heavy'")
    report = look(
        AIRFLOW_CONN_AERODAG=None,
        AIRFLOW__CORE__DAGS_FOLDER=str(ROOT / "sql"),
        AIRFLOW__TRIGGERER__ON_KILL_TIMEOUT="30",
        AIRFLOW_CONN_AERODAG_DOCKER=json.dumps({"conn_type": "docker", "host": "tcp://host", "extra": {"ca_cert": 7}}),
    )

    assert report["ledger.connection"]["status"] == "failed"
    assert "airflow connections add aerodag" in report["ledger.connection"]["advice"]
    assert report["ledger.reachable"]["message"] == "Not looked at, because ledger.connection failed."
    assert "does not count deferred tasks" in report["airflow.pools"]["message"]
    assert "There is no pool heavy." in report["airflow.pools"]["message"]
    assert "--include-deferred" in report["airflow.pools"]["advice"]
    assert "AIRFLOW__CORE__DAGS_FOLDER" in report["airflow.folders"]["advice"]
    assert report["airflow.triggerer"]["status"] == "warning"
    assert report["airflow.connections"]["status"] == "failed"


def _parts(url: str) -> dict[str, str]:
    parts = psycopg.conninfo.conninfo_to_dict(url)
    names = {"user": "login", "password": "password", "host": "host", "dbname": "schema"}
    return {name: str(parts[key]) for key, name in names.items()}
