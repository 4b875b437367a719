"""ODM's double on a real Docker engine: started once, followed, stopped, and understood when it ends."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from aerodag.containers.endpoint import Endpoint, connect
from aerodag.containers.gpu import probe_gpus
from aerodag.containers.ownership import container_user
from aerodag.containers.spec import GpuAccess
from aerodag.containers.states import labelled
from aerodag.errors import ConfigError, EngineError, InfrastructureError, Retry
from aerodag.photogrammetry.docker_jobs import DockerJobs
from aerodag.photogrammetry.jobs import JobState, LogLine
from aerodag.settings import Odm
from doubles.odm import recipe
from doubles.odm.following import MEBIBYTE, order, wait_for_end, wait_for_line
from doubles.odm.project import choose, give_outputs, make_project, starts
from servers.docker_engine import Engine

pytestmark = pytest.mark.docker

ODM = Odm(image=recipe.IMAGE, pull="never", stop_seconds=2)

NewJobs = Callable[[], DockerJobs]


@pytest.fixture
def new_jobs(docker_engine: Engine) -> Iterator[NewJobs]:
    """Makes `DockerJobs` of one installation; all its containers are gone after the test."""
    installation, made = uuid4().hex, []

    def new() -> DockerJobs:
        made.append(DockerJobs(docker_engine.endpoint, ODM, installation=installation))
        return made[-1]

    yield new
    client = connect(docker_engine.endpoint)
    for container in labelled(client, installation=installation):
        new().discard(container.id)
    assert not labelled(client, installation=installation)
    for each in [*made]:
        each.close()
    client.close()


@pytest.fixture
def jobs(new_jobs: NewJobs) -> DockerJobs:
    return new_jobs()


def test_success_leaves_the_outputs_to_the_worker(jobs: DockerJobs, tmp_path: Path) -> None:
    project = make_project(tmp_path)
    give_outputs(project, west=500_000, north=5_200_000)
    kept = tmp_path.parent / f"{tmp_path.name}-raw.JPG"
    kept.touch()
    os.link(kept, project / "images" / "DJI_0004.JPG")

    job = jobs.submit(order(project, "--fast-orthophoto", "--max-concurrency", "2"))
    wait_for_end(jobs, job)

    ending = jobs.ending(job)
    assert (ending.exit_code, ending.out_of_memory) == (0, False)
    assert ending.started_at
    assert ending.finished_at
    assert ending.finished_at > ending.started_at
    texts = [line.text for line in jobs.lines(job)]
    assert "[INFO]    Found 4 usable images" in texts
    assert "[INFO]    Finished odm_orthophoto stage" in texts
    assert not any("openmvs" in text for text in texts)
    jobs.fetch(job, project)
    jobs.discard(job)
    assert (project / "odm_orthophoto" / "odm_orthophoto.tif").stat().st_size > 10_000
    assert {path.stat().st_uid for path in tmp_path.rglob("*")} == {os.geteuid()}
    assert kept.stat().st_uid == os.geteuid()
    assert not (tmp_path / "scratch").exists()


def test_the_container_is_kept_within_bounds(jobs: DockerJobs, tmp_path: Path, docker_engine: Engine) -> None:
    job = jobs.submit(order(make_project(tmp_path, outcome="hang"), environment={"WEBODM_TOKEN": "secret"}))

    facts = connect(docker_engine.endpoint).inspect_container(job)
    host, config = facts["HostConfig"], facts["Config"]
    assert config["User"] == container_user(None) != "0:0"
    assert host["ReadonlyRootfs"]
    assert host["Init"]
    assert host["Memory"] == host["MemorySwap"] == 64 * MEBIBYTE
    assert (host["NanoCpus"], host["PidsLimit"], host["OomScoreAdj"]) == (10**9, ODM.pids, 500)
    assert (host["CapDrop"], host["SecurityOpt"], host["NetworkMode"]) == (["ALL"], ["no-new-privileges"], "none")
    assert {mount["Source"]: mount["Destination"] for mount in facts["Mounts"]} == {str(tmp_path): str(tmp_path)}
    assert {"GDAL_CACHEMAX=2048", "no_ansiesc=1", "HOME=/tmp", "NVIDIA_VISIBLE_DEVICES=void"} <= set(config["Env"])
    assert "secret" not in str(jobs.ending(job).details)
    (found,) = [each for each in labelled(connect(docker_engine.endpoint), run="70") if each.id == job]
    assert (found.dataset_id, found.attempt, found.running) == (7, 1, True)
    assert found.deadline
    assert found.started_at
    assert 590 < (found.deadline - found.started_at).total_seconds() < 601


@pytest.mark.parametrize(
    ("code", "sentence"),
    [
        (1, "strange values in the reconstruction"),
        (3, "can't find a program"),
        (132, "CPU is not supported"),
        (134, "strange values in the reconstruction"),
        (137, "You ran out of memory"),
        (139, "strange values in the reconstruction"),
    ],
)
def test_exit_codes_come_with_their_sentence(jobs: DockerJobs, tmp_path: Path, code: int, sentence: str) -> None:
    job = jobs.submit(order(make_project(tmp_path, outcome="exit", code=code)))
    wait_for_end(jobs, job)

    assert jobs.ending(job).exit_code == code
    assert not jobs.ending(job).out_of_memory
    assert sentence in [line.text for line in jobs.lines(job)][-1]


def test_an_unknown_option_ends_with_usage(jobs: DockerJobs, tmp_path: Path) -> None:
    job = jobs.submit(order(make_project(tmp_path), "--pretty"))
    wait_for_end(jobs, job)

    assert jobs.ending(job).exit_code == 2
    assert "unrecognized arguments: --pretty" in [line.text for line in jobs.lines(job)][-1]


@pytest.mark.parametrize(("outcome", "told"), [("out_of_memory", True), ("killed", False)])
def test_the_memory_limit_kills(jobs: DockerJobs, tmp_path: Path, outcome: str, told: bool) -> None:
    job = jobs.submit(order(make_project(tmp_path, outcome=outcome)))
    wait_for_end(jobs, job)

    assert jobs.ending(job).exit_code == 137
    assert jobs.ending(job).out_of_memory
    assert any("You ran out of memory" in line.text for line in jobs.lines(job)) is told


def test_a_full_disk(jobs: DockerJobs, tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    mounted = subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", "size=8m", "tmpfs", tmp_path / "work"], check=False)
    if mounted.returncode:
        pytest.skip("no right to mount a small file system")
    try:
        project = make_project(tmp_path / "work", outcome="full_disk")
        job = jobs.submit(order(project))
        wait_for_end(jobs, job)
        texts = [line.text for line in jobs.lines(job)]
        assert jobs.ending(job).exit_code == 1
        assert "OSError: [Errno 28] No space left on device" in texts
        jobs.discard(job)
    finally:
        subprocess.run(["/bin/umount", tmp_path / "work"], check=True)


def test_an_engine_that_ignores_term_is_killed(jobs: DockerJobs, tmp_path: Path) -> None:
    job = jobs.submit(order(make_project(tmp_path, outcome="ignore_term")))
    wait_for_line(jobs, job, "opensfm step 2")

    jobs.stop(job)
    jobs.stop(job)

    assert jobs.look(job).state is JobState.ENDED
    assert jobs.ending(job).exit_code == 137
    assert not jobs.ending(job).out_of_memory


def test_an_engine_that_hears_term_ends_itself(jobs: DockerJobs, tmp_path: Path) -> None:
    job = jobs.submit(order(make_project(tmp_path, outcome="hang")))
    wait_for_line(jobs, job, "opensfm step 2")

    jobs.stop(job)

    assert jobs.ending(job).exit_code == 1
    assert "attempting to exit gracefully" in [line.text for line in jobs.lines(job)][-1]


def test_the_bound_holds_without_anybody_watching(jobs: DockerJobs, tmp_path: Path) -> None:
    job = jobs.submit(order(make_project(tmp_path, outcome="hang"), seconds=2.0))

    wait_for_end(jobs, job, seconds=8)

    assert jobs.ending(job).exit_code != 0


def test_what_is_discarded_is_gone(jobs: DockerJobs, tmp_path: Path, docker_engine: Engine) -> None:
    job = jobs.submit(order(make_project(tmp_path, outcome="hang")))
    assert jobs.find(70) == job

    jobs.discard(job)
    jobs.discard(job)
    jobs.stop(job)

    assert job not in {container.id for container in labelled(connect(docker_engine.endpoint))}
    assert jobs.find(70) is None
    assert jobs.look(job).state is JobState.GONE
    assert list(jobs.lines(job)) == []
    with pytest.raises(EngineError, match=r"engine\.job_gone"):
        jobs.ending(job)


def test_200000_lines_once_each(new_jobs: NewJobs, tmp_path: Path) -> None:
    first, second = new_jobs(), new_jobs()
    job = first.submit(order(make_project(tmp_path, outcome="chatter", lines=200_000, seconds=0.2)))
    seen: list[LogLine] = []
    while len(seen) < 60_000 and first.look(job).state is JobState.RUNNING:
        seen += first.lines(job, after=len(seen))
    del seen[len(seen) - 10_000 :]  # The process died before it had written these down.
    while second.look(job).state is JobState.RUNNING:
        seen += second.lines(job, after=len(seen))
    seen += second.lines(job, after=len(seen))

    assert [line.number for line in seen] == list(range(1, len(seen) + 1))
    pairs = [line.text for line in seen if line.text.startswith("OpenSfM pair")]
    assert pairs == [f"OpenSfM pair {number} of 200000" for number in range(1, 200_001)]
    assert seen[-1].text.startswith("[INFO]    ODM app finished")
    assert list(second.lines(job, after=len(seen))) == []


def test_the_same_ticket_is_the_same_container(new_jobs: NewJobs, tmp_path: Path) -> None:
    project = make_project(tmp_path, outcome="hang")

    jobs = [new_jobs().submit(order(project)) for _ in range(2)]

    assert jobs[0] == jobs[1] == new_jobs().find(70)
    wait_for_line(new_jobs(), jobs[0], "opensfm step 2")
    assert len(starts(project)) == 1


def test_one_created_and_never_started_is_started(new_jobs: NewJobs, tmp_path: Path, docker_engine: Engine) -> None:
    client = connect(docker_engine.endpoint)
    jobs, project = new_jobs(), make_project(tmp_path, outcome="hang")
    started = jobs.submit(order(project))
    facts = client.inspect_container(started)
    jobs.discard(started)
    # A worker that died between creating and starting leaves this.
    created = client.create_container_from_config(
        facts["Config"] | {"HostConfig": facts["HostConfig"]}, facts["Name"].lstrip("/")
    )["Id"]
    assert jobs.find(70) is None
    assert jobs.ending(created).exit_code is None

    assert new_jobs().submit(order(project)) == created
    assert jobs.look(created).state is JobState.RUNNING


def test_another_installation_is_left_alone(new_jobs: NewJobs, tmp_path: Path, docker_engine: Engine) -> None:
    job = new_jobs().submit(order(make_project(tmp_path, outcome="hang")))

    assert DockerJobs(docker_engine.endpoint, ODM, installation="another").find(70) is None
    assert new_jobs().find(70) == job


def test_a_new_try_is_a_new_container(jobs: DockerJobs, tmp_path: Path) -> None:
    project = make_project(tmp_path, outcome="exit")
    first = jobs.submit(order(project))
    wait_for_end(jobs, first)
    choose(project, outcome="succeed")

    second = jobs.submit(order(project, attempt=2))

    assert second != first
    assert jobs.find(70) == second


def test_a_missing_image_names_the_cure(jobs: DockerJobs, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="docker pull aerodag-test/nothing:1"):
        jobs.submit(order(make_project(tmp_path), image="aerodag-test/nothing:1"))


def test_a_job_that_gets_no_gpu_leaves_nothing(jobs: DockerJobs, tmp_path: Path, docker_engine: Engine) -> None:
    if probe_gpus(connect(docker_engine.endpoint), recipe.IMAGE, GpuAccess(("all",))).gpus:
        pytest.skip("this Docker host has a GPU")

    with pytest.raises(InfrastructureError, match=r"engine\.gpu_runtime") as refusal:
        jobs.submit(order(make_project(tmp_path), gpus=("all",)))

    assert refusal.value.retry is Retry.WITHOUT_GPU
    assert not labelled(connect(docker_engine.endpoint), run="70")


def test_an_engine_that_is_not_there(tmp_path: Path) -> None:
    jobs = DockerJobs(Endpoint(f"unix://{tmp_path}/docker.sock"), ODM)

    with pytest.raises(InfrastructureError, match=r"engine\.unreachable"):
        jobs.find(1)
