"""A run that is ready for its engine, and the engine's task played as the operator and the trigger play it."""

from __future__ import annotations

import gzip
import time
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
from pyproj import Transformer

from aerodag import ledger, photogrammetry
from aerodag.containers.endpoint import Endpoint, connect
from aerodag.containers.states import Labelled, labelled
from aerodag.ledger import Artifact, EngineJob, RecordedFinding, Run
from aerodag.photogrammetry.jobs import Jobs, JobState
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.engine_jobs.end import conclude
from aerodag.pipeline.engine_jobs.start import find_or_start
from aerodag.pipeline.engine_jobs.watch import Ended, JobWatch, open_watch
from aerodag.pipeline.project import fill_project
from aerodag.pipeline.steps import STEPS
from aerodag.settings import Odm, Settings
from aerodag.simulate import Survey, simulate
from aerodag.storage import Storage
from cases.registered import registered_files
from doubles.odm import recipe
from doubles.odm.following import MEBIBYTE
from doubles.odm.project import choose, give_outputs, starts

INTAKE = ("stage", "validate", "extract_metadata", "assess_images", "preflight")
UTM = 32632
_SECONDS = 60.0


def small_survey(folder: Path) -> dict[str, bytes]:
    """Six small photographs with RTK positions, and their mark file."""
    path = simulate(Survey(images=6, width=160, height=120), folder / "survey.zip").zip_path
    with zipfile.ZipFile(path) as bundle:
        return {name: bundle.read(name) for name in bundle.namelist()}


class EngineFlow:
    """One installation with a data root of its own on a real Docker engine; `upload` and `open` make a run."""

    def __init__(self, conn: psycopg.Connection, url: str, endpoint: Endpoint, root: Path) -> None:
        self.conn, self.url, self.endpoint = conn, url, endpoint
        self.settings = Settings(data_root=root)
        self.set()
        self.storage = Storage.of(self.settings)
        self.storage.create()
        self.dag_run_id = ""

    def set(self, **odm: Any) -> None:
        """Settings of ODM other than those that suit the double."""
        suitable: dict[str, Any] = {
            "image": recipe.IMAGE, "pull": "never", "docker_url": self.endpoint.url, "stop_seconds": 1,
            "memory_bytes": 64 * MEBIBYTE, "cpus": 2.0, "disk_soft_bytes": 0, "disk_hard_bytes": 0,
        }  # fmt: skip
        self.settings = self.settings.model_copy(update={"odm": Odm(**suitable | odm)})

    def upload(self, files: dict[str, bytes]) -> int:
        """A registered dataset of these files."""
        source = self.storage.incoming / f"{time.monotonic_ns()}.zip"
        return registered_files(self.conn, source, files).id

    def open(self, dataset_id: int, dag_run_id: str = "first", **choice: Any) -> Run:
        """A run, up to its pre-flight report; again with other choices as a person clears it to be."""
        wish: dict[str, Any] = {"preset": "standard", "options": {}, "gpu": "off"} | choice
        self.dag_run_id = dag_run_id
        known = ledger.find_run(self.conn, dag_run_id=dag_run_id)
        run = ledger.open_run(
            self.conn,
            dataset_id=dataset_id,
            dag_run_id=dag_run_id,
            task_types=["odm_processing"],
            engine="odm",
            priority=2,
            **wish,
        )
        ledger.resume_run(self.conn, run_id=run.id)
        for step in () if known else INTAKE:
            STEPS[step].work(self.context)
        return run

    def close(self, state: str = "failed") -> None:
        """The DAG run has ended."""
        ledger.close_run(self.conn, dag_run_id=self.dag_run_id, state=state)

    @property
    def context(self) -> StepContext:
        """What the next step of the run gets."""
        return StepContext.of(self.conn, self.settings, self.dag_run_id)

    @property
    def run(self) -> Run:
        return self.context.run

    @property
    def project(self) -> Path:
        return self.context.project

    @property
    def jobs(self) -> Jobs:
        """As a new process has it."""
        return photogrammetry.jobs("odm", self.settings)

    def plan(self, **odm: Any) -> Metrics:
        """Make the plan, with other settings where some are given."""
        if odm:
            self.set(**odm)
        return STEPS["plan_engine"].work(self.context)

    def double(self, *says: str, **scenario: object) -> None:
        """What the double does next; ``says`` are more lines of its output, before the first stage's."""
        self.project.mkdir(parents=True, exist_ok=True)
        choose(self.project, **scenario)
        with (self.project / ".double" / "scenario").open("a") as file:
            file.writelines(f"echo '{line}'\n" for line in says)

    def outputs(self, **different: Any) -> None:
        """What the double makes in the end: an orthophoto where the cameras are, and a report on them."""
        fill_project(self.context)
        images = ledger.assigned_images(self.conn, dataset_id=self.run.dataset_id)
        to_utm = Transformer.from_crs(4326, UTM, always_xy=True)
        places = [to_utm.transform(image.longitude, image.latitude) for image in images]
        east, north = (sum(axis) / len(places) for axis in zip(*places, strict=True))
        give_outputs(self.project, **{"west": east - 50, "north": north + 50, "epsg": UTM} | different)

    @contextmanager
    def open_ledger(self) -> Iterator[psycopg.Connection]:
        with ledger.connect(self.url) as conn:
            yield conn

    def begin(self, attempt: int = 1) -> EngineJob:
        """What the worker does before it defers; the double has written down that it was started."""
        row, jobs = find_or_start(self.context, self.jobs, attempt=attempt), self.jobs
        wait_until(
            lambda: (
                any(line.startswith(row.job[:12]) for line in self.starts)
                or jobs.look(row.job).state is not JobState.RUNNING
            )
        )
        return row

    def watch(self, row: EngineJob, **options: Any) -> JobWatch:
        """A new triggerer's watch."""
        return open_watch(self.settings, self.open_ledger, row.engine, row.job, **options)

    def follow(self, row: EngineJob, until: str | None = None, **options: Any) -> Ended | None:
        """Watch as the trigger does, until the end or until the output has a line with ``until``."""
        return follow(self.watch(row, **options), until)

    def end(self, row: EngineJob, ended: Ended | None = None) -> Metrics:
        """What the worker does when the trigger has fired, or when there is nothing to wait for."""
        shown, stop = (ended.lines_shown, ended.stop_reason) if ended else (row.lines_shown, None)
        return conclude(self.context, self.jobs, row.job, shown=shown, stop=stop)

    def play(self, attempt: int = 1) -> Metrics:
        """One try of the task, from its start to its end."""
        row = self.begin(attempt)
        if self.jobs.look(row.job).state is JobState.RUNNING:
            return self.end(row, self.follow(row))
        return self.end(row)

    def row(self, job: str) -> EngineJob:
        found = ledger.find_job(self.conn, engine="odm", job=job)
        assert found is not None
        return found

    @property
    def last(self) -> EngineJob:
        found = ledger.last_job(self.conn, run_id=self.run.id)
        assert found is not None
        return found

    @property
    def starts(self) -> list[str]:
        """One line for each container that ever started on the project: its name and arguments."""
        return starts(self.project)

    def rerun_from(self, start: int = -1) -> str | None:
        """The stage from which a start was asked to go on."""
        words = self.starts[start].split()
        return words[words.index("--rerun-from") + 1] if "--rerun-from" in words else None

    @property
    def containers(self) -> list[Labelled]:
        """What is left of this installation on the Docker engine."""
        with closing(connect(self.endpoint)) as client:
            return labelled(client, installation=self.settings.installation)

    @property
    def findings(self) -> dict[str, RecordedFinding]:
        return {found.code: found for found in ledger.list_findings(self.conn, run_id=self.run.id)}

    @property
    def stages(self) -> dict[str, ledger.EngineStage]:
        return {stage.stage: stage for stage in ledger.list_stages(self.conn, run_id=self.run.id)}

    @property
    def artifacts(self) -> dict[str, Artifact]:
        return {artifact.kind: artifact for artifact in ledger.list_artifacts(self.conn, run_id=self.run.id)}

    def events(self, kind: str) -> list[tuple[str, dict[str, Any]]]:
        rows = self.conn.execute("select message, details from aerodag.event where kind = %s order by id", [kind])
        return list(rows.fetchall())

    def kept_log(self, row: EngineJob) -> list[str]:
        """The lines of a job's log on storage, without their times."""
        path = self.context.product("reports", f"{row.name}.log.gz")
        with gzip.open(path, "rt", encoding="utf-8") as file:
            return [line.rstrip("\n").partition(" ")[2] for line in file]

    def said(self, row: EngineJob) -> list[str]:
        """The lines of a container that still exists."""
        return [line.text for line in self.jobs.lines(row.job)]


def follow(watch: JobWatch, until: str | None = None) -> Ended | None:
    """Look again and again, until the end or until the output has a line with ``until``."""
    limit = time.monotonic() + _SECONDS
    while time.monotonic() < limit:
        if (ended := watch.look(datetime.now(UTC))) is not None:
            return ended
        if until is not None and any(until in line for line in watch.watcher.tail):
            return None
        time.sleep(0.05)
    raise AssertionError(f"the job neither ended nor said {until!r} within {_SECONDS:.0f} s")


def shown_lines(entries: Sequence[dict[str, Any]]) -> Counter[str]:
    """How often each line of an engine is in a task log that structlog's `capture_logs` caught."""
    return Counter(str(entry["line"]) for entry in entries if "line" in entry)


def later(seconds: float) -> datetime:
    """A moment that is still to come."""
    return datetime.now(UTC) + timedelta(seconds=seconds)


def wait_until(true: Callable[[], bool]) -> None:
    """Wait for something that happens elsewhere."""
    limit = time.monotonic() + _SECONDS
    while not true():
        assert time.monotonic() < limit
        time.sleep(0.05)
