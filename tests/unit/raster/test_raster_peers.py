"""The standard form beside what GDAL's command line makes of the same raster, on made and on real ones."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import rasterio

from aerodag.errors import InfrastructureError
from aerodag.raster.gdal import beside
from aerodag.raster.standard.standardising import standardise
from samples.rasters import DATA, PLACE, RGB, code_of, disc, ground, needs_data, read, save

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
needs_gdal = pytest.mark.skipif(shutil.which("gdalwarp") is None, reason="GDAL's command line is not installed")


def run(*command: object) -> None:
    subprocess.run([str(word) for word in command], check=True, capture_output=True, timeout=60)


@needs_gdal
@pytest.mark.parametrize("dtype", ["uint16", "int16", "int32", "float32", "float64"])
def test_scaling_agrees_with_gdal_translate(tmp_path: Path, dtype: str) -> None:
    values = (ground(300).astype(np.float64) * 37.7 - 2000 * (dtype != "uint16")).astype(dtype)
    source = save(tmp_path / "a.tif", values)
    found = standardise(source, tmp_path / "b.tif")
    assert found.stretch is not None
    scales = [word for n, (low, high) in enumerate(found.stretch, 1) for word in (f"-scale_{n}", low, high, 0, 255)]
    run("gdal_translate", "-q", "-ot", "Byte", *scales, source, tmp_path / "g.tif")
    ours, theirs = read(found.path)[:3].astype(int), read(tmp_path / "g.tif").astype(int)
    assert np.abs(ours - theirs).max() <= 1


@needs_gdal
@pytest.mark.parametrize("degrees", [3.0, 45.0, -100.0])
def test_turning_agrees_with_gdalwarp(tmp_path: Path, degrees: float) -> None:
    """GDAL gets the same raster with alpha; only the outermost ring of pixels may weigh differently."""
    inside = disc(400)
    values = np.concatenate([ground(400) * inside, inside[np.newaxis] * np.uint8(255)]).astype(np.uint8)
    transform = PLACE @ rasterio.Affine.rotation(degrees)
    source = save(tmp_path / "a.tif", values, photometric="RGB", transform=transform)
    found = standardise(source, tmp_path / "b.tif")
    assert "rotated" in found.reasons
    run("gdalwarp", "-q", "-r", "bilinear", "-et", 0, source, tmp_path / "g.tif")
    with rasterio.open(found.path) as ours, rasterio.open(tmp_path / "g.tif") as theirs:
        assert (ours.crs, ours.shape) == (theirs.crs, theirs.shape)
        assert ours.transform.almost_equals(theirs.transform, 1e-6)
        mine, others = ours.read().astype(int), theirs.read().astype(int)
    both = (mine[3] == 255) & (others[3] == 255)
    assert both.sum() > 0.99 * max((mine[3] > 0).sum(), (others[3] > 0).sum()) * 0.97
    assert np.abs(mine - others)[:, both].max() <= 1


@needs_gdal
def test_a_palette_agrees_with_gdal_translate(tmp_path: Path) -> None:
    path = save(tmp_path / "a.tif", (ground(200)[:1] // 60))
    with rasterio.open(path, "r+") as dataset:
        dataset.write_colormap(1, {n: (50 * n, 255 - 40 * n, 7, 255) for n in range(5)})
    run("gdal_translate", "-q", "-expand", "rgb", path, tmp_path / "g.tif")
    np.testing.assert_array_equal(read(standardise(path, tmp_path / "b.tif").path)[:3], read(tmp_path / "g.tif"))


@needs_data
@pytest.mark.parametrize(
    "source",
    [path for folder in ("geotiff", "odm_outputs") for path in sorted((DATA / folder).rglob("*.tif"))],
    ids=lambda path: path.name,
)
def test_real_rasters_keep_every_pixel(tmp_path: Path, source: Path) -> None:
    found = standardise(source, tmp_path / "b.tif")
    with rasterio.open(source) as before, rasterio.open(found.path) as after:
        assert (after.crs, after.shape, after.transform) == (before.crs, before.shape, before.transform)
        pixels, values = after.read(), before.read()
        declared = before.dataset_mask() > 0
    alpha = pixels[3] if len(pixels) == 4 else np.full(declared.shape, 255)
    assert not (alpha > 0)[~declared].any()
    if "edge_fill" not in found.reasons:
        np.testing.assert_array_equal(alpha > 0, declared)
    if found.stretch is None:
        np.testing.assert_array_equal(pixels[:3][:, alpha > 0], values[:3][:, alpha > 0])


def test_killed_at_any_time_it_leaves_no_result_and_the_next_try_clears_up(tmp_path: Path) -> None:
    values = np.tile(np.random.default_rng(0).integers(0, 255, (3, 1000, 1000), np.uint8), (1, 4, 4))
    source, target = save(tmp_path / "a.tif", values, RGB), tmp_path / "out" / "b.tif"
    program = "import sys; from pathlib import Path; from aerodag.raster.standard.standardising import standardise; "
    program += "standardise(Path(sys.argv[1]), Path(sys.argv[2]))"
    command = [sys.executable, "-c", program, str(source), str(target)]
    for seconds in (0.0, 0.3):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
            while process.poll() is None and not list(tmp_path.glob("out/.b.tif.*")):
                time.sleep(0.005)
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
        assert process.returncode == -signal.SIGKILL
        assert not target.exists()
        assert len(list(target.parent.iterdir())) == 1
    assert (read(standardise(source, target).path)[:3] == values).all()
    assert list(target.parent.iterdir()) == [target]


def test_a_living_writer_is_left_alone(tmp_path: Path) -> None:
    target = tmp_path / "a.tif"
    with beside(target) as first:
        first.write_bytes(b"one")
        with beside(target) as second:
            second.write_bytes(b"two")
        assert target.read_bytes() == b"two"
        assert first.exists()
    assert target.read_bytes() == b"one"
    assert list(tmp_path.iterdir()) == [target]


def test_where_nothing_can_be_written_it_is_said(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(InfrastructureError) as caught, beside(tmp_path / "file" / "a.tif"):
        pass
    assert code_of(caught) == "raster.target_unwritable"


@pytest.mark.parametrize("room", [4, 3_000_000])
def test_a_disk_that_fills_up_is_no_fault_of_the_raster(tmp_path: Path, room: int) -> None:
    """The limit on the size of a file stands for the disk: writing fails in the middle, or only at the end."""
    values = np.random.default_rng(0).integers(0, 255, (3, 1500, 1500), np.uint8)
    source = save(tmp_path / "a.tif", values, RGB)
    program = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from aerodag.errors import InfrastructureError\n"
        "from aerodag.raster.standard.standardising import standardise\n"
        f"signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, ({room}, {room}))\n"
        f"try: standardise(Path({str(source)!r}), Path({str(tmp_path / 'b.tif')!r}))\n"
        "except InfrastructureError as error: sys.stderr.write(error.code)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=False)
    assert done.stderr.endswith("raster.write_failed")
    assert [file.name for file in tmp_path.iterdir()] == ["a.tif"]
