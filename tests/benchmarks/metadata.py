"""Metadata of 1,000 images in a 5 GB ZIP, read by seeking, against ``unzip`` and ``exiftool -json`` on this machine.

Prints the share of the ZIP that is read, how many times faster it is, and the peak memory. Needs 11 GB of disk.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import warnings
import zipfile
from itertools import cycle, islice
from pathlib import Path

from aerodag import archive
from aerodag.imagery import read_metadata

DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[2].parent / "shared" / "data")
IMAGES = 1_000
IMAGE_BYTES = 5 * 1000**2
DISK_BYTES = 11 * 1000**3


def photographs(folder: Path) -> list[bytes]:
    """Real images of a few megabytes, or simulated ones where the test data are absent."""
    real = [path.read_bytes() for path in sorted((DATA / "mapping").rglob("*.JPG"))]
    large = [content for content in real if 2_000_000 < len(content) <= IMAGE_BYTES]
    if large:
        return large
    # Imported here, for the reading process must not be charged with its memory.
    from aerodag.simulate import Survey, simulate

    with zipfile.ZipFile(simulate(Survey(images=8), folder / "simulated.zip").zip_path) as bundle:
        return [bundle.read(name) for name in bundle.namelist() if name.endswith(".JPG")]


def write_zip(path: Path, contents: list[bytes]) -> None:
    """A stored ZIP; every image is filled up to 5 MB behind its end, where cameras put a preview."""
    filling = (contents[0] * (IMAGE_BYTES // len(contents[0]) + 1))[:IMAGE_BYTES]
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as bundle:
        for number, content in enumerate(islice(cycle(contents), IMAGES), start=1):
            bundle.writestr(f"DCIM/DJI_{number:04d}.JPG", content + filling[len(content) :])


def bytes_read() -> int:
    """What this process has read so far by any system call."""
    fields = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return int(fields["rchar"])


def peak_mb() -> float:
    """Peak memory of this process alone; ``ru_maxrss`` would begin with that of its parent."""
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    return int(fields["VmHWM"].split()[0]) / 1024


def read_all(path: Path) -> None:
    """In a process of its own: read all headers and print what it took."""
    warnings.simplefilter("ignore")
    before, started, cpu = bytes_read(), time.monotonic(), time.process_time()
    with archive.Reader(path) as bundle:
        found = []
        for record in bundle.directory.records:
            with bundle.open(record.path) as file:
                found.append(read_metadata(file, record.path))
    measured = {
        "seconds": time.monotonic() - started,
        "cpu": time.process_time() - cpu,
        "bytes": bytes_read() - before,
        "rss_mb": peak_mb(),
        "images": sum(item.latitude is not None for item in found),
    }
    print(json.dumps(measured))


def seconds(command: list[str], output: Path) -> float:
    """Wall seconds of a command whose output goes to a file."""
    started = time.monotonic()
    with output.open("wb") as file:
        subprocess.run(command, stdout=file, stderr=subprocess.DEVNULL, check=False)
    return time.monotonic() - started


def compare(folder: Path) -> None:
    """Build the ZIP, measure both and print the ratios."""
    path = folder / "survey.zip"
    write_zip(path, photographs(folder))
    ours = json.loads(subprocess.check_output([sys.executable, __file__, "--read", str(path)]))
    size = path.stat().st_size
    print(f"{IMAGES} images, {size / 1e9:.2f} GB; {ours['images']} with a position")
    print(f"  bytes read   {ours['bytes'] / 1e6:8.1f} MB = {100 * ours['bytes'] / size:.2f} % of the ZIP")
    print(f"  ours         {ours['seconds']:8.2f} s ({ours['cpu']:.2f} s CPU), peak {ours['rss_mb']:.0f} MB")
    if shutil.which("exiftool") is None or shutil.which("unzip") is None:
        print("  unzip or exiftool is not installed: nothing to compare with")
        return
    unzip = seconds(["unzip", "-q", str(path), "-d", str(folder / "unpacked")], folder / "unzip.log")
    tags = seconds(["exiftool", "-json", "-r", "-n", str(folder / "unpacked")], folder / "tags.json")
    print(f"  unzip        {unzip:8.2f} s")
    print(f"  exiftool     {tags:8.2f} s")
    print(f"  ratio        {(unzip + tags) / ours['seconds']:8.1f} (exiftool alone {tags / ours['seconds']:.1f})")


def main() -> None:
    """Measure in a temporary folder, which is removed afterwards."""
    if sys.argv[1:2] == ["--read"]:
        read_all(Path(sys.argv[2]))
        return
    with tempfile.TemporaryDirectory(prefix="aerodag-metadata-") as name:
        free = shutil.disk_usage(name).free
        if free < DISK_BYTES:
            print(f"skipped: {free / 1e9:.0f} GB free in {name}, {DISK_BYTES / 1e9:.0f} GB needed")
            return
        compare(Path(name))


if __name__ == "__main__":
    main()
