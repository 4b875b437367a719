"""The figures as metrics: names and units by Prometheus' conventions, and labels that take few values.

What is told of runs, steps and stages that ended are counters and histograms of the totals that the ledger keeps, which
only grow. What is told of a day or a week are gauges, counted anew each time: runs are too few for the rates that
Prometheus estimates from counters.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import groupby

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily, Metric

from aerodag.monitoring.disk import DiskFigures
from aerodag.monitoring.figures import (
    ActiveRuns,
    ActiveStep,
    Condition,
    Durations,
    Endings,
    EngineAtWork,
    Figures,
    RecentEnds,
    RecentEngine,
    Stored,
    Waiting,
)

Row = tuple[Sequence[str], float]
# Kinds of hold that there are; each is told also while nothing holds.
HOLDS = ("disk",)
UPLOAD_TYPES = ("raw_images_zip", "geotiff", "video")


def ledger_families(figures: Figures) -> Iterator[Metric]:
    """Everything that the ledger tells."""
    yield from _queue(figures.waiting)
    yield from _active(figures.active_runs, figures.active_steps, figures.stuck)
    yield from _recent(figures.recent_ends)
    yield from _endings(figures.endings)
    yield from _durations(figures.durations)
    yield from _engines(figures.engines)
    yield from _recent_engines(figures.recent_engines)
    yield from _stored(figures.stored)
    yield from _condition(figures.condition)


def disk_families(disks: Mapping[str, DiskFigures | None]) -> Iterator[Metric]:
    """The disks by what lies on them, ``data`` is the data root; measured as housekeeping measures them."""
    there = {place: disk for place, disk in disks.items() if disk is not None}
    up = [((place,), float(place in there)) for place in disks]
    total = [((place,), disk.total_bytes) for place, disk in there.items()]
    free = [((place,), disk.free_bytes) for place, disk in there.items()]
    used = [((place,), disk.used_ratio) for place, disk in there.items()]
    yield _gauge("disk_up", "1 while the place is there.", up, ("place",))
    yield _gauge("disk_total_bytes", "Size of the disk that the place lies on.", total, ("place",))
    yield _gauge("disk_free_bytes", "What of it may be written by the pipeline.", free, ("place",))
    yield _gauge("disk_used_ratio", "Used share of it, 0 to 1, without what is kept for root.", used, ("place",))


def _queue(waiting: Iterable[Waiting]) -> Iterator[Metric]:
    rows = list(waiting)
    labels = ("run", "upload_type")
    yield _gauge(
        "queue_datasets",
        "Datasets that wait for a place, for their first run or for a further one.",
        [((row.run, row.upload_type), row.datasets) for row in rows],
        labels,
    )
    yield _gauge(
        "queue_oldest_seconds",
        "How long the one that waits longest has been waiting; 0 where none waits.",
        [((row.run, row.upload_type), row.oldest_s) for row in rows],
        labels,
    )


def _active(runs: Iterable[ActiveRuns], steps: Iterable[ActiveStep], stuck: int) -> Iterator[Metric]:
    yield _gauge(
        "runs_active",
        "Runs under way: queued, running, or in review, waiting for a person.",
        [((row.state, row.preset, row.engine), row.runs) for row in runs],
        ("state", "preset", "engine"),
    )
    yield _gauge(
        "steps_active", "Steps that active runs are at.", [((row.step,), row.runs) for row in steps], ("step",)
    )
    yield _gauge("runs_stuck", "Active runs without a sign of progress for two hours.", [((), stuck)])


def _recent(ends: Iterable[RecentEnds]) -> Iterator[Metric]:
    ended: Counter[tuple[str, ...]] = Counter()
    failed: Counter[tuple[str, ...]] = Counter()
    for row in ends:
        ended[row.period, row.state, row.preset, row.engine] += row.runs
        if row.state == "failed":
            failed[row.period, row.code, row.category] += row.runs
    yield _gauge(
        "recent_runs",
        "Runs that ended in the last day or week, by what has become of them since.",
        ended.items(),
        ("period", "state", "preset", "engine"),
    )
    yield _gauge("recent_failures", "Of these, the failed ones.", failed.items(), ("period", "code", "category"))


def _endings(endings: Iterable[Endings]) -> Iterator[Metric]:
    runs: Counter[tuple[str, ...]] = Counter()
    failures: Counter[tuple[str, ...]] = Counter()
    images: Counter[tuple[str, ...]] = Counter()
    gpu: dict[tuple[str, ...], float] = {}
    for row in endings:
        runs[row.state, row.preset, row.engine] += row.runs
        images[(row.engine,)] += row.images
        gpu[(row.engine,)] = gpu.get((row.engine,), 0.0) + row.gpu_seconds
        if row.state == "failed":
            failures[row.code, row.category] += row.runs
    yield _counter("runs_finished", "Ends of runs.", runs.items(), ("state", "preset", "engine"))
    yield _counter("run_failures", "Ends of runs that failed.", failures.items(), ("code", "category"))
    yield _counter("engine_images", "Images that engines made orthophotos of.", images.items(), ("engine",))
    yield _counter(
        "engine_gpu_seconds", "Time that GPUs were given to engines, times their number.", gpu.items(), ("engine",)
    )


def _durations(durations: Iterable[Durations]) -> Iterator[Metric]:
    runs = HistogramMetricFamily(
        "aerodag_run_duration_seconds",
        "Time from the start of a run, or from its resumption, to its end.",
        labels=("state", "preset", "engine"),
    )
    steps = HistogramMetricFamily(
        "aerodag_step_duration_seconds", "Time of the tries of steps, of runs that ended.", labels=("step", "state")
    )
    stages = HistogramMetricFamily(
        "aerodag_engine_stage_duration_seconds",
        "Time of the stages of engines, of runs that ended.",
        labels=("engine", "stage"),
    )
    retries: list[Row] = []
    for (kind, name, engine, outcome), group in groupby(
        durations, lambda row: (row.kind, row.name, row.engine, row.outcome)
    ):
        classes = list(group)
        buckets = [(_le(row.bound), row.times) for row in classes]
        if kind == "run":
            runs.add_metric((outcome, name, engine), buckets, classes[-1].seconds)
        elif kind == "step":
            steps.add_metric((name, outcome), buckets, classes[-1].seconds)
            if outcome == "retrying":
                retries.append(((name,), classes[-1].times))
        else:
            stages.add_metric((engine, name), buckets, classes[-1].seconds)
    yield from (runs, steps, stages)
    yield _counter("step_retries", "Tries of steps that failed and were followed by another.", retries, ("step",))


def _le(bound: float) -> str:
    return "+Inf" if bound == float("inf") else f"{bound:g}"


def _engines(engines: Iterable[EngineAtWork]) -> Iterator[Metric]:
    rows = list(engines)
    yield _gauge(
        "engine_runs_active",
        "Runs whose engine is at work, with a GPU or without.",
        [((row.engine, "yes" if row.gpu else "no"), row.runs) for row in rows],
        ("engine", "gpu"),
    )
    yield _gauge("engine_gpus_active", "GPUs that these were given.", [((), sum(row.gpus for row in rows))])
    yield _gauge(
        "engine_longest_seconds",
        "How long the engine that works longest has been working.",
        [((), max((row.longest_s for row in rows), default=0.0))],
    )
    yield _gauge(
        "engine_unwatched_seconds",
        "Since the last look at a running engine job, of the one that was looked at the longest ago.",
        [((), max((row.unwatched_s for row in rows), default=0.0))],
    )
    yield _gauge("engine_jobs_overdue", "Engine jobs over their deadline.", [((), sum(row.overdue for row in rows))])


def _recent_engines(engines: Iterable[RecentEngine]) -> Iterator[Metric]:
    rows = list(engines)
    yield _gauge(
        "recent_engine_runs",
        "Engine runs that ended well in the last week: all, granted a GPU, used one.",
        [
            row_of
            for row in rows
            for row_of in (
                ((row.engine, "all"), row.runs),
                ((row.engine, "granted"), row.gpu_granted),
                ((row.engine, "used"), row.gpu_used),
            )
        ],
        ("engine", "gpu"),
    )
    yield _gauge(
        "recent_engine_seconds_per_image",
        "Time of the engine for an image, at the mean of the last week.",
        [((row.engine,), row.seconds / row.images) for row in rows if row.images],
        ("engine",),
    )
    yield _gauge(
        "recent_engine_peak_memory_bytes",
        "The most memory that an engine took in the last week.",
        [((row.engine,), row.peak_memory_bytes) for row in rows if row.peak_memory_bytes],
        ("engine",),
    )


def _stored(stored: Iterable[Stored]) -> Iterator[Metric]:
    size: Counter[tuple[str, ...]] = Counter()
    files: Counter[tuple[str, ...]] = Counter()
    uploads: Counter[tuple[str, ...]] = Counter(dict.fromkeys(((kind,) for kind in UPLOAD_TYPES), 0))
    upload_bytes: Counter[tuple[str, ...]] = Counter(dict.fromkeys(((kind,) for kind in UPLOAD_TYPES), 0))
    for row in stored:
        size[row.storage_class, row.version] += row.bytes
        files[row.storage_class, row.version] += row.files
        if row.kind in UPLOAD_TYPES:
            uploads[(row.kind,)] += row.files
            upload_bytes[(row.kind,)] += row.bytes
    labels = ("class", "version")
    yield _gauge("storage_bytes", "Size of the files on record; old are earlier versions.", size.items(), labels)
    yield _gauge("storage_files", "Number of the files on record.", files.items(), labels)
    yield _counter("datasets_registered", "Uploads that became datasets.", uploads.items(), ("upload_type",))
    yield _counter("datasets_registered_bytes", "Their size.", upload_bytes.items(), ("upload_type",))


def _condition(condition: Condition) -> Iterator[Metric]:
    yield _gauge("reviews_open", "Runs that wait for a person's answer.", [((), condition.reviews)])
    yield _gauge(
        "reviews_oldest_seconds", "How long the oldest of them has been waiting.", [((), condition.review_oldest_s)]
    )
    yield _gauge("runs_late", "Active runs beyond their expected time.", [((), condition.late)])
    yield _gauge("datasets_quarantined", "Datasets in quarantine.", [((), condition.quarantined)])
    yield _gauge("notifications_waiting", "Notifications that are to be sent.", [((), condition.notifications)])
    yield _gauge(
        "notifications_overdue_seconds",
        "How long the one that is due longest has been due; 0 while none is.",
        [((), condition.notification_overdue_s)],
    )
    yield _counter(
        "notifications_dropped", "Notifications that were given up.", [((), condition.notifications_dropped)]
    )
    yield _gauge(
        "hold",
        "1 while new engine runs are held back.",
        [((kind,), float(kind in condition.holds)) for kind in sorted({*HOLDS, *condition.holds})],
        ("kind",),
    )
    yield _moment("housekeeping_last_sweep", "When housekeeping last ended a sweep.", condition.swept_at)
    yield _moment("ingest_last_look", "When ingest last looked at the incoming location.", condition.looked_at)


def _moment(name: str, text: str, moment: float | None) -> Metric:
    return _gauge(f"{name}_timestamp_seconds", text, [] if moment is None else [((), moment)])


def _gauge(name: str, text: str, rows: Iterable[Row], labels: Sequence[str] = ()) -> Metric:
    family = GaugeMetricFamily(f"aerodag_{name}", text, labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family


def _counter(name: str, text: str, rows: Iterable[Row], labels: Sequence[str] = ()) -> Metric:
    family = CounterMetricFamily(f"aerodag_{name}", text, labels=labels)
    for values, value in rows:
        family.add_metric(values, value)
    return family
