"""What a reconstruction will need: memory, disk and time, from published figures and from what ran here before."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from statistics import median
from typing import Final

import numpy as np

GIB: Final = 1024**3
MIB: Final = 1024**2

# RAM that ODM's documentation asks for, by images.
_ODM_DOCUMENTED: Final = (
    (40, 4), (250, 16), (500, 32), (1500, 64), (2500, 128), (3500, 192), (5000, 256), (12000, 800),
)  # fmt: skip
# Peak memory by ScaleODM: 16 + 0.042 GiB per image up to 5,000; 800 GiB at 12,000.
_ODM_FITTED: Final = ((0, 16), (5000, 226), (12000, 800))
# The fit counts file cache, which small surveys do not need: up to 250 images the documented figure holds.
_ODM_LIKELY: Final = ((40, 4), (250, 16), (500, 37), (5000, 226), (12000, 800))
_ODM_REFERENCE_THREADS: Final = 24
_ODM_MOST_THREADS: Final = 48
_ODM_REFERENCE_MEGAPIXELS: Final = 12.0
_ODM_SECONDS_PER_IMAGE: Final = 10.0
_ODM_START_SECONDS: Final = 60.0

_EMBEDDED_USED_CORES: Final = 0.75
_EMBEDDED_MOST_CORES: Final = 16

# Beyond these a figure is a mistake; arithmetic must still hold.
_MOST_IMAGES: Final = 10**7
_MOST_MEGAPIXELS: Final = 1000.0
_MOST_BYTES: Final = 2**60

# A few runs of one's own weigh as much as the published figures; the more, the heavier.
_PRIOR_RUNS: Final = 2.0
_LEAST_SPREAD, _MOST_SPREAD = math.log(1.1), math.log(10.0)
_MOST_LOG_RATIO: Final = math.log(100.0)


class Effort(StrEnum):
    """Classes of work that ScaleODM tells apart."""

    FAST = "fast"
    STANDARD = "standard"
    ELEVATION = "elevation"


class Basis(StrEnum):
    """Where an estimate comes from."""

    FORMULA = "formula"
    HISTORY = "history"


@dataclass(frozen=True, slots=True, kw_only=True)
class Workload:
    """The images that the engine will get: how many, how large each, how many bytes together."""

    images: int
    megapixels_per_image: float
    input_bytes: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What shall be done with them: by which ``engine``, on which ``host``; dsm and dtm are elevation products."""

    engine: str
    preset: str = "standard"
    dsm: bool = False
    dtm: bool = False
    cores: int = 1
    host: str | None = None

    @property
    def effort(self) -> Effort:
        """Class of work; elevation models weigh most, whatever the preset."""
        if self.dsm or self.dtm or self.preset in {"dem", "forest"}:
            return Effort.ELEVATION
        return Effort.FAST if self.preset in {"fast", "draft"} else Effort.STANDARD


@dataclass(frozen=True, slots=True, kw_only=True)
class PastRun:
    """A finished run of this installation and what it took; None was not measured."""

    engine: str
    preset: str
    images: int
    megapixels: float
    peak_rss_bytes: int | None = None
    seconds: float | None = None
    disk_bytes: int | None = None
    input_bytes: int | None = None
    cores: int | None = None
    host: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Estimate:
    """A figure with its range (low <= likely <= high); ``runs`` of one's own stand behind it."""

    likely: int
    low: int
    high: int
    basis: Basis = Basis.FORMULA
    runs: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Prediction:
    """Peak memory and peak work space in bytes, wall time in seconds."""

    engine: str
    preset: str
    memory_bytes: Estimate
    disk_bytes: Estimate
    seconds: Estimate


@dataclass(frozen=True, slots=True)
class _Range:
    likely: float
    low: float
    high: float


Formula = Callable[[Workload, Job], _Range]


def predict(workload: Workload, job: Job, history: Sequence[PastRun] = ()) -> Prediction:
    """What ``job`` will need for ``workload``.

    ODM, memory: the table of ODM's documentation and ScaleODM's fit of peak memory (16 + 0.042 GiB per image, x 0.5
    fast, x 1.5 elevation) bound the range; between 250 and 500 images the likely figure goes from the one to the other.
    ODM, disk: ScaleODM's input bytes x 6 | 8 | 12 or images x 0.075 | 0.10 | 0.15 GiB, whichever is more; the high end
    is at least its floor of 20 | 30 | 100 GiB. The low end is twice the input: the staged and the undistorted images.
    ODM, time: OpenDroneMap/odm-benchmarks, see `_odm_seconds`.
    Embedded: measured on two cores, see `_embedded_memory`, `_embedded_disk` and `_embedded_seconds`.

    Runs of the same engine in ``history``, those on the same host where there are any, correct each figure by the
    median of observed to predicted, drawn towards 1 while they are few, and narrow its range to their scatter. Every
    figure grows with the number of images and is never negative.
    """
    formulas = _EMBEDDED if job.engine == "embedded" else _ODM
    same = [run for run in history if run.engine == job.engine]
    own = [run for run in same if run.host == job.host] or same
    workload = _sane(workload)
    memory, disk, seconds = (
        _corrected(formula, workload, job, [(run, observed(run)) for run in own])
        for formula, observed in zip(formulas, _OBSERVED, strict=True)
    )
    return Prediction(engine=job.engine, preset=job.preset, memory_bytes=memory, disk_bytes=disk, seconds=seconds)


_OBSERVED: Final[tuple[Callable[[PastRun], float | None], ...]] = (
    lambda run: run.peak_rss_bytes,
    lambda run: run.disk_bytes,
    lambda run: run.seconds,
)


def _sane(workload: Workload) -> Workload:
    size = workload.megapixels_per_image
    return Workload(
        images=min(max(0, workload.images), _MOST_IMAGES),
        megapixels_per_image=min(size, _MOST_MEGAPIXELS) if size > 0 else _ODM_REFERENCE_MEGAPIXELS,
        input_bytes=min(max(0, workload.input_bytes), _MOST_BYTES),
    )


def _corrected(
    formula: Formula, workload: Workload, job: Job, observations: Sequence[tuple[PastRun, float | None]]
) -> Estimate:
    """The formula's range, moved and narrowed by what was observed, in logarithms."""
    prior = formula(workload, job)
    ratios = [
        _log_ratio(value, formula(_workload_of(run), _job_of(run, job)).likely)
        for run, value in observations
        if value is not None and math.isfinite(value) and value >= 1 and run.images > 0
    ]
    if not ratios or not prior.likely:
        return Estimate(likely=round(prior.likely), low=round(prior.low), high=round(prior.high))
    middle = median(ratios)
    trust = len(ratios) / (len(ratios) + _PRIOR_RUNS)
    deviation = 1.4826 * median(abs(ratio - middle) for ratio in ratios)
    spread = min(max(_LEAST_SPREAD, 2 * deviation), _MOST_SPREAD)
    likely = prior.likely * math.exp(trust * middle)
    return Estimate(
        likely=round(likely),
        low=round(likely * (prior.low / prior.likely) ** (1 - trust) * math.exp(-trust * spread)),
        high=round(likely * (prior.high / prior.likely) ** (1 - trust) * math.exp(trust * spread)),
        basis=Basis.HISTORY,
        runs=len(ratios),
    )


def _log_ratio(observed: float, predicted: float) -> float:
    """Logarithm of observed to predicted; a hundred times off is a mistake of the record and counts as that."""
    return min(max(math.log(observed / predicted), -_MOST_LOG_RATIO), _MOST_LOG_RATIO)


def _workload_of(run: PastRun) -> Workload:
    found = _sane(Workload(images=run.images, megapixels_per_image=run.megapixels, input_bytes=run.input_bytes or 0))
    if run.input_bytes is not None:
        return found
    # A JPEG of a drone has about half a byte per pixel.
    return replace(found, input_bytes=round(found.images * found.megapixels_per_image * 0.5e6))


def _job_of(run: PastRun, job: Job) -> Job:
    same_products = run.preset == job.preset
    return Job(
        engine=run.engine,
        preset=run.preset,
        dsm=job.dsm and same_products,
        dtm=job.dtm and same_products,
        cores=run.cores if run.cores is not None else job.cores,
    )


def _along(points: Sequence[tuple[int, int]], images: int) -> float:
    """Piecewise linear, the last slope kept beyond the end."""
    (x0, y0), (x1, y1) = points[-2:]
    if images > x1:
        return y1 + (images - x1) * (y1 - y0) / (x1 - x0)
    return float(np.interp(images, [x for x, _ in points], [y for _, y in points]))


def _odm_memory(workload: Workload, job: Job) -> _Range:
    factor = GIB * {Effort.FAST: 0.5, Effort.STANDARD: 1.0, Effort.ELEVATION: 1.5}[job.effort]
    documented, fitted, likely = (
        factor * _along(points, workload.images) for points in (_ODM_DOCUMENTED, _ODM_FITTED, _ODM_LIKELY)
    )
    return _Range(likely, min(documented, likely, 0.75 * fitted), max(documented, fitted, 1.25 * likely))


def _odm_disk(workload: Workload, job: Job) -> _Range:
    times, each, floor = {
        Effort.FAST: (6, 0.075, 20),
        Effort.STANDARD: (8, 0.10, 30),
        Effort.ELEVATION: (12, 0.15, 100),
    }[job.effort]
    likely = max(workload.input_bytes * times, workload.images * each * GIB, 1.0 * GIB)
    return _Range(likely, min(likely, 2.0 * workload.input_bytes), max(1.25 * likely, floor * GIB))


def _odm_seconds(workload: Workload, job: Job) -> _Range:
    """Wall time by OpenDroneMap/odm-benchmarks: default options, 10 s per image of 12 MP on 24 threads.

    The 2.9.1 rows on 8 threads take twice as long, hence the power 0.6 of threads (flat beyond 48, where depth maps
    wait for their two workers); images resized to 2048 pixels take 0.62 of the time, hence the power 0.35 of pixels.
    Presets on one machine: Field 0.2-0.5, Forest 1-2, Multispectral 1.1-2.1. Single surveys scatter by a factor of 2.5.
    """
    threads = min(max(job.cores, 1), _ODM_MOST_THREADS)
    speed = (_ODM_REFERENCE_THREADS / threads) ** 0.6
    pixels = (workload.megapixels_per_image / _ODM_REFERENCE_MEGAPIXELS) ** 0.35
    preset = {"fast": 0.35, "draft": 0.35, "dem": 1.05, "forest": 1.5, "multispectral": 1.4}.get(job.preset, 1.0)
    likely = _ODM_START_SECONDS + workload.images * _ODM_SECONDS_PER_IMAGE * speed * pixels * preset
    return _Range(likely, likely / 2.5, likely * 2.5)


def _embedded_memory(workload: Workload, job: Job) -> _Range:
    """Resident memory, fitted to runs on two cores.

    18 images of 9 MP peaked at 771 MB (454 with the fast preset), 24 of 2 MP at 659 MB, 80 of 12 MP at 989 MB.
    The engine works in tiles: beyond its libraries it holds a few decoded images and the tie points of the block.
    """
    fast = job.effort is Effort.FAST
    decoded = workload.megapixels_per_image * 1e6 * 3
    cores = min(max(job.cores, 1), _EMBEDDED_MOST_CORES)
    likely = 300 * MIB + (1 if fast else 6) * cores * decoded + workload.images * (3 if fast else 4) * MIB
    return _Range(likely, 0.6 * likely, 2.0 * likely + workload.images * 4 * MIB)


def _embedded_disk(workload: Workload, job: Job) -> _Range:
    """Work space: the staged images, about 2 MB of features and depth for each, and the orthophoto.

    A ground pixel is seen by about five images; 18 images of 9 MP (62 MB) took 148 MB, 82 with the fast preset;
    80 of 12 MP (254 MB) took 678 MB.
    """
    pixels = workload.images * workload.megapixels_per_image * 1e6
    pixel_bytes = 0.2 if job.effort is Effort.FAST else 1.5
    likely = 1.05 * workload.input_bytes + workload.images * 2 * MIB + pixels / 5 * pixel_bytes
    return _Range(likely, min(likely, 1.0 * workload.input_bytes), 2.5 * likely + 64 * MIB)


def _embedded_seconds(workload: Workload, job: Job) -> _Range:
    """Wall time: CPU seconds over the cores that are kept busy.

    Images are scaled for the features, so that their size matters little: 2.1 CPU seconds per image of 9 MP over a
    park (1.1 with the fast preset), 3.8 of 2 MP over a town, 4.0 of 12 MP in a simulated survey of 80.
    """
    cores = max(1.0, min(max(job.cores, 1), _EMBEDDED_MOST_CORES) * _EMBEDDED_USED_CORES)
    each = (2.4 + 0.1 * workload.megapixels_per_image) * (0.45 if job.effort is Effort.FAST else 1.0)
    likely = 3.0 + workload.images * each / cores
    return _Range(likely, likely / 2.2, likely * 2.2)


_ODM: Final[tuple[Formula, Formula, Formula]] = (_odm_memory, _odm_disk, _odm_seconds)
_EMBEDDED: Final[tuple[Formula, Formula, Formula]] = (_embedded_memory, _embedded_disk, _embedded_seconds)
