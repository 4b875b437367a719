"""Housekeeping: runs that ledger and Airflow see differently, that never begin, and that take too long."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from aerodag import ledger
from aerodag.findings import Finding, Severity
from aerodag.ledger.data.datasets import MOST_START_ASKS
from cases.housekeeping import House
from cases.ledger import OUT_OF_MEMORY, Flow


@pytest.fixture
def house(ledger_connection: psycopg.Connection, tmp_path: Path) -> House:
    return House(ledger_connection, tmp_path)


def test_a_run_that_airflow_does_not_know_is_closed_with_its_open_steps(house: House) -> None:
    dataset_id = house.dataset()
    house.run(dataset_id)
    flow = Flow(house.conn, dataset_id, dag_run_id="first")
    flow.play("stage")
    flow.start("odm")
    house.airflow.states = {}
    assert house.sweep(minutes=5)["runs"] == {"ghosts": 0, "outlived": 0}
    assert house.sweep(minutes=5)["runs"]["ghosts"] == 0
    assert house.state().state == "running", "not for longer than ghost_minutes yet"
    assert house.sweep(minutes=5)["runs"]["ghosts"] == 1

    run = house.state()
    assert (run.state, run.failure_code, run.failure_category) == ("failed", "run.ghost", "infrastructure")
    assert run.message is not None
    assert "Airflow does not know it" in run.message
    steps = {step.name: step for step in ledger.list_steps(house.conn, run_id=run.id)}
    assert (steps["odm"].state, steps["odm"].failure_code) == ("failed", "step.lost")
    assert steps["stage"].state == "succeeded"
    event = house.only("run.ghost_closed")
    assert (event.run_id, event.dataset_id) == (run.id, dataset_id)
    assert event.details == {
        "minutes": 10.0, "airflow_state": None, "was": "running", "closed_as": "failed", "code": "run.ghost",
    }  # fmt: skip
    house.sweep(minutes=5)
    assert house.kinds() == ["run.ghost_closed"]


def test_a_run_that_airflow_ended_is_closed_as_it_ended_there(house: House) -> None:
    for name, state in {"good": "success", "bad": "failed", "doubtful": "success"}.items():
        run = house.run(house.dataset(name), name)
        assert house.airflow.states is not None
        house.airflow.states[name] = state
        if name == "doubtful":
            finding = Finding(Severity.DEGRADED, "odm.few_images", "Half of the images are missing.")
            ledger.replace_findings(house.conn, run_id=run.id, step="odm", findings=[finding])
    house.sweep(minutes=5)
    assert house.sweep(minutes=10)["runs"]["ghosts"] == 3
    assert {name: house.state(name).state for name in ("good", "bad", "doubtful")} == {
        "good": "succeeded", "bad": "failed", "doubtful": "degraded",
    }  # fmt: skip
    assert house.state("good").failure_code is None


def test_what_a_step_failed_of_says_more_than_housekeeping(house: House) -> None:
    dataset_id = house.dataset()
    house.run(dataset_id)
    flow = Flow(house.conn, dataset_id, dag_run_id="first")
    flow.start("odm")
    flow.end("odm", "retrying", OUT_OF_MEMORY)
    flow.start("cog")  # still open, so that the ledger takes the run for running
    flow.end("odm", "failed", OUT_OF_MEMORY)
    house.airflow.states = {"first": "failed"}
    house.sweep(minutes=5)
    house.sweep(minutes=10)
    assert (house.state().state, house.state().failure_code) == ("failed", "odm.out_of_memory")
    assert house.only("run.ghost_closed").details["code"] == "odm.out_of_memory"


def test_a_run_that_comes_back_in_time_is_left_alone(house: House) -> None:
    house.run(house.dataset())
    house.airflow.states = {}
    house.sweep(minutes=5)
    house.airflow.states = {"first": "queued"}  # a person cleared it
    house.sweep(minutes=5)
    house.airflow.states = {}
    house.sweep(minutes=5)
    assert house.sweep(minutes=5)["runs"]["ghosts"] == 0, "the time is counted anew"
    assert house.state().state == "running"
    assert house.kinds() == []


def test_an_airflow_that_is_away_says_nothing_about_runs(house: House) -> None:
    house.run(house.dataset())
    house.airflow.states = None
    counts = house.sweep(minutes=5)
    assert "runs" not in counts
    assert "disk" in counts
    for _ in range(5):
        house.sweep(minutes=5)
    assert house.state().state == "running"
    event = house.only("housekeeping.failed")
    assert event.details == {"concern": "runs", "code": "unexpected.ConnectionError"}
    assert house.kinds() == ["housekeeping.failed"]
    house.airflow.states = {"first": "running"}
    house.sweep(minutes=5)
    house.airflow.states = None
    house.sweep(minutes=5)
    assert house.kinds() == ["housekeeping.failed"] * 2, "it worked in between"


def test_a_run_that_only_airflow_still_runs_is_told_once_and_left(house: House) -> None:
    house.run(house.dataset())
    house.end()
    assert house.airflow.states is not None
    house.airflow.states["first"] = "running"
    for _ in range(6):
        house.sweep(minutes=5)
    assert house.kinds() == ["run.outlived"]
    assert house.only("run.outlived").details["state"] == "succeeded"
    assert house.state().state == "succeeded"


def test_one_question_for_all_runs(house: House) -> None:
    for number in range(5):
        house.run(house.dataset(f"flight{number}"), f"run{number}")
    house.sweep(minutes=5)
    assert house.airflow.questions == 1


def test_a_dataset_that_airflow_never_begins_is_offered_again_but_not_for_ever(house: House) -> None:
    dataset_id = house.dataset()
    waits = []
    for _ in range(MOST_START_ASKS):
        assert [start.dataset_id for start in ledger.starts_due(house.conn, places=9)] == [dataset_id]
        ledger.asked_to_start(house.conn, ledger.starts_due(house.conn, places=9)[0])
        waits.append(minutes_until_offered(house, dataset_id))
    assert waits == [1, 4, 16, 64, 256, None]
    assert house.sweep()["starts"] == {"never_started": 1}
    house.sweep(minutes=5)
    event = house.only("dataset.not_started")
    assert (event.dataset_id, event.details["asked"]) == (dataset_id, MOST_START_ASKS)
    assert f"dataset_id {dataset_id}" in event.message

    house.run(dataset_id)
    house.sweep(minutes=5)
    assert house.kinds() == ["dataset.not_started"]


def minutes_until_offered(house: House, dataset_id: int) -> int | None:
    """How long ago the last request has to be; the ledger's clock cannot be set, so the request is moved back."""
    for minutes in range(400):
        house.conn.execute(
            "update aerodag.dataset set start_asked_at = now() - make_interval(mins => %s, secs => 1) where id = %s",
            [minutes, dataset_id],
        )
        if ledger.starts_due(house.conn, places=9):
            return minutes
    return None


def test_a_run_is_late_by_its_prediction_once(house: House) -> None:
    run = house.run(house.dataset())
    report = {"prediction": {"seconds": {"low": 1000, "likely": 2000, "high": 7200}}}
    ledger.set_preflight(house.conn, run_id=run.id, report=report)
    assert house.sweep(hours=2.9)["lateness"] == {"late": 0}
    assert house.sweep(hours=0.2)["lateness"] == {"late": 1}
    house.sweep(hours=1)
    event = house.only("run.late")
    assert event.run_id == run.id
    assert event.details == {"hours": 3.1, "expected_hours": 3.0, "basis": "prediction"}
    assert "3.1 hours; 3.0 hours were expected" in event.message


def test_without_a_prediction_earlier_runs_of_the_kind_count_and_at_last_the_engines_time(house: House) -> None:
    dataset_id = house.dataset()
    house.run(dataset_id, "earlier")
    house.end("earlier")
    house.conn.execute("update aerodag.run set attempt_at = finished_at - interval '4 hours'")
    house.run(dataset_id, "like_it")
    house.run(house.dataset("other"), "of_its_own_kind", preset="forest")
    assert house.sweep(hours=6.9)["lateness"] == {"late": 0}
    assert house.sweep(hours=0.2)["lateness"] == {"late": 1}
    assert house.only("run.late").details["basis"] == "history"
    assert house.sweep(hours=18.8)["lateness"] == {"late": 0}
    assert house.sweep(hours=0.2)["lateness"] == {"late": 1}
    assert house.told[-1].details["basis"] == "default"
    assert house.told[-1].details["expected_hours"] == 26.0


def test_time_in_which_a_person_was_asked_does_not_make_a_run_late(house: House) -> None:
    run = house.run(house.dataset())
    house.conn.execute(
        "insert into aerodag.review (run_id, due_at, verdict, question, default_answer, answered_at, answer)"
        " values (%s, now(), 'review', 'Shall it go on?', 'Accept', now() + interval '20 hours', 'Accept')",
        [run.id],
    )
    assert house.sweep(hours=45)["lateness"] == {"late": 0}
    assert house.sweep(hours=2)["lateness"] == {"late": 1}
