"""The review under a real Airflow: parked without a worker, answered by REST, defaulted by the scheduler."""

from __future__ import annotations

import shutil
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from aerodag import ledger
from aerodag.simulate import Survey, simulate
from systems.served import SetUp, served

pytestmark = pytest.mark.e2e

DAG = "process_dataset"
# Long enough to answer by REST in time, short enough to wait for the default once.
SECONDS = 60

T = TypeVar("T")


def wait_for(what: str, ask: Callable[[], T | None], seconds: float = 300) -> T:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if answer := ask():
            return answer
        time.sleep(0.3)
    pytest.fail(f"{what}: not in {seconds} s")


class Reviewed(SetUp):
    """A set-up whose ingest sleeps, so that only what a test triggers runs."""

    survey: Path

    def start(self, name: str, **conf: object) -> ledger.Run:
        upload = self.storage.incoming / f"{name}.zip.part"
        shutil.copyfile(self.survey, upload)
        with zipfile.ZipFile(upload, "a") as bundle:
            bundle.writestr(f"{name}.txt", name)  # other content, so another dataset
        upload.rename(upload.with_suffix(""))
        asked = {"source": f"{name}.zip", "engine": "embedded", "task_types": ["odm_processing"]}
        self.client.trigger(DAG, name, asked | conf)
        return wait_for(f"run {name}", lambda: ledger.find_run(self.conn, dag_run_id=name))

    def path(self, run: ledger.Run) -> str:
        return f"dags/{DAG}/dagRuns/{run.dag_run_id}/taskInstances/review"

    def parked(self, run: ledger.Run) -> dict[str, Any]:
        """What Airflow asks a person, once the task waits."""
        wait_for("a question", lambda: self.rest("GET", self.path(run))["state"] == "awaiting_input")
        return self.rest("GET", f"{self.path(run)}/-1/hitlDetails")

    def answer(self, run: ledger.Run, option: str, **fields: object) -> None:
        # A task that is resumed before the scheduler knows that its process ended is taken for a killed one.
        time.sleep(10)
        body = {"chosen_options": [option], "params_input": fields}
        self.rest("PATCH", f"{self.path(run)}/-1/hitlDetails", body)

    def ended(self, run: ledger.Run) -> ledger.Run:
        def ask() -> ledger.Run | None:
            state = self.rest("GET", f"dags/{DAG}/dagRuns/{run.dag_run_id}")["state"]
            return ledger.get_run(self.conn, run_id=run.id) if state in {"success", "failed"} else None

        return wait_for(f"the end of {run.dag_run_id}", ask, 300)

    def step(self, run: ledger.Run, name: str = "review") -> ledger.Step:
        return [step for step in ledger.list_steps(self.conn, run_id=run.id) if step.name == name][-1]

    def review(self, run: ledger.Run) -> ledger.Review:
        return ledger.list_reviews(self.conn, run_id=run.id)[-1]

    def events(self, run: ledger.Run) -> list[str]:
        rows = self.conn.execute(
            "select kind from aerodag.event where run_id = %s and kind like 'review.%%' order by id", [run.id]
        ).fetchall()
        return [kind for (kind,) in rows]


@pytest.fixture(scope="module")
def air(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Reviewed]:
    survey = simulate(Survey(images=12, width=400, height=300), tmp_path_factory.mktemp("survey") / "survey.zip")
    settings = {
        "AERODAG_RETRY_SECONDS": "2",
        "AERODAG_REVIEW__HOURS": str(SECONDS / 3600),
        "AIRFLOW__SCHEDULER__TRIGGER_TIMEOUT_CHECK_INTERVAL": "1",
    }
    with served(tmp_path_factory.mktemp("aerodag"), Reviewed, **settings) as running:
        running.survey = survey.zip_path
        running.rest("PATCH", "dags/ingest_datasets", {"is_paused": True})
        yield running


def test_a_parked_run_holds_nothing_and_goes_on_without_the_images_a_person_rejected(air: Reviewed) -> None:
    run = air.start("rejected", review=True)
    asked = air.parked(run)
    assert asked["options"] == ["Accept", "Reject images", "Abort"]
    assert asked["defaults"] == ["Accept"]
    assert "| Images used | 12 of 12 |" in asked["body"]
    assert asked["response_received"] is False
    required = air.rest("GET", "dags/~/dagRuns/~/hitlDetails?response_received=false&state=awaiting_input")
    assert [entry["task_instance"]["dag_run_id"] for entry in required["hitl_details"]] == [run.dag_run_id]
    wait_for("an empty pool", lambda: air.rest("GET", "pools/default_pool")["occupied_slots"] == 0)
    waiting = air.step(run)
    assert (waiting.state, waiting.metrics["waiting"]) == ("running", True)
    assert ledger.get_run(air.conn, run_id=run.id).state == "running"

    air.answer(run, "Reject images", images=["*_0003_D.JPG"])
    run = air.ended(run)
    assert (run.state, run.message) == ("succeeded", None)
    assert air.step(run, "plan_engine").metrics["images"] == 11
    left_out = [
        (image.zip_path, list(image.reasons))
        for image in ledger.list_images(air.conn, dataset_id=run.dataset_id)
        if image.status == "rejected"
    ]
    ((path, reasons),) = left_out
    assert path.endswith("_0003_D.JPG")
    assert reasons == ["image.rejected_by_review"]
    answered = air.review(run)
    assert (answered.answer, answered.images, answered.answered_by) == ("Reject images", ["*_0003_D.JPG"], "admin")
    assert answered.answered_at is not None
    assert answered.asked_at < answered.answered_at < answered.due_at
    step = air.step(run)
    assert (step.state, step.try_number, step.metrics["waiting"]) == ("succeeded", 1, False)
    assert air.events(run) == ["review.needed", "review.answered"]


def test_an_answer_that_makes_no_sense_is_asked_again_and_abort_ends_the_run_cancelled(air: Reviewed) -> None:
    run = air.start("aborted", review=True)
    air.parked(run)
    air.answer(run, "Reject images", images=["nothing.JPG"], note=None)
    wait_for("another question", lambda: len(ledger.list_reviews(air.conn, run_id=run.id)) == 2)
    assert "No image of the upload is called 'nothing.JPG'." in air.review(run).question
    assert air.parked(run)["response_received"] is False
    assert [step.state for step in ledger.list_steps(air.conn, run_id=run.id) if step.name == "review"] == [
        "retrying", "running",
    ]  # fmt: skip

    air.answer(run, "Abort", images=None, note="wrong field")
    run = air.ended(run)
    assert (run.state, run.failure_code, run.failure_category) == ("cancelled", "run.aborted_in_review", "cancelled")
    assert run.message == "admin aborted the run in its review: wrong field"
    step = air.step(run)
    assert (step.state, step.try_number, step.failure_code) == ("failed", 2, "run.aborted_in_review")
    note = wait_for("a note", lambda: air.rest("GET", f"dags/{DAG}/dagRuns/{run.dag_run_id}")["note"])
    assert note == f"[run.aborted_in_review] {run.message} {run.advice}"
    assert ledger.get_dataset(air.conn, dataset_id=run.dataset_id).quarantined_at is None


def test_without_an_answer_the_default_is_taken(air: Reviewed) -> None:
    run = air.start("defaulted", review=True)
    air.parked(run)
    run = air.ended(run)
    assert (run.state, run.message) == ("succeeded", None)
    answered = air.review(run)
    assert (answered.answer, answered.by_default, answered.answered_by) == ("Accept", True, None)
    assert answered.answered_at is not None
    assert answered.answered_at > answered.due_at


def test_a_run_that_needs_no_person_is_not_held_and_its_step_says_why(air: Reviewed) -> None:
    run = air.ended(air.start("plain"))
    assert run.state == "succeeded"
    step = air.step(run)
    assert (step.state, step.metrics["reason"]) == ("skipped", "The verdict of the pre-flight is go.")
    assert ledger.list_reviews(air.conn, run_id=run.id) == []

    air.rest("POST", f"dags/{DAG}/clearTaskInstances", {
        "dry_run": False, "dag_run_id": run.dag_run_id, "task_ids": ["review"], "only_failed": False,
        "reset_dag_runs": True,
    })  # fmt: skip
    wait_for("a second try", lambda: air.step(run).try_number == 2 and air.step(run).state == "skipped")
