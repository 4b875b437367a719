"""The stack of docker-compose.yaml on a real Docker engine: up, one dataset through it, backup, restore, upgrade."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from aerodag.simulate import Survey, simulate
from aerodag.simulate.simulation import SimulatedSurvey
from doubles.odm import recipe
from doubles.odm.project import choose
from samples.rasters import save_rgba
from systems.compose_stack import Stack, running_stack
from systems.odm_airflow import true_results, wait_for

pytestmark = [pytest.mark.e2e, pytest.mark.docker, pytest.mark.stack]

SERVICES = {
    "postgres", "api-server", "scheduler", "dag-processor", "triggerer", "sftp", "uploads", "docker-gate", "proxy",
}  # fmt: skip
# The engine of the tests is small, and the surveys too.
SETTINGS = {
    "AERODAG_REVIEW__VERDICTS": "[]",
    "AERODAG_ODM__MEMORY_BYTES": str(256 * 1024**2),
    "AERODAG_ODM__POLL_SECONDS": "0.5",
    "AERODAG_ODM__DISK_SOFT_BYTES": "0",
    "AERODAG_ODM__DISK_HARD_BYTES": "0",
}


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with running_stack(tmp_path_factory.mktemp("stack"), **SETTINGS) as running:
        yield running


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> SimulatedSurvey:
    return simulate(Survey(images=12, width=800, height=600), tmp_path_factory.mktemp("survey") / "survey.zip")


def variant(survey: SimulatedSurvey, path: Path) -> Path:
    """The same survey as another dataset."""
    shutil.copyfile(survey.zip_path, path)
    with zipfile.ZipFile(path, "a") as bundle:
        bundle.writestr("note.txt", path.name)
    return path


def test_up_means_that_every_service_is_well(stack: Stack) -> None:
    states = stack.states()

    assert {service for service, state in states.items() if state == ("running", "healthy")} == SERVICES
    assert states["migrate"] == ("exited", "")


def test_nobody_is_root_and_nothing_can_be_written_but_data(stack: Stack) -> None:
    for service in SERVICES:
        container = stack.compose("ps", "--quiet", service).strip()
        facts = json.loads(stack.run("docker", "inspect", container))[0]
        host = facts["HostConfig"]
        assert facts["Config"]["User"] not in {"", "root", "0", "0:0"}, service
        assert host["ReadonlyRootfs"], service
        assert host["CapDrop"] == ["ALL"], service
        assert host["SecurityOpt"] == ["no-new-privileges:true"], service
        assert host["Memory"] > 0, service
        assert host["LogConfig"]["Config"] == {"max-size": "10m", "max-file": "5"}, service
        sockets = [mount for mount in facts["Mounts"] if mount["Destination"].endswith("docker.sock")]
        assert bool(sockets) == (service == "docker-gate"), service


def test_strangers_get_nothing(stack: Stack) -> None:
    authority = str(stack.authority)

    def status(path: str) -> int:
        return requests.get(f"{stack.url}{path}", verify=authority, timeout=30, allow_redirects=False).status_code

    assert status("/api/v2/dags") == 401
    assert status("/aerodag/api/runs/none") == 401
    assert status("/execution/health") == 404
    with pytest.raises(requests.HTTPError):
        stack.login(password="admin")
    plain = requests.get(f"http://localhost:{stack.value('AERODAG_HTTP_PORT')}/", timeout=30, allow_redirects=False)
    assert plain.status_code == 308
    assert plain.headers["Location"] == f"{stack.url}/"


def test_each_login_reaches_its_own_database_and_owns_no_more_than_it_must(stack: Stack) -> None:
    owners = "select datname || ' ' || pg_get_userbyid(datdba) from pg_database where datname in ('airflow', 'aerodag')"
    assert set(stack.sql("postgres", owners).splitlines()) == {"airflow airflow", "aerodag aerodag_owner"}
    able = "select rolname from pg_roles where rolcanlogin and rolname <> 'postgres' and (rolsuper or rolcreaterole)"
    assert stack.sql("postgres", able) == ""
    reach = (
        "select string_agg(datname, ',') from pg_database where datname in ('airflow', 'aerodag', 'postgres') "
        "and has_database_privilege('{}', datname, 'connect')"
    )
    assert stack.sql("postgres", reach.format("airflow")) == "airflow"
    assert stack.sql("postgres", reach.format("aerodag_airflow")) == "aerodag"
    assert stack.sql("aerodag", "select has_schema_privilege('aerodag_airflow', 'aerodag', 'create')") == "f"


def test_an_upload_by_sftp_becomes_an_orthophoto_by_a_run_that_rest_asked_for(
    stack: Stack, survey: SimulatedSurvey
) -> None:
    stack.upload(survey.zip_path, "frontend/first.zip")

    run = stack.process("frontend/first.zip", engine="embedded")

    assert run["state"] in {"succeeded", "degraded"}, run
    products = {product["kind"]: product for product in run["products"]}
    assert {"orthophoto", "cog", "thumbnail"} <= products.keys()
    places = stack.sql("aerodag", "select string_agg(distinct split_part(uri, ':', 1), ',') from aerodag.artifact")
    assert "sftp" in places
    kept = stack.compose("exec", "-T", "sftp", "find", "/srv/files", "-type", "f", "-size", "+0")
    assert "raw_images/1/first.zip" in kept
    assert "archive/1_ortho.tif" in kept
    assert stack.compose("exec", "-T", "uploads", "find", "/srv/files", "-type", "f") == ""


def test_an_engine_is_started_through_the_gate(stack: Stack, survey: SimulatedSurvey, tmp_path: Path) -> None:
    stack.upload(variant(survey, tmp_path / "second.zip"), "frontend/second.zip")
    session = stack.login()
    body = {"dag_run_id": "second", "logical_date": None, "conf": {"source": "frontend/second.zip", "engine": "odm"}}
    session.post(f"{stack.url}/api/v2/dags/process_dataset/dagRuns", json=body, timeout=30).raise_for_status()
    number = wait_for(
        "the run", lambda: stack.sql("aerodag", "select id from aerodag.run where dag_run_id = 'second'"), 120
    )
    project = stack.data / "work" / number / "project"
    (project / ".double" / "outputs").mkdir(parents=True)
    choose(project, outcome="succeed")
    for name, content in true_results(survey, tmp_path).items():
        (project / ".double" / "outputs" / name).parent.mkdir(exist_ok=True)
        (project / ".double" / "outputs" / name).write_bytes(content)
    owner = f"{stack.value('AERODAG_UID')}:{stack.value('AERODAG_GID')}"
    stack.run("chown", "-R", owner, str(stack.data / "work" / number))

    run = stack.process("frontend/second.zip", engine="odm")

    assert run["state"] == "succeeded", run
    query = "select engine || ' ' || exit_code || ' ' || (discarded_at is not null) from aerodag.engine_job"
    assert stack.sql("aerodag", query) == "odm 0 true"


GATE_QUESTIONS = """
import json, sys
import requests
gate = "http://docker-gate:2375"
found = {
    "containers": requests.get(f"{gate}/containers/json?all=1").json(),
    "postgres": requests.get(f"{gate}/containers/{sys.argv[1]}/json").status_code,
    "stop": requests.post(f"{gate}/containers/{sys.argv[1]}/stop").status_code,
    "exec": requests.post(f"{gate}/containers/{sys.argv[1]}/exec", json={"Cmd": ["id"]}).status_code,
    "root": requests.post(f"{gate}/containers/create", json={
        "Image": sys.argv[2], "User": "0:0", "Labels": {"aerodag.role": "engine"},
        "HostConfig": {"Binds": ["/:/host"], "Privileged": True}}).status_code,
    "pull": requests.post(f"{gate}/images/create?fromImage=busybox").status_code,
}
print(json.dumps(found))
"""


def test_a_worker_reaches_nothing_of_the_host_through_the_gate(stack: Stack) -> None:
    postgres = stack.compose("ps", "--quiet", "postgres").strip()

    answer = stack.compose("exec", "-T", "scheduler", "python", "-c", GATE_QUESTIONS, postgres, recipe.IMAGE)

    assert json.loads(answer) == {
        "containers": [], "postgres": 404, "stop": 404, "exec": 403, "root": 403, "pull": 403,
    }  # fmt: skip
    assert stack.states()["postgres"] == ("running", "healthy")
    unreached = "import socket; socket.create_connection(('docker-gate', 2375), 3)"
    with pytest.raises(pytest.fail.Exception, match=r"Name or service not known|name resolution"):
        stack.compose("exec", "-T", "api-server", "python", "-c", unreached)


def test_a_backup_brings_everything_back(stack: Stack, tmp_path: Path) -> None:
    count = "select count(*) from aerodag.dataset"
    before = stack.sql("aerodag", count)
    stack.upload(save_rgba(tmp_path / "waiting.tif"), "frontend/waiting.tif")
    stack.run("deploy/backup.sh")
    (backup,) = (stack.folder / "backups").iterdir()
    assert {path.name for path in backup.iterdir()} == {
        "airflow.dump", "aerodag.dump", "globals.sql", "incoming.tar", "storage.tar", "config.tar", "version",
        "SHA256SUMS",
    }  # fmt: skip
    assert backup.stat().st_mode & 0o077 == 0

    stack.sql("aerodag", "truncate aerodag.dataset cascade")
    stack.compose("down")
    stack.run("docker", "volume", "rm", "aerodag_storage", "aerodag_incoming")
    # Two hands at once: also another password, which the backup does not have.
    stack.edit(".env", LEDGER_PASSWORD="changed0since0then")
    stack.run("deploy/restore.sh", str(backup), CONFIRM="yes")

    assert stack.sql("aerodag", count) == before
    assert stack.login().get(f"{stack.url}/aerodag/api/runs/first", timeout=30).json()["state"] in {
        "succeeded",
        "degraded",
    }
    assert "1_ortho.tif" in stack.compose("exec", "-T", "sftp", "ls", "/srv/files/archive")
    assert stack.process("frontend/waiting.tif")["state"] == "succeeded"


def test_an_upgrade_keeps_data_and_is_short(stack: Stack) -> None:
    old = stack.value("AERODAG_VERSION")
    (stack.folder / "include" / "aerodag" / "upgraded.py").write_text('"""Something new."""\n')

    said = stack.run("deploy/upgrade.sh", VERSION=f"{old}-next").splitlines()[-1]

    assert said.startswith(f"{old} -> {old}-next, away for ")
    assert int(said.split()[-2]) < 300
    assert (
        stack.compose("exec", "-T", "scheduler", "sh", "-c", "echo $AERODAG_PIPELINE_VERSION").strip() == f"{old}-next"
    )
    assert stack.login().get(f"{stack.url}/aerodag/api/runs/first", timeout=30).status_code == 200


def test_prometheus_reads_what_the_exporter_tells(stack: Stack) -> None:
    started = ("exporter", "prometheus", "probe", "alertmanager")
    stack.compose("--profile", "monitoring", "up", "--detach", "--wait", *started)

    def fetched(url: str) -> str:
        return stack.compose("--profile", "monitoring", "exec", "-T", "prometheus", "wget", "-q", "-O", "-", url)

    def asked(query: str) -> list[dict[str, Any]]:
        said = fetched(f"http://127.0.0.1:9090/api/v1/query?query={quote(query)}")
        return list(json.loads(said)["data"]["result"])

    ended = stack.sql("aerodag", "select count(*) from aerodag.run where state in ('succeeded', 'degraded')")
    query = 'sum(aerodag_runs_finished_total{state=~"succeeded|degraded"})'
    answer = wait_for("the figures", lambda: asked(query), 120)
    assert [value["value"][1] for value in answer] == [ended]
    assert [value["value"][1] for value in asked('up{job="aerodag"}')] == ["1"]
    assert {value["metric"]["place"] for value in asked("aerodag_disk_used_ratio > 0")} == {
        "data", "storage", "incoming",
    }  # fmt: skip
    well = {"http://api-server:8080/api/v2/monitor/health", "proxy:443", "uploads:2222", "sftp:2222"}
    wait_for("the probes", lambda: {value["metric"]["instance"] for value in asked("probe_success == 1")} == well, 120)
    stack.compose("stop", "uploads")
    down = wait_for("what is down", lambda: asked("probe_success == 0"), 120)
    assert [value["metric"]["instance"] for value in down] == ["uploads:2222"]
    stack.compose("start", "uploads")
    assert "OK" in fetched("http://alertmanager:9093/-/ready")
    stack.compose("--profile", "monitoring", "rm", "--stop", "--force", *started)


def test_celery_workers_of_three_queues_take_the_tasks(stack: Stack, survey: SimulatedSurvey, tmp_path: Path) -> None:
    stack.edit(".env", COMPOSE_PROFILES="celery", AERODAG_EXECUTOR="CeleryExecutor")
    stack.compose("up", "--detach", "--wait")
    assert {service for service, state in stack.states().items() if state == ("running", "healthy")} == SERVICES | {
        "redis", "worker-default", "worker-heavy", "worker-odm",
    }  # fmt: skip
    stack.upload(variant(survey, tmp_path / "third.zip"), "frontend/third.zip")

    run = stack.process("frontend/third.zip", engine="embedded")

    assert run["state"] in {"succeeded", "degraded"}, run
    query = "select string_agg(distinct host, ',') from aerodag.step join aerodag.run on run.id = run_id "
    hosts = stack.sql("aerodag", f"{query} where dag_run_id = 'third'")
    scheduler = stack.compose("exec", "-T", "scheduler", "hostname").strip()
    assert hosts
    assert scheduler not in hosts


def test_services_that_are_no_longer_wished_go(stack: Stack) -> None:
    stack.edit(".env", COMPOSE_PROFILES="", AERODAG_EXECUTOR="LocalExecutor")

    stack.run("make", "stack")

    assert {service for service, (state, _) in stack.states().items() if state == "running"} == SERVICES
