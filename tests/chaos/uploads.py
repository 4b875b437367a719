"""What is dropped: simulated surveys, GeoTIFFs, the same contents again, and ZIPs that nothing can be made of."""

from __future__ import annotations

import hashlib
import shutil
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from random import Random

import numpy as np
import rasterio
from rasterio.transform import from_origin

from aerodag.simulate import Survey, simulate

# Large enough for the embedded engine to succeed on all of them, small enough for half a minute each.
FLIGHTS = (
    Survey(images=6, width=640, height=480, seed=11),
    Survey(images=9, width=480, height=360, seed=12),
    Survey(images=12, width=400, height=300, seed=13),
)
AGAIN_SHARE = 0.16
BAD_SHARE = 0.04


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to drop, and whether a product can be made of it."""

    path: Path
    sha256: str
    good: bool

    @property
    def name(self) -> str:
        """The name under which it is dropped."""
        return self.path.name


def make_uploads(folder: Path, datasets: int, survey_share: float, random: Random) -> list[Upload]:
    """``datasets`` uploads that differ in content, in the order in which they are dropped; at least one survey."""
    folder.mkdir(parents=True)
    bad = max(1, round(BAD_SHARE * datasets))
    surveys = max(1, round(survey_share * datasets))
    kinds = ["bad"] * bad + ["survey"] * surveys + ["map"] * max(0, datasets - bad - surveys)
    random.shuffle(kinds)
    flights = [simulate(flight, folder / f"flight{number}.zip").zip_path for number, flight in enumerate(FLIGHTS)]
    return [_make(folder, f"{kind}{number:03d}", kind, flights, random) for number, kind in enumerate(kinds)]


def make_maps(folder: Path, count: int, random: Random) -> list[Path]:
    """So many GeoTIFFs that differ in content."""
    return [_geotiff(folder / f"map{number:03d}.tif", random) for number in range(count)]


def again(uploads: list[Upload], folder: Path, random: Random) -> Iterator[tuple[int, Upload]]:
    """Some contents once more under other names, each with the place in the order of the first drop."""
    count = max(1, round(AGAIN_SHARE * len(uploads)))
    for place in random.sample(range(len(uploads)), count):
        first = uploads[place]
        copy = folder / f"again_{first.name}"
        shutil.copyfile(first.path, copy)
        yield place, Upload(copy, first.sha256, first.good)


def _make(folder: Path, name: str, kind: str, flights: list[Path], random: Random) -> Upload:
    if kind == "map":
        path = _geotiff(folder / f"{name}.tif", random)
    elif kind == "survey":
        path = _survey(folder / f"{name}.zip", random.choice(flights))
    else:
        path = _bad(folder / f"{name}.zip", random.choice(flights), random)
    return Upload(path, hashlib.sha256(path.read_bytes()).hexdigest(), kind != "bad")


def _survey(path: Path, flight: Path) -> Path:
    """A flight with a note of its own, so that its content is its own."""
    shutil.copyfile(flight, path)
    with zipfile.ZipFile(path, "a") as bundle:
        bundle.writestr(f"{path.stem}.txt", path.stem)
    return path


def _bad(path: Path, flight: Path, random: Random) -> Path:
    """Cut off in the middle, or too few images."""
    if random.random() < 0.5:
        whole = flight.read_bytes()
        path.write_bytes(whole[: len(whole) // 2] + path.stem.encode())
        return path
    with zipfile.ZipFile(flight) as bundle, zipfile.ZipFile(path, "w") as few:
        for name in [name for name in bundle.namelist() if name.lower().endswith(".jpg")][:2]:
            few.writestr(name, bundle.read(name))
        few.writestr(f"{path.stem}.txt", path.stem)
    return path


def _geotiff(path: Path, random: Random) -> Path:
    """Smooth colours in UTM at 5 cm, 700 to 1500 pixels wide."""
    side = random.randrange(700, 1500)
    rows, columns = np.mgrid[0:side, 0:side]
    phase = random.uniform(0, 6)
    bands = [130 + 70 * np.sin(rows / 90 + phase), 130 + 70 * np.cos(columns / 70), 130 + 70 * np.sin(columns / 110)]
    profile = {
        "driver": "GTiff", "count": 3, "height": side, "width": side, "dtype": "uint8", "crs": "EPSG:32632",
        "transform": from_origin(650_000 + random.randrange(1000), 5_330_000, 0.05, 0.05),
    }  # fmt: skip
    with rasterio.open(path, "w", **profile) as out:
        out.write(np.stack(bands).round().astype(np.uint8))
    return path
