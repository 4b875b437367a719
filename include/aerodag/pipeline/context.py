"""What every step gets: the run it works for, the ledger and the places of its files."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from aerodag import ledger
from aerodag.archive import Limits
from aerodag.errors import ConfigError, InfrastructureError
from aerodag.findings import Finding
from aerodag.ledger import Dataset, Run
from aerodag.settings import Settings
from aerodag.storage import Storage

Metrics = dict[str, Any]
PROJECT_NAME = "project"


@dataclass(frozen=True, slots=True)
class StepContext:
    """One step of one run."""

    ledger: psycopg.Connection
    settings: Settings
    storage: Storage
    run: Run
    dataset: Dataset

    @classmethod
    def of(cls, conn: psycopg.Connection, settings: Settings, dag_run_id: str) -> StepContext:
        """The context of an Airflow run. Raises ``ConfigError`` when claim has not recorded it yet."""
        run = ledger.find_run(conn, dag_run_id=dag_run_id)
        if run is None:
            raise ConfigError(
                "run.unknown", f"The ledger has no run {dag_run_id!r}.", advice="Clear the claim task of this run."
            )
        dataset = ledger.get_dataset(conn, dataset_id=run.dataset_id)
        return cls(conn, settings, Storage.of(settings), run, dataset)

    @property
    def work(self) -> Path:
        """The run's scratch folder."""
        return self.storage.work(self.run.id)

    @property
    def project(self) -> Path:
        """The engine's project directory inside the scratch folder."""
        return self.work / PROJECT_NAME

    def product(self, folder: str, name: str) -> Path:
        """Where a product of this run goes."""
        return self.storage.product(folder, self.dataset.id, self.run.id, name)

    @property
    def plan(self) -> dict[str, Any]:
        """The run's plan for its engine. Raises ``ConfigError`` ``run.no_plan``."""
        if self.run.plan is None:
            raise ConfigError(
                "run.no_plan", f"Run {self.run.id} has no plan.", advice="Clear the plan_engine task of this run."
            )
        return self.run.plan

    @property
    def limits(self) -> Limits:
        """What a ZIP may be on this installation."""
        return Limits.of(self.settings)

    def findings(self, *steps: str) -> list[Finding]:
        """What these steps of the run found."""
        found = ledger.list_findings(self.ledger, run_id=self.run.id)
        return [entry.finding for entry in found if entry.step in steps]

    def replace_findings(self, step: str, findings: Sequence[Finding]) -> None:
        """Record what a step found; what its last try found is gone."""
        ledger.replace_findings(self.ledger, run_id=self.run.id, step=step, findings=findings)

    @property
    def raw_uri(self) -> str:
        """Where the registered upload is. Raises ``InfrastructureError`` when it is not where the ledger says."""
        dataset = self.dataset
        if dataset.raw_uri is None or self.storage.size(dataset.raw_uri) is None:
            raise InfrastructureError(
                "dataset.raw_missing",
                f"The upload of dataset {dataset.id} is not at {dataset.raw_uri}.",
                advice="Check that the storage is mounted, or upload the same file again.",
            )
        return dataset.raw_uri

    @property
    def raw(self) -> Path:
        """The registered upload, here. Raises as `raw_uri`."""
        return self.storage.fetch(self.raw_uri, size=self.dataset.size_bytes, sha256=self.dataset.content_sha256)
