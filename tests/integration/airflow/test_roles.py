"""What uploader, operator and administrator may do, asked of a real API server with either auth manager."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from aerodag.local.postgres import EmbeddedPostgres, start_postgres
from aerodag.local.services import airflow_environment
from aerodag.local.state import StateFolder
from aerodag.settings import Settings
from servers.ports import free_port

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[3]
PROCESS = "/api/v2/dags/process_dataset"
START_SECONDS = 240
PEOPLE = {"vera": "viewer", "ulla": "uploader", "otto": "operator", "anna": "admin"}
SIMPLE_ROLES = {"viewer": "viewer", "uploader": "user", "operator": "op", "admin": "admin"}

MAKE_USERS = """
import json, sys
from airflow.providers.fab.auth_manager.cli_commands.utils import get_application_builder
with get_application_builder() as builder:
    for name, role in json.load(sys.stdin).items():
        made = builder.sm.add_user(name, name, "Test", f"{name}@example.org", builder.sm.find_role(role), name)
        assert made, (name, role)
"""
ASK_FOR_REVIEW = """
import sys
from airflow.models.hitl import HITLDetail
from airflow.models.taskinstance import TaskInstance
from airflow.utils.session import create_session
from sqlalchemy import select
with create_session() as session:
    asked = select(TaskInstance).where(TaskInstance.run_id == sys.argv[1], TaskInstance.task_id == "review")
    task = session.scalars(asked).one()
    session.add(HITLDetail(ti_id=task.id, options=["Accept", "Abort"], subject="Start the engine?", params={}))
"""


@dataclass
class Installation:
    """An API server of its own, with a person of each role, whose password is the name."""

    kind: str
    url: str
    environment: dict[str, str]

    def login(self, role: str) -> httpx.Client:
        name = next(name for name, of in PEOPLE.items() if of == role)
        answer = httpx.post(f"{self.url}/auth/token", json={"username": name, "password": name}, timeout=60)
        assert answer.status_code == 201, answer.text
        token = answer.json()["access_token"]
        return httpx.Client(base_url=self.url, headers={"Authorization": f"Bearer {token}"}, timeout=60)

    def run(self, *command: str, given: object = None) -> None:
        done = subprocess.run(
            [sys.executable, *command], env=self.environment, cwd=ROOT, text=True, input=json.dumps(given),
            capture_output=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-4000:]

    def new_run(self) -> str:
        """A run that the administrator started."""
        run_id = f"run_{uuid4().hex[:8]}"
        with self.login("admin") as admin:
            answer = admin.post(f"{PROCESS}/dagRuns", json=started(run_id))
            assert answer.status_code == 200, answer.text
        return run_id

    @contextmanager
    def served(self, log: Path) -> Iterator[Installation]:
        with log.open("ab") as output:
            server = subprocess.Popen(
                [sys.executable, "-m", "airflow", "api-server"], env=self.environment, cwd=ROOT, stdout=output,
                stderr=output,
            )  # fmt: skip
        try:
            until = time.monotonic() + START_SECONDS
            while not self._answers():
                assert server.poll() is None, log.read_text()[-4000:]
                assert time.monotonic() < until, log.read_text()[-4000:]
                time.sleep(0.3)
            yield self
        finally:
            server.terminate()
            server.wait(60)

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.url}/api/v2/version", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False


@pytest.fixture(scope="module")
def database(tmp_path_factory) -> Iterator[EmbeddedPostgres]:
    server = start_postgres(tmp_path_factory.mktemp("postgres"))
    yield server
    server.stop()


@pytest.fixture(scope="module", params=["local", "fab"])
def installation(request, database, tmp_path_factory) -> Iterator[Installation]:
    state = StateFolder(tmp_path_factory.mktemp(f"airflow_{request.param}"))
    state.logs.mkdir(parents=True)
    port = free_port()
    environment = airflow_environment(state, database, Settings(home=state.home), port)
    if request.param == "fab":
        environment["AIRFLOW__CORE__AUTH_MANAGER"] = "aerodag.airflow.auth.fab.FabAuthManager"
    else:
        state.passwords.write_text(json.dumps({name: name for name in PEOPLE}))
        people = ",".join(f"{name}:{SIMPLE_ROLES[role]}" for name, role in PEOPLE.items())
        environment["AIRFLOW__CORE__SIMPLE_AUTH_MANAGER_USERS"] = people
    found = Installation(request.param, f"http://localhost:{port}", environment)
    found.run("-m", "aerodag.airflow.bootstrap")
    found.run("-m", "airflow", "dags", "reserialize")
    if request.param == "fab":
        found.run("-c", MAKE_USERS, given={name: role.capitalize() for name, role in PEOPLE.items()})
    with found.served(state.logs / "api-server.log"):
        yield found


def started(run_id: str) -> dict:
    return {"dag_run_id": run_id, "logical_date": None, "conf": {"dataset_id": 1}}


def statuses(installation: Installation, ask) -> dict[str, int]:
    """The status that each role gets for a request; ``ask`` makes it with a client and the name of the role."""
    found = {}
    for role in PEOPLE.values():
        with installation.login(role) as client:
            found[role] = ask(client, role).status_code
    return found


def test_strangers_get_nothing(installation):
    with httpx.Client(base_url=installation.url, timeout=60) as stranger:
        assert stranger.get(f"{PROCESS}/dagRuns").status_code == 401
        assert stranger.post(f"{PROCESS}/dagRuns", json=started("theirs")).status_code == 401
        assert stranger.get("/api/v2/connections").status_code == 401
        assert stranger.get("/aerodag/api/datasets").status_code == 401
        wrong = {"username": "anna", "password": "guessed"}
        assert stranger.post("/auth/token", json=wrong).status_code == 401


def test_everybody_sees_datasets_and_runs(installation):
    installation.new_run()
    for path in (f"{PROCESS}/dagRuns", "/aerodag/api/datasets", "/api/v2/dags/process_dataset"):
        assert set(statuses(installation, lambda client, _, path=path: client.get(path)).values()) == {200}, path
    # Airflow's page asks for these to show the Datasets page in its menu.
    plugins = statuses(installation, lambda client, _: client.get("/api/v2/plugins"))
    assert (plugins["uploader"], plugins["operator"], plugins["admin"]) == (200, 200, 200)


def test_the_datasets_page_knows_the_roles(installation):
    told = {}
    for role in PEOPLE.values():
        with installation.login(role) as client:
            me = client.get("/aerodag/api/me").json()
        told[role] = (me["may_upload"], me["may_edit"])
    assert told == {
        "viewer": (False, False), "uploader": (True, False), "operator": (True, True), "admin": (True, True),
    }  # fmt: skip


def test_an_uploader_starts_runs_of_process_dataset_and_of_nothing_else(installation):
    asked = statuses(
        installation, lambda client, role: client.post(f"{PROCESS}/dagRuns", json=started(f"{role}_{uuid4().hex[:6]}"))
    )
    assert asked == {"viewer": 403, "uploader": 200, "operator": 200, "admin": 200}

    def other(client, role):
        body = {"dag_run_id": f"{role}_{uuid4().hex[:6]}", "logical_date": None, "conf": {}}
        return client.post("/api/v2/dags/housekeeping/dagRuns", json=body)

    asked = statuses(installation, other)
    assert (asked["viewer"], asked["uploader"], asked["operator"], asked["admin"]) == (403, 403, 200, 200)


def test_only_an_operator_clears_stops_and_deletes_runs(installation):
    run_ids = {role: installation.new_run() for role in PEOPLE.values()}

    def clear(client, role):
        body = {"dry_run": False, "dag_run_id": run_ids[role], "task_ids": ["claim"], "only_failed": False}
        return client.post(f"{PROCESS}/clearTaskInstances", json=body)

    def stop_task(client, role):
        path = f"{PROCESS}/dagRuns/{run_ids[role]}/taskInstances/stage"
        return client.patch(path, json={"new_state": "failed"})

    def cancel(client, role):
        return client.patch(f"{PROCESS}/dagRuns/{run_ids[role]}", json={"state": "failed"})

    def delete(client, role):
        return client.delete(f"{PROCESS}/dagRuns/{run_ids[role]}")

    for ask, done in ((clear, 200), (stop_task, 200), (cancel, 200), (delete, 204)):
        asked = statuses(installation, ask)
        assert asked == {"viewer": 403, "uploader": 403, "operator": done, "admin": done}, ask.__name__


def test_only_an_operator_answers_reviews(installation):
    run_ids = {role: installation.new_run() for role in PEOPLE.values()}
    for run_id in run_ids.values():
        installation.run("-c", ASK_FOR_REVIEW, run_id)

    def answer(client, role):
        path = f"{PROCESS}/dagRuns/{run_ids[role]}/taskInstances/review/-1/hitlDetails"
        return client.patch(path, json={"chosen_options": ["Accept"], "params_input": {}})

    assert statuses(installation, answer) == {"viewer": 403, "uploader": 403, "operator": 200, "admin": 200}


def test_only_an_operator_pauses_sizes_pools_and_processes_the_past_again(installation):
    def pause(client, role):
        return client.patch(PROCESS, params={"update_mask": "is_paused"}, json={"is_paused": False})

    def size(client, role):
        body = {"name": "heavy", "slots": 2, "description": "Decoding and raster work", "include_deferred": False}
        return client.patch("/api/v2/pools/heavy", json=body)

    def backfill(client, role):
        month = 1 + list(PEOPLE.values()).index(role)
        body = {
            "dag_id": "reprocess_datasets", "from_date": f"2026-0{month}-01T00:00:00Z",
            "to_date": f"2026-0{month}-03T00:00:00Z", "dag_run_conf": {"mode": "failed", "dry_run": True},
        }  # fmt: skip
        answer = client.post("/api/v2/backfills", json=body)
        if answer.status_code == 200:
            client.put(f"/api/v2/backfills/{answer.json()['id']}/cancel").raise_for_status()
        return answer

    for ask in (pause, size, backfill):
        asked = statuses(installation, ask)
        assert asked == {"viewer": 403, "uploader": 403, "operator": 200, "admin": 200}, ask.__name__


def test_only_an_administrator_sees_connections_and_variables(installation):
    for path in ("/api/v2/connections", "/api/v2/variables"):
        asked = statuses(installation, lambda client, _, path=path: client.get(path))
        assert asked == {"viewer": 403, "uploader": 403, "operator": 403, "admin": 200}, path

    def make(client, role):
        return client.post(
            "/api/v2/connections", json={"connection_id": f"{installation.kind}_{role}", "conn_type": "ssh"}
        )

    assert statuses(installation, make) == {"viewer": 403, "uploader": 403, "operator": 403, "admin": 201}


def test_only_an_administrator_sees_people(installation):
    if installation.kind == "local":
        pytest.skip("the simple auth manager has no API for people")
    asked = statuses(installation, lambda client, _: client.get("/auth/fab/v1/users"))
    assert asked == {"viewer": 403, "uploader": 403, "operator": 403, "admin": 200}


def test_roles_are_brought_back_to_what_they_were(installation):
    if installation.kind == "local":
        pytest.skip("the simple auth manager keeps no roles")
    with installation.login("admin") as admin:
        more = {"name": "Uploader", "actions": [{"action": {"name": "can_edit"}, "resource": {"name": "DAG Runs"}}]}
        changed = admin.patch("/auth/fab/v1/roles/Uploader", json=more)
        assert changed.status_code == 200, changed.text
        installation.run("-m", "aerodag.airflow.auth.roles")
        found = admin.get("/auth/fab/v1/roles/Uploader").json()["actions"]
    permissions = {(pair["action"]["name"], pair["resource"]["name"]) for pair in found}
    assert ("can_edit", "DAG Runs") not in permissions
    assert {("can_create", "DAG Run:process_dataset"), ("can_read", "DAG:process_dataset")} <= permissions
