"""Memory that does not grow, and processes killed while they work."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio
from rasterio.windows import Window

from aerodag.errors import DataError, InfrastructureError
from aerodag.raster import gdal
from aerodag.raster.gdal import scratch
from aerodag.raster.indices import INDICES, compute
from aerodag.raster.indices.layer import Layer
from aerodag.raster.indices.reading import Pixels
from aerodag.raster.kinds import Meaning
from samples.rasters import PLACE, RGBA, UTM, code_of, ground, save

# Half-done rasters are opened; the first of them becomes a COG; that COG is whole and the next is not.
MOMENTS = (".indices.*/gli.tif", ".indices.*/ready/.gli.tif.*", ".indices.*/ready/gli.tif")
PROGRAM = """
import json, sys
from pathlib import Path
from aerodag.raster.indices import INDICES, compute
result = compute(Path(sys.argv[1]), Path(sys.argv[2]), ["gli", "exg"], 64)
# ru_maxrss would begin with that of the parent.
lines = Path("/proc/self/status").read_text().splitlines()
peak = int(next(line for line in lines if line.startswith("VmHWM")).split()[1])
print(json.dumps([peak, [entry.statistics.count for entry in result.results]]), file=sys.stderr)
"""


def sparse(path: Path, side: int) -> Path:
    """RGBA of ``side`` squared pixels of which one stripe of tiles was ever written."""
    profile = {
        "driver": "GTiff", "count": 4, "width": side, "height": side, "dtype": "uint8", "crs": UTM, "transform": PLACE,
        "tiled": True, "blockxsize": 512, "blockysize": 512, "sparse_ok": True, "photometric": "RGB", "alpha": "yes",
        "compress": "deflate", "bigtiff": "if_safer",
    }  # fmt: skip
    tile = np.concatenate([ground(512), np.full((1, 512, 512), 255, dtype=np.uint8)])
    with rasterio.open(path, "w", **profile) as out:
        for start in range(0, 8 * 512, 512):
            out.write(tile, window=Window(start, side // 1024 * 512, 512, 512))
    return path


def start(source: Path, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", PROGRAM, str(source), str(folder)]
    return subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)


@pytest.mark.skipif(sys.platform != "linux", reason="peak memory is read from /proc")
def test_memory_is_bounded_whatever_the_size(tmp_path: Path) -> None:
    peaks = []
    for side in (4_096, 24_576):
        process = start(sparse(tmp_path / f"{side}.tif", side), tmp_path / str(side))
        _, said = process.communicate(timeout=300)
        assert process.returncode == 0, said
        peak, counts = json.loads(said.splitlines()[-1])
        assert counts == [8 * 512 * 512] * 2
        peaks.append(peak / 1024)
    assert peaks[1] < 700, f"{peaks[1]:.0f} MB"
    assert peaks[1] < peaks[0] + 150, f"{peaks[0]:.0f} MB for 17 megapixels, {peaks[1]:.0f} for 604"


def test_killed_at_any_moment_the_earlier_files_stay(tmp_path: Path) -> None:
    side, folder = 1400, tmp_path / "out"
    noise = np.random.default_rng(0).integers(0, 40, (4, side, side), dtype=np.uint8)
    values = np.concatenate([ground(side), np.full((1, side, side), 215, dtype=np.uint8)]) + noise
    source = save(tmp_path / "x.tif", np.maximum(values, 1), RGBA, photometric="RGB", tiled=True)
    for moments in (MOMENTS[-1:], MOMENTS):
        content = {path.name: path.read_bytes() for path in folder.glob("*")}
        for moment in moments:
            process = start(source, folder)
            deadline = time.monotonic() + 300
            while not list(folder.glob(moment)) and process.poll() is None and time.monotonic() < deadline:
                time.sleep(0.001)
            process.kill()
            assert process.wait() == -signal.SIGKILL, moment
            assert list(folder.glob(".indices.*")), "the killed one left its scratch"
            assert {path.name: path.read_bytes() for path in folder.glob("[!.]*")} == content
        compute(source, folder, ["gli", "exg"])
        assert {path.name for path in folder.iterdir()} == {"gli.tif", "gli.webp", "exg.tif", "exg.webp"}


def test_the_scratch_of_a_living_process_stays(tmp_path: Path) -> None:
    abandoned = tmp_path / ".indices.dead"
    abandoned.mkdir()
    with scratch(tmp_path / "indices") as first:
        assert not abandoned.exists()
        with scratch(tmp_path / "indices") as second:
            assert first.is_dir()
            assert second.is_dir()
        assert not second.exists()
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Usage:
        free = 5 << 20

    monkeypatch.setattr(gdal.shutil, "disk_usage", lambda _: Usage)
    with pytest.raises(InfrastructureError, match="5 MB are free") as caught, scratch(tmp_path / "indices"):
        raise OSError("No space left on device")
    assert caught.value.code == "raster.disk_full"
    assert list(tmp_path.iterdir()) == []


def test_a_failure_leaves_what_was_there(tmp_path: Path) -> None:
    source = save(tmp_path / "x.tif", ground(600), photometric="RGB", tiled=True, compress="deflate")
    compute(source, tmp_path, ["gli"])
    before = (tmp_path / "gli.tif").read_bytes()
    damaged = tmp_path / "y.tif"
    content = source.read_bytes()
    damaged.write_bytes(content[: len(content) // 2])
    with pytest.raises(DataError) as caught:
        compute(damaged, tmp_path, ["gli"])
    assert code_of(caught) == "raster.damaged"
    assert (tmp_path / "gli.tif").read_bytes() == before
    assert {path.name for path in tmp_path.iterdir()} == {"x.tif", "y.tif", "gli.tif", "gli.webp"}


@pytest.mark.parametrize("lost", [True, False])
def test_a_block_that_was_never_written_is_noticed(tmp_path: Path, lost: bool) -> None:
    path = tmp_path / "gli.tif"
    colours = dict(zip((Meaning.RED, Meaning.GREEN, Meaning.BLUE), ground(1100).astype(np.float32), strict=True))
    source = save(tmp_path / "x.tif", ground(1100), photometric="RGB")
    with rasterio.open(source) as dataset, Layer(INDICES["gli"], dataset, path) as layer:
        layer.take(Pixels(Window(0, 0, 1100, 1100), colours))
    with rasterio.open(path, "r+") as raster:
        raster.write(np.full((1, 76), np.nan if lost else 0.5, dtype=np.float32), 1, window=Window(1024, 1099, 76, 1))
    if lost:
        with pytest.raises(InfrastructureError, match="holds 1209924 values where 1210000 were computed") as caught:
            layer.check(path)
        assert caught.value.code == "raster.incomplete"
    else:
        layer.check(path)
