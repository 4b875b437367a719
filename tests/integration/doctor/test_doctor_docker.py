"""What the checks say of a real Docker engine with ODM's double on it."""

from __future__ import annotations

from pathlib import Path

import pytest

from aerodag import doctor
from aerodag.containers.endpoint import connect
from aerodag.containers.host import host_facts
from aerodag.containers.ownership import container_user
from aerodag.containers.states import labelled
from aerodag.doctor import Report, Status, Visit
from aerodag.settings import Odm, Settings
from doubles.odm import recipe
from servers.docker_engine import Engine

pytestmark = pytest.mark.docker

CHECKS = [check for check in doctor.CHECKS if check.name.startswith(("data.root", "docker."))]


def look(engine: Engine, data: Path, **odm: object) -> Report:
    given = {"docker_url": engine.endpoint.url, "image": recipe.IMAGE, "pull": "never", "gpu_devices": ()} | odm
    return doctor.examine(CHECKS, Visit(Settings(data_root=data, odm=Odm(**given))))


def test_all_is_well(docker_engine: Engine, tmp_path: Path) -> None:
    if docker_engine.own:
        docker_engine.own.restart(live_restore=True)
    (tmp_path / "work").mkdir()

    report = look(docker_engine, tmp_path)

    client = connect(docker_engine.endpoint)
    not_well = {name: verdict for name, verdict in report.items() if verdict.status is not Status.OK}
    allowed = {"docker.gpu"} | (set() if host_facts(client).live_restore else {"docker.live_restore"})
    assert set(not_well) == allowed, not_well
    assert not_well["docker.gpu"].status is Status.SKIPPED
    assert "3.5.6" in report["docker.image"].message
    assert f"user {container_user(None)} with a read-only root" in report["docker.start"].message
    assert report["docker.start"].numbers["exit_code"] == 0
    assert list((tmp_path / "work").iterdir()) == []
    assert not labelled(client, role="probe")
    assert not labelled(client, installation=str(tmp_path))


def test_a_restart_that_would_end_containers_is_warned_of(docker_engine: Engine, tmp_path: Path) -> None:
    docker_engine.owned().restart(live_restore=False)

    verdict = look(docker_engine, tmp_path)["docker.live_restore"]

    assert verdict.status is Status.WARNING
    assert '"live-restore": true' in verdict.advice


def test_gpus(docker_engine: Engine, tmp_path: Path) -> None:
    if "nvidia" not in host_facts(connect(docker_engine.endpoint)).runtimes:
        pytest.skip("the Docker engine here has no runtime of the name nvidia")
    gpu = {"gpu_devices": ("all",), "gpu_access": "nvidia"}

    seen = look(docker_engine, tmp_path, gpu_image=recipe.GPU_IMAGE, **gpu)["docker.gpu"]
    plain = look(docker_engine, tmp_path, **gpu)["docker.gpu"]

    assert (seen.status, plain.status) == (Status.OK, Status.WARNING)
    assert "NVIDIA GeForce RTX 3090, compute capability 8.6" in seen.message
    assert "see no GPU" in plain.message
    assert "AERODAG_ODM__GPU_DEVICES=[]" in plain.advice


def test_an_image_that_is_not_there(docker_engine: Engine, tmp_path: Path) -> None:
    never = look(docker_engine, tmp_path, image="aerodag-test/none:3.5.6")
    missing = look(docker_engine, tmp_path, image="aerodag-test/none:3.5.6", pull="missing")

    assert (never["docker.image"].status, missing["docker.image"].status) == (Status.FAILED, Status.WARNING)
    for report in (never, missing):
        assert report["docker.image"].advice.endswith("docker pull aerodag-test/none:3.5.6")
        assert report["docker.start"].status is report["docker.paths"].status is Status.SKIPPED


def test_limits_that_cannot_be_kept(docker_engine: Engine, tmp_path: Path) -> None:
    cores = look(docker_engine, tmp_path, cpus=4096.0)
    memory = look(docker_engine, tmp_path, memory_bytes=2**60)

    assert (cores["docker.limits"].status, cores["docker.start"].status) == (Status.FAILED, Status.SKIPPED)
    assert "AERODAG_ODM__CPUS=" in cores["docker.limits"].advice
    assert memory["docker.limits"].status is Status.WARNING


def test_a_container_that_may_not_write(docker_engine: Engine, tmp_path: Path) -> None:
    report = look(docker_engine, tmp_path, user="joe")

    assert report["docker.paths"].status is report["docker.start"].status is Status.FAILED
    assert "'joe' is no UID:GID" in report["docker.paths"].message
