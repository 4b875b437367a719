"""The alert rules, by Prometheus' own tools: each fires where it shall and is silent where it shall not."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[3]
MONITORING = ROOT / "deploy" / "monitoring"
PROMETHEUS = MONITORING / "prometheus"
RULES = sorted((PROMETHEUS / "rules").glob("*.yml"))
ALERTS: dict[str, dict[str, Any]] = {
    rule["alert"]: rule
    for path in RULES
    for group in yaml.safe_load(path.read_text())["groups"]
    for rule in group["rules"]
    if "alert" in rule
}
NOTHING: dict[str, str] = {}
DAY = 24 * 60


def recent(succeeded: int, failed: int, cancelled: int = 0) -> dict[str, str]:
    """Runs that ended in the last day."""
    counts = {"succeeded": succeeded - 1, "degraded": 1, "failed": failed, "cancelled": cancelled}
    return {f'aerodag_recent_runs{{period="1d",state="{state}"}}': f"{count}x60" for state, count in counts.items()}


def places(open_share: float, waiting: int) -> dict[str, str]:
    """The pool of the engines over seven hours, and the queue."""
    slots = {"open": round(100 * open_share), "running": 3, "queued": 0, "deferred": round(97 - 100 * open_share)}
    return {f'airflow_pool_slots{{pool_name="odm",state="{state}"}}': f"{n}x500" for state, n in slots.items()} | {
        'aerodag_queue_datasets{run="first",upload_type="geotiff"}': "0x500",
        'aerodag_queue_datasets{run="first",upload_type="raw_images_zip"}': f"{waiting}x500",
    }


def gpu_runs(granted: int, used: int) -> dict[str, str]:
    return {
        f'aerodag_recent_engine_runs{{engine="odm",gpu="{gpu}"}}': f"{count}x60"
        for gpu, count in (("all", 9), ("granted", granted), ("used", used))
    }


def disks(data: str, storage: str, free: tuple[str, str] = ("_", "_")) -> dict[str, str]:
    """Used share and free bytes of two disks."""
    used = {"data": data, "storage": storage}
    return {f'aerodag_disk_used_ratio{{place="{place}"}}': values for place, values in used.items()} | {
        f'aerodag_disk_free_bytes{{place="{place}"}}': values for place, values in zip(used, free, strict=True)
    }


@dataclass(frozen=True)
class Case:
    """What the metrics say, a sample a minute, and how many alerts of the name fire after so many minutes."""

    alert: str
    series: dict[str, str]
    fires: int
    minutes: int = 40


CASES = [
    Case("RunsFailing", recent(17, 3), 1),
    Case("RunsFailing", recent(18, 2, cancelled=9), 0),
    Case("RunsFailing", recent(3, 1), 0),  # too few to tell
    Case("RunsFailing", recent(7, 3), 0),  # the other one's
    Case("RunsFailingBadly", recent(7, 3), 1),
    Case("RunsFailingBadly", recent(8, 2), 0),
    Case(
        "InfrastructureFailing",
        {'aerodag_recent_failures{period="1d",code="a.b",category="infrastructure"}': "3x60"},
        1,
    ),
    Case(
        "InfrastructureFailing",
        {'aerodag_recent_failures{period="1d",code="a.b",category="infrastructure"}': "2x60"},
        0,
    ),
    Case("InfrastructureFailing", {'aerodag_recent_failures{period="1d",code="a.b",category="data"}': "9x60"}, 0),
    Case("QueueOld", {'aerodag_queue_oldest_seconds{run="first"}': "90000x60"}, 1),
    Case("QueueOld", {'aerodag_queue_oldest_seconds{run="first"}': "80000x60"}, 0),
    Case("RunLate", {"aerodag_runs_late": "2x60"}, 1),
    Case("RunLate", {"aerodag_runs_late": "0x60"}, 0),
    Case("RunStuck", {"aerodag_runs_stuck": "1x60"}, 1),
    Case("RunStuck", {"aerodag_runs_stuck": "1x5 0x60"}, 0),
    Case("ReviewWaiting", {"aerodag_reviews_oldest_seconds": "50000x60"}, 1),
    Case("ReviewWaiting", {"aerodag_reviews_oldest_seconds": "40000x60"}, 0),
    Case("DatasetsQuarantined", {"aerodag_datasets_quarantined": "5x20 6x40"}, 1),
    Case("DatasetsQuarantined", {"aerodag_datasets_quarantined": "5x60"}, 0),
    Case("EnginePlacesBusy", places(0.10, waiting=4), 1, 460),
    Case("EnginePlacesBusy", places(0.10, waiting=0), 0, 460),
    Case("EnginePlacesBusy", places(0.20, waiting=4), 0, 460),
    Case("EnginePlacesBusy", places(0.02, waiting=4), 0, 460),
    Case("EnginePlacesExhausted", places(0.02, waiting=4), 1, 460),
    Case("EnginePlacesExhausted", places(0.10, waiting=4), 0, 460),
    Case("GpuBusy", {'DCGM_FI_DEV_GPU_UTIL{instance="a",gpu="0"}': "90x120"}, 1, 100),
    Case("GpuBusy", {'DCGM_FI_DEV_GPU_UTIL{instance="a",gpu="0"}': "80x120"}, 0, 100),
    Case("GpuBusy", NOTHING, 0),
    Case("GpuExhausted", {'DCGM_FI_DEV_GPU_UTIL{instance="a",gpu="0"}': "97x120"}, 1, 100),
    Case("GpuExhausted", {'DCGM_FI_DEV_GPU_UTIL{instance="a",gpu="0"}': "90x120"}, 0, 100),
    Case("GpuUnused", gpu_runs(3, 0), 1),
    Case("GpuUnused", gpu_runs(3, 1), 0),
    Case("GpuUnused", gpu_runs(0, 0), 0),
    Case("EngineSlow", {'aerodag_recent_engine_seconds_per_image{engine="odm"}': "45x60"}, 1),
    Case("EngineSlow", {'aerodag_recent_engine_seconds_per_image{engine="odm"}': "25x60"}, 0),
    Case("EngineVerySlow", {'aerodag_recent_engine_seconds_per_image{engine="odm"}': "70x60"}, 1),
    Case("EngineVerySlow", {'aerodag_recent_engine_seconds_per_image{engine="odm"}': "45x60"}, 0),
    Case("EngineUnwatched", {"aerodag_engine_unwatched_seconds": "700x60"}, 1),
    Case("EngineUnwatched", {"aerodag_engine_unwatched_seconds": "30x60"}, 0),
    Case("EngineOverdue", {"aerodag_engine_jobs_overdue": "1x60"}, 1),
    Case("EngineOverdue", {"aerodag_engine_jobs_overdue": "1x5 0x60"}, 0),
    Case("DiskFilling", disks("0.8x60", "0.74x60"), 1),
    Case("DiskFilling", disks("0.74x60", "0.95x60"), 0),
    Case("DiskFull", disks("0.1x60", "0.91x60"), 1),
    Case("DiskFull", disks("0.91x60", "0.95x60"), 2),
    Case("DiskFull", disks("0.89x60", "0.1x60"), 0),
    Case("DiskFullSoon", disks("0.6x600", "0.6x600", free=("9000-1x600", "1000-1x600")), 1, 500),
    Case("DiskFullSoon", disks("0.6x600", "0.4x600", free=("9000-1x600", "1000-1x600")), 0, 500),
    Case("EnginesHeld", {'aerodag_hold{kind="disk"}': "1x60"}, 1),
    Case("EnginesHeld", {'aerodag_hold{kind="disk"}': "1x20 0x60"}, 0),
    Case("DiskAway", {'aerodag_disk_up{place="data"}': "0x60"}, 1),
    Case("DiskAway", {'aerodag_disk_up{place="data"}': "1x60"}, 0),
    Case("TargetDown", {'up{job="aerodag",instance="a"}': "0x60"}, 1),
    Case("TargetDown", {'up{job="aerodag",instance="a"}': "1x60"}, 0),
    Case("ServiceDown", {'probe_success{instance="uploads:2222"}': "0x60", 'probe_success{instance="a"}': "1x60"}, 1),
    Case("ServiceDown", {'probe_success{instance="uploads:2222"}': "1x38 0x3"}, 0),  # a restart
    Case("LedgerDown", {"aerodag_up": "0x60"}, 1),
    Case("LedgerDown", {"aerodag_up": "1x60"}, 0),
    Case("LedgerSlow", {"aerodag_ledger_read_seconds": "2x60"}, 1),
    Case("LedgerSlow", {"aerodag_ledger_read_seconds": "0.05x60"}, 0),
    Case("AirflowSilent", NOTHING, 1),
    Case("AirflowSilent", {'airflow_heartbeats_total{service="scheduler"}': "0+12x60"}, 0),
    Case("AirflowServiceDown", {'airflow_heartbeats_total{service="scheduler"}': "0+12x10 120x60"}, 1),
    Case("AirflowServiceDown", {'airflow_heartbeats_total{service="scheduler"}': "0+12x60"}, 0),
    Case("DagsBroken", {"airflow_dag_processing_import_errors": "1x60"}, 1),
    Case("DagsBroken", {"airflow_dag_processing_import_errors": "0x60"}, 0),
    Case("WorkersKilled", {"airflow_ti_heartbeat_timeouts_total": "0+1x60"}, 1),
    Case("WorkersKilled", {"airflow_ti_heartbeat_timeouts_total": "7x60"}, 0),
    Case("HousekeepingStopped", {"aerodag_housekeeping_last_sweep_timestamp_seconds": "0x60"}, 1),
    Case("HousekeepingStopped", {"aerodag_housekeeping_last_sweep_timestamp_seconds": "0+60x60"}, 0),
    Case("HousekeepingStopped", {"aerodag_up": "1x60"}, 1),  # never
    Case("HousekeepingStopped", {"aerodag_up": "_x20 1x40"}, 0),  # nothing yet
    Case("HousekeepingStopped", {"aerodag_up": "1x20 0x40"}, 0),  # nobody knows
    Case(
        "HousekeepingStopped", {"aerodag_up": "1x60", "aerodag_housekeeping_last_sweep_timestamp_seconds": "0+60x60"}, 0
    ),
    Case("IngestStopped", {"aerodag_ingest_last_look_timestamp_seconds": "0x120"}, 1, 80),
    Case("IngestStopped", {"aerodag_ingest_last_look_timestamp_seconds": "0+60x120"}, 0, 80),
    Case("IngestStopped", {"aerodag_up": "1x120"}, 1, 80),
    Case("IngestStopped", {"aerodag_up": "_x40 1x80"}, 0, 80),
    Case("IngestStopped", {"aerodag_up": "1x20 0x100"}, 0, 80),
    Case("NotificationsOverdue", {"aerodag_notifications_overdue_seconds": "1000x60"}, 1),
    Case("NotificationsOverdue", {"aerodag_notifications_overdue_seconds": "100x60"}, 0),
    Case("NotificationsDropped", {"aerodag_notifications_dropped_total": "3x20 4x60"}, 1),
    Case("NotificationsDropped", {"aerodag_notifications_dropped_total": "3x60"}, 0),
]


@pytest.fixture(scope="module")
def promtool() -> str:
    return shutil.which("promtool") or pytest.skip("promtool (Debian: prometheus) is not installed")


def as_test(case: Case) -> dict[str, Any]:
    """The case as a test of promtool's."""
    firing = f'count(ALERTS{{alertname="{case.alert}",alertstate="firing"}}) or vector(0)'
    return {
        "name": f"{case.alert} {case.series}",
        "interval": "1m",
        "input_series": [{"series": name, "values": values} for name, values in case.series.items()],
        "promql_expr_test": [
            {"expr": firing, "eval_time": f"{case.minutes}m", "exp_samples": [{"labels": "{}", "value": case.fires}]}
        ],
    }


def test_config_and_rules_are_valid(promtool: str) -> None:
    checked = subprocess.run(
        [promtool, "check", "config", "--lint=all", str(PROMETHEUS / "prometheus.yml")],
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout + checked.stderr
    assert f"{len(RULES)} rule files found" in checked.stdout


def checked_by(program: str, package: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    found = shutil.which(program) or pytest.skip(f"{program} (Debian: {package}) is not installed")
    return subprocess.run([found, *arguments], capture_output=True, text=True, check=False)


def test_each_way_to_ask_a_service_is_known_to_the_one_that_asks() -> None:
    ways = MONITORING / "blackbox.yml"
    package = "prometheus-blackbox-exporter"
    checked = checked_by(package, package, "--config.check", f"--config.file={ways}")
    assert checked.returncode == 0, checked.stderr
    jobs = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())["scrape_configs"]
    (asked,) = [job["static_configs"] for job in jobs if job.get("metrics_path") == "/probe"]
    assert {one["labels"]["__param_module"] for one in asked} == yaml.safe_load(ways.read_text())["modules"].keys()


@pytest.mark.parametrize("example", [False, True])
def test_alerts_can_be_sent(tmp_path: Path, example: bool) -> None:
    head, name, receivers = (MONITORING / "alertmanager.yml").read_text().partition("receivers:\n")
    (tmp_path / "alertmanager.yml").write_text(head + name + (receivers.replace("#", "") if example else receivers))
    checked = checked_by("amtool", "prometheus-alertmanager", "check-config", str(tmp_path / "alertmanager.yml"))
    assert checked.returncode == 0, checked.stdout + checked.stderr
    (receiver,) = yaml.safe_load((tmp_path / "alertmanager.yml").read_text())["receivers"]
    assert (receiver.keys() == {"name", "email_configs", "webhook_configs"}) == example


def test_each_alert_fires_and_is_silent(promtool: str, tmp_path: Path) -> None:
    (tmp_path / "test.yml").write_text(
        json.dumps(
            {
                "rule_files": [str(path) for path in RULES],
                "evaluation_interval": "1m",
                "tests": [as_test(case) for case in CASES],
            }
        )
    )
    tested = subprocess.run(
        [promtool, "test", "rules", str(tmp_path / "test.yml")], capture_output=True, text=True, check=False
    )
    assert tested.returncode == 0, tested.stdout + tested.stderr


def test_what_an_alert_says_can_be_put_together(promtool: str, tmp_path: Path) -> None:
    # Asked to expect nothing, promtool shows what there is.
    tests = [
        {name: part for name, part in as_test(case).items() if name != "promql_expr_test"}
        | {"alert_rule_test": [{"eval_time": f"{case.minutes}m", "alertname": case.alert, "exp_alerts": []}]}
        for case in CASES
        if case.fires
    ]
    rules = {"rule_files": [str(path) for path in RULES], "evaluation_interval": "1m", "tests": tests}
    (tmp_path / "test.yml").write_text(json.dumps(rules))
    shown = subprocess.run(
        [promtool, "test", "rules", str(tmp_path / "test.yml")], capture_output=True, text=True, check=False
    )
    said = shown.stdout + shown.stderr
    assert said.count("summary=") == sum(case.fires for case in CASES)
    assert "error expanding" not in said


def test_no_alert_is_left_out() -> None:
    assert {case.alert for case in CASES if case.fires} == set(ALERTS)
    assert {case.alert for case in CASES if not case.fires} == set(ALERTS)


@pytest.mark.parametrize("name", ALERTS)
def test_each_alert_says_what_to_do(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"]["severity"] in {"info", "warning", "critical"}
    assert set(rule["annotations"]) == {"summary", "description", "runbook"}
    assert len(rule["annotations"]["description"]) > 40
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    headings = re.findall(r"^#+ (.*)$", (ROOT / page).read_text(), flags=re.MULTILINE)
    assert anchor in {re.sub(r"[^\w -]", "", heading).lower().replace(" ", "-") for heading in headings}
