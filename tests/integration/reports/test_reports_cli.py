"""``aerodag report`` and ``aerodag checks``, in a process of their own; and every report at a size of some weight."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from psycopg.sql import SQL

from aerodag import ledger
from aerodag.ledger.reports import REPORTS
from cases.ledger import Flow
from conftest import LedgerDatabase
from samples.ledger_bulk import fill

DATASETS = 1_000


@pytest.fixture
def aerodag(database_url: str, tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    environment = os.environ | {"AERODAG_DATABASE_URL": database_url, "AERODAG_HOME": str(tmp_path), "COLUMNS": "200"}

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "aerodag.cli", *arguments]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=120)

    return run


def test_checks_of_a_run(flow: Flow, aerodag: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    run_id = flow.open().id
    assert "not judged yet" in aerodag("checks", str(run_id)).stdout
    ledger.evaluate_checks(flow.conn, run_id=run_id)
    shown = aerodag("checks", str(run_id))
    assert shown.returncode == 1  # the run made nothing of what it was asked for
    assert "Missing products" in shown.stdout
    assert "equal 0" in shown.stdout
    assert "The upload has no images." in shown.stdout
    rows = json.loads(aerodag("checks", str(run_id), "--json").stdout)
    assert [row["verdict"] for row in rows if row["name"] == "products.missing"] == ["fail"]
    unknown = aerodag("checks", "4711")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "There is no run 4711." in unknown.stderr


def test_what_is_put_away_is_gone_from_the_list(
    flow: Flow, aerodag: Callable[..., subprocess.CompletedProcess[str]]
) -> None:
    name = ledger.get_dataset(flow.conn, dataset_id=flow.dataset_id).name
    assert name in aerodag("status").stdout
    assert aerodag("archive", str(flow.dataset_id)).stdout == f"dataset {flow.dataset_id} is archived\n"
    assert name not in aerodag("status").stdout
    unknown = aerodag("archive", "4711")
    assert (unknown.returncode, unknown.stdout) == (1, "")
    assert "4711" in unknown.stderr


def test_reports(flow: Flow, aerodag: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    flow.open()
    flow.play("stage", "odm")
    ledger.close_run(
        flow.conn,
        dag_run_id=flow.dag_run_id,
        state="failed",
        code="odm.out_of_memory",
        message="64 GB [bold].",
        advice="Less.",
    )
    shown = aerodag("report", "failures")
    assert shown.returncode == 0, shown.stderr
    assert "odm.out_of_memory" in shown.stdout
    assert "64 GB [bold]." in shown.stdout
    (row,) = json.loads(aerodag("report", "failures", "--days", "3", "--json").stdout)
    assert (row["code"], row["runs"], row["share"]) == ("odm.out_of_memory", 1, 1)
    unknown = aerodag("report", "weather")
    assert unknown.returncode == 1
    assert all(name in unknown.stderr for name in REPORTS)


def test_reports_of_a_year(ledger_database: LedgerDatabase) -> None:
    """Figures of a generated ledger agree with what it was generated from; none of its queries reads all images."""
    fill(ledger_database.admin_url, DATASETS)
    with ledger.connect(ledger_database.admin_url) as conn:
        reports = {name: ledger.make_report(conn, name, days=400).records for name in REPORTS}
        counts = conn.execute(
            "select count(*) filter (where state = 'failed'), "
            "count(*) filter (where state in ('succeeded', 'degraded')) from aerodag.run"
        ).fetchone()
        first, second = [ledger.images_known_elsewhere(conn, dataset_id=number) for number in (50, 100)]
        explained = SQL("explain ") + ledger.query("images_known_elsewhere")
        plan = [line for (line,) in conn.execute(explained, {"dataset_id": 100})]
    assert counts
    assert sum(row["runs"] for row in reports["failures"]) == counts[0]
    whole = reports["success_rate"][-1]
    assert (whole["by"], whole["succeeded"] + whole["degraded"], whole["failed"]) == ("all", counts[1], counts[0])
    assert [row["state"] for row in reports["queue"]].count("running") == 50  # as many rows as a list has
    assert {row["name"]: row["times"] for row in reports["stage_durations"] if row["preset"] == "fast"}["cog"] > 100
    assert {row["class"] for row in reports["storage_by_class"]} >= {"archive", "cogs", "raw_images", "quarantine"}
    assert (len(first), len(second)) == (0, 100)
    assert not [line for line in plan if "Seq Scan on image" in line]
