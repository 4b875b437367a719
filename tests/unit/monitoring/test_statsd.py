"""The mapping of Airflow's metrics, by Airflow's own StatsD client."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from prometheus_client import generate_latest
from prometheus_client.registry import CollectorRegistry

from cases.monitoring import Scrape
from servers.statsd_exporter import StatsdExporter, statsd_exporter

ROOT = Path(__file__).parents[3]
MAPPING = ROOT / "deploy" / "monitoring" / "statsd.yml"
RULES = yaml.safe_load(MAPPING.read_text())["mappings"]


@pytest.fixture
def exporter() -> Iterator[StatsdExporter]:
    with statsd_exporter(MAPPING) as running:
        yield running


def scrape(exporter: StatsdExporter) -> Scrape:
    registry = CollectorRegistry()
    registry.register(exporter.metrics)
    return Scrape.of(generate_latest(registry).decode())


def test_what_airflow_sends_becomes_labelled_metrics(exporter: StatsdExporter) -> None:
    from airflow._shared.observability.metrics.statsd_logger import get_statsd_logger
    from statsd import StatsClient

    sender = get_statsd_logger(
        stats_class=StatsClient,
        host="127.0.0.1",
        port=exporter.udp_port,
        prefix="airflow",
        influxdb_tags_enabled=True,
        statsd_influxdb_enabled=True,
        statsd_disabled_tags="job_id,run_id,file_path",
    )
    task = {"dag_id": "process_dataset", "task_id": "odm"}
    sender.incr("scheduler_heartbeat")
    sender.incr("triggerer_heartbeat")
    sender.incr("ti.finish", tags={**task, "state": "failed", "run_id": "manual__1"})
    sender.incr("ti.finish", tags={**task, "state": "failed"})
    sender.gauge("pool.deferred_slots", 3, tags={"pool_name": "odm"})
    sender.gauge("pool.open_slots", 1, tags={"pool_name": "odm"})
    sender.timing("task.duration", 2500.0, tags=task)
    sender.timing("dagrun.duration.success", 90_000.0, tags={"dag_id": "notify", "run_type": "scheduled"})
    sender.timing(
        "dag_processing.last_duration", 40.0, tags={"file_path": "/a/b.py", "file_name": "b", "bundle_name": "c"}
    )
    sender.gauge("asset.orphaned", 1)
    deadline = time.monotonic() + 5
    while "airflow.asset.orphaned" not in exporter.metrics.received and time.monotonic() < deadline:
        time.sleep(0.05)

    seen = scrape(exporter)
    assert exporter.metrics.refused == []
    assert (
        seen("airflow_heartbeats_total", service="scheduler")
        == seen("airflow_heartbeats_total", service="triggerer")
        == 1
    )
    assert seen("airflow_ti_ends_total", state="failed", **task) == 2
    assert seen("airflow_pool_slots", pool_name="odm", state="deferred") == 3
    assert seen("airflow_pool_slots", pool_name="odm", state="open") == 1
    assert seen("airflow_task_duration_seconds_sum", **task) == 2.5
    assert [seen("airflow_task_duration_seconds_bucket", le=le, **task) for le in ("1", "5")] == [0, 1]
    assert seen("airflow_dagrun_duration_seconds_bucket", dag_id="notify", state="success", le="300") == 1
    assert seen("airflow_dag_processing_seconds_count", file_name="b") == 1
    assert "orphaned" not in seen.text
    assert "file_path" not in seen.text


def test_airflow_has_metrics_of_these_names() -> None:
    from airflow._shared.observability import metrics

    registry = yaml.safe_load((Path(metrics.__file__).parent / "metrics_template.yaml").read_text())
    known = {f"airflow.{metric['name']}" for metric in registry["metrics"]}
    assert {rule["match"] for rule in RULES if rule.get("match_type") != "regex"} <= known


def test_names_are_those_of_prometheus() -> None:
    for rule in RULES:
        assert rule.get("action") == "drop" or rule["help"].endswith("."), rule
        assert rule["match"] == ".*" or rule["name"].startswith("airflow_"), rule
