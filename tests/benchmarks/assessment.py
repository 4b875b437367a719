"""Integrity and quality of every image in a ZIP against the bare scaled JPEG decode of the same images, same threads.

Prints the ratio of the rates: 1 would mean that judging costs nothing.
"""

from __future__ import annotations

import io
import os
import statistics
import tempfile
import time
import zipfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from PIL import Image

from aerodag.imagery import assess_many
from aerodag.simulate import Survey, simulate

ROUNDS = 3
COPIES = 12


def decode(bundle: zipfile.ZipFile, name: str) -> None:
    """What any reader has to do."""
    with Image.open(io.BytesIO(bundle.read(name))) as image:
        image.draft("L", (image.width // 2, image.height // 2))
        image.load()


def seconds(work: Callable[[], object]) -> float:
    """Wall seconds of a call."""
    started = time.monotonic()
    work()
    return time.monotonic() - started


def main() -> None:
    """Measure both and print the ratio."""
    with tempfile.TemporaryDirectory() as folder:
        survey = simulate(Survey(images=8), Path(folder) / "survey.zip").zip_path
        threads = os.cpu_count() or 1
        with zipfile.ZipFile(survey) as bundle, ThreadPoolExecutor(threads) as pool:
            names = [name for name in bundle.namelist() if name.endswith(".JPG")] * COPIES
            ours, bare = [], []
            for _ in range(ROUNDS):
                ours.append(seconds(lambda: list(assess_many(survey, names))))
                bare.append(seconds(lambda: list(pool.map(lambda name: decode(bundle, name), names))))
        judged, decoded = (len(names) / statistics.median(times) for times in (ours, bare))
        print(f"{len(names)} images of 2 MP on {threads} threads, median of {ROUNDS}")
        print(f"  assess      {judged:7.1f} images/s")
        print(f"  bare decode {decoded:7.1f} images/s")
        print(f"  ratio       {judged / decoded:7.2f}")


if __name__ == "__main__":
    main()
