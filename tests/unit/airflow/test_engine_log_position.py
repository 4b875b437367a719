"""Where a killed triggerer's task log ends is read from the log itself."""

import json
from types import SimpleNamespace

import pytest

from aerodag.airflow.triggers.shown import CHUNK_BYTES, last_line_shown

JOB = "0123456789abcdef"
TASK = SimpleNamespace(dag_id="process_dataset", run_id="r", task_id="odm", map_index=-1, try_number=1)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", str(tmp_path))
    place = tmp_path / "dag_id=process_dataset" / "run_id=r" / "task_id=odm"
    place.mkdir(parents=True)
    return place


def entries(first, last, job=JOB):
    return "".join(
        json.dumps({"event": f"line {number} " + "x" * 100, "line": f"{job[:12]}:{number}"}) + "\n"
        for number in range(first, last + 1)
    )


def test_without_files_nobody_knows(tmp_path, monkeypatch):
    monkeypatch.setenv("AIRFLOW__LOGGING__BASE_LOG_FOLDER", str(tmp_path))
    assert last_line_shown(TASK, JOB) is None
    assert last_line_shown(None, JOB) is None


def test_the_newest_whole_line_of_all_files_counts(folder):
    (folder / "attempt=1.log").write_text('{"event": "starting the engine"}\n')
    assert last_line_shown(TASK, JOB) is None  # a worker's; the triggerer may be on another host
    (folder / "attempt=1.log.trigger.1.log").write_text(entries(1, 40))
    (folder / "attempt=1.log.trigger.2.log").write_text(entries(41, 3000) + entries(3001, 3001)[:50])
    assert (folder / "attempt=1.log.trigger.2.log").stat().st_size > 3 * CHUNK_BYTES
    assert last_line_shown(TASK, JOB) == 3000
    (folder / "attempt=2.log").write_text(entries(3001, 3005) + '{"event": "removed a container"}\n' * 2000)
    assert last_line_shown(TASK, JOB) == 3005


def test_lines_of_another_container_do_not_count(folder):
    (folder / "attempt=1.log.trigger.1.log").write_text(entries(1, 7) + entries(1, 900, job="fedcba9876543210"))
    assert last_line_shown(TASK, JOB) == 7


def test_a_file_without_a_whole_line_is_empty(folder):
    (folder / "attempt=1.log.trigger.1.log").write_text(entries(1, 1).strip())
    assert last_line_shown(TASK, JOB) == 0
