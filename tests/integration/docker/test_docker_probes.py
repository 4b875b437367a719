"""What is asked of a Docker host before anything is started on it."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from aerodag.containers.endpoint import connect
from aerodag.containers.gpu import probe_gpus
from aerodag.containers.host import host_facts
from aerodag.containers.images import ensure_image
from aerodag.containers.ownership import container_user
from aerodag.containers.sentinel import check_paths
from aerodag.containers.spec import GpuAccess
from aerodag.containers.states import labelled
from doubles.odm import recipe
from doubles.odm.following import MEBIBYTE
from servers.docker_engine import Engine

pytestmark = pytest.mark.docker


def test_facts_of_host_and_image(docker_engine: Engine) -> None:
    client = connect(docker_engine.endpoint)

    host, image = host_facts(client), ensure_image(client, recipe.IMAGE, "never")

    assert host.cpus > 0
    assert host.memory_bytes > 0
    assert host.cgroup_version in {1, 2}
    assert (image.version, image.entrypoint) == ("3.5.6", ("sh", "/code/run.sh"))


def test_the_sentinel_knows_the_folder(docker_engine: Engine, tmp_path: Path) -> None:
    client = connect(docker_engine.endpoint)

    assert check_paths(client, recipe.IMAGE, tmp_path, container_user(None)) is None
    assert list(tmp_path.iterdir()) == []
    refused = check_paths(client, recipe.IMAGE, tmp_path, "54321:54321") if os.geteuid() else None
    assert refused is None or refused.code == "engine.not_writable"


def test_the_sentinel_sees_that_paths_differ(docker_engine: Engine) -> None:
    # A folder that only this mount namespace has, as in a worker that runs in a container.
    script = (
        "import sys; from pathlib import Path; from aerodag.containers.endpoint import Endpoint, connect;"
        "from aerodag.containers.sentinel import check_paths;"
        "print(check_paths(connect(Endpoint(sys.argv[1])), sys.argv[2], Path('/mnt'), '1000:1000').code)"
    )
    result = subprocess.run(
        [
            *("/usr/bin/unshare", "--mount", "sh", "-c", 'mount -t tmpfs tmpfs /mnt && exec "$@"', "sh"),
            *(sys.executable, "-c", script, docker_engine.endpoint.url, recipe.IMAGE),
        ],
        capture_output=True,
        text=True,
        check=False,
    )
    if "unshare" in result.stderr:
        pytest.skip("no right to make a mount namespace")
    assert result.stdout.strip() == "engine.paths_differ", result.stderr


def test_without_a_gpu_the_probe_says_why(docker_engine: Engine) -> None:
    client = connect(docker_engine.endpoint)

    probe = probe_gpus(client, recipe.IMAGE, GpuAccess(("all",)))

    if probe.gpus:
        pytest.skip("this Docker host has a GPU")
    assert "device driver" in str(probe.reason)
    assert not [container for container in labelled(client) if container.role == "probe"]


def test_the_probe_reads_what_nvidia_smi_says(docker_engine: Engine) -> None:
    client = connect(docker_engine.endpoint)
    if "nvidia" not in host_facts(client).runtimes:
        pytest.skip("the Docker engine here has no runtime of the name nvidia")

    (gpu,) = probe_gpus(client, recipe.GPU_IMAGE, GpuAccess(("all",), "nvidia")).gpus
    absent = probe_gpus(client, recipe.IMAGE, GpuAccess(("all",), "nvidia"))

    assert (gpu.name, gpu.compute_capability, gpu.driver) == ("NVIDIA GeForce RTX 3090", 8.6, "550.54.14")
    assert gpu.memory_bytes == 24576 * MEBIBYTE
    assert "nvidia-smi" in str(absent.reason)
