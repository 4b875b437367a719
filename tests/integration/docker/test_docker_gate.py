"""A real Docker engine behind the gate: engine runs work through it, and nothing else does."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import pytest
import requests
import uvicorn

from aerodag.containers.endpoint import Endpoint, connect, unavailable
from aerodag.containers.gate import Policy, gate
from aerodag.containers.host import host_facts
from aerodag.containers.images import ensure_image
from aerodag.containers.lifecycle import discard, inspect, start
from aerodag.containers.ownership import container_user
from aerodag.containers.sentinel import check_paths
from aerodag.containers.spec import ContainerSpec, create_options
from aerodag.containers.states import labelled, memory_bytes
from aerodag.errors import AerodagError
from aerodag.photogrammetry.docker_jobs import DockerJobs
from aerodag.settings import Odm
from doubles.odm import recipe
from doubles.odm.following import order, wait_for_end, wait_for_line
from doubles.odm.project import give_outputs, make_project
from servers.docker_engine import Engine

pytestmark = pytest.mark.docker

ODM = Odm(image=recipe.IMAGE, pull="never", stop_seconds=2)


@contextmanager
def serving(policy: Policy, socket: Path) -> Iterator[str]:
    """The gate on a free port, as `aerodag gate` serves it."""
    server = uvicorn.Server(
        uvicorn.Config(gate(policy, socket), host="127.0.0.1", port=0, log_level="warning", timeout_graceful_shutdown=1)
    )
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until = time.monotonic() + 300
    while not server.started:
        assert time.monotonic() < until
        time.sleep(0.02)
    yield f"127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join(timeout=15)


def socket_of(engine: Engine) -> Path:
    if not engine.endpoint.url.startswith("unix://"):
        pytest.skip("the Docker engine here is not at a socket")
    return Path(engine.endpoint.url.removeprefix("unix://"))


@pytest.fixture
def address(docker_engine: Engine, tmp_path: Path) -> Iterator[str]:
    policy = Policy(frozenset({recipe.IMAGE}), container_user(None), tmp_path)
    with serving(policy, socket_of(docker_engine)) as address:
        yield address


@pytest.fixture
def endpoint(address: str) -> Endpoint:
    return Endpoint(f"tcp://{address}")


@pytest.fixture
def stranger(docker_engine: Engine) -> Iterator[str]:
    """A container that is none of this project's."""
    client = connect(docker_engine.endpoint)
    options = {"host_config": client.create_host_config(network_mode="none"), "name": f"stranger-{uuid4().hex[:8]}"}
    made = str(client.create_container(recipe.IMAGE, entrypoint=["sleep", "600"], **options)["Id"])
    client.start(made)
    yield made
    client.remove_container(made, force=True)
    client.close()


def test_a_whole_job_goes_through(endpoint: Endpoint, tmp_path: Path) -> None:
    project = make_project(tmp_path / "work", outcome="chatter", lines=20_000)
    give_outputs(project, west=500_000, north=5_200_000)
    jobs = DockerJobs(endpoint, ODM, installation=uuid4().hex)
    job = jobs.submit(order(project, "--fast-orthophoto"))
    try:
        wait_for_end(jobs, job)
        lines = list(jobs.lines(job))
        assert [line.number for line in lines] == list(range(1, len(lines) + 1))
        assert len(lines) > 20_000
        assert jobs.ending(job).exit_code == 0
        jobs.fetch(job, project)
    finally:
        jobs.discard(job)
        jobs.close()
    assert (project / "odm_orthophoto" / "odm_orthophoto.tif").stat().st_size > 10_000


def test_one_that_runs_is_measured_and_stopped(endpoint: Endpoint, tmp_path: Path) -> None:
    project = make_project(tmp_path / "work", outcome="hang")
    jobs = DockerJobs(endpoint, ODM, installation=uuid4().hex)
    job = jobs.submit(order(project))
    client = connect(endpoint)
    wait_for_line(jobs, job, "Running dataset stage")
    assert memory_bytes(client, job)
    assert [found.id for found in labelled(client) if found.id == job]
    jobs.discard(job)
    assert inspect(client, job) is None
    client.close()
    jobs.close()


def test_what_a_plan_and_the_doctor_ask_goes_through(endpoint: Endpoint, tmp_path: Path) -> None:
    client = connect(endpoint)

    assert host_facts(client).cpus > 0
    assert ensure_image(client, recipe.IMAGE, "never").version == "3.5.6"
    assert check_paths(client, recipe.IMAGE, tmp_path, container_user(None)) is None
    client.close()


def test_others_containers_are_not_to_be_seen_or_touched(endpoint: Endpoint, address: str, stranger: str) -> None:
    client = connect(endpoint)

    assert inspect(client, stranger) is None
    assert stranger not in {row["Id"] for row in client.containers(all=True)}
    client.close()
    for method, path in (("POST", "stop"), ("POST", "kill"), ("GET", "logs"), ("GET", "json"), ("POST", "start")):
        answer = requests.request(method, f"http://{address}/containers/{stranger}/{path}", timeout=30)
        assert answer.status_code == 404, path
    assert requests.delete(f"http://{address}/containers/{stranger}?force=1", timeout=30).status_code == 404


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/containers/{}/exec"),
        ("GET", "/containers/{}/archive?path=/etc/passwd"),
        ("POST", "/v1.41/images/create?fromImage=busybox"),
        ("POST", "/build"),
        ("GET", "/volumes"),
        ("GET", "/containers/%2e%2e/volumes"),
        ("GET", "/images/x/../../../volumes/json"),
        ("PATCH", "/info"),
    ],
)
def test_other_calls_are_refused(address: str, stranger: str, method: str, path: str) -> None:
    session = requests.Session()
    request = session.prepare_request(requests.Request(method, f"http://{address}/"))
    request.url = f"http://{address}{path.format(stranger)}"  # as it stands, dots and all

    answer = session.send(request, timeout=30)

    assert answer.status_code in {403, 405}


def test_a_refused_container_is_said_to_be_so(endpoint: Endpoint) -> None:
    client = connect(endpoint)
    spec = ContainerSpec(
        name=f"aerodag-{uuid4().hex[:8]}",
        image=recipe.IMAGE,
        entrypoint=["sleep", "600"],
        labels={"aerodag.role": "engine"},
        user=container_user(None),
        network="host",
    )

    with pytest.raises(AerodagError, match="gate"):
        discard(client, start(client, spec), 0)
    client.close()


def test_a_start_takes_no_configuration(address: str, endpoint: Endpoint) -> None:
    """Engines of old took one with the start, which nobody would have looked at."""
    client = connect(endpoint)
    spec = ContainerSpec(
        name=f"aerodag-{uuid4().hex[:8]}",
        image=recipe.IMAGE,
        entrypoint=["sleep", "600"],
        labels={"aerodag.role": "probe"},
        user=container_user(None),
    )
    made = str(client.create_container(**create_options(client, spec))["Id"])
    answer = requests.post(
        f"http://{address}/v1.23/containers/{made}/start", json={"Privileged": True, "Binds": ["/:/host"]}, timeout=30
    )
    facts = inspect(client, made)
    with suppress(AerodagError):
        discard(client, made, 0)
    client.close()

    assert answer.status_code == 204
    assert facts is not None
    assert (facts["HostConfig"]["Privileged"], facts["HostConfig"]["Binds"]) == (False, None)


def test_an_engine_that_is_away_is_unreachable(tmp_path: Path) -> None:
    with serving(Policy(frozenset(), "1000:1000", tmp_path), tmp_path / "none.sock") as address:
        assert "does not answer" in str(unavailable(Endpoint(f"tcp://{address}")))
