"""The dashboards: as Grafana 11.6 reads them, and about metrics that there are."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard
from prometheus_client.core import Metric

from aerodag.monitoring.disk import DiskFigures
from aerodag.monitoring.families import disk_families, ledger_families
from aerodag.monitoring.figures import Condition, Figures

MONITORING = Path(__file__).parents[3] / "deploy" / "monitoring"
BOARDS = {path.stem: json.loads(path.read_text()) for path in (MONITORING / "grafana" / "dashboards").glob("*.json")}
NOTHING = Condition(
    reviews=0,
    review_oldest_s=0,
    late=0,
    quarantined=0,
    notifications=0,
    notification_overdue_s=0,
    notifications_dropped=0,
    swept_at=None,
    looked_at=None,
    holds=[],
)
# Of Prometheus itself, of its client library, and of the blackbox exporter.
OTHERS = {"up", "ALERTS", "scrape_duration_seconds", "process_resident_memory_bytes", "probe_success"}
OTHERS |= {"aerodag_up", "aerodag_ledger_read_seconds"}


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    return [panel for panel in board["panels"] if panel["type"] != "row"]


def expressions(board: dict[str, Any]) -> Iterator[str]:
    for panel in panels(board):
        for target in panel["targets"]:
            yield target["expr"]


def recording_rules() -> dict[str, str]:
    groups = [
        group
        for path in (MONITORING / "prometheus" / "rules").glob("*.yml")
        for group in yaml.safe_load(path.read_text())["groups"]
    ]
    rules = [rule for group in groups for rule in group["rules"]]
    return {rule.get("record") or f"alert {rule['alert']}": rule["expr"] for rule in rules}


def samples(metric: str, kind: str) -> set[str]:
    """The names under which Prometheus has a metric."""
    if kind in {"histogram", "ms"}:
        return {f"{metric}_{part}" for part in ("bucket", "sum", "count")}
    return {f"{metric}_total"} if kind == "counter" else {metric}


def known_names() -> set[str]:
    figures = Figures(
        **{name: [] for name in ("waiting", "active_runs", "active_steps", "recent_ends", "endings", "durations")},
        **{name: [] for name in ("engines", "recent_engines", "stored")},
        condition=NOTHING,
        stuck=0,
    )
    ours: list[Metric] = [*ledger_families(figures), *disk_families({"data": DiskFigures(1, 1, 1)})]
    names = {name for metric in ours for name in samples(metric.name, metric.type)}
    for rule in yaml.safe_load((MONITORING / "statsd.yml").read_text())["mappings"]:
        names |= {rule["name"]} | samples(rule["name"], "histogram")
    names |= set(re.findall(r"^DCGM_\w+", (MONITORING / "gpu.csv").read_text(), re.MULTILINE))
    return names | OTHERS | {name for name in recording_rules() if ":" in name}


def names_in(expression: str) -> set[str]:
    """Names of metrics in PromQL: what is followed by a selector, or is no word of the language nor a label."""
    bare = re.sub(r'"[^"]*"', '""', expression)
    bare = re.sub(r"\{[^}]*\}|\[[^\]]*\]", " ", bare)
    bare = re.sub(r"\b(by|on|without|ignoring)\s*\([^)]*\)", " ", bare)
    return {word for word in re.findall(r"[A-Za-z_:][\w:]*", bare) if "_" in word or word in {"up", "ALERTS"}} - {
        "histogram_quantile",
        "label_replace",
        "avg_over_time",
        "predict_linear",
    }


def lost(given: Any, read: Any, path: str = "") -> Iterator[str]:
    """Where what was read differs from what was given."""
    if isinstance(given, dict):
        for key, value in given.items():
            yield from (
                lost(value, read[key], f"{path}.{key}") if isinstance(read, dict) and key in read else [f"{path}.{key}"]
            )
    elif isinstance(given, list) and isinstance(read, list) and len(given) == len(read):
        for place, (one, other) in enumerate(zip(given, read, strict=True)):
            yield from lost(one, other, f"{path}[{place}]")
    elif given != read:
        yield f"{path}: {given!r} is read as {read!r}"


def test_there_are_three() -> None:
    assert set(BOARDS) == {"operations", "datasets", "engine"}
    assert {board["uid"] for board in BOARDS.values()} == {f"aerodag-{name}" for name in BOARDS}


@pytest.mark.parametrize("name", BOARDS)
def test_grafana_knows_all_fields(name: str) -> None:
    register_default_plugins()
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(BOARDS[name])))
    assert list(lost(BOARDS[name], read)) == []
    assert BOARDS[name]["schemaVersion"] == 41


@pytest.mark.parametrize("name", BOARDS)
def test_panels_stand_side_by_side(name: str) -> None:
    everything = BOARDS[name]["panels"]
    assert len({panel["id"] for panel in everything}) == len(everything)
    places = [panel["gridPos"] for panel in everything]
    assert all(place["x"] + place["w"] <= 24 for place in places)
    for one, other in combinations(places, 2):
        beside = one["x"] + one["w"] <= other["x"] or other["x"] + other["w"] <= one["x"]
        assert beside or one["y"] + one["h"] <= other["y"] or other["y"] + other["h"] <= one["y"], (one, other)


@pytest.mark.parametrize("name", BOARDS)
def test_panels_ask_the_provisioned_source(name: str) -> None:
    provisioned = yaml.safe_load(
        (MONITORING / "grafana" / "provisioning" / "datasources" / "prometheus.yml").read_text()
    )
    uids = {source["uid"] for source in provisioned["datasources"]}
    assert {target["datasource"]["uid"] for panel in panels(BOARDS[name]) for target in panel["targets"]} == uids


@pytest.mark.parametrize("name", BOARDS)
def test_dashboards_are_about_metrics_that_there_are(name: str) -> None:
    used = {metric for expression in expressions(BOARDS[name]) for metric in names_in(expression)}
    assert len(used) > 10
    assert used <= known_names()


def test_rules_are_about_metrics_that_there_are() -> None:
    used = {metric for expression in recording_rules().values() for metric in names_in(expression)}
    assert len(used) > 25
    assert used <= known_names()
