"""SIGKILL, a full disk, a read-only disk and a replaced source in the middle of every step that makes a product."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from random import Random

import numpy as np
import psycopg
import pytest

from aerodag.errors import AerodagError, InfrastructureError
from cases.products import PRODUCT_STEPS, ProductFlow
from samples.rasters import disc, ground, save

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

KILLS = 2 * int(os.environ.get("AERODAG_TEST_KILLS", "1"))
SIDE = 2000


@pytest.fixture(scope="module")
def orthophoto(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One that has to be rewritten to be standard: RGB whose invalid pixels are a value."""
    path = tmp_path_factory.mktemp("source") / "map.tif"
    return save(path, np.where(disc(SIDE), ground(SIDE), 0).astype(np.uint8), nodata=0)


@pytest.fixture
def flow(ledger_connection: psycopg.Connection, database_url: str, tmp_path: Path, orthophoto: Path) -> ProductFlow:
    flow = ProductFlow(ledger_connection, database_url, tmp_path)
    flow.open(flow.upload(orthophoto))
    flow.step("stage")
    return flow


def test_killed_steps_leave_nothing_that_looks_whole_and_their_next_tries_end_right(flow: ProductFlow) -> None:
    random = Random(os.environ.get("AERODAG_TEST_SEED", "1"))
    seconds = {}
    for step in PRODUCT_STEPS:
        worker = flow.worker(step)
        started = time.monotonic()
        assert worker.wait() == 0, step
        seconds[step] = time.monotonic() - started
    flow.open(flow.context.dataset.id, "second")
    flow.step("stage")
    killed = 0
    for step in PRODUCT_STEPS:
        for _ in range(KILLS):
            killed += flow.killed(step, random.uniform(0, seconds[step]))
            flow.require_whole()
        flow.step(step)
        flow.require_whole()
    flow.step("promote")
    assert killed > KILLS
    assert flow.leftovers() == []


def test_a_source_that_is_replaced_meanwhile_is_noticed(flow: ProductFlow) -> None:
    flow.steps("publish_ortho", "standardise")
    source = flow.file("standardised")
    other = source.with_name("other.tif")
    shutil.copyfile(source, other)
    with other.open("r+b") as file:
        file.seek(-1000, os.SEEK_END)
        file.write(b"another")
    worker = flow.worker("cog")
    time.sleep(0.05)
    other.replace(source)
    assert worker.wait() != 0
    assert flow.artifact("cog") is None
    with pytest.raises(AerodagError, match=r"product\.source_changed"):
        flow.step("cog")
    flow.step("publish_ortho")
    flow.step("standardise")
    flow.step("cog")
    flow.require_whole()


@pytest.fixture
def own_disk(tmp_path: Path) -> Iterator[Path]:
    """A file system of its own, of 250 MB."""
    place = tmp_path / "disk"
    place.mkdir()
    mounted = _run("mount", "-t", "tmpfs", "-o", "size=250m", "tmpfs", str(place))
    if mounted.returncode:
        pytest.skip(f"this user may not mount a file system: {mounted.stderr.strip()}")
    yield place
    _run("umount", "--lazy", str(place))


@pytest.fixture
def flow_on_own_disk(
    ledger_connection: psycopg.Connection, database_url: str, own_disk: Path, orthophoto: Path
) -> ProductFlow:
    flow = ProductFlow(ledger_connection, database_url, own_disk)
    flow.open(flow.upload(orthophoto))
    flow.step("stage")
    return flow


def _run(*command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["/usr/bin/env", *command], capture_output=True, text=True, check=False)


def test_a_full_disk_is_told_and_room_cures_it(flow_on_own_disk: ProductFlow) -> None:
    flow, ballast = flow_on_own_disk, flow_on_own_disk.root / "ballast"
    for step in PRODUCT_STEPS:
        ballast.write_bytes(bytes(shutil.disk_usage(flow.root).free))
        with pytest.raises(InfrastructureError, match="disk_full"):
            flow.step(step)
        flow.require_whole()
        ballast.unlink()
        flow.step(step)
        flow.require_whole()
    assert flow.leftovers() == []


def test_a_read_only_disk_is_told_and_writing_cures_it(flow_on_own_disk: ProductFlow) -> None:
    flow = flow_on_own_disk
    for step in PRODUCT_STEPS:
        assert _run("mount", "-o", "remount,ro", str(flow.root)).returncode == 0
        with pytest.raises(InfrastructureError, match=r"read_only|unwritable"):
            flow.step(step)
        assert _run("mount", "-o", "remount,rw", str(flow.root)).returncode == 0
        flow.step(step)
        flow.require_whole()


def test_a_failing_rerun_leaves_the_good_products(flow: ProductFlow, tmp_path: Path) -> None:
    flow.steps()
    good = {kind: flow.file(kind).read_bytes() for kind in ("orthophoto", "cog", "thumbnail")}
    flow.open(flow.context.dataset.id, "second")
    flow.steps("stage", "publish_ortho", "standardise")
    flow.context.product("cogs", "cog.tif").mkdir(parents=True)
    with pytest.raises(InfrastructureError):
        flow.step("cog")
    assert {kind: flow.file(kind).read_bytes() for kind in good} == good
    assert flow.storage.current_orthophoto(flow.context.dataset.id).samefile(flow.file("orthophoto"))


def test_pixels_survive_from_the_upload_to_the_archive(flow: ProductFlow) -> None:
    import rasterio

    flow.steps()
    with rasterio.open(flow.file("cog", "archive")) as archive:
        values = archive.read()
    assert np.array_equal(values[:3, SIDE // 2, SIDE // 2], ground(SIDE)[:, SIDE // 2, SIDE // 2])
    assert flow.storage.current_orthophoto(flow.context.dataset.id).is_file()
