"""Airflow, the exporter and Prometheus together: after real runs every panel of a dashboard shows something."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from aerodag.simulate import Survey, simulate
from samples.rasters import ground, save
from servers.prometheus import Prometheus, prometheus
from servers.statsd_exporter import StatsdExporter, statsd_exporter
from systems.served import SetUp, served

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[3]
MONITORING = ROOT / "deploy" / "monitoring"
# What dashboards look back over by themselves, in place of Grafana's variable.
RANGE = "30m"


@contextmanager
def exporter(home: Path) -> Iterator[int]:
    """``aerodag exporter`` on the embedded set-up in ``home``; its port."""
    environment = os.environ | {"AERODAG_HOME": str(home)}
    environment.pop("AERODAG_DATABASE_URL", None)
    process = subprocess.Popen(
        [sys.executable, "-m", "aerodag.cli", "exporter", "--port", "0", "--address", "127.0.0.1"],
        env=environment,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = re.search(r"http://localhost:(\d+)/metrics", process.stdout.readline())
        assert said
        yield int(said[1])
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


@dataclass(frozen=True)
class Watched:
    set_up: SetUp
    prometheus: Prometheus
    statsd: StatsdExporter
    home: Path


@pytest.fixture(scope="module")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    if shutil.which("prometheus") is None:
        pytest.skip("prometheus (Debian's package of that name) is not installed")
    home = tmp_path_factory.mktemp("aerodag")
    with statsd_exporter(MONITORING / "statsd.yml") as statsd:
        metrics = {
            "AIRFLOW__METRICS__STATSD_ON": "True",
            "AIRFLOW__METRICS__STATSD_HOST": "127.0.0.1",
            "AIRFLOW__METRICS__STATSD_PORT": str(statsd.udp_port),
        }
        with (
            served(home, SetUp, **metrics) as set_up,
            exporter(home) as port,
            prometheus(tmp_path_factory.mktemp("prometheus"), {"aerodag": port, "airflow": statsd.http_port}) as server,
        ):
            yield Watched(set_up, server, statsd, home)


@pytest.fixture(scope="module")
def after_runs(watched: Watched, tmp_path_factory: pytest.TempPathFactory) -> Watched:
    """One dataset became a map, one failed, and housekeeping made a round."""
    folder = tmp_path_factory.mktemp("uploads")
    survey = simulate(Survey(images=12, width=800, height=600), folder / "survey.zip")
    watched.set_up.drop(survey.zip_path, "survey.zip")
    watched.set_up.drop(save(folder / "nowhere.tif", ground(), crs=None), "nowhere.tif")
    assert watched.set_up.run_of("survey", seconds=1200).state == "succeeded"
    assert watched.set_up.run_of("nowhere").state == "failed"
    deadline = time.monotonic() + 360
    while not watched.prometheus.query("aerodag_housekeeping_last_sweep_timestamp_seconds"):
        assert time.monotonic() < deadline, "no round of housekeeping"
        time.sleep(2)
    return watched


def empty_panels(board: Path, server: Prometheus) -> list[str]:
    document = json.loads(board.read_text())
    targets = [(panel["title"], target["expr"]) for panel in document["panels"] for target in panel.get("targets", [])]
    assert len(targets) > 15
    return [
        f"{title}: {expression}"
        for title, expression in targets
        if not server.query(expression.replace("$__range", RANGE))
    ]


@pytest.mark.parametrize("name", ["operations", "datasets", "engine"])
def test_every_panel_shows_something(name: str, after_runs: Watched) -> None:
    deadline = time.monotonic() + 300
    while empty := empty_panels(MONITORING / "grafana" / "dashboards" / f"{name}.json", after_runs.prometheus):
        assert time.monotonic() < deadline, "\n".join(empty)
        time.sleep(3)


def test_what_prometheus_has_is_what_happened(after_runs: Watched) -> None:
    query = after_runs.prometheus.query
    assert query('sum(aerodag_runs_finished_total{state="succeeded"})') == [1]
    assert query('aerodag_run_failures_total{code="raster.no_crs"}') == [1]
    assert query("sum(aerodag_engine_images_total)") == [12]
    assert query('aerodag_recent_runs{period="1d",state="succeeded"}') == [1]
    assert query("aerodag:success:ratio1d") == [0.5]
    assert query('sum(airflow_ti_ends_total{dag_id="process_dataset",task_id="cog",state="success"})') == [1]
    assert query("count(airflow_heartbeats_total)") == [3]
    # The first value was seen before the first end, so that Prometheus sees it grow.
    assert query(f'round(sum(increase(aerodag_runs_finished_total{{state="succeeded"}}[{RANGE}])))') == [1]


def test_all_is_well(after_runs: Watched) -> None:
    targets = after_runs.prometheus.get("targets")["activeTargets"]
    assert {target["labels"]["job"]: target["health"] for target in targets} == {
        "aerodag": "up",
        "airflow": "up",
        "prometheus": "up",
    }
    rules = [rule for group in after_runs.prometheus.get("rules")["groups"] for rule in group["rules"]]
    assert len(rules) > 30
    assert [rule["name"] for rule in rules if rule["health"] != "ok"] == []
    for alert in after_runs.prometheus.get("alerts")["alerts"]:
        assert "error" not in json.dumps(alert["annotations"]).replace("docs/errors.md", ""), alert


def test_airflow_sends_no_name_that_it_refuses_itself(after_runs: Watched) -> None:
    assert after_runs.statsd.metrics.refused == []
    logs = [*after_runs.home.glob("logs/*.log"), after_runs.home / "serve.log"]
    assert logs
    complaints = [
        line
        for log in logs
        for line in log.read_text(errors="replace").splitlines()
        if "Invalid stat name" in line or "Dropping invalid tag" in line
    ]
    assert complaints == []


def test_runs_cost_no_series_of_their_own(after_runs: Watched) -> None:
    [series] = after_runs.prometheus.query('sum(scrape_samples_scraped{job="aerodag"})')
    assert series < 1500
    ids = [run.dag_run_id for run in (after_runs.set_up.run_of("survey"), after_runs.set_up.run_of("nowhere"))]
    values = {
        value
        for label in after_runs.prometheus.get("labels")
        for value in after_runs.prometheus.get(f"label/{label}/values")
    }
    assert values.isdisjoint(ids)
    assert not any("survey" in value for value in values)
