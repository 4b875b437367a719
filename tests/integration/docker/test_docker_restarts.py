"""The Docker engine itself ends, and comes back, under a running ODM."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from aerodag.errors import InfrastructureError
from aerodag.photogrammetry.docker_jobs import DockerJobs
from aerodag.photogrammetry.jobs import JobState
from aerodag.settings import Odm
from doubles.odm import recipe
from doubles.odm.following import order, wait_for_end, wait_for_line
from doubles.odm.project import make_project, starts
from servers.docker_engine import OwnEngine, own_engine

pytestmark = pytest.mark.docker

End = Callable[[OwnEngine], None]

ODM = Odm(image=recipe.IMAGE, pull="never", stop_seconds=2)


@pytest.fixture(scope="module")
def engine() -> Iterator[OwnEngine]:
    with own_engine() as engine:
        yield engine


@pytest.fixture
def jobs(engine: OwnEngine) -> Iterator[DockerJobs]:
    jobs = DockerJobs(engine.endpoint, ODM)
    yield jobs
    if job := jobs.find(70):
        jobs.discard(job)
    jobs.close()


@pytest.mark.parametrize("end", [OwnEngine.stop, OwnEngine.kill])
def test_with_live_restore_it_goes_on(engine: OwnEngine, jobs: DockerJobs, tmp_path: Path, end: End) -> None:
    engine.restart(live_restore=True)
    project = make_project(tmp_path, outcome="steady", lines=250)
    job = jobs.submit(order(project))
    lines = wait_for_line(jobs, job, "steady line 20 of")

    end(engine)
    with pytest.raises(InfrastructureError, match=r"engine\.unreachable"):
        jobs.look(job)
    engine.start()

    assert jobs.find(70) == job == jobs.submit(order(project))
    assert jobs.look(job).state is JobState.RUNNING
    wait_for_end(jobs, job)
    lines += jobs.lines(job, after=len(lines))
    assert [line.number for line in lines] == list(range(1, len(lines) + 1))
    steady = [line.text for line in lines if line.text.startswith("steady line")]
    assert steady == [f"steady line {number} of 250" for number in range(1, 251)]
    assert jobs.ending(job).exit_code == 0
    assert len(starts(project)) == 1


@pytest.mark.parametrize(("end", "codes"), [(OwnEngine.stop, {1}), (OwnEngine.kill, {1}), (OwnEngine.crash, {255})])
def test_without_live_restore_it_ends_and_says_so(
    engine: OwnEngine, jobs: DockerJobs, tmp_path: Path, end: End, codes: set[int]
) -> None:
    engine.restart(live_restore=False)
    project = make_project(tmp_path, outcome="hang")
    job = jobs.submit(order(project))
    lines = wait_for_line(jobs, job, "opensfm step 2")

    end(engine)
    engine.start()

    assert jobs.find(70) == job
    assert jobs.look(job).state is JobState.ENDED
    ending = jobs.ending(job)
    assert ending.exit_code in codes
    assert not ending.out_of_memory
    assert list(jobs.lines(job))[: len(lines)] == lines
    assert len(starts(project)) == 1
