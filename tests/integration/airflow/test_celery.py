"""The same DAGs on two Celery workers with queues, disks and host names of their own; only storage is shared."""

from __future__ import annotations

import hashlib
import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import psutil
import pytest
import redis
from psycopg.conninfo import conninfo_to_dict
from rio_cogeo import cog_validate

from aerodag import ledger, photogrammetry
from aerodag.local.postgres import PostgresAddress
from aerodag.local.services import airflow_environment
from aerodag.local.state import StateFolder
from aerodag.photogrammetry.jobs import JobState
from aerodag.pipeline.context import StepContext
from aerodag.pipeline.engine_jobs.end import conclude
from aerodag.pipeline.engine_jobs.start import find_or_start
from aerodag.pipeline.steps import STEPS
from aerodag.settings import NodeOdm, Settings
from aerodag.simulate import SimulatedSurvey, Survey, simulate
from aerodag.storage import Storage
from aerodag.storage.places import CLASSES
from cases.nodeodm import packed
from samples.rasters import save_rgba
from servers.nodeodm import NodeServer
from servers.nodeodm_node import Scenario
from servers.ports import free_port
from servers.sftp import SshHost, running_sshd
from systems.odm_airflow import true_results
from systems.served import SetUp, served

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[3]
INSTALLATION = "celery"
WORKERS = {"alpha": "default", "beta": "heavy,odm"}
HEAVY = {"assess_images", "standardise", "cog", "indices"}
AT_THE_ENGINE = {"preflight", "plan_engine", "odm"}
INTAKE = ("stage", "validate", "extract_metadata", "assess_images", "preflight", "plan_engine")
PRODUCTS = ("publish_ortho", "standardise", "cog", "thumbnail", "metadata", "promote", "finish")
START_SECONDS = 240


class OnCelery(SetUp):
    """A set-up whose tasks run on workers that the test starts and stops."""

    sshd: SshHost
    node: NodeServer
    variables: dict[str, str]

    @property
    def folder(self) -> str:
        return f"sftp://nas{self.sshd.files}/aerodag"

    def settings(self, data_root: Path) -> Settings:
        """Those of another host of the installation."""
        return Settings(
            home=data_root, data_root=data_root, name=INSTALLATION, sftp={"nas": self.sshd.settings()},
            storage={name: f"{self.folder}/{name}" for name in CLASSES}, nodeodm=NodeOdm(url=self.node.url),
        )  # fmt: skip

    def upload(self, path: Path, name: str) -> None:
        """Into a folder that ingest leaves to whoever made it."""
        with closing(Storage.of(self.settings(self.home / "uploader"))) as storage:
            remote = storage.remotes["incoming"]
            remote.store.put(path, remote.key(f"frontend/{name}"), hashlib.sha256(path.read_bytes()).hexdigest())

    def start(self, dag_run_id: str, **conf: Any) -> None:
        self.client.trigger("process_dataset", dag_run_id, conf)

    def ended(self, dag_run_id: str, seconds: float = 400) -> ledger.Run:
        def over() -> ledger.Run | None:
            run = ledger.find_run(self.conn, dag_run_id=dag_run_id)
            if run is None or run.state in {"queued", "running"}:
                return None
            steps = ledger.list_steps(self.conn, run_id=run.id)
            return run if any(step.name == "cleanup" and step.state == "succeeded" for step in steps) else None

        return wait_for(f"the end of {dag_run_id}", over, seconds)

    def steps(self, run: ledger.Run) -> dict[str, ledger.Step]:
        return {step.name: step for step in ledger.list_steps(self.conn, run_id=run.id)}

    def products(self, run: ledger.Run) -> dict[str, ledger.Artifact]:
        return {one.kind: one for one in ledger.list_artifacts(self.conn, run_id=run.id) if not one.name}

    def worker(self, name: str) -> subprocess.Popen[bytes]:
        serving = StateFolder(self.home).serving()
        assert serving is not None
        server = PostgresAddress(Path(str(conninfo_to_dict(serving.ledger_url)["host"])))
        settings = Settings(home=self.home, data_root=self.disk(name))
        environment = airflow_environment(StateFolder(self.home), server, settings, serving.port) | self.variables
        environment |= {
            "AERODAG_TEST_HOST": name,
            "PYTHONPATH": str(ROOT / "tests"),
            "AIRFLOW__CORE__HOSTNAME_CALLABLE": "systems.worker_host.name",
            "AIRFLOW__LOGGING__BASE_LOG_FOLDER": str(self.disk(name) / "logs"),
        }
        command = [sys.executable, "-m", "airflow", "celery", "worker", "--skip-serve-logs"]
        command += ["--queues", WORKERS[name], "--celery-hostname", name, "--concurrency", "2"]
        with (self.home / f"{name}.log").open("ab") as log:
            return subprocess.Popen(
                command, env=environment, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip

    def disk(self, worker: str) -> Path:
        return self.home / "disks" / worker


def wait_for(what: str, ask: Callable[[], Any], seconds: float) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := ask()):
        assert time.monotonic() < deadline, f"{what} did not come in {seconds:.0f} s"
        time.sleep(0.2)
    return found


def stop(process: subprocess.Popen[bytes]) -> None:
    """End a worker with all its children, at once."""
    family = [psutil.Process(process.pid)] if process.poll() is None else []
    family += [child for parent in family for child in parent.children(recursive=True)]
    for member in family:
        member.kill()
    process.wait(30)


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    program = shutil.which("redis-server")
    if program is None:
        pytest.skip("redis is not installed (Debian: redis-server)")
    port, folder = free_port(), tmp_path_factory.mktemp("redis")
    command = [program, "--bind", "127.0.0.1", "--port", str(port), "--save", "", "--dir", str(folder)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL)

    def answers() -> bool:
        try:
            return bool(redis.Redis(port=port).ping())
        except redis.ConnectionError:
            return False

    try:
        wait_for("redis", answers, 20)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(20)


@pytest.fixture(scope="module")
def node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[NodeServer]:
    node = NodeServer(tmp_path_factory.mktemp("node")).start()
    yield node
    node.stop()


@contextmanager
def working(air: OnCelery) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    workers = {name: air.worker(name) for name in WORKERS}
    try:
        for name in WORKERS:
            log = air.home / f"{name}.log"
            wait_for(f"worker {name}", lambda log=log: f"{log.stem} ready" in log.read_text(), START_SECONDS)
        yield workers
    finally:
        for process in workers.values():
            stop(process)


@pytest.fixture(scope="module")
def air(broker, node, tmp_path_factory) -> Iterator[OnCelery]:
    home = tmp_path_factory.mktemp("aerodag")
    with running_sshd() as sshd:
        server = sshd.settings()
        connection = {
            "conn_type": "sftp", "host": server.host, "port": server.port, "login": server.user,
            "extra": {"key_file": str(server.key_file), "host_key": server.host_key},
        }  # fmt: skip
        variables = {
            "AERODAG_NAME": INSTALLATION,
            "AERODAG_NODEODM__URL": node.url,
            "AERODAG_REMOTE_POLL_SECONDS": "1",
            "AIRFLOW_CONN_NAS": json.dumps(connection),
            "AIRFLOW__CORE__EXECUTOR": "CeleryExecutor",
            "AIRFLOW__CELERY__BROKER_URL": broker,
            # The results go to the broker too: the database has them already.
            "AIRFLOW__CELERY__RESULT_BACKEND": broker,
        }
        variables |= {f"AERODAG_STORAGE__{name.upper()}": f"sftp://nas{sshd.files}/aerodag/{name}" for name in CLASSES}
        with served(home, OnCelery, **variables) as running:
            running.home, running.sshd, running.node, running.variables = home, sshd, node, variables
            yield running


@pytest.fixture(scope="module")
def workers(air: OnCelery) -> Iterator[dict[str, subprocess.Popen[bytes]]]:
    with working(air) as running:
        yield running


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> SimulatedSurvey:
    return simulate(Survey(images=12, width=400, height=300), tmp_path_factory.mktemp("survey") / "field.zip")


@pytest.fixture(scope="module")
def run(air: OnCelery, workers, survey: SimulatedSurvey, tmp_path_factory) -> ledger.Run:
    """A survey that a node reconstructs while its task waits in the triggerer."""
    results = packed(true_results(survey, tmp_path_factory.mktemp("results")))
    air.node.scenario = Scenario(pause=0.3, results=results)
    air.upload(survey.zip_path, "field.zip")
    air.start("scaled_out", source="frontend/field.zip", engine="nodeodm")
    return air.ended("scaled_out")


def test_every_step_ran_on_a_worker_of_its_queue(air: OnCelery, run: ledger.Run) -> None:
    assert (run.state, run.message) == ("succeeded", None)
    steps = air.steps(run)
    ran = {name: step for name, step in steps.items() if step.state == "succeeded" and name != "claim"}
    assert {step.try_number for step in ran.values()} == {1}
    beta = {name for name, step in ran.items() if step.host == "beta"}
    assert beta == (HEAVY | AT_THE_ENGINE) & ran.keys()
    assert {step.host for name, step in ran.items() if name not in beta} == {"alpha"}
    assert {"stage", "extract_metadata", "publish_ortho", "thumbnail", "promote", "cleanup"} <= ran.keys() - beta


def test_nothing_was_left_on_a_disk_of_one_host(air: OnCelery, run: ledger.Run) -> None:
    made = air.products(run)
    assert {"orthophoto", "standardised", "cog", "thumbnail", "metadata", "stac", "previews"} <= made.keys()
    with closing(Storage.of(air.settings(air.home / "reader"))) as storage:
        for artifact in made.values():
            assert artifact.uri.startswith("sftp://"), artifact
            path = storage.verified(artifact.uri, size=artifact.bytes, sha256=artifact.sha256)
            assert path is not None, artifact
            if artifact.kind == "cog":
                assert cog_validate(path, strict=True)[0]
    used = {name: {path.name for path in air.disk(name).iterdir()} for name in WORKERS}
    assert all("work" in folders for folders in used.values()), used


def test_the_engine_s_lines_are_shown_once_whoever_shows_them(air: OnCelery, run: ledger.Run) -> None:
    (job,) = air.conn.execute("select job from aerodag.engine_job where run_id = %s", [run.id]).fetchone()
    logs = [*(air.home / "airflow" / "logs").rglob("attempt=*"), *(air.disk("beta") / "logs").rglob("attempt=*")]
    lines = [
        json.loads(line)["line"]
        for log in logs
        for line in log.read_text().splitlines()
        if f'"line":"{job[:12]}:' in line.replace('": "', '":"')
    ]
    assert len(lines) == len(set(lines)) == len(air.node.scenario.lines)


def test_the_products_are_those_of_one_machine(air: OnCelery, run: ledger.Run) -> None:
    alone = air.home / "alone"

    def context() -> StepContext:
        return StepContext.of(air.conn, air.settings(alone), "alone")

    ledger.open_run(
        air.conn, dataset_id=run.dataset_id, dag_run_id="alone", preset=run.preset, engine="nodeodm",
        options=run.options, task_types=run.task_types, priority=3,
    )  # fmt: skip
    for name in INTAKE:
        STEPS[name].work(context())
    jobs = photogrammetry.jobs("nodeodm", context().settings)
    row = find_or_start(context(), jobs, attempt=1)
    wait_for("the node", lambda: jobs.look(row.job).state is not JobState.RUNNING, 30)
    conclude(context(), jobs, row.job, shown=0, stop=None)
    for name in PRODUCTS:
        STEPS[name].work(context())
    ledger.close_run(air.conn, dag_run_id="alone", state="succeeded")
    scaled, single = air.products(run), air.products(context().run)
    same = {"orthophoto", "standardised", "cog", "thumbnail", "statistics", "shots"}
    assert {kind: scaled[kind].sha256 for kind in same} == {kind: single[kind].sha256 for kind in same}


def test_a_worker_that_is_told_to_stop_ends_its_step_first(air: OnCelery, workers, tmp_path: Path) -> None:
    air.upload(save_rgba(tmp_path / "map.tif", side=6000), "map.tif")
    air.start("stopped", source="frontend/map.tif", task_types=["geotiff", "cog"])

    def at_work() -> str | None:
        found = ledger.find_run(air.conn, dag_run_id="stopped")
        steps = air.steps(found) if found else {}
        return next((name for name, step in steps.items() if name in HEAVY and step.state == "running"), None)

    name = wait_for("a heavy step", at_work, 120)
    workers["beta"].send_signal(signal.SIGTERM)
    workers["beta"].wait(240)
    found = ledger.find_run(air.conn, dag_run_id="stopped")
    assert found is not None
    step = air.steps(found)[name]
    assert (step.state, step.try_number, step.host) == ("succeeded", 1, "beta")
    workers["beta"] = air.worker("beta")
    run = air.ended("stopped")
    assert (run.state, run.message) == ("succeeded", None)
    assert {one.try_number for one in air.steps(run).values() if one.state == "succeeded"} == {1}
