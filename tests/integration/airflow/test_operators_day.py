"""What frontends and operators do all day, on a real Airflow: follow, prioritise, cancel, process again."""

from __future__ import annotations

import hashlib
import json
import shutil
import subprocess
import sys
import time
import urllib.error
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

import psutil
import pytest
import requests

from aerodag import ledger
from aerodag.airflow.policy import weight
from aerodag.simulate import Survey, simulate
from aerodag.storage.places import CLASSES
from samples.rasters import save_rgba
from servers.sftp import running_sshd
from systems.served import ROOT, SetUp, served

pytestmark = pytest.mark.e2e


class OnSftp(SetUp):
    """A set-up whose storage is a real SFTP server, which it knows by a connection of Airflow."""

    folder: Path

    def drop(self, source: Path, name: str) -> None:
        target = self.folder / "incoming" / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target.with_suffix(".part"))
        target.with_suffix(".part").replace(target)


@pytest.fixture(scope="module")
def set_up(tmp_path_factory):
    with running_sshd() as sshd:
        folder = sshd.files / "aerodag"
        server = sshd.settings()
        connection = {
            "conn_type": "sftp", "host": server.host, "port": server.port, "login": server.user,
            "extra": {"key_file": str(server.key_file), "host_key": server.host_key},
        }  # fmt: skip
        settings = {f"AERODAG_STORAGE__{name.upper()}": f"sftp://nas{folder}/{name}" for name in CLASSES}
        settings |= {"AERODAG_REMOTE_POLL_SECONDS": "1", "AERODAG_MAX_ACTIVE_RUNS": "2"}
        settings |= {"AIRFLOW_CONN_NAS": json.dumps(connection)}
        with served(tmp_path_factory.mktemp("aerodag"), OnSftp, **settings) as running:
            running.folder = folder
            yield running


@pytest.fixture(scope="module")
def survey(tmp_path_factory):
    return simulate(Survey(images=10, width=800, height=600), tmp_path_factory.mktemp("survey") / "field.zip").zip_path


@pytest.fixture(scope="module")
def processed(set_up: OnSftp, survey: Path) -> ledger.Run:
    """The survey, triggered and followed by the client that the documentation shows."""
    set_up.drop(survey, "frontend/field 1.zip")  # ingest leaves folders to those who made them
    done = client(set_up, "frontend/field 1.zip", "priority=5")
    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.splitlines()[-1].split()[0] == "succeeded"
    run = ledger.find_run(set_up.conn, dag_run_id="field_1")
    assert run is not None
    return run


def client(set_up: OnSftp, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "docs" / "client.py"), set_up.client.url, "admin", set_up.client.password]
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=300, check=False)


def status(set_up: OnSftp, path: str) -> dict:
    return set_up.client._call("GET", f"/aerodag/api/{path}", set_up.client._token())


def until(ready, seconds: float = 300):
    deadline = time.monotonic() + seconds
    while not (answer := ready()):
        assert time.monotonic() < deadline
        time.sleep(0.3)
    return answer


def test_the_client_triggers_and_follows_and_the_same_again_is_the_same_run(set_up, processed):
    again = client(set_up, "frontend/field 1.zip", "priority=5")
    assert (again.returncode, again.stdout.split()[0]) == (0, "succeeded"), again.stderr
    (count,) = set_up.conn.execute("select count(*) from aerodag.run").fetchone()
    assert count == 1
    assert processed.pipeline_version
    assert ledger.run_checks(set_up.conn, run_id=processed.id)


def test_one_cheap_call_tells_everything(set_up, processed):
    told = status(set_up, f"datasets/{processed.dataset_id}/run")
    assert told == status(set_up, "runs/field_1")
    assert (told["state"], told["ended"], told["priority"], told["position"]) == ("succeeded", True, 5, None)
    products = {(product["kind"], product["name"]): product for product in told["products"]}
    cog = products["cog", ""]
    assert cog["current"]
    token = set_up.client._token()
    login = {"Authorization": f"Bearer {token}"}
    taken = requests.get(set_up.client.url + cog["download"], headers=login, timeout=60)
    assert hashlib.sha256(taken.content).hexdigest() == cog["sha256"]
    started = time.perf_counter()
    for _ in range(20):
        set_up.client._call("GET", "/aerodag/api/runs/field_1", token)
    assert (time.perf_counter() - started) / 20 < 0.5


def test_strangers_learn_nothing(set_up, processed):
    for path in ("runs/field_1", f"datasets/{processed.dataset_id}/run"):
        with pytest.raises(urllib.error.HTTPError) as refusal:
            set_up.client._call("GET", f"/aerodag/api/{path}", None)
        assert refusal.value.code == 401
    for path, code in (("runs/unknown", 404), ("datasets/99999/run", 404), ("datasets/x/run", 422)):
        with pytest.raises(urllib.error.HTTPError) as refusal:
            status(set_up, path)
        assert refusal.value.code == code


def test_nonsense_is_refused_with_a_sentence(set_up):
    refused = client(set_up, "field 2.zip", "priority=9")
    assert refused.returncode == 1
    assert "priority" in refused.stderr


def test_the_priority_of_a_run_reaches_every_task(set_up, processed):
    path = "dags/process_dataset/dagRuns/field_1"
    run = set_up.rest("GET", path)
    expected = weight(5, datetime.fromisoformat(run["run_after"]))
    tasks = set_up.rest("GET", f"{path}/taskInstances")["task_instances"]
    assert {task["task_id"]: task["priority_weight"] for task in tasks} == {
        task["task_id"]: expected for task in tasks
    }  # fmt: skip


def test_nothing_is_left_on_the_worker(set_up, processed):
    left = [path for name in CLASSES for path in (set_up.storage.root / name).rglob("*") if path.is_file()]
    assert {path.relative_to(set_up.storage.root).parts[0] for path in left} <= {"stac"}


def test_a_cancelled_run_ends_its_engine_and_says_so(set_up, processed):
    conf = {"dataset_id": processed.dataset_id, "preset": "draft"}
    set_up.client.trigger("process_dataset", "to_cancel", conf)
    until(lambda: (told := maybe(set_up, "to_cancel")) and told["step"] == "odm")
    run = ledger.find_run(set_up.conn, dag_run_id="to_cancel")
    assert run is not None
    until(lambda: engines(run))
    set_up.rest("PATCH", "dags/process_dataset/dagRuns/to_cancel", {"state": "failed"})
    told = until(lambda: (told := maybe(set_up, "to_cancel")) and told["ended"] and told)
    assert told["state"] == "cancelled", told
    until(lambda: not engines(run))


def test_another_preset_needs_no_upload(set_up, processed):
    conf = {"dataset_id": processed.dataset_id, "preset": "fast", "exclude_images": ["*0003*"]}
    set_up.client.trigger("process_dataset", "fast_one", conf)
    until(lambda: (told := maybe(set_up, "fast_one")) and told["ended"], seconds=240)
    run = ledger.find_run(set_up.conn, dag_run_id="fast_one")
    assert run is not None
    assert (run.state, run.preset) == ("succeeded", "fast"), run.message
    excluded = set_up.conn.execute(
        "select count(*) from aerodag.image where dataset_id = %s and status = 'rejected'", [processed.dataset_id]
    ).fetchone()
    assert excluded == (1,)


def test_a_backfill_processes_past_uploads_again(set_up, processed, tmp_path):
    for name, side in (("a", 500), ("b", 600)):
        set_up.drop(save_rgba(tmp_path / f"{name}.tif", side=side), f"map_{name}.tif")
    first = {name: set_up.run_of(f"map_{name}").id for name in ("a", "b")}
    today = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    set_up.conn.execute(
        "update aerodag.dataset set created_at = now() - interval '3 days' where upload_type = 'geotiff'"
    )
    # Before two o'clock the newest run by schedule is of the day before yesterday; a backfill leaves it alone.
    day = {"from_date": (today - timedelta(days=6)).isoformat(), "to_date": (today - timedelta(days=2)).isoformat()}
    path = "backfills?dag_id=reprocess_datasets"
    backfill = {"dag_id": "reprocess_datasets", "run_backwards": False, "max_active_runs": 2} | day

    set_up.rest("POST", "backfills", backfill | {"dag_run_conf": {"mode": "all", "dry_run": True}})
    xcoms = until(lambda: answers(set_up, wanted=4))
    assert sum(answer["to_process"] for answer in xcoms) == 2
    assert sum(answer["requested"] for answer in xcoms) == 0
    until(lambda: all(one["completed_at"] for one in set_up.rest("GET", path)["backfills"]))

    conf = {"mode": "all", "priority": 2}
    set_up.rest("POST", "backfills", backfill | {"dag_run_conf": conf, "reprocess_behavior": "completed"})
    again = until(lambda: newer(set_up, first), seconds=240)
    for name, run in again.items():
        assert run.state == "succeeded", (name, run.message)
        assert run.priority == 2
        cog = ledger.current_artifact(set_up.conn, dataset_id=run.dataset_id, kind="cog")
        assert cog is not None
        assert cog.run_id == run.id


def answers(set_up: OnSftp, wanted: int) -> list[dict] | None:
    runs = set_up.rest("GET", "dags/reprocess_datasets/dagRuns?run_type=backfill&state=success")["dag_runs"]
    if len(runs) < wanted:
        return None
    path = "dags/reprocess_datasets/dagRuns/{}/taskInstances/request_runs/xcomEntries/return_value?deserialize=true"
    return [set_up.rest("GET", path.format(quote(run["dag_run_id"], safe="")))["value"] for run in runs]


def newer(set_up: OnSftp, first: dict[str, int]) -> dict[str, ledger.Run] | None:
    runs = {name: set_up.run_of(f"map_{name}") for name in first}
    return runs if all(run.id > first[name] for name, run in runs.items()) else None


def maybe(set_up: OnSftp, dag_run_id: str) -> dict | None:
    try:
        return status(set_up, f"runs/{dag_run_id}")
    except urllib.error.HTTPError as error:
        if error.code != 404:
            raise
        return None


def engines(run: ledger.Run) -> list[str]:
    """Command lines of the engine's processes for a run."""
    folder = f"work/{run.id}"
    return [
        line
        for line in (" ".join(process.info["cmdline"] or ()) for process in psutil.process_iter(["cmdline"]))
        if "--project-path" in line and folder in line
    ]
