"""Housekeeping: old versions of products where not all are to be kept."""

from __future__ import annotations

from pathlib import Path

import psycopg
import pytest

from aerodag import ledger
from aerodag.storage import local_path
from cases.housekeeping import House


@pytest.fixture
def house(ledger_connection: psycopg.Connection, tmp_path: Path) -> House:
    house = House(ledger_connection, tmp_path)
    house.keep(keep_versions=1)
    return house


def make(house: House, dataset_id: int, name: str, *kinds: str, state: str = "succeeded") -> None:
    """A run with these products; they become valid when it succeeds."""
    run = house.run(dataset_id, name)
    for kind in kinds or ("orthophoto", "cog", "dsm", "engine_log"):
        house.product(run, kind, b"x" * 100)
    if state == "succeeded":
        ledger.promote(house.conn, run_id=run.id)
    house.end(name, state)


def there(house: House, name: str) -> set[str]:
    """Kinds of a run's products that are on storage."""
    products = ledger.list_artifacts(house.conn, run_id=house.state(name).id)
    return {artifact.kind for artifact in products if local_path(artifact.uri).exists()}


def test_beside_the_valid_version_so_many_stay(house: House) -> None:
    dataset_id = house.dataset()
    for name in ("first", "second", "third"):
        make(house, dataset_id, name)
    assert house.sweep()["versions"] == {"versions": 1, "freed_bytes": 300}
    assert there(house, "first") == {"engine_log"}, "evidence cannot be made again"
    assert there(house, "second") == there(house, "third") == {"orthophoto", "cog", "dsm", "engine_log"}
    event = house.only("versions.removed")
    assert event.dataset_id == dataset_id
    first = house.state("first").id
    assert event.details == {"products": 3, "runs": [first], "bytes": 300, "keep": 1}
    marks = house.conn.execute("select kind from aerodag.artifact where removed_at is not null order by 1").fetchall()
    assert marks == [("cog",), ("dsm",), ("orthophoto",)], "the rows stay"
    assert house.storage.raw(dataset_id, "flight.zip").exists()
    assert house.sweep(minutes=5)["versions"] == {"versions": 0, "freed_bytes": 0}
    assert house.kinds() == ["versions.removed"]


def test_all_stay_where_nothing_is_said(house: House) -> None:
    house.keep()
    dataset_id = house.dataset()
    for name in ("first", "second", "third"):
        make(house, dataset_id, name)
    house.sweep()
    assert "orthophoto" in there(house, "first")


def test_failed_runs_never_push_a_good_version_out(house: House) -> None:
    dataset_id = house.dataset()
    make(house, dataset_id, "good")
    make(house, dataset_id, "valid")
    for name in ("bad", "worse", "worst"):
        make(house, dataset_id, name, "orthophoto", state="failed")
    house.sweep()
    assert there(house, "good") >= {"orthophoto", "cog"}
    assert [there(house, name) for name in ("bad", "worse", "worst")] == [set(), set(), {"orthophoto"}]


@pytest.mark.parametrize("reason", ["no upload", "upload gone", "run under way", "nothing valid"])
def test_what_could_not_be_made_again_or_may_be_needed_stays(house: House, reason: str) -> None:
    dataset_id = house.dataset()
    for name in ("first", "second", "third"):
        make(house, dataset_id, name)
    if reason == "no upload":
        house.conn.execute("update aerodag.dataset set raw_uri = null")
    elif reason == "upload gone":
        house.storage.raw(dataset_id, "flight.zip").unlink()
    elif reason == "run under way":
        house.run(dataset_id, "fourth")
    else:
        house.conn.execute("update aerodag.artifact set is_current = false")
    assert house.sweep()["versions"]["versions"] == 0
    assert "orthophoto" in there(house, "first")


def test_a_product_that_is_made_again_counts_again(house: House) -> None:
    dataset_id = house.dataset()
    for name in ("first", "second", "third"):
        make(house, dataset_id, name)
    house.sweep()
    house.product(house.run(dataset_id, "first"), "orthophoto")
    row = house.conn.execute(
        "select removed_at from aerodag.artifact where run_id = %s and kind = 'orthophoto'", [house.state("first").id]
    ).fetchone()
    assert row == (None,)
