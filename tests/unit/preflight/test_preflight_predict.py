"""What a reconstruction will need, against published and measured runs."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aerodag.preflight import Basis, Estimate, Job, PastRun, Prediction, Workload, predict

GIB = 1024**3
MB = 1_000_000


def workload(images: int, megapixels: float = 12.0) -> Workload:
    return Workload(images=images, megapixels_per_image=megapixels, input_bytes=round(images * megapixels * 0.5e6))


def estimates(prediction: Prediction) -> list[Estimate]:
    return [prediction.memory_bytes, prediction.disk_bytes, prediction.seconds]


@pytest.mark.parametrize(("images", "documented", "fitted"), [(500, 32, 37), (1500, 64, 79), (3500, 192, 163)])
def test_memory_of_odm_lies_between_its_two_published_figures(images: int, documented: int, fitted: int) -> None:
    memory = predict(workload(images), Job(engine="odm", cores=16)).memory_bytes
    assert memory.likely == pytest.approx(fitted * GIB, rel=0.01)
    assert memory.low <= min(documented, fitted) * GIB
    assert memory.high >= max(documented, fitted) * GIB


@pytest.mark.parametrize(("images", "gigabytes"), [(40, 4), (250, 16)])
def test_small_surveys_need_what_the_documentation_says(images: int, gigabytes: int) -> None:
    assert predict(workload(images), Job(engine="odm")).memory_bytes.likely == gigabytes * GIB


def test_fast_takes_half_the_memory_and_elevation_half_as_much_again() -> None:
    standard, fast, elevation = (
        predict(workload(1000), job).memory_bytes.likely
        for job in (Job(engine="odm"), Job(engine="odm", preset="fast"), Job(engine="odm", dsm=True))
    )
    assert (fast / standard, elevation / standard) == (pytest.approx(0.5), pytest.approx(1.5))


@pytest.mark.parametrize(
    ("preset", "each_gib", "times", "floor_gib"),
    [("fast", 0.075, 6, 20), ("standard", 0.10, 8, 30), ("dem", 0.15, 12, 100)],
)
def test_disk_of_odm_is_the_greater_of_two_rules(preset: str, each_gib: float, times: int, floor_gib: int) -> None:
    job = Job(engine="odm", preset=preset)
    small_files = predict(Workload(images=4000, megapixels_per_image=12, input_bytes=GIB), job).disk_bytes
    assert small_files.likely == pytest.approx(4000 * each_gib * GIB)
    large_files = predict(Workload(images=100, megapixels_per_image=12, input_bytes=200 * GIB), job).disk_bytes
    assert (large_files.likely, large_files.low) == (times * 200 * GIB, 400 * GIB)
    assert predict(workload(20), job).disk_bytes.high == floor_gib * GIB


# OpenDroneMap/odm-benchmarks, default options at full resolution: images, threads, minutes.
BENCHMARKS = [
    (77, 24, 15.9), (87, 24, 14.1), (172, 24, 32.5), (225, 24, 37.4), (271, 24, 41.4), (493, 24, 72.0),
    (18, 16, 4.0), (77, 16, 34.0), (87, 16, 27.0), (122, 16, 12.0), (167, 16, 35.0), (225, 16, 70.0),
    (87, 8, 25.0), (172, 8, 65.0), (225, 8, 104.0), (493, 8, 103.0),
]  # fmt: skip


@pytest.mark.parametrize(("images", "threads", "minutes"), BENCHMARKS)
def test_published_benchmarks_lie_in_the_predicted_range(images: int, threads: int, minutes: float) -> None:
    seconds = predict(workload(images), Job(engine="odm", cores=threads)).seconds
    assert seconds.low <= minutes * 60 <= seconds.high


# Own runs on two cores: images, megapixels, input MB, preset, CPU seconds, peak RSS MB, peak work space MB.
MEASURED = [
    (18, 9.0, 62, "standard", 37, 771, 148),
    (18, 9.0, 62, "fast", 20, 454, 82),
    (24, 2.08, 22, "standard", 91, 659, 105),
    (80, 12.0, 254, "standard", 323, 989, 678),
]


@pytest.mark.parametrize(("images", "megapixels", "size", "preset", "cpu", "memory", "disk"), MEASURED)
def test_measured_runs_of_the_embedded_engine_lie_in_the_range(
    images: int, megapixels: float, size: int, preset: str, cpu: float, memory: float, disk: float
) -> None:
    upload = Workload(images=images, megapixels_per_image=megapixels, input_bytes=size * MB)
    found = predict(upload, Job(engine="embedded", preset=preset, cores=2))
    # Of two cores an idle machine keeps about three quarters busy.
    for estimate, value in zip(estimates(found), (memory * MB, disk * MB, cpu / 1.5), strict=True):
        assert estimate.low <= value <= estimate.high


def test_own_history_moves_and_narrows_the_estimate() -> None:
    job, upload = Job(engine="odm", cores=8), workload(200)
    prior = predict(upload, job)
    runs = [
        PastRun(engine="odm", preset="standard", images=200, megapixels=12.0, seconds=3 * prior.seconds.likely, cores=8)
    ]
    one, many = predict(upload, job, runs), predict(upload, job, runs * 20)
    assert prior.seconds.likely < one.seconds.likely < many.seconds.likely
    assert many.seconds.likely == pytest.approx(3 * prior.seconds.likely, rel=0.12)
    assert many.seconds.high / many.seconds.low < 2 < prior.seconds.high / prior.seconds.low
    assert (many.seconds.basis, many.seconds.runs) == (Basis.HISTORY, 20)
    assert (many.memory_bytes.basis, many.memory_bytes) == (Basis.FORMULA, prior.memory_bytes)


def test_one_wild_run_does_not_move_a_history() -> None:
    job, upload = Job(engine="embedded", cores=2), workload(80)
    good = PastRun(
        engine="embedded", preset="standard", images=80, megapixels=12.0,
        seconds=predict(upload, job).seconds.likely, cores=2,
    )  # fmt: skip
    settled = predict(upload, job, [good] * 9).seconds.likely
    wild = replace(good, seconds=1e6)
    assert predict(upload, job, [*[good] * 9, wild]).seconds.likely == pytest.approx(settled, rel=0.01)


def test_history_of_another_engine_says_nothing() -> None:
    run = PastRun(engine="odm", preset="standard", images=80, megapixels=12.0, seconds=1e6, peak_rss_bytes=1)
    job = Job(engine="embedded", cores=2)
    assert predict(workload(80), job, [run]) == predict(workload(80), job)


@pytest.mark.parametrize("engine", ["odm", "embedded"])
def test_an_upload_without_a_usable_image_needs_next_to_nothing(engine: str) -> None:
    run = PastRun(engine=engine, preset="standard", images=12, megapixels=0.5, seconds=9.0, peak_rss_bytes=3 * 10**8,
                  disk_bytes=10**7)  # fmt: skip
    nothing = predict(Workload(images=0, megapixels_per_image=0.0, input_bytes=0), Job(engine=engine, cores=2), [run])
    assert nothing.disk_bytes.low == 0


measures = st.one_of(st.none(), st.floats(allow_nan=True, allow_infinity=True))
past_runs = st.builds(
    PastRun,
    engine=st.sampled_from(["odm", "embedded"]),
    preset=st.sampled_from(["fast", "standard", "dem", "unheard of"]),
    images=st.integers(-5, 10**6),
    megapixels=st.floats(),
    peak_rss_bytes=st.one_of(st.none(), st.integers(-1, 2**60)),
    seconds=measures,
    disk_bytes=st.one_of(st.none(), st.integers(-1, 2**60)),
    cores=st.one_of(st.none(), st.integers(-1, 1000)),
)
jobs = st.builds(
    Job,
    engine=st.sampled_from(["odm", "embedded"]),
    preset=st.sampled_from(["fast", "draft", "standard", "dem", "forest", "multispectral", "unheard of"]),
    dsm=st.booleans(),
    cores=st.integers(-1, 1000),
)


@given(
    images=st.tuples(st.integers(-5, 10**6), st.integers(-5, 10**6)),
    megapixels=st.floats(),
    input_bytes=st.integers(-1, 2**50),
    job=jobs,
    history=st.lists(past_runs, max_size=6),
)
def test_more_images_never_need_less_and_no_figure_is_negative(
    images: tuple[int, int], megapixels: float, input_bytes: int, job: Job, history: list[PastRun]
) -> None:
    fewer, more = (
        predict(Workload(images=count, megapixels_per_image=megapixels, input_bytes=input_bytes), job, history)
        for count in sorted(images)
    )
    for less, greater in zip(estimates(fewer), estimates(more), strict=True):
        assert 0 <= less.low <= less.likely <= less.high
        assert math.isfinite(less.high)
        for name in ("low", "likely", "high"):
            # Logarithms of history round differently in the last digit.
            assert getattr(less, name) <= getattr(greater, name) * (1 + 1e-9) + 1
