"""Whatever goes wrong while a COG is written, nothing stands under its name, and the next try succeeds."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from aerodag.errors import DataError, EngineError, InfrastructureError
from aerodag.raster import gdal
from aerodag.raster.cog import ARCHIVE, WEB, make_cog, writing
from samples.rasters import PLACE, RGBA, UTM, code_of, ground, read, save, save_rgba

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
WRITER = """
import sys
from pathlib import Path
from aerodag.raster.cog import ARCHIVE, make_cog
make_cog(Path(sys.argv[1]), Path(sys.argv[2]), ARCHIVE)
"""


@pytest.fixture(scope="module")
def rgba(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return save_rgba(tmp_path_factory.mktemp("rasters") / "odm_orthophoto.tif")


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Enough noise for a second of work."""
    path = tmp_path_factory.mktemp("large") / "a.tif"
    noise = np.random.default_rng(0).integers(1, 255, (4, 1024, 1024), dtype=np.uint8)
    noise[3] = 255
    with rasterio.open(
        path, "w", driver="GTiff", width=4096, height=4096, count=4, dtype="uint8", crs=UTM, transform=PLACE,
        tiled=True, photometric="RGB",
    ) as out:  # fmt: skip
        out.colorinterp = RGBA
        for row in range(0, 4096, 1024):
            for column in range(0, 4096, 1024):
                out.write(noise, window=Window(column, row, 1024, 1024))
    return path


def test_a_full_disk_is_told_from_a_fault(rgba: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gdal.shutil, "disk_usage", lambda _: SimpleNamespace(free=1 << 20))
    monkeypatch.setattr(writing, "write_levels", lambda *_: Path("/nowhere/x").write_bytes(b""))
    with pytest.raises(InfrastructureError) as caught:
        make_cog(rgba, tmp_path / "b.tif")
    assert code_of(caught) == "raster.disk_full"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="the system has no device that is always full")
@pytest.mark.parametrize("suffix", ["", ".blocks"])
def test_nothing_could_be_written(large: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, suffix: str) -> None:
    real = writing.write_levels

    def onto_full_device(dataset: object, path: Path, *rest: object) -> None:
        path.with_name(path.name + suffix).symlink_to("/dev/full")
        real(dataset, path, *rest)

    monkeypatch.setattr(writing, "write_levels", onto_full_device)
    with pytest.raises(InfrastructureError) as caught:
        make_cog(large, tmp_path / "b.tif")
    assert code_of(caught) == "raster.disk_full"
    assert list(tmp_path.iterdir()) == []


def test_a_source_damaged_inside_is_an_engine_error(rgba: Path, tmp_path: Path) -> None:
    source = tmp_path / "a.tif"
    content = bytearray(rgba.read_bytes())
    middle = len(content) // 2
    content[middle : middle + 4000] = bytes(4000)
    source.write_bytes(content)
    with pytest.raises(EngineError) as caught:
        make_cog(source, tmp_path / "b.tif")
    assert code_of(caught) == "raster.cog_failed"
    assert [file.name for file in tmp_path.iterdir()] == ["a.tif"]


@pytest.mark.filterwarnings("ignore::rasterio.errors.NotGeoreferencedWarning")
def test_where_nobody_knows_the_place_nothing_is_made_up(tmp_path: Path) -> None:
    with pytest.raises(DataError) as caught:
        make_cog(save(tmp_path / "a.tif", ground(64), crs=None), tmp_path / "b.tif")
    assert code_of(caught) == "raster.no_crs"


def test_a_wrong_cog_never_gets_its_name(rgba: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The writer is made to write a sound COG of something else; the checks are the real ones."""
    other = save(tmp_path / "other.tif", read(rgba)[:, ::-1], RGBA, photometric="RGB")
    real = writing.write_levels

    def write_other(_: object, path: Path, *rest: object) -> None:
        with rasterio.open(other) as dataset:
            real(dataset, path, *rest)

    monkeypatch.setattr(writing, "write_levels", write_other)
    target = tmp_path / "x.tif"
    target.write_bytes(b"the good one of before")
    with pytest.raises(EngineError) as caught:
        make_cog(rgba, target, seed=7)
    assert code_of(caught) == "raster.cog_invalid"
    assert caught.value.numbers["seed"] == 7
    assert target.read_bytes() == b"the good one of before"
    assert sorted(file.name for file in tmp_path.iterdir()) == ["other.tif", "x.tif"]


def test_the_same_seed_compares_the_same(rgba: Path, tmp_path: Path) -> None:
    first, again = (make_cog(rgba, tmp_path / "x.tif", WEB, seed=3) for _ in range(2))
    assert (first.seed, first.pixels_compared, first.largest_mean_error) == (
        again.seed,
        again.pixels_compared,
        again.largest_mean_error,
    )


def test_one_thread_and_little_memory_make_the_same_file(rgba: Path, tmp_path: Path) -> None:
    many = make_cog(rgba, tmp_path / "a.tif", ARCHIVE).path
    one = make_cog(rgba, tmp_path / "b.tif", ARCHIVE, cache_mb=16, threads=1).path
    assert many.read_bytes() == one.read_bytes()


@pytest.mark.parametrize("moment", ["blocks", "half"])
def test_killed_in_the_middle(large: Path, tmp_path: Path, moment: str) -> None:
    target = tmp_path / "x.tif"
    process = subprocess.Popen([sys.executable, "-c", WRITER, str(large), str(target)], stdout=subprocess.DEVNULL)
    wanted = {"blocks": "*/x.tif.blocks", "half": "*/x.tif"}[moment]
    deadline = time.monotonic() + 300
    while not any(file.stat().st_size > 0 for file in tmp_path.glob(f".{wanted}")):
        assert process.poll() is None
        assert time.monotonic() < deadline
        time.sleep(0.002)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert not target.exists()
    assert any(tmp_path.iterdir())
    make_cog(large, target, WEB)
    assert [file.name for file in tmp_path.iterdir()] == ["x.tif"]
