"""Integrity and quality of every image against the bare reduced decode of the same images, same scale, same threads.

The peer reads the bytes and lets Pillow decode them in the same colour mode; a second one decodes grey only. Both
arms take turns and the median counts. A ratio of 1 would mean that judging costs nothing. Also prints the peak memory
of a process that does nothing but assess images of 48 megapixels. Real images: AERODAG_TEST_DATA.
"""

from __future__ import annotations

import io
import os
import re
import statistics
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

from PIL import Image, ImageOps

from aerodag.imagery import assess_many
from aerodag.imagery.pixels.decode import reduction

DATA = Path(os.environ.get("AERODAG_TEST_DATA") or Path(__file__).parents[2].parent / "shared" / "data") / "mapping"
ROUNDS = 9
SECONDS_A_ROUND = 1.5
THREADS = len(os.sched_getaffinity(0))
PEERS = {"colour": "YCbCr", "grey": "L"}


def tiled(source: Path, size: tuple[int, int]) -> bytes:
    """A larger camera's picture: real detail, mirrored at the seams, at a camera's usual quality."""
    with Image.open(source) as image:
        tile = image.convert("RGB")
    canvas = Image.new("RGB", size)
    for column in range(-(-size[0] // tile.width)):
        for row in range(-(-size[1] // tile.height)):
            part = ImageOps.mirror(tile) if column % 2 else tile
            canvas.paste(ImageOps.flip(part) if row % 2 else part, (column * tile.width, row * tile.height))
    buffer = io.BytesIO()
    canvas.save(buffer, "JPEG", quality=92)
    return buffer.getvalue()


def surveys() -> dict[str, list[bytes]]:
    """Real images of 0.5, 2 and 9 megapixels, and 20 and 48 megapixels made of them."""
    folders = {"0.5 MP": "sheffield_cross_800", "2 MP": "p4m_rtk_mirafiori", "9 MP": "brighton_beach"}
    found = {
        label: [file.read_bytes() for file in sorted((DATA / folder / "images").glob("*.JPG"))]
        for label, folder in folders.items()
    }
    source = DATA / "brighton_beach" / "images" / "DJI_0025.JPG"
    return {**found, "20 MP": [tiled(source, (5472, 3648))], "48 MP": [tiled(source, (8064, 6048))]}


def decode(read: Callable[[str], bytes], mode: str, name: str) -> None:
    """What any reader has to do."""
    with Image.open(io.BytesIO(read(name)), formats=("JPEG",)) as image:
        scale = reduction(max(image.size))
        image.draft(mode, (image.width // scale, image.height // scale))
        image.load()


def seconds(work: Callable[[], object]) -> tuple[float, float]:
    """Wall and CPU seconds of a call."""
    wall, cpu = time.perf_counter(), time.process_time()
    work()
    return time.perf_counter() - wall, time.process_time() - cpu


def compare(label: str, path: Path, images: list[bytes]) -> None:
    """Measure one kind of image and print its ratios."""
    with zipfile.ZipFile(path, "w") as bundle:
        for index, content in enumerate(images):
            bundle.writestr(f"{index}.JPG", content)
    with zipfile.ZipFile(path) as bundle, ThreadPoolExecutor(THREADS) as pool:
        arms: dict[str, Callable[[list[str]], object]] = {"ours": lambda names: list(assess_many(bundle.read, names))}
        for peer, mode in PEERS.items():
            arms[peer] = lambda names, mode=mode: list(pool.map(partial(decode, bundle.read, mode), names))
        names = bundle.namelist()
        once, _ = seconds(lambda: arms["ours"](names))
        names *= max(1, round(SECONDS_A_ROUND / once), -(-4 * THREADS // len(names)))
        times = [{arm: seconds(partial(work, names)) for arm, work in arms.items()} for _ in range(ROUNDS)]
    rate = len(names) / statistics.median(round_["ours"][0] for round_ in times)
    ratios = [
        statistics.median(round_[peer][clock] / round_["ours"][clock] for round_ in times)
        for peer in PEERS
        for clock in (0, 1)
    ]
    print(f"  {label:>7} {rate:8.1f} " + "".join(f"{ratio:12.2f}" for ratio in ratios))


def peak_memory(path: Path) -> float:
    """MB that a fresh process takes at most to assess 24 images of 48 megapixels from a ZIP."""
    code = (
        "import sys, zipfile; from pathlib import Path; from aerodag.imagery import assess_many\n"
        "with zipfile.ZipFile(sys.argv[1]) as bundle:\n"
        "    assert all(found.decodable for found in assess_many(bundle.read, bundle.namelist() * 24))\n"
        "print(Path('/proc/self/status').read_text())"
    )
    output = subprocess.run([sys.executable, "-c", code, str(path)], check=True, capture_output=True, text=True).stdout
    return int(re.search(r"VmHWM:\s+(\d+)", output)[1]) / 1024  # type: ignore[index]


def main() -> None:
    """Measure all sizes and print the ratios."""
    if not DATA.is_dir():
        print("no real images found: set AERODAG_TEST_DATA")
        return
    print(f"assessment on {THREADS} threads, rate divided by that of the bare decode, median of {ROUNDS} rounds")
    print("           images/s colour wall  colour CPU   grey wall    grey CPU")
    with tempfile.TemporaryDirectory() as folder:
        for label, images in surveys().items():
            compare(label, Path(folder) / f"{label}.zip", images)
        print(f"  peak memory with 48 MP: {peak_memory(Path(folder) / '48 MP.zip'):.0f} MB")


if __name__ == "__main__":
    main()
