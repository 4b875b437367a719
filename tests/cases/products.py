"""A GeoTIFF's run without an Airflow: each step here, or in a worker of its own that can be killed."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import psycopg
import rasterio
from PIL import Image
from rio_cogeo.cogeo import cog_validate

from aerodag import ledger
from aerodag.ledger import Artifact, Run
from aerodag.pipeline.context import Metrics, StepContext
from aerodag.pipeline.incoming import register_upload
from aerodag.pipeline.steps import STEPS
from aerodag.settings import Products, Settings
from aerodag.storage import Storage, local_path, sha256_of
from aerodag.storage.arrivals import find_arrival

TASK_TYPES = ["geotiff", "cog", "thumbnail", "metadata", "indices"]
PRODUCT_STEPS = ("publish_ortho", "standardise", "cog", "thumbnail", "indices", "metadata", "stac")
_WORKER = "import sys; from cases.products import in_a_worker; in_a_worker(*sys.argv[1:])"


def settings_of(root: Path, **products: Any) -> Settings:
    """An installation below ``root``."""
    return Settings(home=root / "home", data_root=root / "data", products=Products(**products))


def in_a_worker(url: str, root: str, dag_run_id: str, step: str) -> None:
    """One step as a task of its own process; says when its libraries are loaded and the work begins."""
    from aerodag import raster  # noqa: F401

    context = StepContext.of(ledger.connect(url), settings_of(Path(root)), dag_run_id)
    print("begins", flush=True)
    STEPS[step].work(context)


class ProductFlow:
    """One installation on a real ledger; `upload` and `open` make a run."""

    def __init__(self, conn: psycopg.Connection, url: str, root: Path, **products: Any) -> None:
        self.conn, self.url, self.root = conn, url, root
        self.settings = settings_of(root, **products)
        self.storage = Storage.of(self.settings)
        self.storage.create()
        self.dag_run_id = ""

    def upload(self, raster: Path) -> int:
        """The dataset of a copy of this file."""
        shutil.copyfile(raster, self.storage.incoming / raster.name)
        arrival = find_arrival(self.storage, raster.name)
        assert arrival is not None
        return register_upload(self.conn, self.storage, arrival).id

    def open(self, dataset_id: int, dag_run_id: str = "first", task_types: list[str] | None = None) -> Run:
        """A run that is under way; the one before has ended."""
        if self.dag_run_id:
            ledger.close_run(self.conn, dag_run_id=self.dag_run_id, state="failed")
        self.dag_run_id = dag_run_id
        run = ledger.open_run(
            self.conn, dataset_id=dataset_id, dag_run_id=dag_run_id, task_types=task_types or TASK_TYPES,
            preset="standard", engine="auto", options={}, priority=2,
        )  # fmt: skip
        ledger.resume_run(self.conn, run_id=run.id)
        return run

    @property
    def context(self) -> StepContext:
        """What the next step of the run gets."""
        return StepContext.of(self.conn, self.settings, self.dag_run_id)

    def step(self, name: str) -> Metrics:
        return STEPS[name].work(self.context)

    def steps(self, *names: str) -> None:
        for name in names or ("stage", *PRODUCT_STEPS, "promote"):
            self.step(name)

    def worker(self, step: str) -> subprocess.Popen[str]:
        """A step in a process of its own, at the moment when its work begins."""
        process = subprocess.Popen(
            [sys.executable, "-c", _WORKER, self.url, str(self.root), self.dag_run_id, step],
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[1])},
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "begins\n"
        return process

    def killed(self, step: str, seconds: float) -> bool:
        """Run a step in a worker and kill it after so long; False if it was done by then."""
        process = self.worker(step)
        time.sleep(seconds)
        alive = process.poll() is None
        os.killpg(process.pid, signal.SIGKILL) if alive else None
        process.wait()
        return alive

    def artifact(self, kind: str, name: str = "") -> Artifact | None:
        """What is valid of a kind for the run's dataset."""
        return ledger.current_artifact(self.conn, dataset_id=self.context.dataset.id, kind=kind, name=name)

    def file(self, kind: str, name: str = "") -> Path:
        artifact = self.artifact(kind, name)
        assert artifact is not None
        return local_path(artifact.uri)

    def recorded(self) -> dict[Path, str | None]:
        """The files of the run that are on record, with their checksums."""
        artifacts = ledger.list_artifacts(self.conn, run_id=self.context.run.id)
        return {local_path(artifact.uri): artifact.sha256 for artifact in artifacts}

    def require_whole(self) -> None:
        """Whatever has its final name can be read to its end, and what is on record is what lies there."""
        for folder in ("archive", "cogs", "thumbnails", "metadata", "stac"):
            for path in (self.storage.root / folder).rglob("*"):
                if path.is_file() and not any(part.startswith(".") for part in path.parts[len(self.root.parts) :]):
                    _read(path)
        for path, sha256 in self.recorded().items():
            assert sha256_of(path) == sha256, path

    def leftovers(self) -> list[Path]:
        """Temporary files and folders beside the products."""
        folders = [self.storage.root / name for name in ("archive", "cogs", "thumbnails", "metadata", "stac")]
        return [path for folder in folders for path in folder.rglob(".*")]


def _read(path: Path) -> None:
    if path.suffix == ".tif":
        with rasterio.open(path) as dataset:
            dataset.read()
        if path.parent.parent.parent.name == "cogs" or path.name.endswith("_archive.tif"):
            assert cog_validate(path, strict=True, quiet=True)[0], path
    elif path.suffix in {".webp", ".jpeg", ".jpg", ".png"}:
        Image.open(path).load()
    elif path.suffix == ".json":
        import json

        json.loads(path.read_text())
