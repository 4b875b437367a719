"""The pipeline on storage that lies elsewhere: a real SFTP server, a real S3 service."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
import pytest
from rio_cogeo.cogeo import cog_validate

from aerodag import ledger
from aerodag.errors import DataError
from aerodag.pipeline.context import StepContext
from aerodag.pipeline.incoming import Intake, complete_uploads, register_uploads
from aerodag.pipeline.steps import STEPS
from aerodag.settings import Settings
from aerodag.storage import Storage
from aerodag.storage.places import CLASSES
from samples.rasters import ground, save, save_rgba
from servers.s3 import running, seaweed
from servers.sftp import running_sshd

STEP_NAMES = (
    "stage",
    "publish_ortho",
    "standardise",
    "cog",
    "thumbnail",
    "metadata",
    "promote",
    "stac",
    "finish",
    "cleanup",
)


@dataclass
class Elsewhere:
    """An installation whose classes all lie elsewhere; `host` makes one on another machine of the same storage."""

    conn: psycopg.Connection
    root: Path
    given: dict

    def host(self, name: str) -> Settings:
        return Settings(home=self.root / name, data_root=self.root / name, settle_seconds=0.2, **self.given)

    def drop(self, path: Path, name: str) -> None:
        with closing(Storage.of(self.host("uploader"))) as storage:
            remote = storage.remotes["incoming"]
            remote.store.put(path, remote.key(name), hashlib.sha256(path.read_bytes()).hexdigest())

    def register(self, settings: Settings) -> Intake:
        with closing(Storage.of(settings)) as storage:
            storage.create()
            return register_uploads(self.conn, storage, complete_uploads(storage, settle_seconds=0.2))

    def step(self, name: str, settings: Settings, dag_run_id: str) -> None:
        context = StepContext.of(self.conn, settings, dag_run_id)
        with closing(context.storage):
            STEPS[name].work(context)


@pytest.fixture(scope="module")
def sshd():
    with running_sshd() as host:
        yield host


@pytest.fixture(scope="module")
def s3(tmp_path_factory):
    with running(seaweed(tmp_path_factory.mktemp("s3"))) as service:
        yield service


@pytest.fixture(params=["sftp", "s3", "both"])
def elsewhere(request, ledger_connection, tmp_path) -> Iterator[Elsewhere]:
    given: dict = {"storage": {}, "sftp": {}, "s3": {}}
    if request.param in {"sftp", "both"}:
        sshd = request.getfixturevalue("sshd")
        given["sftp"]["nas"] = sshd.settings()
        folder = sshd.files / tmp_path.name
        given["storage"] |= {name: f"sftp://nas{folder}/{name}" for name in CLASSES}
    if request.param in {"s3", "both"}:
        s3 = request.getfixturevalue("s3")
        given["s3"]["minio"] = s3.account()
        kept = CLASSES if request.param == "s3" else ("archive", "cogs", "quarantine")
        bucket = s3.bucket()
        given["storage"] |= {name: f"s3://minio@{bucket}/data/{name}" for name in kept}
    return Elsewhere(ledger_connection, tmp_path, given)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def test_every_step_may_run_on_another_host(elsewhere, tmp_path):
    map_file = save_rgba(tmp_path / "map.tif")
    elsewhere.drop(map_file, "Field 7.tif")
    assert elsewhere.register(elsewhere.host("intake")) == Intake(new=1, known=0, refused=0)
    elsewhere.drop(map_file, "again.tif")
    assert elsewhere.register(elsewhere.host("intake")) == Intake(new=0, known=1, refused=0)
    (start,) = ledger.starts_due(elsewhere.conn, places=4)
    ledger.open_run(
        elsewhere.conn, dataset_id=start.dataset_id, dag_run_id="first", preset="standard", engine="auto", options={},
        task_types=["geotiff", "cog", "thumbnail", "metadata"], priority=3,
    )  # fmt: skip
    for number, name in enumerate(STEP_NAMES):
        elsewhere.step(name, elsewhere.host(f"worker_{number}"), "first")

    run = ledger.find_run(elsewhere.conn, dag_run_id="first")
    artifacts = ledger.list_artifacts(elsewhere.conn, run_id=run.id)
    assert {artifact.kind for artifact in artifacts} == {
        "orthophoto", "standardised", "cog", "thumbnail", "metadata", "stac",
    }  # fmt: skip
    assert not [artifact.uri for artifact in artifacts if artifact.uri.startswith("file:")]
    reader = Storage.of(elsewhere.host("reader"))
    with closing(reader):
        for artifact in artifacts:
            path = reader.verified(artifact.uri, size=artifact.bytes, sha256=artifact.sha256)
            assert path is not None, artifact.uri
            if artifact.kind == "cog":
                assert cog_validate(path, strict=True)[0]
        current = reader.uri(reader.current_orthophoto(run.dataset_id))
        ortho = next(artifact for artifact in artifacts if artifact.kind == "orthophoto")
        assert reader.size(current) == ortho.bytes
        assert list(reader.files("incoming")) == []
        assert reader.remove_partials(2e9) == 0


def _process(elsewhere: Elsewhere, host: Settings, dag_run_id: str) -> None:
    """All steps on one host, as Airflow would: what cannot be processed fails, and is cleaned up after."""
    try:
        for name in STEP_NAMES:
            if name not in {"thumbnail", "metadata"}:
                elsewhere.step(name, host, dag_run_id)
    except DataError as error:
        ledger.close_run(
            elsewhere.conn, dag_run_id=dag_run_id, state="failed", code=error.code, message=error.message,
            advice=error.advice, category=error.category,
        )  # fmt: skip
        elsewhere.step("cleanup", host, dag_run_id)


def test_one_host_leaves_nothing_behind(elsewhere, tmp_path):
    elsewhere.drop(save_rgba(tmp_path / "map.tif"), "map.tif")
    elsewhere.drop(save(tmp_path / "nowhere.tif", ground(), crs=None), "nowhere.tif")
    host = elsewhere.host("worker")
    assert elsewhere.register(host).new == 2
    for start in ledger.starts_due(elsewhere.conn, places=4):
        ledger.open_run(
            elsewhere.conn, dataset_id=start.dataset_id, dag_run_id=start.dag_run_id, preset="standard", engine="auto",
            options={}, task_types=["geotiff", "cog"], priority=3,
        )  # fmt: skip
        _process(elsewhere, host, start.dag_run_id)
    left = {path.relative_to(tmp_path / "worker").parts[0] for path in files(tmp_path / "worker")}
    assert left <= {"stac", "archive"}, left

    rows = elsewhere.conn.execute("select raw_uri, quarantined_at is not null from aerodag.dataset order by name")
    (_, fine), (quarantined, bad) = rows.fetchall()
    assert (fine, bad) == (False, True)
    with closing(Storage.of(elsewhere.host("reader"))) as reader:
        assert "/quarantine/" in quarantined
        assert reader.size(quarantined) == (tmp_path / "nowhere.tif").stat().st_size
        names = {uri.rpartition("/")[2] for uri, _ in reader.files("quarantine")}
        assert names == {"nowhere.tif", "reason.json"}
