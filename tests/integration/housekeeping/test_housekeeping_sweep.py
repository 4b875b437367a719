"""Housekeeping as a whole: a healthy installation, two sweeps at once, a part that fails, a disk that fills up."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from aerodag import ledger
from aerodag.errors import InfrastructureError
from aerodag.ledger.housekeeping import find_hold, housekeeping_lock
from aerodag.pipeline.housekeeping import sweeping
from aerodag.pipeline.housekeeping.round import Counts, Round
from cases.engine import wait_until
from cases.housekeeping import House
from cases.products import ProductFlow
from samples.rasters import save_rgba


@pytest.fixture
def house(ledger_connection: psycopg.Connection, tmp_path: Path) -> House:
    return House(ledger_connection, tmp_path)


@pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")
def test_nothing_happens_to_a_healthy_installation(
    house: House, ledger_connection: psycopg.Connection, database_url: str, tmp_path: Path
) -> None:
    flow = ProductFlow(ledger_connection, database_url, tmp_path)
    assert flow.storage.root == house.storage.root
    for name, side in {"first": 600, "second": 620}.items():
        flow.open(flow.upload(save_rgba(tmp_path / f"{name}.tif", side)), name)
        flow.steps(
            "stage", "publish_ortho", "standardise", "cog", "thumbnail", "indices", "metadata", "promote", "stac"
        )
        ledger.close_run(house.conn, dag_run_id=name, state="succeeded")
        flow.step("cleanup")
    bad = house.dataset("bad")
    place = house.storage.quarantined(bad, "bad.zip")
    house.storage.raw(bad, "bad.zip").rename(house.write(place))
    house.write(place.with_name("reason.json"))
    ledger.quarantine(house.conn, dataset_id=bad, raw_uri=place.as_uri())
    house.run(house.dataset("waiting"), "under_way")
    house.keep(keep_versions=2)
    before = {path: path.stat().st_mtime_ns for path in house.storage.root.rglob("*") if path.is_file()}
    told = house.kinds()

    for _ in range(12):
        counts = house.sweep(minutes=5)
    assert set(counts) == set(sweeping.CONCERNS)
    assert house.kinds() == told
    assert {path: path.stat().st_mtime_ns for path in house.storage.root.rglob("*") if path.is_file()} == before


def test_of_two_sweeps_at_once_one_does_nothing(house: House, database_url: str) -> None:
    house.disk.used = 950
    with ledger.connect(database_url) as other:
        with housekeeping_lock(other) as alone:
            assert alone
            assert house.sweep() == {}
            assert house.kinds() == []
        assert house.sweep() != {}
        with housekeeping_lock(other) as alone:
            assert alone, "a sweep that is done has let go of it"
    assert house.kinds() == ["disk.stopped"]


def test_a_sweep_that_was_killed_does_not_lock_the_next_one_out(house: House, database_url: str) -> None:
    killed = ledger.connect(database_url)
    lock = housekeeping_lock(killed)
    assert lock.__enter__()
    killed.close()
    wait_until(lambda: house.sweep() != {})  # the server notices in a moment


def test_a_part_that_fails_stops_no_other_and_is_told_once(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    def away(_: Round) -> Counts:
        raise InfrastructureError("storage.unreachable", "No answer from the server.", advice="Check the network.")

    with monkeypatch.context() as patch:
        patch.setitem(sweeping.CONCERNS, "files", away)
        for _ in range(3):
            counts = house.sweep(minutes=5)
        assert set(counts) == set(sweeping.CONCERNS) - {"files"}
    event = house.only("housekeeping.failed")
    assert event.details == {"concern": "files", "code": "storage.unreachable"}
    assert "Check the network." in event.message
    assert "files" in house.sweep(minutes=5)


def test_a_ledger_that_goes_away_ends_the_sweep(house: House, database_url: str) -> None:
    with ledger.connect(database_url) as conn:

        def cut(_: Round) -> Counts:
            conn.close()
            conn.execute("select 1")
            return {}

        with pytest.MonkeyPatch.context() as patch:
            patch.setitem(sweeping.CONCERNS, "disk", cut)
            with pytest.raises(psycopg.OperationalError):
                sweeping.sweep(house.means(conn))


def test_the_disk_is_told_at_each_change_of_level_once(house: House) -> None:
    levels = [
        (740, [], False),
        (750, ["disk.warning"], False),
        (760, [], False),
        (735, [], False),  # within the hysteresis
        (755, [], False),
        (720, [], False),
        (755, ["disk.warning"], False),
        (899, [], False),
        (900, ["disk.stopped"], True),
        (950, [], True),
        (885, [], True),  # within the hysteresis
        (905, [], True),
        (870, ["disk.resumed"], False),
        (910, ["disk.stopped"], True),
        (100, ["disk.resumed"], False),
        (990, ["disk.stopped"], True),
        (100, ["disk.resumed"], False),
    ]
    for used, kinds, held in levels:
        house.disk.used = used
        before = len(house.told)
        house.sweep(minutes=5)
        assert (used, house.kinds()[before:]) == (used, kinds)
        assert (used, find_hold(house.conn) is not None) == (used, held)
    event = house.told[1]
    assert event.details == {"share": 0.755, "used_bytes": 755, "free_bytes": 245, "total_bytes": 1000}


def test_the_hold_says_why_in_a_sentence(house: House) -> None:
    house.disk_levels(warn_share=0.5, stop_share=0.6)
    house.disk.used = 650
    house.sweep()
    hold = find_hold(house.conn)
    assert hold is not None
    assert hold.kind == "disk"
    assert "65.0% full" in hold.reason
    assert "from 60% on, no new engine run starts" in hold.reason


def test_a_reserve_of_the_file_system_is_no_room(house: House) -> None:
    house.disk.used, house.disk.total = 900, 2000

    class Reserved:
        used, total, free = 900, 2000, 50

    house.disk = Reserved()  # type: ignore[assignment]
    house.sweep()
    assert house.kinds() == ["disk.stopped"]


def test_the_clock_of_the_sweep_is_the_one_given(house: House) -> None:
    house.disk.used = 950
    house.later(days=3)
    house.sweep()
    hold = find_hold(house.conn)
    assert hold is not None
    assert hold.since == house.now
