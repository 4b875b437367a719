"""A short chaos run: the script that a person runs, as a person runs it."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[3]


def test_killing_a_task_the_scheduler_and_the_database_loses_doubles_and_breaks_nothing(tmp_path):
    report = tmp_path / "report.json"
    command = [sys.executable, str(ROOT / "tests" / "chaos" / "chaos.py"), "--datasets", "3", "--seed", "3"]
    command += ["--kills", "3", "--victims", "task", "scheduler", "postmaster", "--spacing", "15", "--reach", "1.5"]
    done = subprocess.run([*command, "--json", str(report)], capture_output=True, text=True, check=False)
    assert report.exists(), done.stderr
    found = json.loads(report.read_text())
    assert done.returncode == 0, done.stderr
    assert found["kills"] == {"task": 1, "scheduler": 1, "postmaster": 1}
    assert (found["datasets"], found["runs"], found["known_uploads"]) == (3, 3, 1)
    assert found["run_states"] == {"succeeded": 2, "failed": 1}
