"""Housekeeping: scratch folders by class of their run, and temporary files."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import psycopg
import pytest

from aerodag import ledger
from aerodag.pipeline.housekeeping import work
from cases.housekeeping import House

SIZE = 1_000_000


@pytest.fixture
def house(ledger_connection: psycopg.Connection, tmp_path: Path) -> House:
    return House(ledger_connection, tmp_path)


def scratch(house: House, name: str = "first") -> Path:
    """The scratch folder of a run, with a megabyte in it."""
    folder = house.storage.work(house.state(name).id)
    house.write(folder / "project" / "opensfm" / "features.npz", b"x" * SIZE)
    return folder


@pytest.mark.parametrize(
    ("state", "hours"), [("succeeded", 24), ("degraded", 24), ("cancelled", 24), ("failed", 7 * 24)]
)
def test_a_scratch_folder_goes_by_the_class_of_its_run(house: House, state: str, hours: float) -> None:
    house.run(house.dataset())
    folder = scratch(house)
    house.end(state=state)
    house.ended(hours_ago=0)
    assert house.sweep(hours=hours - 0.1)["work"] == {"folders": 0, "freed_bytes": 0}
    assert folder.is_dir()
    assert house.sweep(hours=0.2)["work"] == {"folders": 1, "freed_bytes": SIZE}
    assert list(folder.parent.iterdir()) == []
    event = house.only("work.removed")
    assert event.run_id == house.state().id
    assert event.details == {"bytes": SIZE, "hours": hours, "state": state}
    house.sweep(minutes=5)
    assert len(house.told) == 1


def test_one_of_an_active_run_is_never_touched(house: House) -> None:
    house.run(house.dataset())
    folder = scratch(house)
    house.sweep(days=400)
    assert (folder / "project" / "opensfm" / "features.npz").is_file()
    assert "work.removed" not in house.kinds()


def test_one_in_which_an_engine_may_still_work_is_left(house: House) -> None:
    run = house.run(house.dataset())
    folder = scratch(house)
    deadline = datetime.now(UTC) + timedelta(hours=24)
    ledger.open_job(
        house.conn, run_id=run.id, attempt=1, engine="odm", job="c0ffee", name="n", deadline=deadline, rerun_from=None
    )
    house.end(state="cancelled")
    assert house.sweep(days=2)["work"]["folders"] == 0
    ledger.discard_job(house.conn, engine="odm", job="c0ffee")
    assert house.sweep()["work"]["folders"] == 1
    assert not folder.exists()


def test_one_of_a_run_that_is_resumed_meanwhile_is_left(
    house: House, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = house.run(house.dataset())
    folder = scratch(house)
    house.end(state="failed")
    judge = work._hours

    def resumed_just_now(*given: object) -> float:
        with ledger.connect(database_url) as other:
            ledger.resume_run(other, run_id=run.id)
        return judge(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(work, "_hours", resumed_just_now)
    assert house.sweep(days=30)["work"]["folders"] == 0
    assert folder.is_dir()


def test_one_that_the_ledger_does_not_know_goes_by_its_age(house: House) -> None:
    old = house.write(house.storage.work(4711) / "image.jpg", b"x" * SIZE, hours_old=25).parent
    young = house.write(house.storage.work(4712) / "image.jpg", hours_old=23).parent
    somebodys = house.write(house.storage.work(0).parent / "notes" / "image.jpg", hours_old=9999).parent
    half_removed = house.write(house.storage.work(0).parent / ".17.removing" / "image.jpg").parent
    assert house.sweep()["work"] == {"folders": 2, "freed_bytes": SIZE + 1}
    assert [path.is_dir() for path in (old, young, somebodys, half_removed)] == [False, True, True, False]
    assert [event.details["folder"] for event in house.told] == ["4711", ".17.removing"]


def test_temporary_files_of_broken_writers_go_and_others_stay(house: House) -> None:
    dataset_id = house.dataset()
    raw = house.storage.raw(dataset_id, "flight.zip")
    old = house.write(raw.with_name(".flight.zip.123.part"), hours_old=25)
    young = house.write(raw.with_name(".flight.zip.124.part"), hours_old=23)
    assert house.sweep()["partials"] == {"partials": 1}
    assert [path.exists() for path in (raw, old, young)] == [True, False, True]
    event = house.only("storage.partials_removed")
    assert event.details == {"files": 1, "hours": 24.0}
    assert house.sweep(hours=2)["partials"] == {"partials": 0}, "everything is walked for them, so not every time"
    assert house.sweep(hours=12)["partials"] == {"partials": 1}
    assert not young.exists()


def test_old_logs_go_and_their_folders_a_day_later(house: House) -> None:
    tasks = house.logs / "dag_id=process_dataset" / "run_id=first"
    old = house.write(tasks / "task_id=cog" / "attempt=1.log", hours_old=91 * 24)
    young = house.write(tasks / "task_id=odm" / "attempt=1.log", hours_old=88 * 24)
    assert house.sweep()["logs"] == {"logs": 1}
    assert [path.exists() for path in (old, old.parent, young)] == [False, True, True]
    assert house.only("logs.removed").details == {"files": 1}
    assert house.sweep(hours=23)["logs"] == {"logs": 0}
    assert old.parent.exists(), "everything is walked for them, so once a day"
    house.sweep(hours=2)
    assert [path.exists() for path in (old.parent, young)] == [False, True]
    assert house.sweep(hours=25)["logs"] == {"logs": 1}
    house.sweep(days=2)
    house.sweep(days=2)
    house.sweep(days=2)
    assert list(house.logs.iterdir()) == []
