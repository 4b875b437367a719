"""Task bodies of the housekeeping DAG."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from aerodag.airflow.connection import open_ledger
from aerodag.airflow.defaults import PROCESS_DAG_ID

if TYPE_CHECKING:
    from airflow.sdk.types import RuntimeTaskInstanceProtocol

UNDER_WAY = ["queued", "running"]
# All ids of one question go into its URL.
MOST_IDS = 40


class DagRuns:
    """The runs of `process_dataset`, as Airflow's API server tells them to a task.

    Counts are asked for, because they alone tell an unknown run from a server that is away: the state of an unknown
    run is an error like any other.
    """

    def __init__(self, task_instance: RuntimeTaskInstanceProtocol) -> None:
        self._task_instance = task_instance

    def active(self, dag_run_ids: Sequence[str]) -> set[str]:
        """Those of them that are queued or running; a question for many where all or none are."""
        pieces = [list(dag_run_ids[start : start + MOST_IDS]) for start in range(0, len(dag_run_ids), MOST_IDS)]
        return {run_id for piece in pieces for run_id in self._active(piece)}

    def state(self, dag_run_id: str) -> str | None:
        """The state of a run, None where Airflow has none of that id."""
        from airflow.sdk import DagRunState

        if not self._task_instance.get_dr_count(PROCESS_DAG_ID, run_ids=[dag_run_id]):
            return None
        return DagRunState(self._task_instance.get_dagrun_state(PROCESS_DAG_ID, dag_run_id)).value

    def _active(self, run_ids: list[str]) -> list[str]:
        count = self._task_instance.get_dr_count(PROCESS_DAG_ID, run_ids=run_ids, states=UNDER_WAY)
        if count in {0, len(run_ids)}:
            return run_ids if count else []
        half = len(run_ids) // 2
        return [*self._active(run_ids[:half]), *self._active(run_ids[half:])]


def sweep_all() -> dict[str, dict[str, int]]:
    """One sweep; returns what each concern counted, nothing where another sweep is under way."""
    from airflow.configuration import conf
    from airflow.sdk import get_current_context

    from aerodag.airflow.installation import installation
    from aerodag.pipeline.housekeeping.round import Round
    from aerodag.pipeline.housekeeping.sweeping import sweep
    from aerodag.storage import Storage

    settings = installation()
    runs = DagRuns(get_current_context()["ti"])
    with open_ledger() as conn, closing(Storage.of(settings)) as storage:
        log_folder = Path(conf.get_mandatory_value("logging", "base_log_folder"))
        return sweep(Round(conn, settings, storage, runs, log_folder, datetime.now(UTC)))
