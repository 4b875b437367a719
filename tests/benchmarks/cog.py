"""COGs against GDAL's command line with the same profile, alternating; then peak memory as rasters grow.

Prints ratios of the medians: below 1 the pipeline is faster, although it starts Python and checks what it wrote.
``AERODAG_BENCH_COG=full`` takes the sizes of large surveys (about half an hour), the default a quarter of the side,
where Python's start is most of the difference.
"""

from __future__ import annotations

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import rasterio
from rasterio.enums import ColorInterp
from rasterio.transform import from_origin
from rasterio.windows import Window

from aerodag.raster.cog import ARCHIVE, ARCHIVE_DEFLATE, WEB, WEB_WEBP, CogProfile

FULL = os.environ.get("AERODAG_BENCH_COG") == "full"
SHRINK = 1 if FULL else 4
ROUNDS = 3
CELL = 1024
KINDS = {"rgba dense": 16384, "rgba sparse": 16384, "uint16 x 5": 8192, "float32 dem": 12288}
GIGAPIXELS = (0.25, 1, 4, 10) if FULL else (0.25, 1)
RGBA = (ColorInterp.red, ColorInterp.green, ColorInterp.blue, ColorInterp.alpha)
OURS = """
import sys
from pathlib import Path
from aerodag.raster.cog import archive_profile, make_cog, web_profile
profiles = {"archive": archive_profile, "web": web_profile}
make_cog(Path(sys.argv[1]), Path(sys.argv[2]), profiles[sys.argv[3]](sys.argv[4]))
lines = Path("/proc/self/status").read_text().splitlines()
print("peak_kb", next(line for line in lines if line.startswith("VmHWM")).split()[1])
"""


def write_source(path: Path, kind: str, side: int) -> None:
    """Texture under noise, in a circle: all of it, or a tenth of the square where sparse."""
    count, dtype = {"u": (5, "uint16"), "f": (1, "float32")}.get(kind[0], (4, "uint8"))
    profile = {
        "driver": "GTiff", "width": side, "height": side, "count": count, "dtype": dtype, "crs": "EPSG:32632",
        "transform": from_origin(500_000, 5_300_000, 0.02, 0.02), "tiled": True, "blockxsize": 256,
        "blockysize": 256, "compress": "deflate", "zlevel": 1, "predictor": 3 if dtype == "float32" else 2,
        "interleave": "pixel", "sparse_ok": True, "bigtiff": "yes", "num_threads": "all_cpus",
    }  # fmt: skip
    if count == 4:
        profile |= {"photometric": "rgb", "alpha": "yes"}
    if count == 1:
        profile |= {"nodata": -9999.0}
    reach = 0.17 if kind == "rgba sparse" else 0.6
    with rasterio.open(path, "w", **profile) as out:
        for window, values, inside in cells(side, count, reach):
            if dtype == "float32":
                block = np.where(inside, values, -9999)
            elif dtype == "uint16":
                block = values * 60 * inside
            else:
                block = np.concatenate([values[:3] * inside, inside[np.newaxis] * 255.0])
            out.write(block.astype(dtype), window=window)


def cells(side: int, count: int, reach: float) -> Iterator[tuple[Window, np.ndarray, np.ndarray]]:
    """Windows that hold something, their values between 1 and 255, and which pixels are inside the circle."""
    noise = np.random.default_rng(0).normal(0, 3, (CELL, CELL)).astype(np.float32)
    for top in range(0, side, CELL):
        for left in range(0, side, CELL):
            height, width = min(CELL, side - top), min(CELL, side - left)
            row, column = np.mgrid[top : top + height, left : left + width].astype(np.float32)
            inside = np.hypot(column - side / 2, row - side / 2) < reach * side
            if not inside.any():
                continue
            coarse = 120 + 60 * np.sin(column / 97) * np.cos(row / 131) + 20 * np.sin(column / 7) * np.sin(row / 9)
            values = np.stack([coarse + np.roll(noise, 31 * band)[:height, :width] for band in range(count)])
            yield Window(left, top, width, height), values.clip(1, 255), inside


def write_sparse(path: Path, gigapixels: float) -> None:
    """RGBA with a hundred 1024-pixel cells of noise in an otherwise absent square."""
    side = int((gigapixels * 1e9) ** 0.5) // CELL * CELL
    noise = np.random.default_rng(0).integers(1, 255, (4, CELL, CELL), dtype=np.uint8)
    noise[3] = 255
    with rasterio.open(
        path, "w", driver="GTiff", width=side, height=side, count=4, dtype="uint8", crs="EPSG:32632",
        transform=from_origin(500_000, 5_300_000, 0.02, 0.02), tiled=True, blockxsize=512, blockysize=512,
        compress="zstd", zstd_level=1, sparse_ok=True, bigtiff="yes", photometric="rgb", alpha="yes",
    ) as out:  # fmt: skip
        out.colorinterp = RGBA
        for cell in range(100):
            step = side // CELL / 10
            row, column = (int(part * step) * CELL for part in divmod(cell, 10))
            out.write(noise, window=Window(column, row, CELL, CELL))


def ours(source: Path, target: Path, profile: CogProfile) -> list[str]:
    """The pipeline's step in a process of its own."""
    return [sys.executable, "-c", OURS, str(source), str(target), profile.name, profile.compress]


def gdal(source: Path, target: Path, profile: CogProfile) -> list[str]:
    """GDAL's command line with the same profile, all cores and the same cache."""
    options = profile.options() | {"NUM_THREADS": "ALL_CPUS"}
    words = [word for name, value in options.items() for word in ("-co", f"{name}={value}")]
    config = ["--config", "GDAL_CACHEMAX", "256", "--config", "GDAL_NUM_THREADS", "ALL_CPUS"]
    return ["gdal_translate", "-q", "-of", "COG", *words, *config, str(source), str(target)]


def measure(command: list[str]) -> tuple[float, float, int]:
    """Wall and processor seconds, and what the command says of its peak memory in KB."""
    before, started = os.times(), time.monotonic()
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    wall, after = time.monotonic() - started, os.times()
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    peaks = [int(line.split()[1]) for line in done.stdout.splitlines() if line.startswith("peak_kb")]
    return wall, cpu, peaks[0] if peaks else 0


def compare(folder: Path, kind: str, side: int, profiles: list[CogProfile]) -> None:
    """One source, every profile, both writers in turn."""
    source = folder / "source.tif"
    write_source(source, kind, side)
    for profile in profiles:
        makers, runs = {"aerodag": ours, "gdal": gdal}, {"aerodag": [], "gdal": []}
        for _ in range(ROUNDS):
            for name, maker in makers.items():
                runs[name].append(measure(maker(source, folder / f"{name}.tif", profile)))
        (wall, cpu), (peer_wall, peer_cpu) = (
            [statistics.median(run[index] for run in runs[name]) for index in (0, 1)] for name in makers
        )
        size = (folder / "aerodag.tif").stat().st_size / (folder / "gdal.tif").stat().st_size
        peak = max(run[2] for run in runs["aerodag"]) >> 10
        print(
            f"{kind:<12} {side:>6} {profile.name:>8} {profile.compress:<8} {wall:7.2f} {peer_wall:7.2f} "
            f"{wall / peer_wall:6.2f} {cpu / peer_cpu:6.2f} {size:6.2f} {peak:6}",
            flush=True,
        )


def main() -> None:
    """Print both tables."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        if shutil.which("gdal_translate"):
            print(f"median of {ROUNDS}; seconds and ratios of the pipeline (checks included) to gdal_translate -of COG")
            print("kind           side  profile codec       ours    gdal   wall    cpu  bytes  peak MB")
            for kind, side in KINDS.items():
                profiles = [ARCHIVE, ARCHIVE_DEFLATE] + ([WEB, WEB_WEBP] if kind.startswith("rgba") else [])
                compare(folder, kind, side // SHRINK, profiles)
        else:
            print("GDAL's command line is not installed: no ratios")
        print("peak memory on sparse RGBA\n    Gpx  seconds  peak MB")
        for gigapixels in GIGAPIXELS:
            write_sparse(folder / "sparse.tif", gigapixels)
            wall, _, peak = measure(ours(folder / "sparse.tif", folder / "out.tif", ARCHIVE))
            print(f"{gigapixels:7} {wall:8.1f} {peak >> 10:8}", flush=True)


if __name__ == "__main__":
    main()
