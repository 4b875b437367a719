"""What a container is given: bounds, rights, GPUs."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from aerodag.containers.ownership import container_user, hand_over, take_back
from aerodag.containers.spec import NO_GPU, Bind, ContainerSpec, GpuAccess, bounded, host_options
from aerodag.errors import ConfigError


def spec(**more: object) -> ContainerSpec:
    return ContainerSpec(name="aerodag-d1-r1-t1", image="odm", entrypoint=["python3", "/code/run.py"], **more)


@pytest.mark.parametrize("program", [[], ["busybox"]])
def test_the_bound_ends_a_program_with_either_timeout(program: list[str]) -> None:
    if program and not shutil.which("busybox"):
        pytest.skip("no busybox: apt-get install busybox-static")
    began = time.monotonic()

    ended = subprocess.run([*program, *bounded(["sleep", "30"], 0.6)], check=False)

    assert ended.returncode in {124, -15, 143}
    assert time.monotonic() - began < 5


def test_without_a_bound_the_entry_point_is_the_images_own() -> None:
    assert bounded(["python3", "/code/run.py"], 0) == ["python3", "/code/run.py"]


def test_memory_is_without_swap_and_zero_is_no_limit() -> None:
    limited, free = host_options(spec(memory_bytes=10**9, cpus=1.5, pids=100)), host_options(spec())

    assert limited["mem_limit"] == limited["memswap_limit"] == 10**9
    assert (limited["nano_cpus"], limited["pids_limit"]) == (1_500_000_000, 100)
    assert {free[key] for key in ("mem_limit", "memswap_limit", "nano_cpus", "pids_limit")} == {None}


@pytest.mark.parametrize(
    ("user", "added"),
    [("1000:1000", None), ("0:0", ["CHOWN", "DAC_OVERRIDE", "FOWNER"]), ("", ["CHOWN", "DAC_OVERRIDE", "FOWNER"])],
)
def test_only_root_keeps_capabilities(user: str, added: list[str] | None) -> None:
    options = host_options(spec(user=user))

    assert options["cap_drop"] == ["ALL"]
    assert options.get("cap_add") == added


def test_folders_keep_their_path() -> None:
    (same, other) = host_options(spec(binds=[Bind(Path("/data/1")), Bind(Path("/m"), "/code/m", read_only=True)]))[
        "mounts"
    ]

    assert (same["Source"], same["Target"], same["Type"], same["ReadOnly"]) == ("/data/1", "/data/1", "bind", False)
    assert (other["Target"], other["ReadOnly"]) == ("/code/m", True)


def test_gpus_are_given_one_way_only() -> None:
    requested, runtime = GpuAccess(("0", "2")), GpuAccess(("all",), "nvidia")

    assert requested.host_options()["device_requests"][0]["DeviceIDs"] == ["0", "2"]
    assert "runtime" not in requested.host_options()
    assert GpuAccess(("all",)).host_options()["device_requests"][0]["Count"] == -1
    assert runtime.host_options() == {"runtime": "nvidia"}
    assert runtime.environment()["NVIDIA_VISIBLE_DEVICES"] == "all"
    assert NO_GPU.host_options() == {}
    assert NO_GPU.environment() == {"NVIDIA_VISIBLE_DEVICES": "void"}


def test_the_engine_runs_as_the_worker_but_never_as_root_unasked() -> None:
    own = container_user(None)

    assert own == ("1000:1000" if os.geteuid() == 0 else f"{os.geteuid()}:{os.getegid()}")
    assert container_user("12:34") == "12:34"
    with pytest.raises(ConfigError, match=r"engine\.user"):
        container_user("odm")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files away")
def test_a_tree_is_handed_over_and_taken_back(tmp_path: Path) -> None:
    stored, tree = tmp_path / "stored.jpg", tmp_path / "work"
    (tree / "project").mkdir(parents=True)
    stored.touch()
    os.link(stored, tree / "project" / "image.jpg")
    (tree / "project" / "geo.txt").touch()
    (tree / "outside").symlink_to(stored)

    hand_over(tree, "1000:1001")

    assert ((tree / "project").stat().st_uid, (tree / "project" / "geo.txt").stat().st_gid) == (1000, 1001)
    assert (stored.stat().st_uid, (tree / "outside").lstat().st_uid) == (0, 1000)
    take_back(tree)
    assert {path.lstat().st_uid for path in tmp_path.rglob("*")} == {0}
