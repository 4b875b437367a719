"""An installation with real files on a real ledger, swept at moments and with a disk that a test chooses."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from aerodag import ledger
from aerodag.ledger import Artifact, Run
from aerodag.pipeline.housekeeping.round import Counts, Round
from aerodag.pipeline.housekeeping.sweeping import sweep
from aerodag.settings import Disk, Housekeeping, Odm, Settings
from aerodag.storage import Storage

NOWHERE = Odm(docker_url="unix:///nowhere/docker.sock")


@dataclass
class KnownRuns:
    """What an Airflow would answer; without an answer it is away."""

    states: dict[str, str] | None = field(default_factory=dict)
    questions: int = 0

    def active(self, dag_run_ids: Sequence[str]) -> set[str]:
        self.questions += 1
        return {name for name in dag_run_ids if self._known().get(name) in {"queued", "running"}}

    def state(self, dag_run_id: str) -> str | None:
        return self._known().get(dag_run_id)

    def _known(self) -> dict[str, str]:
        if self.states is None:
            raise ConnectionError("no answer from the API server")
        return self.states


@dataclass
class Usage:
    """A disk of 1000 bytes."""

    used: int = 100
    total: int = 1000

    @property
    def free(self) -> int:
        return self.total - self.used


@dataclass(frozen=True)
class Told:
    """An event of the journal."""

    kind: str
    message: str
    details: dict[str, Any]
    dataset_id: int | None
    run_id: int | None


class House:
    """One installation; time passes only where a test says so."""

    def __init__(self, conn: psycopg.Connection, root: Path) -> None:
        self.conn = conn
        self.settings = Settings(data_root=root / "data", odm=NOWHERE)
        self.storage = Storage.of(self.settings)
        self.storage.create()
        self.airflow = KnownRuns()
        self.logs = root / "logs"
        self.disk = Usage()
        self.now = datetime.now(UTC)

    def keep(self, **housekeeping: Any) -> None:
        self.settings = self.settings.model_copy(update={"housekeeping": Housekeeping(**housekeeping)})

    def disk_levels(self, **levels: Any) -> None:
        self.settings = self.settings.model_copy(update={"disk": Disk(**levels)})

    def later(self, *, minutes: float = 0, hours: float = 0, days: float = 0) -> None:
        self.now += timedelta(minutes=minutes, hours=hours, days=days)

    def means(self, conn: psycopg.Connection | None = None) -> Round:
        return Round(
            conn or self.conn, self.settings, self.storage, self.airflow, self.logs, self.now, lambda _: self.disk
        )

    def sweep(self, **passed: float) -> dict[str, Counts]:
        """A sweep, after so much time."""
        self.later(**passed)
        return sweep(self.means())

    def dataset(self, name: str = "flight", content: bytes = b"zip") -> int:
        """A registered dataset with its upload on storage."""
        digest = hashlib.sha256(name.encode() + content).hexdigest()
        found = ledger.register(
            self.conn, name=name, owner="anna", source_uri=f"file:///incoming/{name}.zip", content_sha256=digest,
            size_bytes=len(content), upload_type="raw_images_zip",
        ).dataset  # fmt: skip
        path = self.storage.raw(found.id, f"{name}.zip")
        self.write(path, content)
        ledger.move_raw(self.conn, dataset_id=found.id, raw_uri=path.as_uri())
        return found.id

    def run(self, dataset_id: int, name: str = "first", **choice: Any) -> Run:
        """A run that is under way, in Airflow too."""
        wish: dict[str, Any] = {"preset": "standard", "engine": "auto", "options": {}, "priority": 3} | choice
        run = ledger.open_run(self.conn, dataset_id=dataset_id, dag_run_id=name, task_types=["odm_processing"], **wish)
        assert self.airflow.states is not None
        self.airflow.states[name] = "running"
        return ledger.resume_run(self.conn, run_id=run.id)

    def end(self, name: str = "first", state: str = "succeeded") -> None:
        """The run ends, in Airflow too."""
        ledger.close_run(self.conn, dag_run_id=name, state=state, code=None if state == "succeeded" else "test.ended")
        assert self.airflow.states is not None
        self.airflow.states[name] = "success" if state == "succeeded" else "failed"

    def state(self, name: str = "first") -> Run:
        run = ledger.find_run(self.conn, dag_run_id=name)
        assert run is not None
        return run

    def product(self, run: Run, kind: str = "orthophoto", content: bytes = b"pixels", name: str = "") -> Artifact:
        """A product of a run, on storage and on record."""
        path = self.storage.product("archive", run.dataset_id, run.id, f"{kind}{name}.tif")
        self.write(path, content)
        return ledger.record_artifact(
            self.conn, run_id=run.id, kind=kind, name=name, uri=path.as_uri(), bytes=len(content)
        )

    def write(self, path: Path, content: bytes = b"x", *, hours_old: float = 0) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        moment = (self.now - timedelta(hours=hours_old)).timestamp()
        os.utime(path, (moment, moment))
        os.utime(path.parent, (moment, moment))
        return path

    def ended(self, name: str = "first", *, hours_ago: float) -> None:
        """Say that a run ended so long ago."""
        moment = self.now - timedelta(hours=hours_ago)
        self.conn.execute("update aerodag.run set finished_at = %s where dag_run_id = %s", [moment, name])

    @property
    def told(self) -> list[Told]:
        """All events, in their order."""
        rows = self.conn.execute(
            "select kind, message, details, dataset_id, run_id from aerodag.event order by id"
        ).fetchall()
        return [Told(*row) for row in rows]

    def kinds(self) -> list[str]:
        return [event.kind for event in self.told]

    def only(self, kind: str) -> Told:
        """The one event of that kind."""
        (event,) = [event for event in self.told if event.kind == kind]
        return event
