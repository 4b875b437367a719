"""A survey whose every step runs on another host: nothing but storage and the ledger is shared."""

from __future__ import annotations

import hashlib
import os
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
import rasterio
from pyproj import Transformer
from rio_cogeo.cogeo import cog_validate

from aerodag import ledger, photogrammetry
from aerodag.errors import InfrastructureError
from aerodag.ledger import Artifact
from aerodag.pipeline.context import StepContext
from aerodag.pipeline.engine_jobs.end import conclude
from aerodag.pipeline.engine_jobs.start import find_or_start
from aerodag.pipeline.incoming import complete_uploads, register_uploads
from aerodag.pipeline.scratch import EVERY_SECONDS, tidy_host
from aerodag.pipeline.steps import STEPS
from aerodag.settings import NodeOdm, Settings
from aerodag.simulate import Survey, simulate
from aerodag.storage import Storage
from aerodag.storage.places import CLASSES
from cases.nodeodm import packed
from doubles.odm.project import give_outputs
from servers.nodeodm import NodeServer
from servers.nodeodm_node import Scenario
from servers.sftp import SshHost, running_sshd

INTAKE = ("stage", "validate", "extract_metadata", "assess_images", "preflight", "plan_engine")
PRODUCTS = (
    "publish_ortho", "standardise", "cog", "thumbnail", "metadata", "promote", "stac", "finish",
)  # fmt: skip
TASK_TYPES = ("odm_processing", "geotiff", "cog", "thumbnail", "metadata")
UTM = 32632


@dataclass
class Hosts:
    """An installation whose files all lie on an SFTP server; each host has a data root of its own."""

    conn: psycopg.Connection
    root: Path
    given: dict[str, Any]

    def settings(self, host: str) -> Settings:
        return Settings(home=self.root / host, data_root=self.root / host, settle_seconds=0.2, **self.given)

    def upload(self, path: Path) -> int:
        with closing(Storage.of(self.settings("uploader"))) as storage:
            remote = storage.remotes["incoming"]
            remote.store.put(path, remote.key(path.name), hashlib.sha256(path.read_bytes()).hexdigest())
            assert register_uploads(self.conn, storage, complete_uploads(storage, settle_seconds=0.2)).new == 1
        (start,) = ledger.starts_due(self.conn, places=4)
        return start.dataset_id

    def open(self, dataset_id: int, dag_run_id: str, engine: str = "embedded") -> ledger.Run:
        return ledger.open_run(
            self.conn, dataset_id=dataset_id, dag_run_id=dag_run_id, preset="standard", engine=engine, options={},
            task_types=list(TASK_TYPES), priority=3,
        )  # fmt: skip

    def context(self, host: str, dag_run_id: str) -> StepContext:
        return StepContext.of(self.conn, self.settings(host), dag_run_id)

    def step(self, name: str, host: str, dag_run_id: str) -> dict[str, Any]:
        context = self.context(host, dag_run_id)
        with closing(context.storage):
            return STEPS[name].work(context)

    def products(self, dag_run_id: str) -> dict[str, Artifact]:
        run = ledger.find_run(self.conn, dag_run_id=dag_run_id)
        assert run is not None
        return {one.kind: one for one in ledger.list_artifacts(self.conn, run_id=run.id) if not one.name}

    def fetch(self, artifact: Artifact) -> Path:
        """A product as a host sees it that had no part in it."""
        with closing(Storage.of(self.settings("reader"))) as storage:
            path = storage.verified(artifact.uri, size=artifact.bytes, sha256=artifact.sha256)
            assert path is not None, artifact.uri
            return path

    def files(self, host: str) -> set[str]:
        root = self.root / host
        return {path.relative_to(root).parts[0] for path in root.rglob("*") if path.is_file()}


@pytest.fixture(scope="module")
def sshd() -> Iterator[SshHost]:
    with running_sshd() as host:
        yield host


@pytest.fixture
def hosts(ledger_connection: psycopg.Connection, sshd: SshHost, tmp_path: Path) -> Hosts:
    place = sshd.files / tmp_path.name
    given = {"storage": {name: f"sftp://nas{place}/{name}" for name in CLASSES}, "sftp": {"nas": sshd.settings()}}
    return Hosts(ledger_connection, tmp_path, given | {"name": tmp_path.name})


@pytest.fixture(scope="module")
def survey(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return simulate(Survey(images=12, width=800, height=600), tmp_path_factory.mktemp("survey") / "field.zip").zip_path


@pytest.mark.engine
def test_a_survey_may_hop_to_another_host_at_every_step(hosts, survey):
    hosts.open(hosts.upload(survey), "first")
    metrics = {}
    for number, name in enumerate((*INTAKE, "odm", *PRODUCTS)):
        metrics[name] = hosts.step(name, f"worker_{number}", "first")
    assert (metrics["odm"]["registered"], metrics["publish_ortho"]["published_before"]) == (12, True)

    made = hosts.products("first")
    assert {"orthophoto", "cog", "thumbnail", "metadata", "stac", "dsm", "statistics", "previews"} <= made.keys()
    assert not [one.uri for one in made.values() if one.uri.startswith("file:")]
    assert all(hosts.fetch(one) for one in made.values())
    assert cog_validate(hosts.fetch(made["cog"]), strict=True)[0]
    with rasterio.open(hosts.fetch(made["cog"])) as cog, rasterio.open(hosts.fetch(made["orthophoto"])) as ortho:
        assert (cog.crs, cog.bounds) == (ortho.crs, ortho.bounds)


@pytest.mark.engine
def test_each_host_clears_what_ended_runs_left_on_it(hosts, survey):
    run = hosts.open(hosts.upload(survey), "first")
    for name in (*INTAKE, "odm"):
        hosts.step(name, "engine", "first")
    hosts.step("publish_ortho", "other", "first")
    now = datetime.now(UTC)
    settings = hosts.settings("engine")
    with closing(Storage.of(settings)) as storage:
        assert tidy_host(hosts.conn, settings, storage, now) == 0  # it is under way
        work = storage.work(run.id)
        ledger.close_run(hosts.conn, dag_run_id="first", state="failed", code="x", message="x", advice="x")
        assert tidy_host(hosts.conn, settings, storage, now) == 0  # it was done a moment ago
        mark = work.parent / ".tidied"
        later(mark)
        copies = tidy_host(hosts.conn, settings, storage, now)
        assert copies > survey.stat().st_size
        assert work.is_dir()  # for a retry
        later(mark)
        kept = timedelta(hours=settings.housekeeping.failed_work_hours, minutes=1)
        assert tidy_host(hosts.conn, settings, storage, now + kept) > 0
        assert not work.exists()
    assert hosts.files("engine") <= {"work", "stac"}
    hosts.step("cleanup", "other", "first")
    assert hosts.files("other") <= {"stac"}


def later(mark: Path) -> None:
    """Ten minutes pass."""
    before = time.time() - EVERY_SECONDS - 1
    os.utime(mark, (before, before))


def test_where_the_files_lie_here_nothing_is_cleared(ledger_connection, tmp_path):
    settings = Settings(home=tmp_path, data_root=tmp_path)
    storage = Storage.of(settings)
    storage.work(7).mkdir(parents=True)
    assert tidy_host(ledger_connection, settings, storage, datetime.now(UTC)) == 0
    assert [path.name for path in storage.work(7).parent.iterdir()] == ["7"]


@pytest.fixture
def node(tmp_path: Path) -> Iterator[NodeServer]:
    server = NodeServer(tmp_path / "node").start()
    yield server
    server.stop()


def results(hosts: Hosts, folder: Path, dag_run_id: str) -> dict[str, bytes]:
    """What a node makes of the run: an orthophoto where its cameras are."""
    run = hosts.context("reader", dag_run_id).run
    images = ledger.assigned_images(hosts.conn, dataset_id=run.dataset_id)
    to_utm = Transformer.from_crs(4326, UTM, always_xy=True)
    places = [to_utm.transform(image.longitude, image.latitude) for image in images]
    east, north = (sum(axis) / len(places) for axis in zip(*places, strict=True))
    (folder / "images").mkdir(parents=True)
    for image in images:
        (folder / "images" / str(image.engine_name)).touch()
    give_outputs(folder, west=east - 50, north=north + 50, epsg=UTM)
    made = folder / ".double" / "outputs"
    return {path.relative_to(made).as_posix(): path.read_bytes() for path in made.rglob("*") if path.is_file()}


@pytest.fixture
def on_a_node(hosts, node, survey, tmp_path) -> Hosts:
    """A run whose images a host has sent to a node, which has made its results of them."""
    hosts.given["nodeodm"] = NodeOdm(url=node.url, parallel_uploads=2)
    hosts.open(hosts.upload(survey), "first", engine="nodeodm")
    for number, name in enumerate(INTAKE):
        hosts.step(name, f"worker_{number}", "first")
    node.scenario = replace(Scenario(), results=packed(results(hosts, tmp_path / "made", "first")))
    return hosts


def start(hosts: Hosts, host: str, dag_run_id: str = "first") -> ledger.EngineJob:
    context = hosts.context(host, dag_run_id)
    jobs = photogrammetry.jobs("nodeodm", context.settings)
    with closing(context.storage):
        row = find_or_start(context, jobs, attempt=1)
    until = time.monotonic() + 10
    while jobs.look(row.job).state.value == "running":
        assert time.monotonic() < until
        time.sleep(0.05)
    return row


def end(hosts: Hosts, host: str, row: ledger.EngineJob, dag_run_id: str = "first") -> dict[str, Any]:
    context = hosts.context(host, dag_run_id)
    with closing(context.storage):
        return conclude(context, photogrammetry.jobs("nodeodm", context.settings), row.job, shown=0, stop=None)


def test_a_run_that_hops_ends_as_one_that_stays(on_a_node):
    metrics = end(on_a_node, "taker", start(on_a_node, "starter"))
    assert metrics["registered"] == 12
    for number, name in enumerate(PRODUCTS):
        told = on_a_node.step(name, f"worker_{number}", "first")
        assert name != "publish_ortho" or told["published_before"]
    ledger.close_run(on_a_node.conn, dag_run_id="first", state="succeeded")

    dataset_id = on_a_node.context("reader", "first").run.dataset_id
    on_a_node.open(dataset_id, "staying", engine="nodeodm")
    for name in INTAKE:
        on_a_node.step(name, "single", "staying")
    end(on_a_node, "single", start(on_a_node, "single", "staying"), "staying")
    for name in PRODUCTS:
        on_a_node.step(name, "single", "staying")

    hopped, stayed = on_a_node.products("first"), on_a_node.products("staying")
    assert hopped.keys() == stayed.keys()
    same = {"orthophoto", "standardised", "cog", "thumbnail", "statistics", "shots"}
    assert {kind: hopped[kind].sha256 for kind in same} == {kind: stayed[kind].sha256 for kind in same}
    assert cog_validate(on_a_node.fetch(hopped["cog"]), strict=True)[0]


def test_results_that_could_not_be_handed_over_are_taken_again_elsewhere(on_a_node, sshd, node):
    row = start(on_a_node, "starter")
    whole = on_a_node.given
    refused = {**whole["storage"], "archive": f"sftp://nas{sshd.files}/missing/file.txt/archive"}
    (sshd.files / "missing").mkdir(exist_ok=True)
    (sshd.files / "missing" / "file.txt").touch()
    on_a_node.given = {**whole, "storage": refused}
    with pytest.raises(InfrastructureError) as caught:
        end(on_a_node, "taker", row)
    assert caught.value.retry == "same"
    assert node.tasks, "the node keeps the results until they are on storage"
    on_a_node.given = whole
    again = start(on_a_node, "another")
    assert again.job == row.job
    assert end(on_a_node, "another", again)["registered"] == 12
    assert node.tasks == {}
