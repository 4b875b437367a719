"""COG of the pipeline against ``rio cogeo create`` with the same profile, alternating, CPU and wall time.

Prints the ratio of the medians: below 1 the pipeline is faster, although it also checks what it wrote.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import rasterio
from rasterio.transform import from_origin

SIDE = 6144
ROUNDS = 3
OURS = "import sys, pathlib; from aerodag.raster import make_cog; make_cog(*map(pathlib.Path, sys.argv[1:]))"


def write_source(path: Path) -> None:
    """Smooth, noisy RGBA with an empty margin, as an orthophoto has it."""
    rng = np.random.default_rng(0)
    profile = {
        "driver": "GTiff", "width": SIDE, "height": SIDE, "count": 4, "dtype": "uint8", "crs": "EPSG:32632",
        "transform": from_origin(500_000, 5_300_000, 0.02, 0.02), "tiled": True, "blockxsize": 512,
        "blockysize": 512, "compress": "deflate", "predictor": 2, "photometric": "rgb", "alpha": "yes",
    }  # fmt: skip
    x = np.linspace(0, 40, SIDE)
    alpha = np.zeros((SIDE, SIDE), "uint8")
    alpha[SIDE // 8 : -SIDE // 8, SIDE // 8 : -SIDE // 8] = 255
    with rasterio.open(path, "w", **profile) as target:
        for band in range(3):
            smooth = 120 + 60 * np.sin(x + band)[None, :] * np.cos(x)[:, None]
            noisy = (smooth + rng.normal(0, 6, (SIDE, SIDE))).clip(0, 255).astype("uint8")
            target.write(np.where(alpha, noisy, 0), band + 1)
        target.write(alpha, 4)


def measure(command: list[str]) -> tuple[float, float]:
    """Wall and CPU seconds of a command."""
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return time.monotonic() - started, cpu


def main() -> None:
    """Measure both and print the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        source, ours, theirs = (Path(folder) / name for name in ("source.tif", "ours.tif", "theirs.tif"))
        write_source(source)
        rio = str(Path(sys.executable).parent / "rio")
        peer = [
            rio, "cogeo", "create", str(source), str(theirs), "--cog-profile", "deflate", "--blocksize", "512",
            "--overview-resampling", "average", "--threads", "ALL_CPUS", "--co", "PREDICTOR=2",
        ]  # fmt: skip
        times: dict[str, list[tuple[float, float]]] = {"aerodag": [], "rio cogeo": []}
        for _ in range(ROUNDS):
            times["aerodag"].append(measure([sys.executable, "-c", OURS, str(source), str(ours)]))
            times["rio cogeo"].append(measure(peer))
        wall, cpu = ({name: statistics.median(t[i] for t in runs) for name, runs in times.items()} for i in (0, 1))
        print(f"COG of {SIDE} x {SIDE} RGBA, median of {ROUNDS}")
        for name in times:
            print(f"  {name:<10} {wall[name]:6.2f} s wall {cpu[name]:6.2f} s CPU")
        print(
            f"  ratio      {wall['aerodag'] / wall['rio cogeo']:6.2f}        {cpu['aerodag'] / cpu['rio cogeo']:6.2f}"
        )
        print(f"  bytes      {ours.stat().st_size / theirs.stat().st_size:6.2f}")


if __name__ == "__main__":
    main()
