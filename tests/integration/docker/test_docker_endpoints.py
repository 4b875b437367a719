"""A Docker engine on another host: by TLS with certificates, and by ssh."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest

from aerodag.containers.endpoint import Endpoint, unavailable
from aerodag.photogrammetry.docker_jobs import DockerJobs
from aerodag.settings import Odm
from doubles.odm import recipe
from doubles.odm.following import order, wait_for_end
from doubles.odm.project import make_project
from servers.docker_doors import Door, ssh_door, tls_door
from servers.docker_engine import Engine

pytestmark = pytest.mark.docker

ODM = Odm(image=recipe.IMAGE, pull="never", stop_seconds=2)


@pytest.fixture
def tls(docker_engine: Engine, tmp_path: Path) -> Iterator[Door]:
    with tls_door(docker_engine.endpoint.url, tmp_path) as door:
        yield door


@pytest.fixture
def ssh(docker_engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Door]:
    monkeypatch.setenv("HOME", str(tmp_path))
    with ssh_door(docker_engine.endpoint.url, tmp_path) as door:
        yield door


def follow(endpoint: Endpoint, door: Door, tmp_path: Path) -> None:
    """One whole job, in the middle of which all connections break."""
    jobs = DockerJobs(endpoint, ODM, installation=uuid4().hex)
    job = jobs.submit(order(make_project(tmp_path / "work", outcome="chatter", lines=3000)))
    try:
        wait_for_end(jobs, job)
        door.cut()
        lines = list(jobs.lines(job))
        assert [line.number for line in lines] == list(range(1, len(lines) + 1))
        assert len(lines) > 3000
        assert jobs.ending(job).exit_code == 0
        door.cut()
    finally:
        jobs.discard(job)
        jobs.close()


def test_a_job_over_tls(tls: Door, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Many hosts set this for web sites; it must not take the place of the engine's own authority.
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(tmp_path / "client.pem"))
    endpoint = Endpoint(
        f"tcp://127.0.0.1:{tls.port}", tmp_path / "ca.pem", tmp_path / "client.pem", tmp_path / "client.key"
    )

    follow(endpoint, tls, tmp_path)


def test_tls_wants_the_certificates_of_both_sides(tls: Door, tmp_path: Path) -> None:
    url = f"tcp://127.0.0.1:{tls.port}"

    assert unavailable(Endpoint(url, ca_cert=tmp_path / "ca.pem"))
    assert unavailable(Endpoint(url, tmp_path / "client.pem", tmp_path / "client.pem", tmp_path / "client.key"))


def test_a_job_over_ssh(ssh: Door, tmp_path: Path) -> None:
    follow(Endpoint(f"ssh://anna@127.0.0.1:{ssh.port}"), ssh, tmp_path)


def test_a_host_that_known_hosts_does_not_list_is_not_trusted(ssh: Door, tmp_path: Path) -> None:
    (tmp_path / ".ssh" / "known_hosts").write_text("")

    reason = unavailable(Endpoint(f"ssh://anna@127.0.0.1:{ssh.port}"))

    assert reason
    assert "known_hosts" in reason
